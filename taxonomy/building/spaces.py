"""Where the vectors of a build come from: a model by name, any encoder, or vectors that the user brings."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder, StoredEncoder, load_encoder
from embeddings.arrays import normalize
from embeddings.progress import Progress
from taxonomy.english.words import stems
from taxonomy.errors import InputError
from taxonomy.model import ModelProvenance, Taxonomy
from taxonomy.quality.vectors import as_built, describe_model
from taxonomy.values import SpellingIndex, ValueSet


@dataclass(frozen=True)
class Space:
    """The space in which a build compares strings.

    Attributes
    ----------
    encoder : Encoder
        What embeds values, names and examples of domains, as they are.
    model : ModelProvenance
    """

    encoder: Encoder
    model: ModelProvenance

    @classmethod
    def of_encoder(cls, encoder: Encoder) -> Space:
        """Return the space of an encoder; what it computes is kept on disk under its digest."""
        return cls(StoredEncoder(encoder), describe_model(encoder))

    @classmethod
    def of_model(cls, model: str, *, expected: int = 0, previous: Taxonomy | None = None) -> Space:
        """Return the space of a model; the first two as for `embeddings.load_encoder`.

        The vectors of `previous` are used again where that is possible: see `taxonomy.quality.vectors.as_built`.
        """
        load = partial(load_encoder, model)
        encoder = load(expected=expected)
        return cls.of_encoder(encoder if previous is None else as_built(previous, encoder, load))

    @classmethod
    def of_vectors(cls, value_set: ValueSet, vectors: NDArray[np.floating], encoder: Encoder | None) -> Space:
        """Return the space of vectors that the user brings.

        Parameters
        ----------
        value_set : ValueSet
        vectors : ndarray of shape (n_rows, dimension)
            One a row of the input.
        encoder : Encoder, optional
            What made them, for strings that are not among the values: names, and examples of domains.

        Raises
        ------
        InputError
            If there is not one finite vector a row, or the encoder's have another length.
        """
        given = _GivenVectors(value_set, vectors, encoder)
        return cls(given, ModelProvenance(name=given.name, sha256=given.digest, dimension=given.dimension))


class _GivenVectors:
    """Vectors of values as an encoder.

    Any other string has, without an encoder for it, the mean vector of the values that share its words, and a zero
    vector where none does.
    """

    def __init__(self, value_set: ValueSet, vectors: NDArray[np.floating], encoder: Encoder | None) -> None:
        array = np.asarray(vectors)
        if array.ndim != 2 or len(array) != value_set.rows:
            problem = f"vectors are of the shape {array.shape}, and the input has {value_set.rows:,} rows"
            raise InputError(problem, remedy="give one vector per row")
        if not np.issubdtype(array.dtype, np.number) or not np.isfinite(array).all():
            raise InputError("`vectors` has values that are not finite numbers", remedy="give an array of numbers")
        if encoder is not None and encoder.dimension != array.shape[1]:
            problem = f"vectors have {array.shape[1]} components, and those of the encoder {encoder.dimension}"
            raise InputError(problem, remedy="give the encoder that made them")
        self._encoder = None if encoder is None else StoredEncoder(encoder)
        self._rows = SpellingIndex((value.label, row) for row, value in enumerate(value_set.values))
        starts = np.cumsum([0, *(1 + len(value.aliases) for value in value_set.values)])[:-1]
        rows = np.array(value_set.first_rows, dtype=np.intp)[starts] - 1
        self._vectors = normalize(array[rows].astype(np.float32))
        self._by_stem = _by_stem(value_set.labels, self._vectors)
        self.name = "own vectors" if encoder is None else f"own vectors, {encoder.name}"
        self.dimension = int(array.shape[1])
        self.digest = hashlib.sha256(self._vectors.astype("<f4").tobytes()).hexdigest()

    def encode(self, strings: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Return unit vectors, shape (n, dimension); zero where nothing is known of a string."""
        vectors = np.zeros((len(strings), self.dimension), dtype=np.float32)
        rest = []
        for index, string in enumerate(strings):
            row = self._rows.find(string)
            if row is None:
                rest.append(index)
            else:
                vectors[index] = self._vectors[row]
        if rest and self._encoder is not None:
            vectors[rest] = self._encoder.encode([strings[index] for index in rest], progress=progress)
        elif rest:
            vectors[rest] = normalize(np.stack([self._composed(strings[index]) for index in rest]))
        return vectors

    def _composed(self, string: str) -> NDArray[np.float32]:
        known = [self._by_stem[stem] for stem in sorted(stems(string)) if stem in self._by_stem]
        return np.sum(known, axis=0) if known else np.zeros(self.dimension, dtype=np.float32)


def _by_stem(labels: Sequence[str], vectors: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Return the mean vector of the values that hold each word, by its stem."""
    rows: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        for stem in stems(label):
            rows.setdefault(stem, []).append(row)
    return {stem: vectors[own].mean(axis=0) for stem, own in rows.items()}
