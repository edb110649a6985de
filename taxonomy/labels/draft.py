"""A tree while it is being labelled: names change, members move, and it is put together again at the end."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taxonomy.geometry import confidence
from taxonomy.model import Node, Placement, Taxonomy, slugify

# A confidence below it is nearer to another parent.
TIE = 0.5


class Draft:
    """The nodes of a tree, their children and their places among the vectors.

    Parameters
    ----------
    tree : Taxonomy
    vectors : ndarray of shape (n_values, dimension)
        Of the values, in the order of `tree.nodes`.

    Attributes
    ----------
    nodes : dict of str to Node
    children : dict of str to list of str
        Ids of the children of each node above the values, the heaviest first.
    """

    def __init__(self, tree: Taxonomy, vectors: NDArray[np.float32]) -> None:
        self.tree = tree
        self.nodes = {node.id: node for node in tree.nodes}
        self._moved = False
        self._index()
        # One level's vectors, in the order of its nodes in the tree; they stay when members move, as doubt was
        # measured against them.
        self._ids = [[node.id for node in tree.nodes if node.level == level] for level in range(len(tree.levels))]
        self._rows: dict[str, int] = {}
        self._vectors: list[NDArray[np.float64]] = []
        for level, ids in enumerate(self._ids):
            self._rows.update((id, row) for row, id in enumerate(ids))
            self._vectors.append(vectors.astype(np.float64) if level == 0 else self._means(ids, vectors))

    def _index(self) -> None:
        self.children: dict[str, list[str]] = defaultdict(list)
        for node in sorted(self.nodes.values(), key=lambda one: (-one.weight, one.label, one.id)):
            if node.parent is not None:
                self.children[node.parent].append(node.id)

    def _means(self, ids: list[str], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        means = [vectors[[self._rows[one] for one in self._values(id)]].mean(axis=0, dtype=np.float64) for id in ids]
        return np.array(means)

    def _values(self, id: str) -> list[str]:
        """Return the ids of the values below a node."""
        if self.nodes[id].level == 0:
            return [id]
        return [value for child in self.children[id] for value in self._values(child)]

    def level(self, level: int) -> list[Node]:
        """Return the nodes of a level, the heaviest first."""
        nodes = [node for node in self.nodes.values() if node.level == level]
        return sorted(nodes, key=lambda node: (-node.weight, node.id))

    def beside(self, id: str) -> list[Node]:
        """Return the other nodes with the same parent, the heaviest first."""
        node = self.nodes[id]
        return [one for one in self.level(node.level) if one.parent == node.parent and one.id != id]

    def strings_below(self, id: str) -> list[str]:
        """Return the values below a node in every spelling, and the labels that people gave to its children."""
        nodes = [self.nodes[one] for one in (*self._values(id), *self.children[id])]
        return [name for one in nodes if one.label_source != "llm" for name in (one.label, *one.aliases)]

    def percent(self, child: Node, node: Node) -> float:
        """Return a child's percent of a node's weight."""
        return round(100 * child.weight / node.weight, 1) if node.weight else 0.0

    def nearest_outside(self, id: str, count: int) -> list[str]:
        """Return the nearest nodes of the children's level that are not children of a node, by cosine."""
        below = self.nodes[id].level - 1
        within = set(self.children[id])
        ids = self._ids[below]
        points = self._vectors[below]
        center = np.mean([points[self._rows[child]] for child in self.children[id]], axis=0)
        # Rounded, so that the last bits of a product don't change a question.
        near = np.round(points @ center / (np.linalg.norm(points, axis=1) * np.linalg.norm(center)), 6)
        order = np.argsort(-near, kind="stable")[: len(within) + count].tolist()
        return [ids[row] for row in order if ids[row] not in within][:count]

    def rename(self, id: str, label: str, definition: str) -> None:
        """Give a node the model's name and definition."""
        change = {
            "label": label,
            "slug": slugify(label),
            "definition": definition,
            "label_source": "llm",
            "label_rank": None,
        }
        self.nodes[id] = self.nodes[id].model_copy(update=change)

    def judge(self, id: str, votes: float) -> None:
        """Note the share of votes by which a node stays or was moved."""
        placement = self.nodes[id].placement
        assert placement is not None
        judged = placement.model_copy(update={"votes": round(votes, 6)})
        self.nodes[id] = self.nodes[id].model_copy(update={"placement": judged})

    def move(self, id: str, parent: str) -> None:
        """Give a node another parent of the same level."""
        node = self.nodes[id]
        assert node.parent is not None
        assert node.placement is not None
        self.children[node.parent].remove(id)
        self.children[parent].append(id)
        placement = self._placement(node, parent)
        flags = [flag for flag in node.flags if flag != "doubtful"]
        if placement.confidence < TIE:
            flags.append("doubtful")
        self.nodes[id] = node.model_copy(
            update={"parent": parent, "placement": placement, "flags": tuple(sorted(flags))}
        )
        self._moved = True

    def _placement(self, node: Node, parent: str) -> Placement:
        """Return the simplified silhouette (Hruschka et al. 2004) of a node under a parent, from 0 to 1."""
        others = [id for id in self._ids[node.level + 1] if id != parent]
        point = self._vectors[node.level][self._rows[node.id]]
        centers = self._vectors[node.level + 1]
        distance = {id: float(np.linalg.norm(point - centers[self._rows[id]])) for id in (parent, *others)}
        second = min(others, key=lambda id: (distance[id], id))
        near, far = distance[parent], distance[second]
        return Placement(confidence=round(float(confidence(near, far)), 6), second_parent=second)

    def finish(self, *, labeller: str, parameters: Mapping[str, Any]) -> Taxonomy:
        """Return the tree with its new names and parents, and in its provenance how they came about."""
        if self._moved:
            self._weigh()
        tree = self.tree
        provenance = tree.provenance.model_copy(
            update={"labeller": labeller, "parameters": {**tree.provenance.parameters, **parameters}}
        )
        return Taxonomy.from_nodes(
            self.nodes.values(),
            level_names=[level.name for level in tree.levels],
            id=tree.id,
            title=tree.title,
            weight_unit=tree.weight_unit,
            version=tree.version,
            provenance=provenance,
            retired=tree.retired,
        )

    def _weigh(self) -> None:
        """Add up weights, and note the nodes with one child or none, after members moved."""
        total = math.fsum(node.weight for node in self.nodes.values() if node.level == 0)
        for node in sorted(self.nodes.values(), key=lambda one: one.level):
            if node.level == 0:
                continue
            children = [self.nodes[id] for id in self.children[node.id]]
            weight = round(math.fsum(child.weight for child in children), 6)
            flags = [flag for flag in node.flags if flag not in ("thin", "empty")]
            flags += ["empty"] if not children else ["thin"] if len(children) == 1 else []
            share = round(weight / total, 6) if total else 0.0
            change = {"weight": weight, "share": share, "flags": tuple(sorted(flags))}
            self.nodes[node.id] = self.nodes[node.id].model_copy(update=change)
