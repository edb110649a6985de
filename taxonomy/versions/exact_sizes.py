"""Levels brought to an exact number of nodes: the nearest are joined, or the widest are split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taxonomy.geometry import squared_distances, sums

Points = NDArray[np.float64]
Labels = NDArray[np.intp]


def join_nearest(
    points: Points, mass: Points, labels: Labels, regions: NDArray[np.intp], may_go: NDArray[np.bool_], size: int
) -> Labels:
    """Join nodes of one region until `size` are left, each time the two by which the inertia grows least (Ward 1963).

    Parameters
    ----------
    points : ndarray of shape (n, dimension)
    mass : ndarray of shape (n,)
        All positive.
    labels : ndarray of shape (n,)
        The node of each point.
    regions : ndarray of shape (n_nodes,)
    may_go : ndarray of shape (n_nodes,)
        Nodes that may end in another.
    size : int

    Returns
    -------
    ndarray of shape (n,)
        With more than `size` nodes where no more can be joined.
    """
    labels = labels.copy()
    total, weight = sums(points, labels, mass, len(regions))
    while len(used := np.unique(labels)) > size:
        center = total[used] / weight[used, None]
        cost = squared_distances(center, center) * np.multiply.outer(weight[used], weight[used])
        cost /= np.add.outer(weight[used], weight[used])
        cost[np.not_equal.outer(regions[used], regions[used]) | ~may_go[used][:, None]] = np.inf
        np.fill_diagonal(cost, np.inf)
        # The smaller goes where both may.
        smaller = weight[used][:, None] > weight[used][None, :]
        cost[smaller & may_go[used][None, :]] = np.inf
        going, staying = np.unravel_index(cost.argmin(), cost.shape)
        if not np.isfinite(cost[going, staying]):
            break
        labels[labels == used[going]] = used[staying]
        total[used[staying]] += total[used[going]]
        weight[used[staying]] += weight[used[going]]
    return labels


def split_widest(
    points: Points, mass: Points, labels: Labels, may_split: NDArray[np.bool_], size: int, min_children: int
) -> tuple[Labels, list[int]]:
    """Split nodes until there are `size`, each time the one by which the inertia falls most.

    Parameters
    ----------
    points, mass, labels, size
        As for `join_nearest`.
    may_split : ndarray of shape (n_nodes,)
    min_children : int
        Points that each part has at least.

    Returns
    -------
    labels : ndarray of shape (n,)
        Parts that split off are numbered from ``n_nodes`` on; the heavier part keeps the number. With fewer than
        `size` nodes where no more can be split.
    origins : list of int
        The node that each part came from.
    """
    labels, origins = labels.copy(), list[int]()
    first = len(may_split)
    cuts = {
        node: _cut(points, mass, np.flatnonzero(labels == node), min_children)
        for node in np.unique(labels).tolist()
        if may_split[node]
    }
    for number in range(first, first + size - len(np.unique(labels))):
        node = max(cuts, key=lambda one: (cuts[one][0], -one), default=None)
        if node is None or cuts[node][0] <= 0:
            break
        part = cuts[node][1]
        labels[part] = number
        origins.append(node)
        for one in (node, number):
            cuts[one] = _cut(points, mass, np.flatnonzero(labels == one), min_children)
    return labels, origins


def _cut(points: Points, mass: Points, rows: NDArray[np.intp], least: int) -> tuple[float, NDArray[np.intp]]:
    """Return by how much the inertia falls by the best cut across the principal axis, and the rows of the lighter part.

    Zero where a part would have fewer than `least`.
    """
    if len(rows) < 2 * least:
        return 0.0, rows[:0]
    own, weight = points[rows], mass[rows]
    centered = own - np.average(own, axis=0, weights=weight)
    axis = np.linalg.svd(centered * np.sqrt(weight)[:, None], full_matrices=False)[2][0]
    # Rounded, so that the last bits of a product don't change the order.
    order = np.argsort(np.round(centered @ axis, 9), kind="stable")
    total, parts = np.cumsum(centered[order] * weight[order, None], axis=0), np.cumsum(weight[order])
    ends = np.arange(least - 1, len(rows) - least)
    left, right = parts[ends], parts[-1] - parts[ends]
    # The center is at 0, so both means follow from one sum.
    gains = (total[ends] ** 2).sum(axis=1) * (1 / left + 1 / right)
    best = int(np.round(gains, 9).argmax())
    end = ends[best] + 1
    lighter = order[:end] if left[best] < right[best] else order[end:]
    return max(float(gains[best]), np.finfo(float).tiny), rows[np.sort(lighter)]
