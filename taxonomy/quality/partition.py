"""A tree as partitions of its values, one a level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taxonomy.model import Node, Taxonomy


def values_of(tree: Taxonomy) -> list[Node]:
    """Return the values of a tree, in the order of `tree.nodes`."""
    return [node for node in tree.nodes if node.level == 0]


def partitions(tree: Taxonomy) -> NDArray[np.intp]:
    """Return the ancestors of each value as positions in `tree.nodes`.

    Parameters
    ----------
    tree : Taxonomy

    Returns
    -------
    ndarray of shape (n_levels - 1, n_values)
        Level 1 first, values in the order of `values_of`. No two levels share a number.
    """
    position = {node.id: index for index, node in enumerate(tree.nodes)}
    parents = np.array([-1 if node.parent is None else position[node.parent] for node in tree.nodes], dtype=np.intp)
    nodes = np.array([index for index, node in enumerate(tree.nodes) if node.level == 0], dtype=np.intp)
    rows = np.empty((len(tree.levels) - 1, len(nodes)), dtype=np.intp)
    for row in rows:
        nodes = parents[nodes]
        row[:] = nodes
    return rows


def cluster_means(vectors: NDArray[np.float32], labels: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return the mean vector of each cluster.

    Parameters
    ----------
    vectors : ndarray of shape (n, dimension)
    labels : ndarray of shape (n,)
        Clusters, numbered from 0 without a gap.

    Returns
    -------
    ndarray of shape (n_clusters, dimension)
    """
    from scipy.sparse import csr_array

    sizes = np.bincount(labels)
    members = csr_array((np.ones(len(labels), dtype=np.float32), (labels, np.arange(len(labels)))))
    return np.asarray(members @ vectors / sizes[:, None], dtype=np.float32)
