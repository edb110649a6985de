"""Ward's hierarchical clustering of weighted points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taxonomy.clustering.exact import Labels, Points, make_exact, squared_distances


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
    labels = cut(merges(points, weights), n_clusters)
    return make_exact(points, labels, n_clusters, weights=weights, min_size=min_size)


def merges(points: Points, weights: Points) -> tuple[NDArray[np.intp], Points]:
    """Merge weighted points bottom up by Ward's criterion.

    A nearest-neighbour chain with the Lance-Williams update (Murtagh & Legendre 2014, "Ward's hierarchical
    agglomerative clustering method", sec. 3). Ours because SciPy's linkage takes no weights, and upper levels are
    built from clusters of unequal size.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    weights : ndarray of shape (n,)
        Positive.

    Returns
    -------
    pairs : ndarray of shape (n - 1, 2)
        Points that stand for the two clusters merged, lowest merge first; the first stands for both after.
    heights : ndarray of shape (n - 1,)
        ``sqrt(2 w1 w2 / (w1 + w2)) * distance of the means``, as SciPy reports it.
    """
    n = len(points)
    size = weights.astype(np.float64)
    cost = squared_distances(points, points) * (2 * size[:, None] * size / (size[:, None] + size))
    np.fill_diagonal(cost, np.inf)
    alive = np.ones(n, dtype=bool)
    pairs = np.empty((n - 1, 2), dtype=np.intp)
    heights = np.empty(n - 1)
    chain: list[int] = []
    for step in range(n - 1):
        if not chain:
            chain.append(int(alive.argmax()))
        while True:
            row = cost[chain[-1]]
            nearest = int(row.argmin())
            if len(chain) > 1 and row[chain[-2]] <= row[nearest]:
                break
            chain.append(nearest)
        one, other = sorted((chain.pop(), chain.pop()))
        height = cost[one, other]
        merged = ((size[one] + size) * cost[one] + (size[other] + size) * cost[other] - size * height) / (
            size[one] + size[other] + size
        )
        size[one] += size[other]
        alive[other] = False
        cost[one] = cost[:, one] = merged
        cost[other] = cost[:, other] = np.inf
        cost[one, one] = np.inf
        pairs[step] = one, other
        heights[step] = np.sqrt(max(height, 0.0))
    order = np.argsort(heights, kind="stable")
    return pairs[order], heights[order]


def cut(merged: tuple[NDArray[np.intp], Points], n_clusters: int) -> Labels:
    """Return the labels after all but the last ``n_clusters - 1`` merges."""
    pairs, _ = merged
    parent = np.arange(len(pairs) + 1)
    for one, other in pairs[: len(pairs) + 1 - n_clusters]:
        parent[_root(parent, other)] = _root(parent, one)
    return np.array([_root(parent, point) for point in range(len(parent))], dtype=np.intp)


def _root(parent: NDArray[np.intp], point: int) -> int:
    while parent[point] != point:
        parent[point] = parent[parent[point]]
        point = int(parent[point])
    return point
