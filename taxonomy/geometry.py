"""Geometry of unit vectors and their means: means of clusters, distances to them, and how surely a point belongs."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.floating[Any]]
Labels = NDArray[np.intp]
# Distances held at once.
_CELLS = 1 << 24


def sums(points: Points, labels: Labels, weights: Points, n: int) -> tuple[Points, NDArray[np.float64]]:
    """Return the sum of the weighted points of each cluster, and its weight.

    Parameters
    ----------
    points : ndarray of shape (n_points, dimension)
    labels : ndarray of shape (n_points,)
        Clusters, 0 to ``n - 1``; -1 belongs to none.
    weights : ndarray of shape (n_points,)
    n : int

    Returns
    -------
    sums : ndarray of shape (n, dimension)
        In the points' own precision: a copy of a million points in another would take gigabytes.
    mass : ndarray of shape (n,)
    """
    own = np.flatnonzero(labels >= 0)
    members = sp.csr_array((weights[own].astype(points.dtype), (labels[own], own)), shape=(n, len(points)))
    return np.asarray(members @ points), np.bincount(labels[own], weights[own], n).astype(np.float64)


def centroids(points: Points, labels: Labels, weights: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weighted mean of each cluster 0 to K - 1, shape (K, dimension), and its weight, shape (K,)."""
    total, mass = sums(points, labels, weights, int(labels.max()) + 1)
    return np.asarray(total / mass[:, None]), mass


def cluster_means(vectors: NDArray[np.float32], labels: Labels) -> NDArray[np.float32]:
    """Return the mean vector of each cluster 0 to K - 1, shape (K, dimension)."""
    return np.asarray(centroids(vectors, labels, np.ones(len(labels)))[0], dtype=np.float32)


def centers(total: Points, mass: Points) -> Points:
    """Return means from sums; a cluster without members has none, and lies infinitely far."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(mass[:, None] > 0, total / mass[:, None], np.inf)


def squared_distances(first: Points, second: Points) -> Points:
    """Return squared Euclidean distances, shape (len(one), len(other))."""
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1) - 2 * first @ second.T
    return np.asarray(np.maximum(squares, 0))


def distance_to(points: Points, weights: Points, labels: Labels, center: Points, mass: Points) -> NDArray[np.float64]:
    """Return the distance of each point from the mean of its cluster's other points, shape (n,).

    A point is left out of the mean, else it would always look near to a small cluster that it is in (as in the
    simplified silhouette, Hruschka et al. 2004).
    """
    rest = mass[labels] - weights
    scale = np.divide(mass[labels], rest, out=np.ones(len(points)), where=rest > 0)
    return np.asarray(np.linalg.norm(points - center[labels], axis=1) * scale)


def two_nearest(points: Points, center: Points) -> tuple[Labels, Labels, NDArray[np.float64], NDArray[np.float64]]:
    """Return the nearest and the next center of each point, and the distances; -1 and infinity where there is none."""
    n = len(points)
    first, second = np.full(n, -1, dtype=np.intp), np.full(n, -1, dtype=np.intp)
    near, far = np.full(n, np.inf), np.full(n, np.inf)
    used = np.flatnonzero(np.isfinite(center).all(axis=1))
    if not len(used):
        return first, second, near, far
    among = center[used]
    squares = (among**2).sum(axis=1)
    block = max(1, _CELLS // len(used))
    for start in range(0, n, block):
        rows = slice(start, start + block)
        part = points[rows]
        positions = np.arange(len(part))
        cost = squares - 2 * part @ among.T + (part**2).sum(axis=1)[:, None]
        best = cost.argmin(axis=1)
        first[rows], near[rows] = used[best], np.sqrt(np.maximum(cost[positions, best], 0))
        if len(used) > 1:
            cost[positions, best] = np.inf
            best = cost.argmin(axis=1)
            second[rows], far[rows] = used[best], np.sqrt(np.maximum(cost[positions, best], 0))
    return first, second, near, far


def silhouette(near: ArrayLike, far: ArrayLike) -> NDArray[np.float64]:
    """Return the simplified silhouette (Hruschka et al. 2004): the difference of the distances over the larger one.

    Parameters
    ----------
    near, far : array_like of shape (n,)
        Distances from the cluster and from another; infinite where there is no such cluster.

    Returns
    -------
    ndarray of shape (n,)
        From -1 to 1; 0 where both distances are 0, 1 where one is infinite.
    """
    near, far = np.asarray(near, dtype=np.float64), np.asarray(far, dtype=np.float64)
    widest = np.maximum(near, far)
    alone = ~np.isfinite(widest)
    with np.errstate(invalid="ignore"):
        score = np.divide(far - near, widest, out=np.zeros(widest.shape), where=(widest > 0) & ~alone)
    return np.where(alone, 1.0, score)


def confidence(near: ArrayLike, far: ArrayLike) -> NDArray[np.float64]:
    """Return the simplified silhouette moved to 0..1: 1/2 is a tie with the runner-up, 1 is certain."""
    return (1 + silhouette(near, far)) / 2
