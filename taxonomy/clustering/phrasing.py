"""Embed a value in phrases about a person who holds it.

A bare string is ambiguous to a sentence encoder ("drive", "balance"); in such a phrase it is a value. The bare string
is averaged in, since the phrases make all values more similar.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder
from embeddings.arrays import normalize
from embeddings.progress import Progress

PHRASINGS = ("{}", "someone who cares about {}", "a person who values {}")


class PhrasedEncoder:
    """An encoder that averages the vectors of several phrasings of a string.

    Parameters
    ----------
    encoder : Encoder
    phrasings : sequence of str
        Each with one ``{}`` for the string.

    Attributes
    ----------
    name, digest, dimension
        As of any `Encoder`; the digest covers the phrasings.
    """

    def __init__(self, encoder: Encoder, phrasings: Sequence[str] = PHRASINGS) -> None:
        self._encoder = encoder
        self._phrasings = tuple(phrasings)
        self.name = encoder.name
        self.dimension = encoder.dimension
        if (chunk := getattr(encoder, "chunk", None)) is not None:
            self.chunk = chunk
        self.digest = hashlib.sha256("\n".join((encoder.digest, *phrasings)).encode()).hexdigest()

    def encode(self, strings: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Return unit vectors, shape (n, dimension); `progress` is called with (strings done, strings in all)."""
        count = len(self._phrasings)
        phrased = [phrasing.replace("{}", string) for phrasing in self._phrasings for string in strings]
        phrasing_progress = None if progress is None else lambda done, total: progress(done // count, total // count)
        vectors = self._encoder.encode(phrased, progress=phrasing_progress).reshape(count, len(strings), self.dimension)
        total = vectors[0].copy()
        for phrased_vectors in vectors[1:]:
            total += phrased_vectors
        return normalize(total)
