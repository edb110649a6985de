"""Ward's hierarchical clustering of weighted points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taxonomy.clustering import linkage
from taxonomy.clustering.exact import make_exact
from taxonomy.geometry import Labels, Points, squared_distances


def partition(points: Points, n_clusters: int, *, weights: Points, min_size: int, seed: int) -> Labels:
    """Cut Ward's tree into exactly `n_clusters` clusters; it has no random part, so `seed` changes nothing.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    n_clusters : int
    weights : ndarray of shape (n,)
    min_size : int
    seed : int

    Returns
    -------
    ndarray of shape (n,)
        Labels 0 to ``n_clusters - 1``.
    """
    labels = linkage.cut(merges(points, weights), n_clusters, min_size)
    return make_exact(points, labels, n_clusters, weights=weights, min_size=min_size)


def merges(points: Points, weights: Points) -> NDArray[np.intp]:
    """Merge weighted points bottom up by Ward's criterion: the least growth of the scatter within clusters.

    Murtagh & Legendre 2014, "Ward's hierarchical agglomerative clustering method", sec. 3.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    weights : ndarray of shape (n,)
        Positive.

    Returns
    -------
    ndarray of shape (n - 1, 2)
        As `linkage.merges` returns them.
    """

    def update(
        first: Points, second: Points, height: float, first_weight: float, second_weight: float, weights: Points
    ) -> Points:
        growth = (first_weight + weights) * first + (second_weight + weights) * second - weights * height
        return np.asarray(growth / (first_weight + second_weight + weights))

    shrunk = 2 * weights[:, None] * weights / (weights[:, None] + weights)
    return linkage.merges(squared_distances(points, points) * shrunk, weights, update)
