"""Names made offline from the members of a node.

Candidates are the node's best members, phrases that they share, and pairs where a node has two themes. The name chosen
covers the members, weighted by how often they occur, tells the node from those it is easily taken for, by class-based
TF-IDF and by embedding, and reads as a name.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from taxonomy.english.polarity import polarity_of
from taxonomy.english.words import parts, sentence_case, stems
from taxonomy.labels.candidates import MAX_WORDS, Candidate, propose_candidates
from taxonomy.labels.definitions import Definer
from taxonomy.labels.fit import frequencies, label_ranks, node_vectors, rivals
from taxonomy.labels.lexicon import Lexicon
from taxonomy.values import canonical_key

Encode = Callable[[Sequence[str]], NDArray[np.float32]]

# Members of a node that are looked at.
_POOL = 24
# Nodes that a node is most easily taken for.
RIVALS = 16
# What a frequent value gains over a rare one, in cosine.
_FREQUENCY_BONUS = 0.3
# From this part of the node's highest frequency on, a value is common enough to name it.
COMMON = 0.4
# How much closeness to the nearest rival counts against a name, and what words that tell the node apart gain.
CONTRAST = 0.05
_TELLING = 0.3
# What a second theme must add in coverage to be worth an "and".
_SECOND_THEME = 0.05
# What a head that says little costs.
_VAGUE = 0.05
# How alike the members with a modifier and those with a head must be for the two to be one name.
_ALIKE = 0.82
# Embedding decides between the first two candidates that are no further apart, in at most so many nodes of a level.
_MARGIN = 0.03
_CONTESTS = 500
# Nodes of a level whose other candidates are tried if their label does not find them.
_RENAMED = 100
KEPT = 12


@dataclass(frozen=True, slots=True)
class Name:
    """A node's name and definition.

    Attributes
    ----------
    label, definition : str
    rank : int or None
        As `Node.label_rank`.
    """

    label: str
    definition: str
    rank: int | None = None


@dataclass(frozen=True)
class _Pool:
    """The best members of a node: positions, texts, and weights that add up to 1."""

    members: NDArray[np.intp]
    texts: list[str]
    weights: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Scored:
    """A name, its score, and its vector as estimated from its themes."""

    score: float
    text: str
    vector: NDArray[np.float32]


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
    encode : callable
        Returns the unit vectors of strings.
    """

    labels: Sequence[str]
    frequency: NDArray[np.float64]
    vectors: NDArray[np.float32]
    encode: Encode
    lexicon: Lexicon = field(repr=False)
    definer: Definer = field(repr=False)

    @classmethod
    def from_weights(
        cls, labels: Sequence[str], weights: NDArray[np.float64], vectors: NDArray[np.float32], encode: Encode
    ) -> Namer:
        """Make a namer of values and their weights in any unit."""
        return cls(
            labels, frequencies(weights), vectors, encode, Lexicon.from_labels(labels), Definer.from_encoder(encode)
        )

    def name_level(
        self,
        nodes: Sequence[NDArray[np.intp]],
        parents: Sequence[int],
        parent_labels: Sequence[str],
        taken_below: Sequence[set[str]],
        beside: Sequence[tuple[str, NDArray[np.intp]]] = (),
    ) -> list[Name]:
        """Name nodes of one level, each name once.

        Parameters
        ----------
        nodes : sequence of ndarray
            Values of each node.
        parents : sequence of int
            Parent of each node, an index of `parent_labels`.
        parent_labels : sequence of str
        taken_below : sequence of set of str
            Canonical keys of the children's labels of each node.
        beside : sequence of (str, ndarray)
            Label and values of the nodes of the level that have a name.

        Returns
        -------
        list of Name
        """
        around = node_vectors([*nodes, *(values for _, values in beside)], self.frequency, self.vectors)
        centers = around[: len(nodes)]
        used = {stems(label) for label, _ in beside}
        # One thread, so that no bit hangs on how many there are.
        with threadpool_limits(1):
            pools = [self._pool(members, center) for members, center in zip(nodes, centers, strict=True)]
            banned = [
                taken | ({canonical_key(parent_labels[parent])} if parent >= 0 else set())
                for taken, parent in zip(taken_below, parents, strict=True)
            ]
            ranked = self._rank_candidates(pools, around, banned)
            above = [parent_labels[parent] if parent >= 0 else "" for parent in parents]
            texts = self._choose(nodes, pools, ranked, banned, above, used)
            texts, ranks = self._found_first(texts, ranked, around, above, used)
            shown = [self._shown(pool) for pool in pools]
            meant = [text.removeprefix("forms of ") for text in texts]
            definitions = self.definer.define_level(meant, shown, centers, parents)
        labels = map(sentence_case, texts)
        return [Name(*one) for one in zip(labels, definitions, ranks, strict=True)]

    def define(self, labels: Sequence[str], nodes: Sequence[NDArray[np.intp]]) -> list[str]:
        """Return definitions of nodes that have a label, by their members alone."""
        if not nodes:
            return []
        centers = node_vectors(nodes, self.frequency, self.vectors)
        pools = [self._pool(*one) for one in zip(nodes, centers, strict=True)]
        shown = [self._shown(pool) or pool.texts for pool in pools]
        return self.definer.define_members([self.lexicon.plain(label) for label in labels], shown, centers)

    def _shown(self, pool: _Pool) -> list[str]:
        """Return the members that can be examples."""
        return [text for text in pool.texts if self.lexicon.is_thing(text)]

    def rank(self, labels: Sequence[str], nodes: Sequence[NDArray[np.intp]]) -> list[int | None]:
        """Return the rank of the first nodes of a level, whose labels are given, None for a node without values."""
        ranks = label_ranks(self.encode(labels), node_vectors(nodes, self.frequency, self.vectors))
        return [rank if len(nodes[index]) else None for index, rank in enumerate(ranks)]

    def _pool(self, members: NDArray[np.intp], center: NDArray[np.float32]) -> _Pool:
        """Return the best members, without the vices unless at least half are."""
        is_vice = np.array([polarity_of(self.labels[member]) == "vice" for member in members], dtype=bool)
        if 2 * is_vice.sum() < len(members):
            members = members[~is_vice]
        fit = self.vectors[members] @ center + _FREQUENCY_BONUS * self.frequency[members]
        best = members[np.lexsort((members, -fit))[:_POOL]]
        weights = 0.1 + self.frequency[best]
        return _Pool(best, [self.lexicon.plain(self.labels[member]) for member in best], weights / weights.sum())

    def _rank_candidates(
        self, pools: Sequence[_Pool], around: NDArray[np.float32], banned: Sequence[set[str]]
    ) -> list[list[str]]:
        """Return the names that each node could have, best first; `around` goes on with the nodes that have a name."""
        centers, near = around[: len(pools)], rivals(around, RIVALS)[: len(pools)]
        telling = _class_tf_idf(pools)
        scored = [
            self._score(pool, center, around[others], words, taken)
            for pool, center, others, words, taken in zip(pools, centers, near, telling, banned, strict=True)
        ]
        finalists = self._finalists(scored)
        vectors = iter(self.encode([sentence_case(one.text) for final in finalists for one in final]))
        ranked = []
        for found, final, center, others in zip(scored, finalists, centers, near, strict=True):
            true = {one.text: self._with_vector(one, next(vectors), center, around[others]) for one in final}
            first = sorted(true, key=lambda text: (-true[text], text))
            ranked.append(first + [one.text for one in found[len(final) :]])
        return ranked

    @staticmethod
    def _finalists(scored: Sequence[Sequence[_Scored]]) -> list[Sequence[_Scored]]:
        """Return the first candidate of each node, with the second of the nodes where the two are closest."""
        leads = [candidates[0].score - candidates[1].score if len(candidates) > 1 else np.inf for candidates in scored]
        close = set(np.argsort(leads, kind="stable")[:_CONTESTS].tolist())
        return [candidates[: 2 if i in close and leads[i] < _MARGIN else 1] for i, candidates in enumerate(scored)]

    @staticmethod
    def _with_vector(
        scored: _Scored, vector: NDArray[np.float32], center: NDArray[np.float32], rivals: NDArray[np.float32]
    ) -> float:
        """Return the score of a name with its own vector in place of the guess."""
        guessed, true = _closeness(np.stack([scored.vector, vector]), center, rivals)
        return scored.score + float(true - guessed)

    def _score(
        self,
        pool: _Pool,
        center: NDArray[np.float32],
        others: NDArray[np.float32],
        telling: dict[str, float],
        banned: set[str],
    ) -> list[_Scored]:
        """Return the best candidates of a node, best first, each set of words once."""
        candidates: list[Candidate] = []
        for fit in (self._common(pool, center), [True] * len(pool.texts)):
            named = propose_candidates(pool.texts, fit, self.lexicon)
            candidates = candidates or [candidate for candidate in named if canonical_key(candidate.text) not in banned]
        if not candidates:
            return []
        frequency = self.frequency[pool.members]
        vectors = self.vectors[pool.members]
        rows: dict[tuple[int, ...], int] = {}
        for candidate in candidates:
            for theme in candidate.themes:
                rows.setdefault(theme, len(rows))
        theme_vectors = np.stack([vectors[list(theme)].mean(axis=0) for theme in rows])
        theme_vectors /= np.linalg.norm(theme_vectors, axis=1, keepdims=True)
        often = np.array([frequency[list(theme)].mean() for theme in rows])
        cover = theme_vectors @ vectors.T
        first = np.array([rows[candidate.themes[0]] for candidate in candidates])
        second = np.array([rows[candidate.themes[-1]] for candidate in candidates])
        means = theme_vectors[first] + theme_vectors[second]
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        merged = np.array([candidate.merged for candidate in candidates])
        alike = (theme_vectors[first] * theme_vectors[second]).sum(axis=1)
        score = (
            _closeness(means, center, others)
            + np.maximum(cover[first], cover[second]) @ pool.weights
            + _FREQUENCY_BONUS * (often[first] + often[second]) / 2
            + _TELLING * np.array([_mean(telling[word] for word in stems(candidate.text)) for candidate in candidates])
            + np.array([candidate.form for candidate in candidates])
            - _VAGUE * np.array([self.lexicon.is_vague(candidate.text) for candidate in candidates])
            - _SECOND_THEME * ((first != second) & ~merged)
        )
        score[merged & (alike < _ALIKE)] = -np.inf
        best: dict[frozenset[str], _Scored] = {}
        for i in np.argsort(-score, kind="stable"):
            if score[i] == -np.inf or len(best) == KEPT:
                break
            best.setdefault(stems(candidates[i].text), _Scored(float(score[i]), candidates[i].text, means[i]))
        return list(best.values())

    def _common(self, pool: _Pool, center: NDArray[np.float32]) -> list[bool]:
        """Tell which members can name their node: no rare oddity.

        What is rare must lie near the middle, or have its words from others too.
        """
        frequency = self.frequency[pool.members]
        near = self.vectors[pool.members] @ center
        usual = (frequency >= COMMON * frequency.max()) | (near >= np.median(near))
        shared = Counter(one for text in pool.texts for one in stems(text))
        return [bool(usual[i] or all(shared[one] > 1 for one in stems(text))) for i, text in enumerate(pool.texts)]

    def _choose(
        self,
        nodes: Sequence[NDArray[np.intp]],
        pools: Sequence[_Pool],
        ranked: Sequence[Sequence[str]],
        banned: Sequence[set[str]],
        above: Sequence[str],
        taken: set[frozenset[str]],
    ) -> list[str]:
        """Give each node the best name that no other has; the node with most to say chooses first."""
        labels = [""] * len(nodes)
        used: set[frozenset[str] | str] = set(taken)
        for node in sorted(range(len(nodes)), key=lambda one: (-self.frequency[nodes[one]].sum(), one)):
            free = (text for text in ranked[node] if stems(text) not in used and stems(text) != stems(above[node]))
            label = next(free, None) or next(
                text
                for text in self._fallbacks(pools[node].texts)
                if canonical_key(text) not in used and canonical_key(text) not in banned[node]
            )
            used |= {stems(label), canonical_key(label)}
            labels[node] = label
        return labels

    def _found_first(
        self,
        labels: Sequence[str],
        ranked: Sequence[Sequence[str]],
        centers: NDArray[np.float32],
        above: Sequence[str],
        taken: set[frozenset[str]],
    ) -> tuple[list[str], list[int]]:
        """Rename nodes that their label does not find first, by the best free candidate that does; with their ranks."""
        chosen = list(labels)
        ranks = self._ranks(labels, centers, range(len(labels)))
        used = taken | {stems(label) for label in labels}
        lost = [i for i, rank in enumerate(ranks) if rank > 1]
        options = [(i, text) for i in lost[:_RENAMED] for text in ranked[i] if stems(text) != stems(above[i])]
        found = self._ranks([text for _, text in options], centers, [i for i, _ in options])
        for (i, text), rank in zip(options, found, strict=True):
            if rank == 1 and chosen[i] == labels[i] and stems(text) not in used:
                chosen[i], ranks[i] = text, 1
                used.add(stems(text))
        return chosen, ranks

    def _ranks(self, texts: Sequence[str], centers: NDArray[np.float32], nodes: Sequence[int]) -> list[int]:
        return label_ranks(self.encode([sentence_case(text) for text in texts]), centers, nodes) if texts else []

    def _fallbacks(self, pool: Sequence[str]) -> Iterator[str]:
        """Yield names for a node whose values give none, without end; most have two to four words."""
        things = [
            text for text in pool if self.lexicon.is_nominal(text.split()) and not text.split()[0].endswith("ing")
        ]
        pieces = [*pool, *(" ".join(part[-size:]) for text in pool for part in parts(text) for size in (2, 1))]
        framed = [
            ("forms of {}", things),
            *((frame, pieces) for frame in ("{}", "forms of {}", "{} and related values")),
        ]
        for frame, texts in framed:
            for text in texts:
                if 1 < len(frame.format(text).split()) <= MAX_WORDS:
                    yield frame.format(text)
        for number in count(2):
            yield f"{pieces[0]} {number}"


