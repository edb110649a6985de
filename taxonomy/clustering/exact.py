"""Making any partition have exactly the number of clusters asked for, each of a least size."""

from __future__ import annotations

import numpy as np

from taxonomy.geometry import Labels, Points, centroids, squared_distances


def make_exact(points: Points, labels: Labels, n_clusters: int, *, weights: Points, min_size: int) -> Labels:
    """Return the partition nearest to `labels` with exactly `n_clusters` clusters.

    Clusters below `min_size` are dissolved into the nearest others; then the two that Ward's criterion holds
    closest are merged, or the one with the largest scatter is split, until the number fits.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    labels : ndarray of shape (n,)
        Any integers; negative ones (noise) go to the nearest cluster.
    n_clusters : int
        At most ``max(1, n // min_size)``.
    weights : ndarray of shape (n,)
    min_size : int
        Points that a cluster has at least (where there are so many).

    Returns
    -------
    ndarray of shape (n,)
        Labels 0 to ``n_clusters - 1``, numbered by first occurrence.
    """
    n_clusters = max(1, min(n_clusters, len(points) // min_size))
    labels = dissolve_small(points, labels, weights, min_size)
    while _count(labels) > n_clusters:
        labels = _merge_closest(points, labels, weights)
    while _count(labels) < n_clusters:
        labels = _split_loosest(points, labels, weights, min_size)
    return relabel(labels)


def relabel(labels: Labels) -> Labels:
    """Return labels numbered 0, 1, 2, ... by first occurrence."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=np.intp)
    order[np.argsort(first)] = np.arange(len(first))
    return order[inverse]


def _count(labels: Labels) -> int:
    return len(np.unique(labels))


def dissolve_small(points: Points, labels: Labels, weights: Points, min_size: int) -> Labels:
    """Return labels 0, 1, 2, ... where points of clusters below `min_size`, and noise, go to the nearest others."""
    labels = np.where(labels < 0, -1, labels)
    clusters, sizes = np.unique(labels[labels >= 0], return_counts=True)
    kept = clusters[sizes >= min_size]
    if len(kept) == 0:
        return np.zeros(len(points), dtype=np.intp)
    labels = np.where(np.isin(labels, kept), labels, -1)
    unassigned = labels < 0
    labels[~unassigned] = np.searchsorted(kept, labels[~unassigned])
    if unassigned.any():
        centers, _ = centroids(points[~unassigned], labels[~unassigned], weights[~unassigned])
        labels[unassigned] = squared_distances(points[unassigned], centers).argmin(axis=1)
    return labels


def _merge_closest(points: Points, labels: Labels, weights: Points) -> Labels:
    labels = relabel(labels)
    centers, mass = centroids(points, labels, weights)
    cost = squared_distances(centers, centers) * (mass[:, None] * mass / (mass[:, None] + mass))
    np.fill_diagonal(cost, np.inf)
    first, second = np.unravel_index(cost.argmin(), cost.shape)
    return np.where(labels == second, first, labels)


def _split_loosest(points: Points, labels: Labels, weights: Points, min_size: int) -> Labels:
    labels = relabel(labels)
    centers, _ = centroids(points, labels, weights)
    offsets = ((points - centers[labels]) ** 2).sum(axis=1)
    sizes = np.bincount(labels)
    scatter = np.bincount(labels, weights=offsets * weights)
    if (sizes >= 2 * min_size).any():
        loosest = np.where(sizes >= 2 * min_size, scatter, -1.0).argmax()
        members = np.flatnonzero(labels == loosest)
        axis = np.linalg.svd(points[members] - centers[loosest], full_matrices=False)[2][0]
        order = members[np.argsort(points[members] @ axis, kind="stable")]
        cut = _best_cut(points[order], weights[order], min_size)
        # Which side is new must not hang on the sign of the axis.
        sides = sorted((order[:cut], order[cut:]), key=lambda side: side.min())
        labels[sides[1]] = sizes.size
        return labels
    # No cluster can give two: the new one is made of points that others can spare.
    spare = sizes - min_size
    first = np.where(spare[labels] > 0, offsets, -1.0).argmax()
    for point in np.argsort(((points - points[first]) ** 2).sum(axis=1), kind="stable"):
        if spare[labels[point]] > 0:
            spare[labels[point]] -= 1
            labels[point] = sizes.size
            spare = np.append(spare, 0) if len(spare) == sizes.size else spare
        if (labels == sizes.size).sum() == min_size:
            break
    return labels


def _best_cut(points: Points, weights: Points, min_size: int) -> int:
    """Return where to cut a line of points so that the scatter within both sides is least."""
    mass = np.cumsum(weights)[:-1]
    sums = np.cumsum(points * weights[:, None], axis=0)
    left, right = sums[:-1], sums[-1] - sums[:-1]
    between = (left**2).sum(axis=1) / mass + (right**2).sum(axis=1) / (weights.sum() - mass)
    allowed = slice(min_size - 1, len(points) - min_size)
    return min_size + int(between[allowed].argmax())
