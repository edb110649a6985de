"""The nodes that a node is near to without being beside them in the tree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taxonomy.model import Node, Taxonomy
from taxonomy.quality.vectors import inner_centroids

SHOWN = 5
# Neighbours that are looked through for those under another parent.
_ASKED = 40


def nearest_elsewhere(tree: Taxonomy, vectors: NDArray[np.float32]) -> dict[str, list[str]]:
    """Return for each node up to five of its level under another parent, nearest first by cosine.

    A node above the values stands at the mean of its values; nodes of the top count as under different parents.

    Parameters
    ----------
    tree : Taxonomy
    vectors : ndarray of shape (n_values, dimension)
        Unit vectors, in the order of `tree.nodes`.

    Returns
    -------
    dict of str to list of str
        Ids; a node that nothing belongs to has none.
    """
    ids = _nearest(tree.leaves, vectors)
    for nodes, centroids in inner_centroids(tree, vectors):
        ids |= _nearest(nodes, centroids)
    return ids


def _nearest(nodes: Sequence[Node], vectors: NDArray[np.float32]) -> dict[str, list[str]]:
    from embeddings import nearest_neighbors

    neighbors, _ = nearest_neighbors(vectors, _ASKED)
    found = {}
    for node, row in zip(nodes, neighbors.tolist(), strict=True):
        others = (nodes[index] for index in row)
        found[node.id] = [other.id for other in others if other.parent is None or other.parent != node.parent][:SHOWN]
    return found
