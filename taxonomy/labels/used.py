"""The names that are taken on a level."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from embeddings.neighbors import cells
from taxonomy.english.words import stems
from taxonomy.values import canonical_key

# Cosine of names from which they mean the same.
_SAME = 0.9
# Nodes of a level up to which names are compared with all others; above, nodes of a cell, and cells looked at.
_EXACT, _NODES_PER_CELL, _PROBES = 10_000, 100, 8


class UsedNames:
    """The names that nodes of a level have, by words and by meaning.

    Parameters
    ----------
    labels : sequence of str
    vectors : ndarray of shape (n, dimension)
        Unit vectors of the labels.
    around : ndarray of shape (n_nodes, dimension)
        Unit vectors of all nodes of the level. Up to 10,000, a name is compared with every other; of more, with those
        that lie in the eight cells nearest to it.
    """

    def __init__(self, labels: Sequence[str], vectors: NDArray[np.float32], around: NDArray[np.float32]) -> None:
        self._words = {stems(label) for label in labels}
        many = len(around) > _EXACT
        self._pivots = cells(around, len(around) // _NODES_PER_CELL)[0] if many else around[:1]
        self._cells: list[list[int]] = [[] for _ in self._pivots]
        self._vectors = np.empty((len(vectors) + len(around), around.shape[1]), dtype=np.float32)
        self._count = 0
        for vector in vectors:
            self._place(vector)

    def is_free(self, text: str, vector: NDArray[np.float32] | None, taken: Sequence[Collection[str]]) -> bool:
        """Tell whether a name says what no other says, and its canonical key is in none of `taken`."""
        if stems(text) in self._words:
            return False
        key = canonical_key(text)
        if any(key in keys for keys in taken):
            return False
        return vector is None or bool((self._near(vector) @ vector).max(initial=-1.0) < _SAME)

    def add(self, text: str, vector: NDArray[np.float32] | None) -> None:
        """Take a name."""
        self._words.add(stems(text))
        if vector is not None:
            self._place(vector)

    def _near(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        if len(self._cells) == 1:
            return self._vectors[: self._count]
        nearest = np.argsort(-(self._pivots @ vector), kind="stable")[:_PROBES]
        return self._vectors[[row for cell in nearest for row in self._cells[cell]]]

    def _place(self, vector: NDArray[np.float32]) -> None:
        if self._count == len(self._vectors):
            # A node may be named twice.
            self._vectors = np.concatenate([self._vectors, np.empty_like(self._vectors)])
        self._vectors[self._count] = vector
        self._cells[int((self._pivots @ vector).argmax())].append(self._count)
        self._count += 1
