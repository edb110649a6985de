"""Carry ids, places and names of the previous version over to a rebuilt tree."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taxonomy.english.plurals import count_of
from taxonomy.errors import LevelsError
from taxonomy.model import Node, Placement, Taxonomy, slugify
from taxonomy.model.draft import DOUBTFUL, Draft
from taxonomy.model.nodes import MADE, OUTLYING
from taxonomy.versions.dormancy import find_absent
from taxonomy.versions.identity import match_trees
from taxonomy.versions.retention import SAME, kept_part, weigh_values
from taxonomy.versions.stay import Level, settle

# What a node is called, and what it says of itself.
_NAMES = ("label", "slug", "definition", "definition_source", "label_source", "label_rank", "label_fit")
# What people decided on it.
_RECORD = ("reviewed", "history")


def carry_over(
    previous: Taxonomy,
    rebuilt: Draft,
    embed: Callable[[Sequence[Node]], NDArray[np.float32]],
    *,
    stay: float,
    min_children: int = 2,
    retire_after: int = 0,
    sizes: Sequence[int] | None = None,
) -> Draft:
    """Carry ids, places and names of an old tree over to a rebuilt one.

    Parameters
    ----------
    previous : Taxonomy
    rebuilt : Draft
    embed : callable
        Returns the unit vectors of values.
    stay : float
        How strongly placements hold on to the old tree, from 0 to 1: see `stay`.
    min_children : int
    retire_after : int
        How many builds in a row a value may be absent from before it is retired: till then it is dormant.
    sizes : sequence of int, optional
        Exact sizes of the levels between values and top, finest first.

    Returns
    -------
    Draft
        Its values are in the order of `rebuilt`, then those that are dormant. What is new, or keeps less than three
        quarters of its weight, has no name yet.

    Raises
    ------
    LevelsError
        If the trees differ in the number of levels and `stay` is not 0, or a size can't be met.
    """
    if stay > 0 and len(previous.levels) != rebuilt.top + 1:
        raise LevelsError(
            f"the previous taxonomy has {count_of(len(previous.levels), 'level')} and this one has {rebuilt.top + 1}, "
            "so placements can't be carried over",
            remedy="ask for as many levels, or set `stay` to 0",
        )
    rebuilt = _with_old_ids(previous, rebuilt)
    for value in list(find_absent(previous, rebuilt, retire_after)):
        rebuilt.put(value)
    vectors = embed(rebuilt.level(0))
    levels = settle(previous, rebuilt, vectors, stay=stay, min_children=min_children, sizes=sizes)
    draft = _settled(previous, rebuilt, levels)
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
        node = rebuilt.nodes.get(id) or old[id]
        fields: dict[str, Any] = {"parent": parents.get(id)}
        if not (node.level == 0 and node.is_dormant):
            doubtful = id in placements and placements[id].confidence < DOUBTFUL
            kept = tuple(flag for flag in node.flags if flag in (MADE, OUTLYING))
            fields |= {"placement": placements.get(id), "flags": ("doubtful",) * doubtful + kept}
        draft.put(node.model_copy(update=fields))
    return draft


def _keep_names(draft: Draft, previous: Taxonomy) -> None:
    """Give nodes the names that they had, while they are what they were."""
    old = {node.id: node for node in previous.nodes}
    before, now = Draft(previous.nodes).leaf_ids(), draft.leaf_ids()
    weights = weigh_values(previous.nodes, draft.level(0))
    live = {value.id for value in draft.level(0) if not value.is_dormant}
    strings = {spelling for node in draft.level(0) for spelling in (node.label, *node.aliases)}
    histories = {gone.id: gone.history for gone in previous.retired if gone.history}
    for id, node in list(draft.nodes.items()):
        was = old.get(id)
        if was is not None:
            node = draft.change(id, **{name: getattr(was, name) for name in _RECORD})
        elif id in histories:
            draft.change(id, history=histories[id])
        if was is None or (node.label_source == "domain" and was.label_source != "human"):
            continue
        if node.level == 0:
            draft.change(id, **_value_names(was, node, strings))
        elif was.label_source == "human" or not live & now[id] or kept_part(before[id], now[id], weights) >= SAME:
            draft.put(node.model_copy(update={name: getattr(was, name) for name in _NAMES}))
        else:
            no_name = {"label": "", "definition": "", "definition_source": None}
            draft.change(id, **no_name, label_source="keyphrase", label_rank=None, label_fit=None)


def _value_names(old: Node, new: Node, strings: Collection[str]) -> dict[str, Any]:
    """Keep the old label of a value while it is one of its spellings, or a person chose it and it names no other."""
    spellings = {new.label, *new.aliases}
    fields: dict[str, Any] = {"definition": old.definition or new.definition}
    if old.definition:
        fields["definition_source"] = old.definition_source
    if old.label_source == "human":
        fields["label_source"] = "human"
    if old.label in spellings or (old.label_source == "human" and old.label not in strings):
        fields |= {"label": old.label, "slug": slugify(old.label)}
        fields["aliases"] = tuple(sorted(spellings - {old.label}))
    return fields
