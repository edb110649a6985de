"""Find edits that supersede earlier ones, and edits that contradict each other."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import NoReturn

from taxonomy.errors import EditsError
from taxonomy.values import canonical_key, is_one_value
from taxonomy.versions.edits import Edit, Reference

Key = Callable[[Reference], Reference]
# A later edit of the second action on a node contradicts an earlier one of the first.
_CONTRADICTIONS = {
    ("pin", "move"): "move what is pinned",
    ("pin", "merge"): "merge what is pinned",
    ("pin", "reject"): "reject what is pinned",
    ("split", "merge"): "merge what is split",
    ("merge", "split"): "split what is merged",
    ("merge", "move"): "move what is merged",
    ("reject", "move"): "move what is rejected",
    ("reject", "pin"): "pin what is rejected",
    ("reject", "alias"): "give an alias to what is rejected",
}


def find_superseded(edits: Sequence[Edit], key: Key, present: Container[Reference]) -> list[Edit | None]:
    """Return for each edit the later one of the same action on the same node, None if there is none.

    Where the node is gone already, the later one that took it out.

    Parameters
    ----------
    edits : sequence of Edit
    key : callable
        From a reference to the id of its node, or to itself where there is no such node.
    present : container of str
        Ids of the nodes that are there.
    """
    last: dict[tuple[object, ...], Edit] = {}
    took_out: dict[Reference, Edit] = {}
    superseding: list[Edit | None] = []
    for edit in reversed(edits):
        node = key(edit.target)
        if node in took_out and node not in present:
            superseding.append(took_out[node])
            continue
        if edit.action in ("merge", "reject", "split"):
            took_out.setdefault(node, edit)
        what: tuple[object, ...] = (edit.action, node)
        if edit.action in ("alias", "new", "split"):
            # A node has any number of aliases, children and parts.
            what = (*what, edit.to, tuple(part.label for part in edit.into))
        superseding.append(last.get(what))
        last.setdefault(what, edit)
    return superseding[::-1]


def refuse_contradictions(edits: Sequence[Edit], key: Key) -> None:
    """Check that no edit undoes what an earlier one says of the same node, and that no spelling is of two values.

    `key` is as in `find_superseded`.

    Raises
    ------
    EditsError
        Naming both lines.
    """
    before: dict[Reference, list[Edit]] = {}
    spelled: dict[str, Edit] = {}
    for edit in edits:
        if edit.action == "alias":
            earlier = spelled.setdefault(canonical_key(str(edit.to)), edit)
            is_one = is_one_value(str(earlier.to), str(edit.to))
            if is_one and key(earlier.target) != key(edit.target):
                _refuse(f"{earlier.to!r} and {edit.to!r} are one spelling", earlier, edit)
        for earlier in before.setdefault(key(edit.target), []):
            problem = _CONTRADICTIONS.get((earlier.action, edit.action))
            if problem:
                _refuse(problem, earlier, edit)
        before[key(edit.target)].append(edit)


def _refuse(problem: str, earlier: Edit, edit: Edit) -> NoReturn:
    said = f"{problem}: {_say(earlier)} and {_say(edit)} contradict each other"
    raise EditsError(said, remedy="take one of the two out")


def _say(edit: Edit) -> str:
    return f"{edit} in line {edit.line}" if edit.line else f"{edit}, given now,"
