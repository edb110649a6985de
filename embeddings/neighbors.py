"""Nearest neighbours of unit vectors: exact for few, by an inverted file index for many."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from embeddings.arrays import in_parallel, one_thread

# Up to this many, every vector is compared with every other.
_EXACT = 10_000
# Nearest cells that are searched for a vector's neighbours.
_PROBES = 8
# Cells of which those are the first: few cells are so small that more are needed.
_PROBED = 32
# A cell of more vectors is divided into some of this size on average.
LARGEST_CELL, DIVIDED_CELL = 300, 150
_BLOCK = 1024
_SAMPLE_PER_CELL = 16
_ITERATIONS = 10

# Indices and cosines, both of shape (n, k).
Neighbors = tuple[NDArray[np.intp], NDArray[np.float32]]


def nearest_neighbors(
    vectors: NDArray[np.float32], n_neighbors: int, *, apart: sp.csr_array | None = None
) -> Neighbors:
    """Return the nearest neighbours of each vector by cosine.

    Exact up to 10,000 vectors. Above, a vector is compared with those of the 8 cells nearest to its own (an inverted
    file index: Jegou, Douze and Schmid 2011, "Product quantization for nearest neighbor search", sec. 4). Large cells
    are divided again, so that a vector is compared with some thousands however many there are.

    Parameters
    ----------
    vectors : ndarray of shape (n, dimension)
        Unit vectors.
    n_neighbors : int
        At most ``n - 1`` are returned.
    apart : csr_array of shape (n, m), optional
        Two vectors that have an entry in the same column are no neighbours.

    Returns
    -------
    indices : ndarray of shape (n, k)
        Nearest first; ties by the lower index.
    cosines : ndarray of shape (n, k)
        ``-inf`` where a vector has fewer than k neighbours.
    """
    (found,) = _search(vectors, n_neighbors, [apart])
    return found


def nearest_with_and_apart(
    vectors: NDArray[np.float32], n_neighbors: int, apart: sp.csr_array
) -> tuple[Neighbors, Neighbors]:
    """Return what `nearest_neighbors` does, without `apart` and with it, in little more than the time of one."""
    both = _search(vectors, n_neighbors, [None, apart])
    return both[0], both[1]


def _search(vectors: NDArray[np.float32], n_neighbors: int, aparts: Sequence[sp.csr_array | None]) -> list[Neighbors]:
    """Return the nearest neighbours under each condition; those without one come first."""
    n = len(vectors)
    k = max(0, min(n_neighbors, n - 1))
    found = [(np.empty((n, k), dtype=np.intp), np.empty((n, k), dtype=np.float32)) for _ in aparts]
    if k == 0:
        return found
    members, probes = _even_cells(vectors, k) if n > _EXACT else ([np.arange(n)], [np.arange(1)])

    def search(job: tuple[int, int]) -> None:
        cell, start = job
        rows = members[cell][start : start + _BLOCK]
        among = np.sort(np.concatenate([members[probe] for probe in probes[cell]]))
        similarities = vectors[rows] @ vectors[among].T
        similarities[np.arange(len(rows)), np.searchsorted(among, rows)] = -np.inf
        for (indices, cosines), apart in zip(found, aparts, strict=True):
            if apart is not None:
                similarities[(apart[rows] @ apart[among].T).nonzero()] = -np.inf
            nearest, cosines[rows] = _highest(similarities, k)
            indices[rows] = among[nearest]

    in_parallel(search, ((cell, start) for cell, own in enumerate(members) for start in range(0, len(own), _BLOCK)))
    return found


def _highest(similarities: NDArray[np.float32], k: int) -> Neighbors:
    """Return the positions of the k highest of each row, the highest first and ties by position, and their values."""
    near = np.sort(np.argpartition(similarities, -k, axis=1)[:, -k:], axis=1)
    cosines = np.take_along_axis(similarities, near, axis=1)
    order = np.argsort(-cosines, axis=1, kind="stable")
    return np.take_along_axis(near, order, axis=1), np.take_along_axis(cosines, order, axis=1)


def cells(vectors: NDArray[np.float32], n_cells: int) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Divide vectors into cells by k-means, trained on a sample.

    Parameters
    ----------
    vectors : ndarray of shape (n, dimension)
    n_cells : int
        Empty cells are left out.

    Returns
    -------
    centers : ndarray of shape (K, dimension)
    labels : ndarray of shape (n,)
        0 to ``K - 1``, each used.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    n_cells = min(n_cells, len(vectors))
    sample = np.random.default_rng(0).permutation(len(vectors))[: _SAMPLE_PER_CELL * n_cells]
    # One thread, so that sums are taken in the same order on every machine.
    with one_thread(), warnings.catch_warnings():
        # Equal vectors fill fewer cells.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = KMeans(n_cells, init="random", n_init=1, max_iter=_ITERATIONS, random_state=0)
        centers = model.fit(vectors[np.sort(sample)]).cluster_centers_.astype(np.float32)
    used, labels = np.unique(_nearest_center(vectors, centers), return_inverse=True)
    return centers[used], labels


def _nearest_center(vectors: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the nearest center of each vector by Euclidean distance, shape (n,); ties by the lower index."""
    labels = np.empty(len(vectors), dtype=np.intp)
    half_squares = (centers**2).sum(axis=1) / 2

    def place(start: int) -> None:
        rows = slice(start, start + _BLOCK)
        labels[rows] = (vectors[rows] @ centers.T - half_squares).argmax(axis=1)

    in_parallel(place, range(0, len(vectors), _BLOCK))
    return labels


