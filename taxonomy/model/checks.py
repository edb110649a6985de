"""The invariants of every taxonomy, built or imported."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from taxonomy.errors import InvariantError
from taxonomy.model.nodes import Level, Node, Retired


def check_invariants(nodes: Sequence[Node], levels: Sequence[Level], retired: Sequence[Retired]) -> None:
    """Check every invariant, as `Taxonomy.check` does.

    Raises
    ------
    InvariantError
        Naming the first nodes that break one.
    """
    _check_levels(nodes, levels)
    _check_ids(nodes, retired)
    _check_parents(nodes, len(levels) - 1)
    _check_labels(nodes)


def _fail(problem: str, nodes: Sequence[Node]) -> None:
    raise InvariantError(problem, [f"{node.id} ({node.label!r})" for node in nodes])


def _check_levels(nodes: Sequence[Node], levels: Sequence[Level]) -> None:
    if not nodes:
        raise InvariantError("a taxonomy without nodes", remedy="give it one value at least")
    if [level.level for level in levels] != list(range(len(levels))):
        raise InvariantError("levels must be numbered 0, 1, 2, ... from the leaves")
    outside = [node for node in nodes if not 0 <= node.level < len(levels)]
    if outside:
        _fail("nodes on a level that the taxonomy does not have", outside)
    sizes = Counter(node.level for node in nodes)
    for level in levels:
        if level.size != sizes[level.level]:
            raise InvariantError(f"level {level.level} has {sizes[level.level]} nodes but says {level.size}")
    bad = [node for node in nodes if not (math.isfinite(node.weight) and node.weight >= 0)]
    if bad:
        _fail("weights must be numbers of 0 or more", bad)


def _check_ids(nodes: Sequence[Node], retired: Sequence[Retired]) -> None:
    counts = Counter(node.id for node in nodes)
    twice = [node for node in nodes if counts[node.id] > 1]
    if twice:
        _fail("ids used more than once", twice)
    blank = [node for node in nodes if not (node.id.strip() and node.label.strip())]
    if blank:
        _fail("every node needs an id and a label", blank)
    gone_ids = {gone.id for gone in retired}
    back = [node for node in nodes if node.id in gone_ids]
    if back:
        _fail("ids both in use and retired", back)


def _check_parents(nodes: Sequence[Node], top: int) -> None:
    ids = {node.id: node for node in nodes}
    orphans = [node for node in nodes if (node.parent is None) != (node.level == top)]
    if orphans:
        _fail("a parent is needed below the top and nowhere else", orphans)
    lost = [node for node in nodes if node.parent is not None and node.parent not in ids]
    if lost:
        _fail("parents that do not exist", lost)
    # A parent exactly one level up also rules out cycles.
    skewed = [node for node in nodes if node.parent is not None and ids[node.parent].level != node.level + 1]
    if skewed:
        _fail("parents that are not one level up", skewed)
    parents = {node.parent for node in nodes}
    childless = [
        node
        for node in nodes
        if node.level > 0 and node.id not in parents and not (node.level == top and "empty" in node.flags)
    ]
    if childless:
        _fail("inner nodes without children", childless)


def _check_labels(nodes: Sequence[Node]) -> None:
    names = Counter(name for node in nodes if node.level == 0 for name in (node.label, *node.aliases))
    twice = [node for node in nodes if node.level == 0 and any(names[name] > 1 for name in (node.label, *node.aliases))]
    if twice:
        _fail("strings that are a value or alias twice", twice)
    siblings = Counter((node.parent, node.label) for node in nodes)
    same = [node for node in nodes if siblings[node.parent, node.label] > 1]
    if same:
        _fail("siblings with the same label", same)
