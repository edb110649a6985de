"""Nodes as points: which is nearest, and how far."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Points = NDArray[np.float64]
Labels = NDArray[np.intp]
# Distances held at once.
_CELLS = 1 << 24


def sums(points: Points, mass: Points, labels: Labels, n: int) -> tuple[Points, Points]:
    """Return the sum of the weighted points of each of `n` labels, shape (n, dimension), and their mass, shape (n,).

    A label of -1 belongs to none.
    """
    own = np.flatnonzero(labels >= 0)
    members = sp.csr_array((mass[own], (labels[own], own)), shape=(n, len(points)))
    return np.asarray(members @ points), np.bincount(labels[own], mass[own], n).astype(np.float64)


def centers(total: Points, mass: Points) -> Points:
    """Return means from sums; a label without members has none, and lies infinitely far."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(mass[:, None] > 0, total / mass[:, None], np.inf)


def distance_to(points: Points, weights: Points, labels: Labels, center: Points, mass: Points) -> Points:
    """Return the distance of each point from the mean of its label's other points.

    A point is left out of the mean, else it would always look near to a small node that it is in (as in the simplified
    silhouette, Hruschka et al. 2004).
    """
    rest = mass[labels] - weights
    scale = np.divide(mass[labels], rest, out=np.ones(len(points)), where=rest > 0)
    return np.asarray(np.linalg.norm(points - center[labels], axis=1) * scale)


def two_nearest(points: Points | NDArray[np.float32], center: Points) -> tuple[Labels, Labels, Points, Points]:
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
        here = np.arange(len(part))
        cost = squares - 2 * part @ among.T + (part**2).sum(axis=1)[:, None]
        best = cost.argmin(axis=1)
        first[rows], near[rows] = used[best], np.sqrt(np.maximum(cost[here, best], 0))
        if len(used) > 1:
            cost[here, best] = np.inf
            best = cost.argmin(axis=1)
            second[rows], far[rows] = used[best], np.sqrt(np.maximum(cost[here, best], 0))
    return first, second, near, far
