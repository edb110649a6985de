"""The names that are taken on a level."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from taxonomy.english.words import stems
from taxonomy.values import canonical_key

# Cosine of names from which they mean the same.
_SAME = 0.9


class UsedNames:
    """The names that nodes of a level have, by words and by meaning.

    Parameters
    ----------
    labels : sequence of str
    vectors : ndarray of shape (n, dimension)
        Unit vectors of the labels.
    room : int
        How many names may be added.
    """

    def __init__(self, labels: Sequence[str], vectors: NDArray[np.float32], room: int) -> None:
        self._words = {stems(label) for label in labels}
        self._vectors = np.concatenate([vectors, np.empty((room, vectors.shape[1]), dtype=np.float32)])
        self._count = len(vectors)

    def is_free(self, text: str, vector: NDArray[np.float32] | None, taken: Collection[str]) -> bool:
        """Tell whether a name says what no other says, and its canonical key is not one of `taken`."""
        if stems(text) in self._words or canonical_key(text) in taken:
            return False
        likeness = self._vectors[: self._count] @ vector if vector is not None else ()
        return max(likeness, default=-1.0) < _SAME

    def add(self, text: str, vector: NDArray[np.float32] | None) -> None:
        """Take a name."""
        self._words.add(stems(text))
        if vector is not None:
            self._vectors[self._count] = vector
            self._count += 1
