"""Whether a name resembles the members of its node, by the vectors of the tree's own encoder."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embeddings.encoder import find_unknown_words
from taxonomy.model.draft import Draft

if TYPE_CHECKING:
    from embeddings import Encoder

# A name must be nearer to its members than this part of the other values is. By MiniLM, none of the published names of
# clusters and groups is refused with its own members; see tests/benchmarks/likeness.py.
_PART = 0.75


class Likeness:
    """Tells which names resemble the members of their nodes.

    A bar of a fixed height would mean something else for each encoder. Here names are held against the other values of
    the tree: one that the members resemble less than they do most of those is not about them.

    Parameters
    ----------
    draft : Draft
        Its members may move.
    vectors : ndarray of shape (n_values, dimension)
        Unit vectors of its values, in its order.
    encoder : Encoder
        What made them.
    """

    def __init__(self, draft: Draft, vectors: NDArray[np.float32], encoder: Encoder) -> None:
        self._draft = draft
        self._vectors = vectors
        self._encoder = encoder
        self._row = {value.id: row for row, value in enumerate(draft.level(0))}
        self._known: dict[str, NDArray[np.float32] | None] = {}

    def look_at(self, names: Iterable[str]) -> None:
        """Embed names that `resembles` will be asked about, at once, which is faster than one by one."""
        new = [name for name in dict.fromkeys(names) if name not in self._known]
        if not new:
            return
        words = list(dict.fromkeys(word for name in new for word in name.split()))
        # Word by word: of a whole name it is said to be known when one word in it is rare.
        unknown = set(compress(words, find_unknown_words(self._encoder, words)))
        told = [name for name in new if unknown.isdisjoint(name.split())]
        self._known |= dict.fromkeys(new)
        self._known |= zip(told, self._encoder.encode(told), strict=True)

    def resembles(self, name: str, id: str) -> bool:
        """Tell whether a name resembles the members of a node.

        It is taken to where its vector says nothing, as with a word that the encoder does not know, and where there are
        no other values.
        """
        self.look_at([name])
        vector = self._known[name]
        within = np.zeros(len(self._vectors), dtype=bool)
        within[[self._row[value.id] for value in self._draft.leaves(id)]] = True
        if vector is None or not vector.any() or within.all():
            return True
        center = self._vectors[within].mean(axis=0)
        # Rounded, so that the last bits of a product don't decide.
        others = np.round(self._vectors @ center, 6)[~within]
        return bool(round(float(vector @ center), 6) >= np.quantile(others, _PART))
