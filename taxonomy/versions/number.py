"""The version number.

Major when an id is retired or a node moves to another domain; minor when a node or a spelling is added or goes, or a
node is moved inside its domain or renamed; patch when only definitions, weights, doubt or provenance change.
"""

from __future__ import annotations

import re
from typing import Literal

from taxonomy.errors import InputError
from taxonomy.model import Taxonomy

Bump = Literal["major", "minor", "patch"]


def bump(old: Taxonomy, new: Taxonomy) -> Bump | None:
    """Return which part of the version number the change from `old` to `new` raises, None if nothing changed."""
    before = {node.id: node for node in old.nodes}
    after = {node.id: node for node in new.nodes}
    old_tops, new_tops = old.top_ids, new.top_ids
    if any(id not in after or old_tops[id] != new_tops[id] for id in before):
        return "major"
    if len(before) != len(after):
        return "minor"
    if any(
        (node.parent, node.label, node.aliases) != (after[id].parent, after[id].label, after[id].aliases)
        for id, node in before.items()
    ):
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


def _rest(tree: Taxonomy) -> dict[str, object]:
    """Return everything but the number itself and where the tree says that it comes from."""
    fields = {name: getattr(tree, name) for name in type(tree).model_fields if name not in ("version", "digest")}
    return {**fields, "provenance": tree.provenance.model_copy(update={"previous": None})}
