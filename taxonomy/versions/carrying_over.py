"""Carry ids, places and names of the previous version over to a rebuilt tree."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taxonomy.english.plurals import count_of
from taxonomy.errors import LevelsError
from taxonomy.model import Node, Placement, Taxonomy, slugify
from taxonomy.model.draft import DOUBTFUL, Draft
from taxonomy.versions.identity import match_trees
from taxonomy.versions.stay import Level, settle

# A name is made of two of a node's fourteen most telling values. While three quarters of what the old and the new node
# hold is the same, they are most likely still there, and a new name would say the same thing in other words.
_SAME_MEMBERS = 0.75


def carry_over(
    previous: Taxonomy, rebuilt: Draft, vectors: NDArray[np.float32], *, stay: float, min_children: int = 2
) -> Draft:
    """Carry ids, places and names of an old tree over to a rebuilt one.

    Parameters
    ----------
    previous : Taxonomy
    rebuilt : Draft
    vectors : ndarray of shape (n_values, dimension)
        Unit vectors of the values of `rebuilt`, in its order, which is also that of the result.
    stay : float
        How strongly placements hold on to the old tree, from 0 to 1: see `stay`.
    min_children : int

    Returns
    -------
    Draft
        What is new, or holds other values than before, has no name yet.

    Raises
    ------
    LevelsError
        If the trees differ in the number of levels and `stay` is not 0.
    """
    if stay > 0 and len(previous.levels) != rebuilt.top + 1:
        raise LevelsError(
            f"the previous taxonomy has {count_of(len(previous.levels), 'level')} and this one has {rebuilt.top + 1}, "
            "so placements can't be carried over",
            remedy="ask for as many levels, or set `stay` to 0",
        )
    rebuilt = _with_old_ids(previous, rebuilt)
    draft = _settled(previous, rebuilt, settle(previous, rebuilt, vectors, stay=stay, min_children=min_children))
    _keep_names(draft, previous)
    return draft


def _with_old_ids(previous: Taxonomy, rebuilt: Draft) -> Draft:
    ids = match_trees(previous, rebuilt)
    draft = Draft()
    for node in rebuilt.nodes.values():
        placement = node.placement
        if placement is not None and placement.second_parent is not None:
            placement = placement.model_copy(update={"second_parent": ids[placement.second_parent]})
        parent = None if node.parent is None else ids[node.parent]
        draft.put(node.model_copy(update={"id": ids[node.id], "parent": parent, "placement": placement}))
    return draft


def _settled(previous: Taxonomy, rebuilt: Draft, levels: Sequence[Level]) -> Draft:
    """Make the draft in which every node has the parent that it settled under."""
    old = {node.id: node for node in previous.nodes}
    parents: dict[str, str] = {}
    placements: dict[str, Placement] = {}
    for level in levels:
        parents |= level.parents
        placements |= level.placements
    # A domain that nothing belongs to stays.
    domains = {node.id for node in rebuilt.level(rebuilt.top) if node.label_source == "domain"}
    used = {*parents, *parents.values(), *domains}
    draft = Draft()
    for id in [*(id for id in rebuilt.nodes if id in used), *sorted(used - rebuilt.nodes.keys())]:
        doubtful = id in placements and placements[id].confidence < DOUBTFUL
        fields = {"parent": parents.get(id), "placement": placements.get(id), "flags": ("doubtful",) * doubtful}
        draft.put((rebuilt.nodes.get(id) or old[id]).model_copy(update=fields))
    return draft


def _keep_names(draft: Draft, previous: Taxonomy) -> None:
    """Give nodes the names that they had, while they are what they were."""
    old = {node.id: node for node in previous.nodes}
    before, now = Draft(previous.nodes).leaf_ids(), draft.leaf_ids()
    strings = {spelling for node in draft.level(0) for spelling in (node.label, *node.aliases)}
    for id, node in list(draft.nodes.items()):
        was = old.get(id)
        if was is None or (node.label_source == "domain" and was.label_source != "human"):
            continue
        if node.level == 0:
            draft.change(id, **_value_names(was, node, strings))
        elif was.label_source == "human" or not now[id] or _jaccard(before[id], now[id]) >= _SAME_MEMBERS:
            names = ("label", "slug", "definition", "label_source", "label_rank")
            draft.put(node.model_copy(update={name: getattr(was, name) for name in names}))
        else:
            draft.change(id, label="", definition="", label_source="keyphrase", label_rank=None)


def _value_names(old: Node, new: Node, strings: Collection[str]) -> dict[str, Any]:
    """Keep the old label of a value while it is one of its spellings, or a person chose it and it names no other."""
    spellings = {new.label, *new.aliases}
    fields: dict[str, Any] = {"definition": old.definition or new.definition}
    if old.label_source == "human":
        fields["label_source"] = "human"
    if old.label in spellings or (old.label_source == "human" and old.label not in strings):
        fields |= {"label": old.label, "slug": slugify(old.label)}
        fields["aliases"] = tuple(sorted(spellings - {old.label}))
    return fields


def _jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)
