"""Partitions of more points than can be compared with each other, by a method that sees some thousands at a time."""

from __future__ import annotations

import numpy as np

from embeddings.arrays import in_parallel
from embeddings.neighbors import cells
from taxonomy.clustering.exact import dissolve_small, make_exact
from taxonomy.clustering.methods import Partition
from taxonomy.clustering.sizes import allocate
from taxonomy.geometry import Labels, Points, centroids

# Points that a method compares with each other at most: their distances take 128 MB.
LARGEST = 4000
# Points of a cell on average. Linkage takes time that grows with a cell; borders between cells cost agreement.
_POINTS_PER_CELL = 1000
# Clusters that a cell is cut into at least, on average, and micro-clusters that a cluster is made of.
_CLUSTERS_PER_CELL = 8
_MICRO_PER_CLUSTER = 4
_LEAST_MICRO = 1000


def partition_many(
    cut: Partition, points: Points, n_clusters: int, *, weights: Points, min_size: int, seed: int
) -> Labels:
    """Partition any number of points; time grows a little faster than their number, and nothing n-by-n is held.

    Few clusters are cut from weighted micro-clusters, many within cells. Both come from k-means, trained on a sample.

    Parameters
    ----------
    cut : Partition
        The method for some thousands of points.
    points, n_clusters, weights, min_size, seed
        As of any `Partition`.

    Returns
    -------
    ndarray of shape (n,)
        Labels 0 to ``n_clusters - 1``.
    """
    if len(points) <= LARGEST:
        return cut(points.astype(np.float64), n_clusters, weights=weights, min_size=min_size, seed=seed)
    few = n_clusters * LARGEST < _CLUSTERS_PER_CELL * len(points)
    by = _by_micro_clusters if few else _by_cells
    labels = by(cut, points, n_clusters, weights, min_size, seed)
    # Cells of odd size may leave room for fewer clusters than all points together have.
    if labels.max() + 1 < n_clusters:
        labels = make_exact(points, labels, n_clusters, weights=weights, min_size=min_size)
    return labels


def _by_micro_clusters(
    cut: Partition, points: Points, n_clusters: int, weights: Points, min_size: int, seed: int
) -> Labels:
    micro = _divide(points, max(_LEAST_MICRO, _MICRO_PER_CLUSTER * min_size * n_clusters))
    centers, mass = centroids(points, micro, weights)
    return cut(centers, n_clusters, weights=mass, min_size=min_size, seed=seed)[micro]


def _by_cells(cut: Partition, points: Points, n_clusters: int, weights: Points, min_size: int, seed: int) -> Labels:
    cell_labels = _divide(points, min(len(points) // _POINTS_PER_CELL, n_clusters // _CLUSTERS_PER_CELL))
    cell_labels = dissolve_small(points, cell_labels, weights, min_size)
    (shares,) = allocate(np.bincount(cell_labels), [n_clusters], min_children=min_size, root_children=1, exact=False)
    members = np.split(np.argsort(cell_labels, kind="stable"), np.cumsum(np.bincount(cell_labels))[:-1])
    offsets = np.cumsum([0, *shares])
    labels = np.empty(len(points), dtype=np.intp)

    def divide(cell: int) -> None:
        own, share = members[cell], int(shares[cell])
        labels[own] = offsets[cell]
        if share > 1:
            labels[own] += partition_many(cut, points[own], share, weights=weights[own], min_size=min_size, seed=seed)

    small = [cell for cell, own in enumerate(members) if len(own) <= LARGEST]
    in_parallel(divide, small)
    for cell in sorted(set(range(len(members))) - set(small)):
        divide(cell)
    return labels


def _divide(points: Points, n_parts: int) -> Labels:
    """Divide points by k-means, and points that are all alike in order."""
    _, labels = cells(points.astype(np.float32), n_parts)
    return labels if labels.any() else np.arange(len(points)) * n_parts // len(points)