def _closeness(
    vectors: NDArray[np.float32], center: NDArray[np.float32], others: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return how much nearer vectors are to a node than to the nearest of its rivals, shape (n,)."""
    near = vectors @ center
    return near - CONTRAST * (vectors @ others.T).max(axis=1) if len(others) else near


def _mean(numbers: Iterable[float]) -> float:
    listed = list(numbers)
    # Exact, since a set has no order.
    return math.fsum(listed) / len(listed)


def _class_tf_idf(pools: Sequence[_Pool]) -> list[dict[str, float]]:
    """Return how much each word stem tells of each node, from 0 to 1.

    Class-based TF-IDF (Grootendorst 2022, "BERTopic", eq. 2) over the nodes' best members, weighted by frequency.
    """
    terms: list[dict[str, float]] = []
    totals: dict[str, float] = defaultdict(float)
    for pool in pools:
        found: dict[str, float] = defaultdict(float)
        for text, weight in zip(pool.texts, pool.weights.tolist(), strict=True):
            for one in stems(text):
                found[one] += weight
        for one, weight in found.items():
            totals[one] += weight
        terms.append(found)
    average = math.fsum(totals.values()) / max(len(pools), 1)
    tellings: list[dict[str, float]] = []
    for found in terms:
        scores = {one: weight * float(np.log1p(average / totals[one])) for one, weight in found.items()}
        most = max(scores.values(), default=1.0)
        tellings.append(defaultdict(float, {one: score / most for one, score in scores.items()}))
    return tellings
