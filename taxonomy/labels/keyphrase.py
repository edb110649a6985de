"""Names made offline from the members of a node.

A name joins two of the node's values ("Patience and tolerance", "Client and patient autonomy"): the pair whose mean
vector lies closest to the node and farthest from its siblings, frequent values first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, count

import numpy as np
from numpy.typing import NDArray

from taxonomy.values import canonical_key

# Values of a node that are tried in pairs.
POOL = 14
# What a frequent value gains over a rare one, in cosine.
FREQUENCY_BONUS = 0.15
# How much closeness to the nearest sibling counts against a name.
CONTRAST = 0.5
MAX_WORDS = 4
STEM = 5
DEFINITION_WORDS = (10, 25)
# They join the parts of a value and belong to none.
FUNCTION_WORDS = frozenset(
    {"a", "an", "and", "as", "at", "be", "being", "by", "for", "from", "in", "into", "no", "not", "of", "on", "one's"}
    | {"or", "others'", "over", "the", "through", "to", "under", "with"}
)


@dataclass(frozen=True)
class Name:
    """A node's name and definition."""

    label: str
    definition: str


@dataclass(frozen=True)
class Namer:
    """Values that names are made of.

    Attributes
    ----------
    labels : sequence of str, length n
    frequency : ndarray of shape (n,)
        From 0 (the rarest value) to 1, on a log scale.
    vectors : ndarray of shape (n, dimension)
        Unit vectors.
    """

    labels: Sequence[str]
    frequency: NDArray[np.float64]
    vectors: NDArray[np.float32]

    @classmethod
    def from_weights(cls, labels: Sequence[str], weights: NDArray[np.float64], vectors: NDArray[np.float32]) -> Namer:
        """Make a namer of values and their weights in any unit."""
        positive = weights[weights > 0]
        least = positive.min() if len(positive) else 1.0
        scale = np.log1p(weights / least)
        return cls(labels, scale / scale.max() if scale.max() > 0 else scale, vectors)

    def name_level(
        self,
        nodes: Sequence[NDArray[np.intp]],
        parents: Sequence[int],
        parent_labels: Sequence[str],
        taken_below: Sequence[set[str]],
    ) -> list[Name]:
        """Name the nodes of one level, each name once.

        Parameters
        ----------
        nodes : sequence of ndarray
            Values of each node.
        parents : sequence of int
            Parent of each node, an index of `parent_labels`.
        parent_labels : sequence of str
        taken_below : sequence of set of str
            Canonical keys of the children's labels of each node.

        Returns
        -------
        list of Name
        """
        centers = np.stack([self._center(members) for members in nodes])
        siblings: dict[int, list[int]] = {}
        for node, parent in enumerate(parents):
            siblings.setdefault(parent, []).append(node)
        used: set[str] = set()
        names: list[Name | None] = [None] * len(nodes)
        # The node with most to say chooses first.
        for node in sorted(range(len(nodes)), key=lambda one: (-self.frequency[nodes[one]].sum(), one)):
            others = [one for one in siblings[parents[node]] if one != node]
            banned = used | taken_below[node]
            if parents[node] >= 0:
                banned = banned | {canonical_key(parent_labels[parents[node]])}
            label = self._choose(nodes[node], centers[node], centers[others], banned)
            used.add(canonical_key(label))
            names[node] = Name(label, self._define(label, nodes[node], centers[node]))
        return [name for name in names if name is not None]

    def _center(self, members: NDArray[np.intp]) -> NDArray[np.float64]:
        mean = ((0.1 + self.frequency[members])[:, None] * self.vectors[members]).sum(axis=0)
        return np.asarray(mean / (np.linalg.norm(mean) or 1.0), dtype=np.float64)

    def _ranked(self, members: NDArray[np.intp], center: NDArray[np.float64]) -> list[int]:
        """Return the members that say most about the node, best first."""
        fit = self.vectors[members] @ center + FREQUENCY_BONUS * self.frequency[members]
        return [int(members[i]) for i in np.lexsort((members, -fit))]

    def _choose(
        self,
        members: NDArray[np.intp],
        center: NDArray[np.float64],
        others: NDArray[np.float64],
        banned: set[str],
    ) -> str:
        pool = self._ranked(members, center)[:POOL]
        wholes = [(self.labels[member], member) for member in pool]
        candidates = list(_pairs(wholes, banned))
        if not candidates:
            parts = [(part, member) for member in pool for part in subphrases(self.labels[member])]
            candidates = list(_pairs(parts, banned))
        if not candidates:
            return next(label for label in self._fallbacks(pool) if canonical_key(label) not in banned)
        first, second = (np.array([pair[side] for _, pair in candidates]) for side in (0, 1))
        mean = self.vectors[first].astype(np.float64) + self.vectors[second]
        mean /= np.linalg.norm(mean, axis=1, keepdims=True)
        score = mean @ center + FREQUENCY_BONUS * (self.frequency[first] + self.frequency[second]) / 2
        if len(others):
            score = score - CONTRAST * (mean @ others.T).max(axis=1)
        return sentence_case(candidates[int(score.argmax())][0])

    def _fallbacks(self, pool: Sequence[int]) -> Iterator[str]:
        """Yield names for a node whose values don't pair, without end; most have two to four words."""
        for ending in ("", "and related values", "and similar values"):
            for one in pool:
                words = self.labels[one].split()
                if 1 < len([*words, *ending.split()]) <= MAX_WORDS:
                    yield sentence_case(f"{self.labels[one]} {ending}".strip())
        for number in count(2):
            yield sentence_case(f"{self.labels[pool[0]]} {number}")

    def _define(self, label: str, members: NDArray[np.intp], center: NDArray[np.float64]) -> str:
        """Say what holding the value means, with up to three members that the name doesn't show."""
        named = stems(label)
        start = f"Caring about {label[0].lower() + label[1:]} in what one says and does"
        fitting: list[str] = []
        for member in self._ranked(members, center):
            text = self.labels[member]
            if (
                stems(text) <= named
                or len(f"{start}, as in {' '.join([*fitting, text])} or".split()) > DEFINITION_WORDS[1]
            ):
                continue
            fitting.append(text)
            if len(fitting) == 3:
                break
        if not fitting:
            return f"{start}, and being known for it."
        listed = " or ".join([", ".join(fitting[:-1]), fitting[-1]]) if len(fitting) > 1 else fitting[0]
        return f"{start}, as in {listed}."


