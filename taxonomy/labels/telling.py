"""Which words tell a node from those beside it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taxonomy.english.words import stem, stems, word_list

# Words that any value may have.
_FILLERS = frozenset(map(stem, word_list("fillers")))


class TellingWords:
    """How much each word stem tells of one node, from 0 to 1."""

    def __init__(self, scores: dict[str, float]) -> None:
        self._scores = scores

    def of(self, text: str) -> float:
        """Return how much the words of a text tell on average."""
        words = stems(text) - _FILLERS or stems(text)
        # Exact, since a set has no order.
        return math.fsum(self._scores.get(word, 0.0) for word in words) / len(words)


def find_telling_words(texts: Sequence[Sequence[str]], weights: Sequence[NDArray[np.float64]]) -> list[TellingWords]:
    """Return the telling words of each node, by class-based TF-IDF (Grootendorst 2022, "BERTopic", eq. 2).

    Parameters
    ----------
    texts : sequence of sequence of str
        The best members of each node.
    weights : sequence of ndarray
        Of those.
    """
    terms: list[dict[str, float]] = []
    totals: dict[str, float] = defaultdict(float)
    for own, heavy in zip(texts, weights, strict=True):
        found: dict[str, float] = defaultdict(float)
        for text, weight in zip(own, heavy.tolist(), strict=True):
            for one in stems(text):
                found[one] += weight
        for one, weight in found.items():
            totals[one] += weight
        terms.append(found)
    average = math.fsum(totals.values()) / max(len(texts), 1)
    nodes: list[TellingWords] = []
    for found in terms:
        scores = {one: weight * float(np.log1p(average / totals[one])) for one, weight in found.items()}
        most = max(scores.values(), default=1.0)
        nodes.append(TellingWords({one: score / most for one, score in scores.items()}))
    return nodes
