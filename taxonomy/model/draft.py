"""A taxonomy in the making: nodes that may still change, and what follows from them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Self

from taxonomy.errors import InvariantError
from taxonomy.model.ids import slugify
from taxonomy.model.nodes import Node

# Confidence below which a place is in doubt: the runner-up is nearer.
DOUBTFUL = 0.5
# Set by what the children are, so they are found anew when children change.
_STRUCTURAL_FLAGS = frozenset({"thin", "empty"})


class Draft:
    """Nodes by id, free to change; weights, shares and flags are put right at the end.

    A node without a label has no name yet.

    Parameters
    ----------
    nodes : iterable of Node
        Their order stays, and that of nodes added later follows.

    Attributes
    ----------
    nodes : dict of str to Node
    top : int
        The highest level.

    Raises
    ------
    InvariantError
        If two nodes have one id.
    """

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        self.nodes: dict[str, Node] = {}
        self.top = 0
        self._children: dict[str, set[str]] = defaultdict(set)
        # What `undo` brings back, None while nothing is remembered.
        self._before: dict[str, Node | None] | None = None
        for node in nodes:
            if node.id in self.nodes:
                raise InvariantError("ids used more than once", [f"{node.id} ({node.label!r})"])
            self.put(node)
        self._stated_total = math.fsum(node.weight for node in self.level(self.top))
        self._reweighed: set[str] = set()

    def copy(self) -> Self:
        """Return a draft of the same nodes, which changes by itself."""
        return type(self)(self.nodes.values())

    # -- changing nodes ---------------------------------------------------------------------------------------------

    def put(self, node: Node) -> None:
        """Add a node, or replace the one with its id, in its place."""
        old = self.nodes.get(node.id)
        self._remember(node.id, old)
        if old is not None and old.parent is not None and old.parent != node.parent:
            self._children[old.parent].discard(node.id)
        self.nodes[node.id] = node
        self.top = max(self.top, node.level)
        if node.parent is not None:
            self._children[node.parent].add(node.id)

    def change(self, id: str, **fields: Any) -> Node:
        """Replace fields of a node; its slug follows its label."""
        if "label" in fields:
            fields["slug"] = slugify(fields["label"])
        node = self.nodes[id].model_copy(update=fields)
        self.put(node)
        return node

    def remove(self, id: str) -> None:
        """Take a node out; its children keep naming it as their parent."""
        node = self.nodes.pop(id)
        self._remember(id, node)
        if node.parent is not None:
            self._children[node.parent].discard(id)

    def begin(self) -> None:
        """Remember from here on what `undo` has to bring back."""
        self._before = {}

    def undo(self) -> None:
        """Bring back the nodes as they were at `begin`."""
        before, self._before = self._before or {}, None
        for id, node in before.items():
            if node is not None:
                self.put(node)
            elif id in self.nodes:
                self.remove(id)

    def _remember(self, id: str, node: Node | None) -> None:
        if self._before is not None:
            self._before.setdefault(id, node)

    # -- reading them -----------------------------------------------------------------------------------------------

    def level(self, level: int) -> list[Node]:
        """Return the nodes of a level, in their order."""
        return [node for node in self.nodes.values() if node.level == level]

    def children(self, id: str) -> list[Node]:
        """Return the nodes one level down, by label."""
        found = (self.nodes[child] for child in self._children.get(id, ()))
        return sorted(found, key=lambda node: (node.label, node.id))

    def leaves(self, id: str) -> list[Node]:
        """Return the values below a node, or the value itself, by label."""
        frontier, found = [id], []
        while frontier:
            one = frontier.pop()
            if self.nodes[one].level == 0:
                found.append(self.nodes[one])
            frontier.extend(self._children.get(one, ()))
        return sorted(found, key=lambda node: (node.label, node.id))

    def leaf_ids(self) -> Mapping[str, frozenset[str]]:
        """Return the ids of the values below each node, and of each value itself, by id."""
        found: dict[str, set[str]] = {id: set() for id in self.nodes}
        for node in sorted(self.nodes.values(), key=lambda node: node.level):
            if node.level == 0:
                found[node.id].add(node.id)
            if node.parent is not None:
                found[node.parent] |= found[node.id]
        return {id: frozenset(leaves) for id, leaves in found.items()}

    # -- putting them right -----------------------------------------------------------------------------------------

    def weigh(self) -> None:
        """Add the weights of the nodes above the values up from the values."""
        parts: dict[str, list[float]] = defaultdict(list)
        for level in range(self.top + 1):
            for node in self.level(level):
                weight = round(math.fsum(parts[node.id]), 6) if level else node.weight
                if node.parent is not None:
                    parts[node.parent].append(weight)
                if not _is_close(weight, node.weight):
                    self._reweighed.add(node.id)
                    self.nodes[node.id] = node.model_copy(update={"weight": weight})

    def finish(self) -> list[Node]:
        """Return the nodes with weights added up, and with shares and flags that say what is so.

        A share that was stated beside a weight stays as it is while neither that weight nor the total changes.
        """
        self.weigh()
        total = math.fsum(node.weight for node in self.level(0))
        same_total = _is_close(total, self._stated_total)
        finished = []
        for node in self.nodes.values():
            update: dict[str, Any] = {"flags": self._flags(node)}
            if not same_total or node.id in self._reweighed:
                update["share"] = round(node.weight / total, 6) if total else 0.0
            if node.id in self._reweighed:
                # Shares of conversations don't add up, so they can't be put right.
                update["conversations"] = None
            placement = node.placement
            if placement is not None and (
                placement.second_parent == node.parent or placement.second_parent not in self.nodes
            ):
                update["placement"] = placement.model_copy(update={"second_parent": None})
            finished.append(node.model_copy(update=update))
        return finished

    def _flags(self, node: Node) -> tuple[str, ...]:
        flags = set(node.flags) - _STRUCTURAL_FLAGS
        n_children = len(self._children.get(node.id, ()))
        if node.level and n_children < 2:
            flags.add("thin" if n_children else "empty")
        return tuple(sorted(flags))


def _is_close(one: float, other: float) -> bool:
    """Tell whether two weights are the same but for what rounding to six places leaves."""
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=5e-7)


def subtree_nodes(nodes: Iterable[Node], root: Node) -> list[Node]:
    """Return a node without its parent and all nodes below it, with shares of its weight."""
    below: dict[str, Node] = {root.id: root.model_copy(update={"parent": None})}
    for node in sorted(nodes, key=lambda node: -node.level):
        if node.parent in below:
            below[node.id] = node
    total = root.weight
    draft = Draft(
        node.model_copy(update={"share": round(node.weight / total, 6) if total else 0.0}) for node in below.values()
    )
    return draft.finish()
