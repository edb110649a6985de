"""Nodes from clusters: ids from content, places from the clustering, and no names yet but those of values and domains."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from taxonomy.clustering.recursion import Layer
from taxonomy.domains import Domain
from taxonomy.model import Node, Placement, mint_id, slugify
from taxonomy.model.draft import DOUBTFUL, Draft
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
            ids.append([mint_id("node", level, sorted(keys[value] for value in one)) for one in members])
    draft = Draft()
    for level, level_ids in enumerate(ids):
        layer = layers[level] if level < len(layers) else None
        for index, id in enumerate(level_ids):
            place = {} if layer is None else _place(layer, index, ids[level + 1])
            if level == 0:
                value = value_set.values[index]
                own = {"label": value.label, "slug": slugify(value.label), "label_source": "input"}
                own |= {"aliases": value.aliases, "weight": round(value.weight, 6)}
            elif layer is None and tops:
                name = tops[index].name
                own = {"label": name, "slug": slugify(name), "definition": tops[index].definition}
                own |= {"label_source": "domain"}
            else:
                own = {"label": "", "slug": "", "label_source": "keyphrase"}
            draft.put(Node(id=id, level=level, **place, **own))
    return draft


def _members(n_values: int, layers: Sequence[Layer]) -> list[list[NDArray[np.intp]]]:
    """Return the values of each node of each level above the values."""
    found = []
    nodes = np.arange(n_values)
    for layer in layers:
        nodes = layer.parents[nodes]
        order = np.argsort(nodes, kind="stable")
        ends = np.searchsorted(nodes[order], np.arange(nodes.max() + 2))
        found.append([order[start:end] for start, end in pairwise(ends)])
    return found


def _place(layer: Layer, index: int, parent_ids: Sequence[str]) -> dict[str, object]:
    """Return the fields of a node that say where it belongs."""
    second = int(layer.runner_up[index])
    placement = Placement(
        confidence=round(float(layer.confidence[index]), 6),
        second_parent=None if second < 0 else parent_ids[second],
    )
    flags = ("doubtful",) if placement.confidence < DOUBTFUL else ()
    return {"parent": parent_ids[layer.parents[index]], "placement": placement, "flags": flags}
