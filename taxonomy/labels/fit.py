"""Nodes as vectors, and how well labels fit them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embeddings import nearest_neighbors
from embeddings.arrays import in_parallel, normalize
from taxonomy.english.polarity import are_few

# Added to every value's frequency, so that the rare ones together say something too.
FLOOR = 0.1
_ROWS = 4096
# Values of which pairs are drawn, to see how alike any two are.
_SAMPLE = 1000
_BLOCK = 512
# Nodes that a node is most easily taken for.
_RIVALS = 16
# Cosines that differ by less are a tie.
_TIE = 1e-6


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a label fits its node.

    Attributes
    ----------
    rank : int
        Of the node when the label is used as a query against its level; 1 is best.
    covered : float
        Share of the node's weight in values that are at least as near to the label as to that of any rival.
    margin : float
        Cosine of label and node less that of the label and the nearest other node.
    nearest : int
        That other node, -1 where there is none.
    """

    rank: int
    covered: float
    margin: float
    nearest: int


def frequencies(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights on a log scale from 0 to 1, shape (n,): the rarest value is near 0, the most frequent 1."""
    positive = weights[weights > 0]
    scale = np.log1p(weights / (positive.min() if len(positive) else 1.0))
    return np.asarray(scale / scale.max() if len(scale) and scale.max() > 0 else scale)


def without_vices(members: NDArray[np.intp], vicious: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the members of a node that are no vices; all where at least half are.

    Parameters
    ----------
    members : ndarray of shape (n_members,)
        Positions of values.
    vicious : ndarray of shape (n,)
        Which values are vices.
    """
    vices = vicious[members]
    return members[~vices] if are_few(int(vices.sum()), len(members)) else members


def node_vectors(
    nodes: Sequence[NDArray[np.intp]], frequency: NDArray[np.float64], vectors: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return what stands for each node: the mean of its values' vectors, weighted by a floor plus frequency.

    Parameters
    ----------
    nodes : sequence of ndarray
        Values of each node; one without values gets zeros.
    frequency : ndarray of shape (n,)
        As `frequencies` gives.
    vectors : ndarray of shape (n, dimension)
        Unit vectors.

    Returns
    -------
    ndarray of shape (len(nodes), dimension)
        Unit vectors.
    """
    means = np.zeros((len(nodes), vectors.shape[1]), dtype=np.float64)
    for mean, members in zip(means, nodes, strict=True):
        for start in range(0, len(members), _ROWS):
            part = members[start : start + _ROWS]
            mean += ((FLOOR + frequency[part])[:, None] * vectors[part]).sum(axis=0)
    return normalize(means).astype(np.float32)


def unlike(vectors: NDArray[np.float32]) -> float:
    """Return the cosine that one in fifty pairs of values exceeds: what is further apart has little in common.

    Parameters
    ----------
    vectors : ndarray of shape (n, dimension)
        Unit vectors of all values.
    """
    sample = vectors[:: max(1, len(vectors) // _SAMPLE)]
    cosines = (sample @ sample.T)[np.triu_indices(len(sample), 1)]
    return float(np.quantile(cosines, 0.98)) if len(cosines) else -1.0


def rivals(centers: NDArray[np.float32], n_rivals: int = _RIVALS) -> NDArray[np.intp]:
    """Return the other nodes that each is most easily taken for, siblings or not, shape (n, k)."""
    return nearest_neighbors(centers, n_rivals)[0]


def label_ranks(
    labels: NDArray[np.float32], centers: NDArray[np.float32], nodes: Sequence[int] | None = None
) -> list[int]:
    """Return the rank of a node when a label is used as a query against all nodes of its level.

    Parameters
    ----------
    labels : ndarray of shape (n, dimension)
        Unit vectors of the labels.
    centers : ndarray of shape (n_nodes, dimension)
        What `node_vectors` gives for the nodes.
    nodes : sequence of int, length n, optional
        Whose label each is; by default, one label a node in the order of the nodes.

    Returns
    -------
    list of int
        1 is best: no other node is nearer by cosine.
    """
    owners = np.arange(len(labels)) if nodes is None else np.asarray(nodes, dtype=np.intp)
    ranks: list[int] = _queried(labels, centers, owners)[0].tolist()
    return ranks


def _queried(
    labels: NDArray[np.float32], centers: NDArray[np.float32], owners: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Return the rank of the owner of each label, the nearest other node (-1 if there is none), and how far before it.

    All of shape (n,).
    """
    ranks, others = (np.empty(len(labels), dtype=np.intp) for _ in range(2))
    margins = np.empty(len(labels), dtype=np.float32)

    def query(start: int) -> None:
        rows = slice(start, start + _BLOCK)
        similarities = labels[rows] @ centers.T
        positions, own = np.arange(len(similarities)), owners[rows]
        fit = similarities[positions, own]
        ranks[rows] = 1 + (similarities > fit[:, None] + _TIE).sum(axis=1)
        if len(centers) == 1:
            others[rows], margins[rows] = -1, fit
            return
        similarities[positions, own] = -np.inf
        others[rows] = similarities.argmax(axis=1)
        margins[rows] = fit - similarities[positions, others[rows]]

    in_parallel(query, range(0, len(labels), _BLOCK))
    return ranks, others, margins


def measure_fit(
    labels: NDArray[np.float32],
    centers: NDArray[np.float32],
    nodes: Sequence[NDArray[np.intp]],
    weights: NDArray[np.float64],
    vectors: NDArray[np.float32],
) -> list[Fit]:
    """Return how well the labels of all nodes of a level fit them.

    Parameters
    ----------
    labels, centers : ndarray of shape (n_nodes, dimension)
        Unit vectors of the labels, and what `node_vectors` gives for the nodes.
    nodes : sequence of ndarray
        Values of each node.
    weights : ndarray of shape (n,)
    vectors : ndarray of shape (n, dimension)
        Unit vectors of the values.
    """
    near = rivals(centers)
    queried = _queried(labels, centers, np.arange(len(labels)))
    fits = []
    for node, (members, rank, other, margin) in enumerate(
        zip(nodes, *(array.tolist() for array in queried), strict=True)
    ):
        own = vectors[members]
        bar = (own @ labels[near[node]].T).max(axis=1, initial=-1)
        covered = weights[members] @ (own @ labels[node] >= bar - _TIE)
        total = float(weights[members].sum())
        fits.append(Fit(rank, round(float(covered) / total, 6) if total else 0.0, round(margin, 6), other))
    return fits