def _even_cells(vectors: NDArray[np.float32], k: int) -> tuple[list[NDArray[np.intp]], list[NDArray[np.intp]]]:
    """Divide vectors into cells, and large ones again.

    Returns
    -------
    members : list of ndarray
        The vectors of each cell, in rising order.
    probes : list of ndarray
        The cells that are searched for the neighbours of each cell's.
    """
    centers: list[NDArray[np.float32]] = []
    members: list[NDArray[np.intp]] = []
    outer_centers, outer = cells(vectors, 2 * round(len(vectors) ** 0.5))
    for center, own in zip(outer_centers, _members(outer), strict=True):
        if len(own) > LARGEST_CELL:
            inner_centers, inner = cells(vectors[own], len(own) // DIVIDED_CELL)
            centers += list(inner_centers)
            members += [own[positions] for positions in _members(inner)]
        else:
            centers.append(center)
            members.append(own)
    return members, _nearest_cells(np.stack(centers), np.array([len(cell) for cell in members]), k)


def _nearest_cells(centers: NDArray[np.float32], sizes: NDArray[np.intp], k: int) -> list[NDArray[np.intp]]:
    """Return the cells nearest to each, itself included: eight, or as many as hold k vectors besides one."""
    squares = (centers**2).sum(axis=1)
    probes: list[NDArray[np.intp]] = [np.empty(0, dtype=np.intp)] * len(centers)

    def find(start: int) -> None:
        distances = squares - 2 * centers[start : start + _BLOCK] @ centers.T
        for cell, (nearest, _) in enumerate(zip(*_highest(-distances, min(_PROBED, len(centers))), strict=True), start):
            enough = int(np.searchsorted(np.cumsum(sizes[nearest]), k + 1)) + 1
            if enough > len(nearest):
                nearest = np.argsort(distances[cell - start], kind="stable")
                enough = int(np.searchsorted(np.cumsum(sizes[nearest]), k + 1)) + 1
            probes[cell] = nearest[: max(_PROBES, enough)]

    in_parallel(find, range(0, len(centers), _BLOCK))
    return probes


def _members(labels: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return the positions of each label, in rising order."""
    return np.split(np.argsort(labels, kind="stable"), np.cumsum(np.bincount(labels))[:-1])
