"""Nearest-neighbour graphs of unit vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def nearest_neighbors(
    vectors: NDArray[np.float32], n_neighbors: int, *, block: int = 2048
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the nearest other vectors of each vector by cosine, exactly.

    Parameters
    ----------
    vectors : ndarray of shape (n, dimension)
        Unit vectors.
    n_neighbors : int
        At most ``n - 1`` are found.
    block : int
        Rows compared with all others at a time; memory is ``4 * block * n`` bytes.

    Returns
    -------
    indices : ndarray of shape (n, k)
        Nearest first; of equals, the lower index.
    cosines : ndarray of shape (n, k)
    """
    n = len(vectors)
    k = max(0, min(n_neighbors, n - 1))
    indices = np.empty((n, k), dtype=np.intp)
    cosines = np.empty((n, k), dtype=np.float32)
    if k == 0:
        return indices, cosines
    for start in range(0, n, block):
        rows = slice(start, min(start + block, n))
        found = vectors[rows] @ vectors.T
        here = np.arange(len(found))
        found[here, start + here] = -np.inf
        near = np.sort(np.argpartition(found, n - k, axis=1)[:, n - k :], axis=1)
        order = np.argsort(-np.take_along_axis(found, near, axis=1), axis=1, kind="stable")
        indices[rows] = np.take_along_axis(near, order, axis=1)
        cosines[rows] = np.take_along_axis(found, indices[rows], axis=1)
    return indices, cosines
