"""Bottom-up clustering of weighted points, whatever the cost of a merge."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from taxonomy.geometry import Labels, Points

# Costs to the first cluster and to the second, the cost of merging them, their weights, the weights of all
# -> costs to both together.
Update = Callable[[Points, Points, float, float, float, Points], Points]


def merges(cost: Points, weights: Points, update: Update) -> NDArray[np.intp]:
    """Merge points bottom up, always two that are cheapest to merge.

    A nearest-neighbour chain (Murtagh & Contreras 2012, "Algorithms for hierarchical clustering: an overview", sec. 4)
    with a Lance-Williams update. Ours because SciPy's linkage takes no weights, and upper levels are built from
    clusters of unequal size.

    Parameters
    ----------
    cost : ndarray of shape (n, n)
        Symmetric; overwritten.
    weights : ndarray of shape (n,)
        Positive.
    update : callable
        Reducible: no cluster comes closer by a merge of others.

    Returns
    -------
    ndarray of shape (n - 1, 2)
        The least points of the two clusters of each merge, in order; cheapest merge first.
    """
    n = len(cost)
    size = weights.astype(np.float64)
    np.fill_diagonal(cost, np.inf)
    alive = np.ones(n, dtype=bool)
    pairs = np.empty((n - 1, 2), dtype=np.intp)
    heights = np.empty(n - 1)
    formed = np.full(n, -np.inf)
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
        first, second = sorted((chain.pop(), chain.pop()))
        # Rounding must not put a merge before those that made its two clusters.
        formed[first] = max(cost[first, second], formed[first], formed[second])
        merged = update(cost[first], cost[second], cost[first, second], size[first], size[second], size)
        size[first] += size[second]
        alive[second] = False
        cost[first] = cost[:, first] = merged
        cost[second] = cost[:, second] = np.inf
        cost[first, first] = np.inf
        pairs[step] = first, second
        heights[step] = formed[first]
    return pairs[np.argsort(heights, kind="stable")]


def cut(pairs: NDArray[np.intp], n_clusters: int, min_size: int = 1) -> Labels:
    """Cut the tree as high as `n_clusters` clusters have `min_size` points, so that no outlier takes a cluster's place.

    Parameters
    ----------
    pairs : ndarray of shape (n - 1, 2)
        As `merges` returns them.
    n_clusters : int
        Where no cut gives so many, the highest of those that give most is taken.
    min_size : int

    Returns
    -------
    ndarray of shape (n,)
        The least point of each point's cluster, -1 in clusters below `min_size`.
    """
    n = len(pairs) + 1
    size = [1] * n
    large = [n if min_size <= 1 else 0]
    for first, second in pairs.tolist():
        both = size[first] + size[second]
        large.append(large[-1] + (both >= min_size) - (size[first] >= min_size) - (size[second] >= min_size))
        size[first] = both
    n_merges = np.flatnonzero(np.array(large) >= min(n_clusters, max(large)))[-1]
    labels = np.arange(n)
    labels[pairs[:n_merges, 1]] = pairs[:n_merges, 0]
    for point in range(n):
        labels[point] = labels[labels[point]]
    return np.where(np.bincount(labels, minlength=n)[labels] >= min_size, labels, -1)
