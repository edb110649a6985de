"""Write a difference as text, and as Markdown for a change log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from taxonomy.english.plurals import count_of
from taxonomy.errors import plain
from taxonomy.formats.markdown import escape_markdown
from taxonomy.versions.diff import COUNTED, KINDS, Change, Diff

_Escape = Callable[[str], str]
_REASONS = {"edit": "by edit", "data": "by data", "rebuild": "by rebuild"}


def as_text(diff: Diff, *, lines: int | None = None, all: bool = False) -> str:
    """Return a difference as text: counts, then the changes of each kind, a line for each node.

    Parameters
    ----------
    diff : Diff
    lines : int, optional
        At most so many, about 40 or more: what a kind has beyond its part of them is counted.
    all : bool
        Whether to list recounts, annotations and reviews, too.
    """
    kinds = {kind: found for kind, found in _by_kind(diff).items() if all or kind not in COUNTED}
    text = [f"{diff.old_version} -> {diff.new_version}: {_summary(diff, None)}", *_unreviewed(diff)]
    if lines is None:
        shown = {kind: len(found) for kind, found in kinds.items()}
    else:
        # A kind has an empty line, a heading, and a line that counts the rest.
        room = lines - len(text) - 3 * len(kinds)
        shown = share_out(room, {kind: len(found) for kind, found in kinds.items()})
    for kind, nodes in kinds.items():
        text += ["", f"{kind}: {len(nodes):,}"]
        text += [f"  {_line(diff, changes, plain)}" for changes in nodes[: shown[kind]]]
        if len(nodes) > shown[kind]:
            text.append(f"  +{len(nodes) - shown[kind]:,} more")
    return "\n".join(text) + "\n"


def as_markdown(diff: Diff, *, all: bool = False) -> str:
    """Return a difference as a section of a change log: all changes by domain, with their reasons; markup is escaped.

    Parameters
    ----------
    diff : Diff
    all : bool
        Whether to list recounts, annotations and reviews, too.
    """
    lines = [
        f"## {escape_markdown(diff.new_version)}",
        "",
        f"Since {escape_markdown(diff.old_version)}: {_summary(diff, None)}.",
    ]
    for domain in sorted({change.domain for change in diff.changes if all or change.kind not in COUNTED}):
        lines += ["", f"### {escape_markdown(domain)}", "", f"{_summary(diff, domain).capitalize()}.", ""]
        for kind, nodes in _by_kind(diff, domain).items():
            if all or kind not in COUNTED:
                lines += [
                    f"- {kind.capitalize()}: {_line(diff, changes, escape_markdown)} "
                    f"[{_reason(changes[0], escape_markdown)}]"
                    for changes in nodes
                ]
    return "\n".join(lines).rstrip() + "\n"


def share_out(room: int, wanted: Mapping[str, int]) -> dict[str, int]:
    """Return how much of `room` each gets: alike, but none more than it wants, and none less than one.

    >>> share_out(10, {"added": 3, "moved": 20, "renamed": 9})
    {'added': 3, 'moved': 4, 'renamed': 3}
    """
    given = {}
    left = sorted(wanted, key=lambda name: wanted[name])
    while left:
        name = left.pop(0)
        given[name] = max(1, min(wanted[name], room // (len(left) + 1)))
        room -= given[name]
    return {name: given[name] for name in wanted}


def _by_kind(diff: Diff, domain: str | None = None) -> dict[str, list[list[Change]]]:
    """Return the changes by kind; those of one node and kind are one."""
    found: dict[str, dict[str, list[Change]]] = {kind: {} for kind in KINDS}
    for change in diff.changes:
        if domain in (None, change.domain):
            found[change.kind].setdefault(change.id, []).append(change)
    return {kind: list(nodes.values()) for kind, nodes in found.items() if nodes}


def _summary(diff: Diff, domain: str | None) -> str:
    counts = [f"{count:,} {kind}" for kind, count in diff.counts(domain).items()]
    means = [f"a {diff.bump} change"] if domain is None and diff.bump else []
    return ", ".join(counts + means) or "nothing changed"


def _unreviewed(diff: Diff) -> Iterator[str]:
    """Yield a line on what has not been reviewed."""
    left = {(change.kind, change.id) for change in diff.changes if diff.lacks_review(change)}
    if left:
        counts = Counter(kind for kind, _ in left)
        listed = ", ".join(f"{counts[kind]:,} {kind}" for kind in KINDS if kind in counts)
        yield f"not reviewed: {count_of(len({id for _, id in left}), 'changed node')} ({listed})"


def _reason(change: Change, escape: _Escape) -> str:
    return _REASONS[change.reason] + (f": {escape(change.note)}" if change.note else "")


def _line(diff: Diff, changes: list[Change], escape: _Escape) -> str:
    mark = " [not reviewed]" if diff.lacks_review(changes[0]) else ""
    return _say(diff, changes, escape) + mark


def _say(diff: Diff, changes: list[Change], escape: _Escape) -> str:
    """Return what happened to a node, of one kind."""

    def name(id: str | None) -> str:
        return "nothing" if id is None else f"{escape(diff.labels.get(id, id))} ({escape(id)})"

    change = changes[0]
    own = name(change.id)
    if change.kind == "added":
        return f"{own} under {name(change.new.parent)}" if change.new.parent else own
    if change.kind in ("retired", "merged", "split"):
        verb = {"retired": "replaced by", "merged": "into", "split": "into"}[change.kind]
        return f"{own}, {verb} {' and '.join(map(name, change.new)) or 'nothing'}"
    if change.kind == "moved":
        return f"{own} from {name(change.old)} to {name(change.new)}"
    if change.kind == "renamed":
        return f"{escape(change.old)} is now {own}"
    if change.kind in ("dormant", "revived"):
        return f"{own} {'is no longer' if change.kind == 'dormant' else 'is again'} in the input"
    if change.kind == "respelled":
        return f"{own} {_spellings(changes, escape)}"
    if change.kind == "redefined":
        return f"{own}: {escape(change.new) or 'no definition'}"
    if change.kind == "reviewed":
        return f"{own} {'is reviewed' if change.new else 'is to be reviewed again'}"
    return f"{own}: {', '.join(_field(one, escape) for one in changes)}"


def _spellings(changes: Iterable[Change], escape: _Escape) -> str:
    new = [escape(str(change.new)) for change in changes if change.new]
    gone = [escape(str(change.old)) for change in changes if change.old]
    parts = (f"{word} {', '.join(texts)}" for word, texts in (("also", new), ("no longer", gone)) if texts)
    return "; ".join(parts)


def _field(change: Change, escape: _Escape) -> str:
    is_simple = isinstance(change.old, int | float | str) and isinstance(change.new, int | float | str)
    return f"{change.field} {escape(str(change.old))} -> {escape(str(change.new))}" if is_simple else change.field
