"""Nodes from layers: names from the top down, weights from the values up."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from taxonomy.clustering.recursion import Layer
from taxonomy.domains import Domain
from taxonomy.labels.keyphrase import Encode, Name, Namer
from taxonomy.model import Node, Placement, mint_id, slugify
from taxonomy.values import ValueSet, canonical_key

# Confidence below which a place is in doubt: the runner-up is nearer.
DOUBTFUL = 0.5


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


def name_layers(
    value_set: ValueSet, vectors: NDArray[np.float32], layers: Sequence[Layer], tops: Sequence[Domain], encode: Encode
) -> list[list[Name]]:
    """Name the nodes of each level above the values, from the top down so that a child can avoid its parent's name."""
    namer = Namer.from_weights(value_set.labels, value_set.weights, vectors, encode)
    members = _members(len(value_set), layers)
    spellings = [{canonical_key(name) for name in (value.label, *value.aliases)} for value in value_set.values]
    names: list[list[Name]] = [[] for _ in layers]
    if tops:
        # The layer does not know of the last domains where nothing belongs to them.
        below_tops = members[-1] + [np.empty(0, dtype=np.intp)] * (len(tops) - len(members[-1]))
        ranks = namer.rank([domain.name for domain in tops], below_tops)
        names[-1] = [Name(domain.name, domain.definition, rank) for domain, rank in zip(tops, ranks, strict=True)]
    for step in reversed(range(len(layers) - bool(tops))):
        is_top = step == len(layers) - 1
        names[step] = namer.name_level(
            members[step],
            [-1] * len(members[step]) if is_top else layers[step + 1].parents.tolist(),
            [] if is_top else [name.label for name in names[step + 1]],
            # A name that is also a value below would make a look-up by label ambiguous.
            [set().union(*(spellings[value] for value in one)) for one in members[step]],
        )
    return names


def make_nodes(
    value_set: ValueSet, layers: Sequence[Layer], names: Sequence[Sequence[Name]], tops: Sequence[Domain]
) -> list[Node]:
    """Make the nodes of all levels, weights added up from the values."""
    keys = [value.key for value in value_set.values]
    ids = [[mint_id("value", 0, [key]) for key in keys]]
    for level, members in enumerate(_members(len(value_set), layers), 1):
        if level == len(layers) and tops:
            ids.append([mint_id("domain", level, [domain.key]) for domain in tops])
        else:
            ids.append([mint_id("node", level, sorted(keys[value] for value in one)) for one in members])

    weights = [[round(value.weight, 6) for value in value_set.values]]
    n_children: list[list[int]] = [[]]
    for level, layer in enumerate(layers, 1):
        parts: dict[int, list[float]] = defaultdict(list)
        for child, parent in enumerate(layer.parents.tolist()):
            parts[parent].append(weights[-1][child])
        weights.append([round(math.fsum(parts[node]), 6) for node in range(len(ids[level]))])
        n_children.append([len(parts[node]) for node in range(len(ids[level]))])

    total = math.fsum(weights[0])
    nodes = []
    for level, level_ids in enumerate(ids):
        is_top = level == len(layers)
        for index, id in enumerate(level_ids):
            placement = None if is_top else _placement(layers[level], index, ids[level + 1])
            value = value_set.values[index] if level == 0 else None
            name = Name(value.label, "") if value else names[level - 1][index]
            nodes.append(
                Node(
                    id=id,
                    level=level,
                    label=name.label,
                    slug=slugify(name.label),
                    definition=name.definition,
                    parent=None if is_top else ids[level + 1][layers[level].parents[index]],
                    aliases=value.aliases if value else (),
                    weight=weights[level][index],
                    share=round(weights[level][index] / total, 6),
                    placement=placement,
                    label_source="input" if value else "domain" if is_top and tops else "keyphrase",
                    label_rank=name.rank,
                    flags=_flags(placement, n_children[level][index] if level else None),
                )
            )
    return nodes


def _placement(layer: Layer, index: int, parent_ids: Sequence[str]) -> Placement:
    second = int(layer.runner_up[index])
    return Placement(
        confidence=round(float(layer.confidence[index]), 6),
        second_parent=None if second < 0 else parent_ids[second],
    )


def _flags(placement: Placement | None, n_children: int | None) -> tuple[str, ...]:
    flags = []
    if placement is not None and placement.confidence < DOUBTFUL:
        flags.append("doubtful")
    if n_children == 0:
        flags.append("empty")
    if n_children == 1:
        flags.append("thin")
    return tuple(flags)
