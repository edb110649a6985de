"""What a language model is shown of a node: its members, what lies beside it, and what lies near it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taxonomy.geometry import confidence, sums
from taxonomy.model import Node, Placement, ancestor_positions
from taxonomy.model.draft import DOUBTFUL, Draft


class Surroundings:
    """A draft with the vectors of its nodes.

    Parameters
    ----------
    draft : Draft
        Its weights are added up.
    vectors : ndarray of shape (n_values, dimension)
        Of its values, in its order. Those of the nodes above are means; they stay when members move, since doubt was
        measured against them.
    """

    def __init__(self, draft: Draft, vectors: NDArray[np.float32]) -> None:
        self.draft = draft
        nodes = list(draft.nodes.values())
        self._ids = [[node.id for node in draft.level(level)] for level in range(draft.top + 1)]
        self._row = {id: row for ids in self._ids for row, id in enumerate(ids)}
        self._vectors: list[NDArray[np.float64]] = [vectors.astype(np.float64)]
        live = np.array([float(not value.is_dormant) for value in draft.level(0)])
        for level, above in enumerate(ancestor_positions(nodes, draft.top + 1), 1):
            rows = np.array([self._row[nodes[position].id] for position in above], dtype=np.intp)
            total, mass = sums(self._vectors[0], rows, live, len(self._ids[level]))
            self._vectors.append(total / np.maximum(mass, 1)[:, None])

    def level(self, level: int) -> list[Node]:
        """Return the nodes of a level, the heaviest first."""
        return sorted(self.draft.level(level), key=lambda node: (-node.weight, node.id))

    def children(self, id: str) -> list[Node]:
        """Return the nodes one level down that are not dormant, the heaviest first."""
        children = [node for node in self.draft.children(id) if not node.is_dormant]
        return sorted(children, key=lambda node: (-node.weight, node.label, node.id))

    def beside(self, id: str) -> list[Node]:
        """Return the other nodes with the same parent, the heaviest first."""
        node = self.draft.nodes[id]
        return [sibling for sibling in self.level(node.level) if sibling.parent == node.parent and sibling.id != id]

    def strings_below(self, id: str) -> list[str]:
        """Return the values below a node in every spelling, and the labels that people gave to its children."""
        nodes = (*self.draft.leaves(id), *self.draft.children(id))
        return [name for node in nodes if node.label_source != "llm" for name in (node.label, *node.aliases)]

    def nearest_outside(self, id: str, count: int) -> list[Node]:
        """Return the nearest nodes of the children's level that are not children of a node, by cosine."""
        within = {child.id for child in self.draft.children(id)}
        below = self.draft.nodes[id].level - 1
        ids, points = self._ids[below], self._vectors[below]
        center = np.mean([points[self._row[child.id]] for child in self.children(id)], axis=0)
        # Rounded, so that the last bits of a product don't change a question.
        near = np.round(points @ center / (np.linalg.norm(points, axis=1) * np.linalg.norm(center)), 6)
        order = np.argsort(-near, kind="stable")[: len(within) + count].tolist()
        return [self.draft.nodes[ids[row]] for row in order if ids[row] not in within][:count]

    def move(self, id: str, parent: str) -> None:
        """Give a node another parent of the same level."""
        placement = self._placement(self.draft.nodes[id], parent)
        flags = set(self.draft.nodes[id].flags) - {"doubtful"}
        if placement.confidence < DOUBTFUL:
            flags.add("doubtful")
        self.draft.change(id, parent=parent, placement=placement, flags=tuple(sorted(flags)))

    def _placement(self, node: Node, parent: str) -> Placement:
        """Return the simplified silhouette (Hruschka et al. 2004) of a node under a parent, from 0 to 1."""
        others = [id for id in self._ids[node.level + 1] if id != parent]
        point = self._vectors[node.level][self._row[node.id]]
        centers = self._vectors[node.level + 1]
        distance = {id: float(np.linalg.norm(point - centers[self._row[id]])) for id in (parent, *others)}
        second = min(others, key=lambda id: (distance[id], id))
        return Placement(
            confidence=round(float(confidence(distance[parent], distance[second])), 6), second_parent=second
        )
