"""The invariants of a taxonomy."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import TypeVar

from taxonomy.english.plurals import count_of
from taxonomy.errors import InvariantError
from taxonomy.model.nodes import Level, Node, Retired

Key = TypeVar("Key", bound=Hashable)


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


def _fail(problem: str, nodes: Sequence[Node], remedy: str) -> None:
    raise InvariantError(problem, [f"{node.id} ({node.label!r})" for node in nodes], remedy=remedy)


def _check_levels(nodes: Sequence[Node], levels: Sequence[Level]) -> None:
    if not nodes:
        raise InvariantError("the taxonomy has no nodes", remedy="give it at least one value")
    if [level.level for level in levels] != list(range(len(levels))):
        raise InvariantError("the levels are not numbered 0, 1, 2, ...", remedy="number them from the leaves")
    sizes = Counter(node.level for node in nodes)
    if not sizes.keys() <= set(range(len(levels))):
        outside = [node for node in nodes if not 0 <= node.level < len(levels)]
        _fail("nodes are on a level that the taxonomy does not have", outside, "add the level, or move them")
    for level in levels:
        if level.size != sizes[level.level]:
            problem = f"level {level.level} has {count_of(sizes[level.level], 'node')}, and its size says {level.size}"
            raise InvariantError(problem, remedy="correct the size")
    bad = [node for node in nodes if not 0 <= node.weight < math.inf]
    if bad:
        _fail("weights are negative or not finite", bad, "give each a number of 0 or more")


def _check_ids(nodes: Sequence[Node], retired: Sequence[Retired]) -> None:
    twice = _repeated([node.id for node in nodes])
    if twice:
        _fail(
            "ids are used more than once",
            [node for node in nodes if node.id in twice],
            "give every node an id of its own",
        )
    blank = [node for node in nodes if not (node.id.strip() and node.label.strip())]
    if blank:
        _fail("ids or labels are blank", blank, "give every node an id and a label")
    retired_ids = {entry.id for entry in retired}
    back = [node for node in nodes if node.id in retired_ids]
    if back:
        _fail("ids are both in use and retired", back, "give the nodes new ids, or drop the retired entries")


def _check_parents(nodes: Sequence[Node], top: int) -> None:
    ids = {node.id: node for node in nodes}
    orphans = [node for node in nodes if (node.parent is None) != (node.level == top)]
    if orphans:
        _fail("nodes below the top have no parent, or top nodes have one", orphans, "give parents to all but the top")
    lost = [node for node in nodes if node.parent is not None and node.parent not in ids]
    if lost:
        _fail("the parents of nodes do not exist", lost, "add the parents, or name others")
    # A parent exactly one level up also rules out cycles.
    skewed = [node for node in nodes if node.parent is not None and ids[node.parent].level != node.level + 1]
    if skewed:
        _fail("the parents of nodes are not one level up", skewed, "name a parent on the next level")
    parents = {node.parent for node in nodes}
    childless = [
        node
        for node in nodes
        if node.level > 0 and node.id not in parents and not (node.level == top and "empty" in node.flags)
    ]
    if childless:
        _fail("nodes above the values have no children", childless, "give them children, or leave them out")


def _check_labels(nodes: Sequence[Node]) -> None:
    values = [node for node in nodes if node.level == 0]
    shared = _repeated([name for value in values for name in (value.label, *value.aliases)])
    if shared:
        twice = [value for value in values if not shared.isdisjoint((value.label, *value.aliases))]
        _fail("values share a label or an alias", twice, "keep each string in one value")
    siblings = _repeated([(node.parent, node.label) for node in nodes])
    if siblings:
        same = [node for node in nodes if (node.parent, node.label) in siblings]
        _fail("siblings have the same label", same, "rename or merge them")


def _repeated(keys: Sequence[Key]) -> set[Key]:
    """Return the keys that occur more than once; nearly always there is none, which a set tells fastest."""
    if len(set(keys)) == len(keys):
        return set()
    return {key for key, count in Counter(keys).items() if count > 1}
