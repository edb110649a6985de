"""A taxonomy under construction: nodes that may change, and the figures that follow from them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Self

from taxonomy.english.polarity import polarity_of
from taxonomy.errors import InvariantError
from taxonomy.model.ids import slugify
from taxonomy.model.nodes import DORMANT, UNKNOWN_WORDS, Node
from taxonomy.model.scope_notes import ScopeNotes

# Confidence below which a placement is doubtful: the runner-up is nearer.
DOUBTFUL = 0.5
_UNIQUE = "give every node an id of its own"
# These follow from the children, so they are set again at the end.
_STRUCTURAL_FLAGS = frozenset({"thin", "empty", DORMANT})


class Draft:
    """Nodes by id, free to change; `finish` updates weights, shares and flags.

    A node without a label has no name yet.

    Parameters
    ----------
    nodes : iterable of Node
        Their order is kept; nodes added later come after them.

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
        # The nodes that `undo` restores, None while nothing is recorded.
        self._before: dict[str, Node | None] | None = None
        for node in nodes:
            if node.id in self.nodes:
                raise InvariantError("ids are used more than once", [f"{node.id} ({node.label!r})"], remedy=_UNIQUE)
            self.put(node)
        self._stated_total = math.fsum(node.weight for node in self.level(self.top))
        self._reweighed: set[str] = set()

    def copy(self) -> Self:
        """Return an independent draft of the same nodes."""
        other = type(self)(self.nodes.values())
        other._stated_total, other._reweighed = self._stated_total, set(self._reweighed)
        return other

    # -- changing nodes ---------------------------------------------------------------------------------------------

    def put(self, node: Node) -> None:
        """Add a node, or replace the node with its id, which keeps its place in the order."""
        old = self.nodes.get(node.id)
        self._remember(node.id, old)
        if old is not None and old.parent is not None and old.parent != node.parent:
            self._children[old.parent].discard(node.id)
        self.nodes[node.id] = node
        self.top = max(self.top, node.level)
        if node.parent is not None:
            self._children[node.parent].add(node.id)

    def change(self, id: str, **fields: Any) -> Node:
        """Replace fields of a node; the slug follows the label."""
        if "label" in fields:
            fields["slug"] = slugify(fields["label"])
        node = self.nodes[id].model_copy(update=fields)
        self.put(node)
        return node

    def remove(self, id: str) -> None:
        """Remove a node; its children keep it as their parent."""
        node = self.nodes.pop(id)
        self._remember(id, node)
        if node.parent is not None:
            self._children[node.parent].discard(id)

    def begin(self) -> None:
        """Record changes from now on, for `undo`."""
        self._before = {}

    def undo(self) -> None:
        """Restore the nodes as they were at `begin`."""
        before, self._before = self._before or {}, None
        for id, node in before.items():
            if node is not None:
                self.put(node)
            elif id in self.nodes:
                self.remove(id)

    def _remember(self, id: str, node: Node | None) -> None:
        if self._before is not None:
            self._before.setdefault(id, node)

    def flag_unknown_words(self, ids: Collection[str]) -> None:
        """Flag the values that hold words unknown to the embedding model, and no others."""
        for value in self.level(0):
            if value.has_unknown_words != (value.id in ids):
                flags = {*value.flags} ^ {UNKNOWN_WORDS}
                self.put(value.model_copy(update={"flags": tuple(sorted(flags))}))

    # -- reading nodes ----------------------------------------------------------------------------------------------

    def level(self, level: int) -> list[Node]:
        """Return the nodes of a level, in their order."""
        return [node for node in self.nodes.values() if node.level == level]

    def children(self, id: str) -> list[Node]:
        """Return the nodes one level down, by label."""
        children = (self.nodes[child] for child in self._children.get(id, ()))
        return sorted(children, key=lambda node: (node.label, node.id))

    def leaves(self, id: str) -> list[Node]:
        """Return the values below a node, or the value itself, by label."""
        frontier, values = [id], []
        while frontier:
            node = self.nodes[frontier.pop()]
            if node.level == 0:
                values.append(node)
            frontier.extend(self._children.get(node.id, ()))
        return sorted(values, key=lambda node: (node.label, node.id))

    def below(self, id: str) -> list[str]:
        """Return the ids of all nodes below one."""
        found = sorted(self._children.get(id, ()))
        return found + [lower for child in found for lower in self.below(child)]

    def leaf_ids(self) -> Mapping[str, frozenset[str]]:
        """Return the ids of the values below each node, and of each value itself, by id."""
        leaves_of: dict[str, set[str]] = {id: set() for id in self.nodes}
        for node in sorted(self.nodes.values(), key=lambda node: node.level):
            if node.level == 0:
                leaves_of[node.id].add(node.id)
            if node.parent is not None:
                leaves_of[node.parent] |= leaves_of[node.id]
        return {id: frozenset(leaves) for id, leaves in leaves_of.items()}

    # -- finishing --------------------------------------------------------------------------------------------------

    def weigh(self) -> None:
        """Sum the weights of the values up the levels."""
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
        """Return the nodes with weights, shares, flags, scope notes and the polarity of values updated.

        A node's share is kept while neither its weight nor the total changes; an imported value keeps its polarity.
        """
        self.weigh()
        live = self._live()
        notes = ScopeNotes(self.nodes).current()
        total = math.fsum(node.weight for node in self.level(0))
        same_total = _is_close(total, self._stated_total)
        finished = []
        for node in self.nodes.values():
            update: dict[str, Any] = {"flags": self._flags(node, live)}
            if node.id in notes:
                update["definition"] = notes[node.id]
            if node.level == 0 and node.label_source != "imported":
                update["polarity"] = polarity_of(node.label)
            if not same_total or node.id in self._reweighed:
                update["share"] = round(node.weight / total, 6) if total else 0.0
            if node.id in self._reweighed:
                # Shares of conversations don't add up over values, so they can't be updated.
                update["conversations"] = None
            placement = node.placement
            if placement is not None and node.has_unknown_words:
                # It lies where it does by chance, and so does every other place.
                update["placement"] = placement.model_copy(update={"confidence": 0.0, "second_parent": None})
            elif placement is not None and (
                placement.second_parent == node.parent or placement.second_parent not in self.nodes
            ):
                update["placement"] = placement.model_copy(update={"second_parent": None})
            finished.append(node.model_copy(update=update))
        return finished

    def _live(self) -> set[str]:
        """Return the ids of the values that are not dormant, and of the nodes that hold one."""
        live: set[str] = set()
        for value in self.level(0):
            id = None if value.is_dormant else value.id
            while id is not None and id not in live:
                live.add(id)
                id = self.nodes[id].parent
        return live

    def _flags(self, node: Node, live: set[str]) -> tuple[str, ...]:
        if node.level == 0:
            return tuple(flag for flag in node.flags if not (flag == "doubtful" and node.has_unknown_words))
        flags = set(node.flags) - _STRUCTURAL_FLAGS
        children = self._children.get(node.id, set())
        n_live = len(children & live)
        if n_live < 2:
            flags.add("thin" if n_live else DORMANT if children else "empty")
        return tuple(sorted(flags))


def _is_close(first: float, second: float) -> bool:
    """Return whether two weights are equal up to rounding to six places."""
    return math.isclose(first, second, rel_tol=1e-9, abs_tol=5e-7)


def subtree_nodes(nodes: Iterable[Node], root: Node) -> list[Node]:
    """Return a node, without its parent, and the nodes below it, with shares of the node's weight."""
    below: dict[str, Node] = {root.id: root.model_copy(update={"parent": None})}
    for node in sorted(nodes, key=lambda node: -node.level):
        if node.parent in below:
            below[node.id] = node
    total = root.weight
    draft = Draft(
        node.model_copy(update={"share": round(node.weight / total, 6) if total else 0.0}) for node in below.values()
    )
    return draft.finish()
