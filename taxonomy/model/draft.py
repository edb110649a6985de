"""A taxonomy in the making: nodes that may still change, and what follows from them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from taxonomy.model import Node, slugify

# Set by what the children are, so they are found anew when children change.
_STRUCTURAL_FLAGS = frozenset({"thin", "empty"})


class Draft:
    """Nodes by id, free to change; weights, shares and flags are put right at the end.

    Parameters
    ----------
    nodes : iterable of Node
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes: dict[str, Node] = {}
        self.top = 0
        self._children: dict[str, set[str]] = defaultdict(set)
        self._before: dict[str, Node | None] = {}
        for node in nodes:
            self.put(node)

    def put(self, node: Node) -> None:
        """Add a node, or replace the one with its id."""
        self.remove(node.id)
        self._before.setdefault(node.id, None)
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
        """Take a node out, if it is there; its children keep naming it as their parent."""
        node = self.nodes.pop(id, None)
        if node is not None:
            self._before.setdefault(id, node)
            if node.parent is not None:
                self._children[node.parent].discard(id)

    def begin(self) -> None:
        """Remember from here on what `undo` has to bring back."""
        self._before = {}

    def undo(self) -> None:
        """Bring back the nodes as they were at `begin`."""
        for id, node in dict(self._before).items():
            self.remove(id)
            if node is not None:
                self.put(node)
        self._before = {}

    def children(self, id: str) -> list[Node]:
        """Return the nodes one level down, by label."""
        found = (self.nodes[child] for child in self._children.get(id, ()))
        return sorted(found, key=lambda node: (node.label, node.id))

    def leaves(self, id: str) -> list[Node]:
        """Return the values below a node, or the value itself."""
        frontier, found = [id], []
        while frontier:
            one = frontier.pop()
            if self.nodes[one].level == 0:
                found.append(self.nodes[one])
            frontier.extend(self._children.get(one, ()))
        return sorted(found, key=lambda node: (node.label, node.id))

    def finish(self) -> list[Node]:
        """Return the nodes with weights added up, shares where a weight changed, and flags that say what is so.

        A share that a file states beside an unchanged weight stays as it is stated.
        """
        ordered = sorted(self.nodes.values(), key=lambda node: (node.level, node.id))
        weights: dict[str, float] = {}
        for node in ordered:
            children = self._children.get(node.id, ())
            weights[node.id] = round(math.fsum(weights[child] for child in children), 6) if node.level else node.weight
        total = math.fsum(weights[node.id] for node in ordered if node.level == 0)
        before = math.fsum(node.weight for node in ordered if node.level == self.top)
        same_total = math.isclose(total, before, rel_tol=1e-9, abs_tol=1e-6)
        finished = []
        for node in ordered:
            weight = weights[node.id]
            update: dict[str, Any] = {"flags": self._flags(node)}
            if not (same_total and math.isclose(weight, node.weight, rel_tol=1e-9, abs_tol=1e-6)):
                update |= {"weight": weight, "share": round(weight / total, 6) if total else 0.0}
                if node.level:
                    # Shares of conversations don't add up, so they can't be put right.
                    update["conversations"] = None
            second = node.placement and node.placement.second_parent
            if (
                node.placement is not None
                and second is not None
                and (second not in self.nodes or second == node.parent)
            ):
                update["placement"] = node.placement.model_copy(update={"second_parent": None})
            finished.append(node.model_copy(update=update))
        return finished

    def _flags(self, node: Node) -> tuple[str, ...]:
        flags = set(node.flags) - _STRUCTURAL_FLAGS
        n_children = len(self._children.get(node.id, ()))
        if node.level and n_children < 2:
            flags.add("thin" if n_children else "empty")
        return tuple(sorted(flags))
