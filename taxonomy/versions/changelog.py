"""Write a difference as text, and as Markdown for a change log."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from taxonomy.formats.markdown import escape_markdown
from taxonomy.versions.diff import Change, Diff

# Changes of one kind that are listed in a domain; `Diff.to_dict` has them all.
_LISTED = 20
# Given as counts alone: nearly every node has some.
_COUNTED = ("recounted", "annotated")


def as_text(diff: Diff) -> str:
    """Return a difference as text: counts, then a heading for each domain."""
    lines = [f"{diff.old_version} -> {diff.new_version}: {_summary(diff, None)}"]
    for domain in _domains(diff):
        lines += ["", domain, f"  {_summary(diff, domain)}"]
        lines += [f"  {kind}: {line}" for kind, line in _lines(diff, domain, lambda text: text)]
    return "\n".join(lines) + "\n"


def as_markdown(diff: Diff) -> str:
    """Return a difference as a section of a change log; markup in labels is escaped."""
    lines = [
        f"## {escape_markdown(diff.new_version)}",
        "",
        f"Since {escape_markdown(diff.old_version)}: {_summary(diff, None)}.",
    ]
    for domain in _domains(diff):
        lines += ["", f"### {escape_markdown(domain)}", "", f"{_summary(diff, domain).capitalize()}.", ""]
        lines += [f"- {kind.capitalize()}: {line}" for kind, line in _lines(diff, domain, escape_markdown)]
    return "\n".join(line for line in lines).rstrip() + "\n"


def _domains(diff: Diff) -> list[str]:
    return sorted({change.domain for change in diff.changes})


def _summary(diff: Diff, domain: str | None) -> str:
    counts = [f"{count:,} {kind}" for kind, count in diff.counts(domain).items()]
    means = [f"a {diff.bump} change"] if domain is None and diff.bump else []
    return ", ".join(counts + means) or "nothing changed"


def _lines(diff: Diff, domain: str, escape: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    by_kind: dict[str, list[Change]] = {}
    for change in diff.changes:
        if change.domain == domain and change.kind not in _COUNTED:
            by_kind.setdefault(change.kind, []).append(change)
    for kind in diff.counts(domain):
        changes = by_kind.get(kind, [])
        for change in changes[:_LISTED]:
            yield kind, _line(diff, change, escape)
        if len(changes) > _LISTED:
            yield kind, f"and {len(changes) - _LISTED:,} more"


def _line(diff: Diff, change: Change, escape: Callable[[str], str]) -> str:
    def name(id: str | None) -> str:
        return "nothing" if id is None else f"{escape(diff.labels.get(id, id))} ({escape(id)})"

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
        return f"{own} {'also' if change.new else 'no longer'} {escape(change.new or change.old)}"
    return f"{own}: {escape(change.new) or 'no definition'}"
