"""Nodes from clusters: ids from content, and no names yet but those of values and domains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taxonomy.clustering.recursion import Layer
from taxonomy.domains import Domain
from taxonomy.model import Node, Placement, mint_id, slugify
from taxonomy.model.draft import DOUBTFUL, Draft
from taxonomy.model.nodes import OUTLYING
from taxonomy.values import ValueSet


def assemble(value_set: ValueSet, layers: Sequence[Layer], tops: Sequence[Domain]) -> Draft:
    """Make the nodes of all levels.

    Parameters
    ----------
    value_set : ValueSet
    layers : sequence of Layer
        One a level below the top, finest first.
    tops : sequence of Domain
        None where the top was found in the data.

    Returns
    -------
    Draft
        Values in the order of the set, then level by level; only values have weights yet.
    """
    keys = [value.key for value in value_set.values]
    ids = [[mint_id("value", 0, [key]) for key in keys]]
    for level, members in enumerate(_members(len(value_set), layers), 1):
        if level == len(layers) and tops:
            ids.append([mint_id("domain", level, [domain.key]) for domain in tops])
        else:
            ids.append([mint_id("node", level, sorted(keys[value] for value in values)) for values in members])
    draft = Draft()
    for value, id, place in zip(value_set.values, ids[0], _places(layers, ids, 0), strict=True):
        weight = round(value.weight, 6)
        draft.put(_node(id, 0, value.label, aliases=value.aliases, weight=weight, label_source="input", **place))
    for level in range(1, len(ids)):
        places = _places(layers, ids, level)
        if level == len(layers) and tops:
            for domain, id, place in zip(tops, ids[level], places, strict=True):
                name = {"definition": domain.definition, "label_source": "domain"}
                draft.put(_node(id, level, domain.name, **name, **place))
        else:
            for id, place in zip(ids[level], places, strict=True):
                draft.put(_node(id, level, "", label_source="keyphrase", **place))
    return draft


def _members(n_values: int, layers: Sequence[Layer]) -> list[list[NDArray[np.intp]]]:
    """Return the values of each node of each level above the values."""
    members_by_level = []
    nodes = np.arange(n_values)
    for layer in layers:
        nodes = layer.parents[nodes]
        order = np.argsort(nodes, kind="stable")
        ends = np.searchsorted(nodes[order], np.arange(nodes.max() + 2))
        members_by_level.append([order[start:end] for start, end in pairwise(ends)])
    return members_by_level


def _places(layers: Sequence[Layer], ids: Sequence[Sequence[str]], level: int) -> Iterator[dict[str, Any]]:
    """Yield what the layer says of each node of a level: its parent, placement and flags; nothing at the top."""
    if level == len(layers):
        yield from repeat({}, len(ids[level]))
        return
    layer, parents = layers[level], ids[level + 1]
    for parent, sure, second, outlying in zip(
        layer.parents.tolist(),
        layer.confidence.tolist(),
        layer.runner_up.tolist(),
        layer.outlying.tolist(),
        strict=True,
    ):
        placement = Placement(confidence=round(sure, 6), second_parent=None if second < 0 else parents[second])
        flags = ("doubtful",) * (placement.confidence < DOUBTFUL) + (OUTLYING,) * outlying
        yield {"parent": parents[parent], "placement": placement, "flags": flags}


def _node(id: str, level: int, label: str, **fields: Any) -> Node:
    return Node(id=id, level=level, label=label, slug=slugify(label), **fields)
