"""The nodes of level 1 of a tree as points among which new values find their place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from embeddings.arrays import one_thread
from embeddings.encoder import Encoder, find_unknown_words
from embeddings.progress import Progress
from taxonomy.clustering.affinity import ExampleJudges, pooled
from taxonomy.errors import InputError
from taxonomy.geometry import cluster_means, confidence, two_nearest
from taxonomy.model import Node, Taxonomy, mint_id

# Vectors in a product: all are of one shape, since on that the last bits depend.
_ROWS = 256

_Nearest = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]


class Place(NamedTuple):
    """Where a value belongs, as in `Assignment`."""

    node: Node
    confidence: float | None = None
    runner_up: Node | None = None
    unknown_words: bool = False


def check_levels(tree: Taxonomy) -> None:
    """Raise an InputError for a tree without a level above the values."""
    if len(tree.levels) < 2:
        raise InputError("the taxonomy has one level", remedy="give one with a level above the values")


class Places:
    """The nodes of level 1 of a tree as points, and the examples of its domains.

    It holds no encoder, so that it can be sent to where strings are embedded.

    Parameters
    ----------
    tree : Taxonomy
    encoder : Encoder
        What embeds strings as the tree's values were.
    progress : callable, optional
        Called with (values embedded, values in all).
    """

    def __init__(self, tree: Taxonomy, encoder: Encoder, progress: Progress | None = None) -> None:
        vectors = encoder.encode([value.label for value in tree.leaves], progress=progress)
        rows = tree.ancestors
        positions, first, labels = np.unique(rows[0], return_index=True, return_inverse=True)
        self._nodes = [tree.nodes[position] for position in positions]
        self._centers = cluster_means(vectors, labels).astype(np.float64)
        # Domains by number, and the domain of each node.
        tops, self._domains = np.unique(rows[-1][first], return_inverse=True)
        self._judges = _judges(tree, [tree.nodes[position] for position in tops], encoder)

    def place(self, texts: Sequence[str], encoder: Encoder, progress: Progress | None = None) -> list[Place]:
        """Return where each text belongs, whatever else is placed with it."""
        if not texts:
            return []
        vectors = encoder.encode(texts, progress=progress)
        with one_thread():
            found = self._place(vectors)
        unknown = find_unknown_words(encoder, texts)
        return [
            Place(place.node, 0.0, None, unknown_words=True) if lost else place
            for place, lost in zip(found, unknown, strict=True)
        ]

    def _place(self, vectors: NDArray[np.float32]) -> list[Place]:
        if self._judges is None:
            best, other, near, far = self._nearest(vectors, self._centers)
            return self._labelled(best, confidence(near, far), other)
        shares = pooled(*_in_blocks(vectors, self._judges.shares))
        order = np.argsort(-shares, axis=1, kind="stable")
        positions = np.arange(len(vectors))
        first, second = shares[positions, order[:, 0]], shares[positions, order[:, 1]]
        sure_domain = first / (first + second)
        best, other, near, far = self._nearest_within(vectors, order[:, 0])
        elsewhere = self._nearest_within(vectors, order[:, 1])[0]
        sure_place = confidence(near, far)
        other = np.where(sure_domain < sure_place, elsewhere, other)
        return self._labelled(best, np.minimum(sure_domain, sure_place), other)

    def _nearest(self, vectors: NDArray[np.float32], centers: NDArray[np.float64]) -> _Nearest:
        best, other, near, far = _in_blocks(vectors, lambda block: two_nearest(block, centers))
        return best, other, near, far

    def _nearest_within(self, vectors: NDArray[np.float32], domains: NDArray[np.intp]) -> _Nearest:
        """Return the two nearest nodes of each vector within its domain, and the distances."""
        n = len(vectors)
        best, other = np.empty(n, dtype=np.intp), np.empty(n, dtype=np.intp)
        near, far = np.empty(n), np.empty(n)
        for domain in np.unique(domains):
            rows = np.flatnonzero(domains == domain)
            nodes = np.flatnonzero(self._domains == domain)
            first, second, near[rows], far[rows] = self._nearest(vectors[rows], self._centers[nodes])
            best[rows], other[rows] = nodes[first], np.where(second < 0, -1, nodes[second])
        return best, other, near, far

    def _labelled(self, best: NDArray[np.intp], sure: NDArray[np.float64], other: NDArray[np.intp]) -> list[Place]:
        return [
            Place(self._nodes[node], round(certainty, 6), None if runner_up < 0 else self._nodes[runner_up])
            for node, certainty, runner_up in zip(best.tolist(), sure.tolist(), other.tolist(), strict=True)
        ]


def _in_blocks(
    vectors: NDArray[np.float32], work: Callable[[NDArray[np.float32]], Sequence[NDArray[Any]]]
) -> list[NDArray[Any]]:
    """Return the arrays that `work` makes of vectors, of which it is given blocks of one shape."""
    parts = []
    for start in range(0, len(vectors), _ROWS):
        part = vectors[start : start + _ROWS]
        block = np.zeros((_ROWS, vectors.shape[1]), dtype=vectors.dtype)
        block[: len(part)] = part
        parts.append([array[: len(part)] for array in work(block)])
    return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]


def _judges(tree: Taxonomy, tops: Sequence[Node], encoder: Encoder) -> ExampleJudges | None:
    """Return what judges the domain by the examples of the domains; None if one has none, or there is one domain."""
    if len(tops) == 1:
        return None
    described = tree.provenance.parameters.get("domains") or []
    level = len(tree.levels) - 1
    texts: list[str] = []
    numbers: list[int] = []
    for number, top in enumerate(tops):
        own = [
            domain
            for domain in described
            if top.id == mint_id("domain", level, [domain["key"]]) or top.label == domain["name"]
        ]
        if not own:
            return None
        texts += own[0]["examples"]
        numbers += [number] * len(own[0]["examples"])
    return ExampleJudges(encoder.encode(texts), np.array(numbers, dtype=np.intp))
