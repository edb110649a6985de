"""The version number.

Major when an id is retired, a node above the values moves to another domain, or values that hold 1% of the weight or
more do. Minor when a node or a spelling is added or goes, a value falls dormant or is back, or a node is moved or
renamed. Patch when only definitions, weights, doubt, reviews or provenance change. So a quarter that adds values,
counts anew and lets values rest is minor, though a rebuild puts a few rare values into another domain.
"""

from __future__ import annotations

import re
from typing import Literal

from taxonomy.errors import InputError
from taxonomy.model import Node, Taxonomy

Bump = Literal["major", "minor", "patch"]
# Share of the weight from which values in another domain are a major change: what a chart of domains shows.
_SEEN = 0.01


def bump(old: Taxonomy, new: Taxonomy) -> Bump | None:
    """Return which part of the version number the change from `old` to `new` raises, None if nothing changed."""
    before = {node.id: node for node in old.nodes}
    after = {node.id: node for node in new.nodes}
    if not before.keys() <= after.keys():
        return "major"
    old_tops, new_tops = old.top_ids, new.top_ids
    elsewhere = [id for id in before if old_tops[id] != new_tops[id]]
    share = sum(max(before[id].share, after[id].share) for id in elsewhere if before[id].level == 0)
    if share >= _SEEN or any(before[id].level for id in elsewhere):
        return "major"
    if len(before) != len(after) or any(_face(node) != _face(after[id]) for id, node in before.items()):
        return "minor"
    return None if _rest(old) == _rest(new) else "patch"


def next_version(old: Taxonomy, new: Taxonomy) -> str | None:
    """Return the version that follows that of `old` if `new` comes after it, None if nothing changed.

    Raises
    ------
    InputError
        If the version of `old` is not of the form 1.2.3.
    """
    change = bump(old, new)
    if change is None:
        return None
    if not re.fullmatch(r"\d+\.\d+\.\d+", old.version, re.ASCII):
        raise InputError(f"the version {old.version!r} of the previous taxonomy has no next", remedy="make it 1.0.0")
    major, minor, patch = map(int, old.version.split("."))
    return {
        "major": f"{major + 1}.0.0",
        "minor": f"{major}.{minor + 1}.0",
        "patch": f"{major}.{minor}.{patch + 1}",
    }[change]


def _face(node: Node) -> tuple[object, ...]:
    return node.parent, node.label, node.aliases, node.is_dormant


def _rest(tree: Taxonomy) -> dict[str, object]:
    """Return everything but the number itself and where the tree says that it comes from."""
    fields = {name: getattr(tree, name) for name in type(tree).model_fields if name not in ("version", "digest")}
    return {**fields, "provenance": tree.provenance.model_copy(update={"previous": None})}
