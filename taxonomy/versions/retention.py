"""How much of a node stays from version to version, by weight."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping

from taxonomy.model import Node

# A node that keeps this part of its weight is what it was: it keeps its name and its parent.
SAME = 0.75


def weigh_values(old: Iterable[Node], new: Iterable[Node]) -> dict[str, float]:
    """Return the larger of the old and the new weight of each value, by id, so that neither rise nor fall hides it."""
    weights = {node.id: node.weight for node in old if node.level == 0}
    for node in new:
        if node.level == 0:
            weights[node.id] = max(node.weight, weights.get(node.id, 0.0))
    return weights


def kept_part(before: Collection[str], now: Collection[str], weights: Mapping[str, float]) -> float:
    """Return the part of the values `before` that is among those of `now`, by weight; by number if all weigh nothing.

    What joined does not count: a node is what it was while that stays.
    """
    whole = math.fsum(weights[id] for id in before)
    if not whole:
        return sum(id in now for id in before) / len(before) if before else 1.0
    return math.fsum(weights[id] for id in before if id in now) / whole
