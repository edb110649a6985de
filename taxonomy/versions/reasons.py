"""Why a node changed from one version to another: a person, the data, or clustering and naming anew."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Literal

from taxonomy.model import Node, Retired, Taxonomy
from taxonomy.model.history import sign_decision
from taxonomy.model.nodes import Decision

Reason = Literal["edit", "data", "rebuild"]
# By kind of change, the edits that make one.
_BY_EDIT = {
    "added": ("new", "split", "move"),
    "retired": ("reject", "alias", "merge", "split", "emptied"),
    "merged": ("merge", "alias", "emptied"),
    "split": ("split",),
    "moved": ("move", "pin", "merge", "split", "new"),
    "renamed": ("rename",),
    "redefined": ("define", "rename"),
    "respelled": ("alias", "merge", "rename"),
    "revived": ("alias", "merge", "new"),
    "annotated": ("rename", "define", "move", "merge", "split", "pin", "alias", "new", "review", "unreview"),
    "reviewed": ("review", "unreview"),
}
_BY_DATA = ("dormant", "revived", "recounted")


def _entries(tree: Taxonomy) -> Iterator[Node | Retired]:
    yield from tree.nodes
    yield from tree.retired


def _with_ancestors(tree: Taxonomy, ids: AbstractSet[str]) -> set[str]:
    """Return the ids of the values of a tree that are among `ids`, and of all above them."""
    parents = {node.id: node.parent for node in tree.nodes}
    found: set[str] = set()
    for value in tree.leaves:
        id = value.id if value.id in ids else None
        while id is not None and id not in found:
            found.add(id)
            id = parents[id]
    return found


class Reasons:
    """The reasons of what changed between two versions."""

    def __init__(self, old: Taxonomy, new: Taxonomy) -> None:
        before = {entry.id: entry.history for entry in _entries(old)}
        self._parent = {node.id: node.parent for node in new.nodes}
        self._decisions = {
            entry.id: [one for one in entry.history if one not in before.get(entry.id, ())]
            for entry in _entries(new)
            if entry.history
        }
        self._values = {node.id for node in (*old.leaves, *new.leaves)}
        live = [{value.id for value in tree.leaves if not value.is_dormant} for tree in (old, new)]
        came_or_went = live[0] ^ live[1]
        # Nodes whose values came or went, in either version.
        self._touched = set().union(*(_with_ancestors(tree, came_or_went) for tree in (old, new)))

    def of(self, id: str, kind: str) -> tuple[Reason, str]:
        """Return the reason of a kind of change of a node, and what the person who decided it says."""
        decisions = self._decided(id, kind)
        if decisions:
            last = decisions[-1]
            signed = sign_decision(last)
            return "edit", " ".join(part for part in (last.note, f"({signed})" if signed else "") if part)
        if kind in _BY_DATA or (id in self._values and kind in ("added", "retired", "respelled", "merged")):
            return "data", ""
        return ("data" if id in self._touched and kind != "moved" else "rebuild"), ""

    def _decided(self, id: str, kind: str) -> list[Decision]:
        own = [one for one in self._decisions.get(id, ()) if one.action in _BY_EDIT.get(kind, ())]
        if own or kind != "moved":
            return own
        # Where a node was merged or split, its children go along.
        above = self._decisions.get(self._parent.get(id) or "", ())
        return [one for one in above if one.action in ("merge", "split")]