def join(one: str, other: str) -> str | None:
    """Join two values as one name of at most four words, sharing the word that they share.

    >>> join("client autonomy", "patient autonomy")
    'client and patient autonomy'
    >>> join("emotional awareness", "emotional care")
    'emotional awareness and care'
    >>> join("honesty", "honest talk") is None
    True
    """
    left, right = one.split(), other.split()
    if len(left) == len(right) == 2:
        if left[1] == right[1] and _distinct(left[:1], right[:1]):
            return f"{left[0]} and {' '.join(right)}"
        if left[0] == right[0] and _distinct(left[1:], right[1:]):
            return f"{' '.join(left)} and {right[1]}"
    if len(left) + len(right) + 1 <= MAX_WORDS and _distinct(left, right):
        return f"{' '.join(left)} and {' '.join(right)}"
    return None


def subphrases(text: str) -> list[str]:
    """Return the ends of up to two words of the parts of a value between function words: heads of noun phrases.

    >>> subphrases("attention to small print")
    ['attention', 'small print', 'print']
    """
    parts: list[list[str]] = [[]]
    for word in text.split():
        if word.casefold() in FUNCTION_WORDS:
            parts.append([])
        else:
            parts[-1].append(word)
    return [" ".join(part[-size:]) for part in parts for size in (2, 1) if size <= len(part)]


def _pairs(pieces: Sequence[tuple[str, int]], banned: set[str]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the names that join two pieces, each with the values that its pieces come from."""
    for (one, first), (other, second) in combinations(pieces, 2):
        label = join(one, other)
        if first != second and label and canonical_key(label) not in banned:
            yield label, (first, second)


def stems(text: str) -> set[str]:
    """Return the first letters of each word but "and": words of one family share them."""
    return {word[:STEM] for word in text.casefold().replace("-", " ").split() if word != "and"}


def sentence_case(text: str) -> str:
    """Return `text` with a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def _distinct(left: Sequence[str], right: Sequence[str]) -> bool:
    one, other = stems(" ".join(left)), stems(" ".join(right))
    return not one & other and "and" not in [*left, *right]
