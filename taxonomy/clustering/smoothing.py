"""Spreading a signal over the nearest-neighbour graph of the values.

A value's own vector is noisy: it is a word or three. What its neighbours say sharpens it. Where the neighbours of "code
clarity" are all of some clarity, they make of it a value about clarity; those that say it in other words do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from embeddings.arrays import in_parallel, normalize
from embeddings.neighbors import Neighbors, nearest_neighbors, nearest_with_and_apart
from taxonomy.english.words import stems
from taxonomy.geometry import Points

N_NEIGHBORS = 10
# Among few values the nearest are not near, and would drown what a value says itself.
_VALUES_PER_NEIGHBOR = 20
# How much neighbours say. With more of it fewer clusters are held together by a word, and agreement with people falls:
# the curve is in docs/benchmarks.md.
ALPHA = 0.5
_STEPS = 3
_BLOCK = 4096


def sharpen(vectors: NDArray[np.float32], transition: sp.csr_array, alpha: float = ALPHA) -> NDArray[np.float32]:
    """Return unit vectors moved towards their neighbours.

    Parameters
    ----------
    vectors : ndarray of shape (n, dimension)
        Unit vectors of the values.
    transition : csr_array of shape (n, n)
        Random walk on the graph of neighbours.
    alpha : float
        From 0 (nothing moves) to 1.
    """
    return normalize(diffuse(vectors, transition, alpha))


def transition_matrix(vectors: NDArray[np.float32]) -> sp.csr_array:
    """Return the random walk on the symmetric nearest-neighbour graph of unit vectors.

    Parameters
    ----------
    vectors : ndarray of shape (n, dimension)
        Unit vectors. Edges go to the ten nearest, to fewer among under 200; weights are cosines, negative ones 0.

    Returns
    -------
    csr_array of shape (n, n)
        Rows sum to 1; a vector without a neighbour stays where it is.
    """
    return _walk(nearest_neighbors(vectors, _n_neighbors(vectors)))


def transition_matrices(vectors: NDArray[np.float32], labels: Sequence[str]) -> tuple[sp.csr_array, sp.csr_array]:
    """Return the random walk of `transition_matrix`, and the one on which values that share a word are no neighbours.

    Parameters
    ----------
    vectors : ndarray of shape (n, dimension)
        Unit vectors of the values.
    labels : sequence of str
        The values. Those that share the stem of a word are not joined on the second graph.
    """
    usual, apart = nearest_with_and_apart(vectors, _n_neighbors(vectors), _stems_of(labels))
    return _walk(usual), _walk(apart)


def _n_neighbors(vectors: NDArray[np.float32]) -> int:
    return min(N_NEIGHBORS, len(vectors) // _VALUES_PER_NEIGHBOR)


def _walk(neighbors: Neighbors) -> sp.csr_array:
    indices, cosines = neighbors
    n = len(indices)
    rows = np.repeat(np.arange(n), indices.shape[1])
    weights = np.clip(cosines.ravel(), 0, None)
    graph = sp.csr_array((weights, (rows, indices.ravel())), shape=(n, n))
    graph = graph.maximum(graph.T)
    degree: NDArray[np.float32] = np.asarray(graph.sum(axis=1)).ravel()
    graph = graph + sp.diags_array((degree == 0).astype(np.float32))
    degree[degree == 0] = 1
    return sp.csr_array(sp.diags_array(1 / degree) @ graph)


def _stems_of(labels: Sequence[str]) -> sp.csr_array:
    """Return which stems each label holds, shape (n, n_stems)."""
    columns: dict[str, int] = {}
    held = [sorted(columns.setdefault(stem, len(columns)) for stem in sorted(stems(label))) for label in labels]
    starts = np.cumsum([0, *map(len, held)])
    indices = np.fromiter(chain.from_iterable(held), dtype=np.intp, count=starts[-1])
    return sp.csr_array((np.ones(len(indices), dtype=np.float32), indices, starts), shape=(len(labels), len(columns)))


def diffuse(signal: Points, transition: sp.csr_array, alpha: float = ALPHA) -> Points:
    """Spread a signal over a graph and keep part of it where it was.

    Iterates ``F <- alpha T F + (1 - alpha) S`` (Zhou et al. 2004, "Learning with local and global
    consistency", sec. 2, with the random-walk matrix in place of the symmetric one).

    Parameters
    ----------
    signal : ndarray of shape (n, d)
    transition : csr_array of shape (n, n)
        Rows sum to 1.
    alpha : float
        How much comes from the neighbours, 0 to 1.

    Returns
    -------
    ndarray of shape (n, d)
    """
    spread: Points = signal
    for _ in range(_STEPS):
        spread = _step(spread, signal, transition, alpha)
    return spread


def _step(spread: Points, signal: Points, transition: sp.csr_array, alpha: float) -> Points:
    moved = np.empty_like(signal)

    def move(start: int) -> None:
        rows = slice(start, start + _BLOCK)
        moved[rows] = alpha * (transition[rows] @ spread) + (1 - alpha) * signal[rows]

    in_parallel(move, range(0, len(signal), _BLOCK))
    return moved
