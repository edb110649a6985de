"""Names made offline from the members of a node.

A name says one idea where one carries most of the node: a member, a phrase that members share, or an adjective and a
noun that do. Where two share it they are joined by "and". The name chosen covers the members, weighted by how often they
occur, tells the node from those it is easily taken for, by class-based TF-IDF and by embedding, and reads as a name.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from taxonomy.english.polarity import polarity_of
from taxonomy.english.words import parts, sentence_case, stems
from taxonomy.labels.candidates import MAX_WORDS, Candidate, propose_ideas, propose_pairs
from taxonomy.labels.fit import Fit, frequencies, label_ranks, measure_fit, node_vectors, rivals
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
# What a head that says little costs.
_VAGUE = 0.05
# How alike the members with a modifier and those with a head must be for the two to be one idea.
_ALIKE = 0.82
# An idea carries a node from this share of its weight or of its members on; a second one must add so much.
_CARRIES = 0.6
_ADDS = 0.2
# Cosine of names from which they mean the same.
_SAME = 0.9
# Nodes of a level whose other candidates are tried if their label does not find them.
_RENAMED = 100
KEPT = 12
# A label should find its node among so many.
_FOUND = 1


@dataclass(frozen=True)
class _Pool:
    """The best members of a node: positions, texts, and weights that add up to 1."""

    members: NDArray[np.intp]
    texts: list[str]
    weights: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Scored:
    """A name, its score, its vector as estimated from its sources, and how frequent these are."""

    candidate: Candidate
    score: float
    vector: NDArray[np.float32]
    often: float

    @property
    def text(self) -> str:
        return self.candidate.text


@dataclass(frozen=True)
class Namer:
    """Values that names are made of.

    Attributes
    ----------
    labels : sequence of str, length n
    weights : ndarray of shape (n,)
        In any unit.
    frequency : ndarray of shape (n,)
        From 0 (the rarest value) to 1, on a log scale.
    vectors : ndarray of shape (n, dimension)
        Unit vectors.
    encode : callable
        Returns the unit vectors of strings.
    """

    labels: Sequence[str]
    weights: NDArray[np.float64]
    frequency: NDArray[np.float64]
    vectors: NDArray[np.float32]
    encode: Encode
    lexicon: Lexicon = field(repr=False)

    @classmethod
    def from_weights(
        cls, labels: Sequence[str], weights: NDArray[np.float64], vectors: NDArray[np.float32], encode: Encode
    ) -> Namer:
        """Make a namer of values and their weights in any unit."""
        return cls(labels, weights, frequencies(weights), vectors, encode, Lexicon.from_labels(labels))

    def name_level(
        self,
        nodes: Sequence[NDArray[np.intp]],
        taken: Sequence[Collection[str]] = (),
        beside: Sequence[tuple[str, NDArray[np.intp]]] = (),
    ) -> list[str]:
        """Name nodes of one level, each name once.

        Parameters
        ----------
        nodes : sequence of ndarray
            Values of each node.
        taken : sequence of collection of str, optional
            Labels that each node may not have.
        beside : sequence of (str, ndarray)
            Label and values of the nodes of the level that have a name.

        Returns
        -------
        list of str
        """
        around = node_vectors([*nodes, *(values for _, values in beside)], self.frequency, self.vectors)
        centers = around[: len(nodes)]
        # One thread, so that no bit hangs on how many there are.
        with threadpool_limits(1):
            pools = [self._pool(members, center) for members, center in zip(nodes, centers, strict=True)]
            near = rivals(around, RIVALS)
            telling = _class_tf_idf(pools)
            ideas = [
                self._ideas(pool, center, around[others], words)
                for pool, center, others, words in zip(pools, centers, near[: len(nodes)], telling, strict=True)
            ]
            # What each node would be called by its best idea alone.
            names = np.concatenate(
                [
                    np.stack(
                        [found[0].vector if found else center for found, center in zip(ideas, centers, strict=True)]
                    ),
                    self._encoded([label for label, _ in beside]),
                ]
            )
            ranked = [
                self._rank(members, found, center, around[others], names[others], words)
                for members, found, center, others, words in zip(nodes, ideas, centers, near, telling, strict=False)
            ]
            used = _Used([label for label, _ in beside], names[len(nodes) :])
            banned = taken or [()] * len(nodes)
            texts = self._choose(nodes, pools, ranked, banned, used)
            texts = self._found_first(texts, ranked, around, banned, used)
        return [sentence_case(text) for text in texts]

    def measure(self, labels: Sequence[str], nodes: Sequence[NDArray[np.intp]]) -> list[Fit | None]:
        """Return how well the labels of all nodes of a level fit them, None for a node without values."""
        centers = node_vectors(nodes, self.frequency, self.vectors)
        with threadpool_limits(1):
            fits = measure_fit(
                self._encoded(labels), centers, nodes, self.weights, self.vectors, rivals(centers, RIVALS)
            )
        return [fit if len(values) else None for fit, values in zip(fits, nodes, strict=True)]

    def _pool(self, members: NDArray[np.intp], center: NDArray[np.float32]) -> _Pool:
        """Return the best members, without the vices unless at least half are."""
        is_vice = np.array([polarity_of(self.labels[member]) == "vice" for member in members], dtype=bool)
        if 2 * is_vice.sum() < len(members):
            members = members[~is_vice]
        fit = self.vectors[members] @ center + _FREQUENCY_BONUS * self.frequency[members]
        best = members[np.lexsort((members, -fit))[:_POOL]]
        weights = 0.1 + self.frequency[best]
        return _Pool(best, [self.lexicon.plain(self.labels[member]) for member in best], weights / weights.sum())

    def _ideas(
        self, pool: _Pool, center: NDArray[np.float32], others: NDArray[np.float32], telling: dict[str, float]
    ) -> list[_Scored]:
        """Return the best names of one idea, best first, each set of words once."""
        candidates: list[Candidate] = []
        for fit in (self._common(pool, center), [True] * len(pool.texts)):
            candidates = candidates or list(propose_ideas(pool.texts, fit, self.lexicon))
        if not candidates:
            return []
        frequency, vectors = self.frequency[pool.members], self.vectors[pool.members]
        sources = [[_unit(vectors[list(part)].mean(axis=0)) for part in one.sources] for one in candidates]
        means = np.stack([_unit(np.mean(source, axis=0)) for source in sources])
        often = np.array([np.mean([frequency[list(part)].mean() for part in one.sources]) for one in candidates])
        covers = means @ vectors.T @ pool.weights
        score = self._scores(candidates, covers, often, telling) + _closeness(means, center, others)
        for i, one in enumerate(candidates):
            if one.is_blend and float(sources[i][0] @ sources[i][1]) < _ALIKE:
                score[i] = -np.inf
        best: dict[frozenset[str], _Scored] = {}
        for i in np.argsort(-score, kind="stable"):
            if score[i] == -np.inf or len(best) == KEPT:
                break
            best.setdefault(
                stems(candidates[i].text), _Scored(candidates[i], float(score[i]), means[i], float(often[i]))
            )
        return list(best.values())

    def _rank(
        self,
        members: NDArray[np.intp],
        ideas: Sequence[_Scored],
        center: NDArray[np.float32],
        others: NDArray[np.float32],
        names: NDArray[np.float32],
        telling: dict[str, float],
    ) -> list[_Scored]:
        """Return the names that a node could have, best first: one idea where one carries it, else two.

        An idea carries the members that are nearer to it than to the name of any rival.
        """
        if not ideas:
            return []
        vectors, weights = self.vectors[members], self.weights[members]
        shares = np.stack([weights / (weights.sum() or 1), np.full(len(members), 1 / len(members))])
        bar = (vectors @ names.T).max(axis=1, initial=-1)
        carried = np.stack([one.vector for one in ideas]) @ vectors.T >= bar
        enough = (carried @ shares.T).max(axis=1) >= _CARRIES
        alone = [one for one, carries in zip(ideas, enough, strict=True) if carries]
        rest = [one for one, carries in zip(ideas, enough, strict=True) if not carries]
        pairs = self._pairs(ideas, carried, shares)
        covers = [
            np.maximum(vectors @ first.vector, vectors @ second.vector) @ shares.mean(axis=0)
            for _, first, second in pairs
        ]
        means = np.stack([_unit(first.vector + second.vector) for _, first, second in pairs]) if pairs else vectors[:0]
        often = np.array([(first.often + second.often) / 2 for _, first, second in pairs])
        score = self._scores([pair for pair, *_ in pairs], np.array(covers), often, telling)
        score += _closeness(means, center, others)
        order = np.argsort(-score, kind="stable")[:KEPT]
        joined = [_Scored(pairs[i][0], float(score[i]), means[i], float(often[i])) for i in order]
        return [*alone, *joined, *rest]

    def _pairs(
        self,
        ideas: Sequence[_Scored],
        carried: NDArray[np.bool_],
        shares: NDArray[np.float64],
    ) -> list[tuple[Candidate, _Scored, _Scored]]:
        """Return the names of two ideas of which each carries enough that the other does not."""
        row = {one.candidate: at for at, one in enumerate(ideas)}
        pairs = []
        for pair, first, second in propose_pairs([one.candidate for one in ideas], self.lexicon):
            one, other = carried[row[first]], carried[row[second]]
            adds = min(float((shares @ (a & ~b)).max()) for a, b in ((one, other), (other, one)))
            if adds >= _ADDS:
                pairs.append((pair, ideas[row[first]], ideas[row[second]]))
        return pairs

    def _scores(
        self,
        candidates: Sequence[Candidate],
        covers: NDArray[np.float64],
        often: NDArray[np.float64],
        telling: dict[str, float],
    ) -> NDArray[np.float64]:
        """Return how well names say what a node holds, shape (n,)."""
        telling_words = [_mean(telling[word] for word in stems(one.text)) for one in candidates]
        vague = [self.lexicon.is_vague(one.text) for one in candidates]
        forms = [one.form for one in candidates]
        return (
            covers
            + _FREQUENCY_BONUS * often
            + _TELLING * np.array(telling_words)
            + np.array(forms)
            - _VAGUE * np.array(vague)
        )

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
        ranked: Sequence[Sequence[_Scored]],
        taken: Sequence[Collection[str]],
        used: _Used,
    ) -> list[str]:
        """Give each node the best name that no other has; the node with most to say chooses first."""
        labels = [""] * len(nodes)
        for node in sorted(range(len(nodes)), key=lambda one: (-self.frequency[nodes[one]].sum(), one)):
            free = next((one for one in ranked[node] if used.is_free(one.text, one.vector, taken[node])), None)
            if free is not None:
                labels[node] = free.text
                used.add(free.text, free.vector)
                continue
            fallbacks = self._fallbacks(pools[node].texts)
            labels[node] = next(text for text in fallbacks if used.is_free(text, None, taken[node]))
            used.add(labels[node], None)
        return labels

    def _found_first(
        self,
        labels: Sequence[str],
        ranked: Sequence[Sequence[_Scored]],
        centers: NDArray[np.float32],
        taken: Sequence[Collection[str]],
        used: _Used,
    ) -> list[str]:
        """Rename nodes that their label does not find among the first three, by the best free candidate that is first."""
        chosen = list(labels)
        ranks = self._ranks(labels, centers, range(len(labels)))
        lost = [i for i, rank in enumerate(ranks) if rank > _FOUND]
        options = [(i, one) for i in lost[:_RENAMED] for one in ranked[i]]
        found = self._ranks([one.text for _, one in options], centers, [i for i, _ in options])
        for (i, one), rank in zip(options, found, strict=True):
            if rank <= _FOUND and chosen[i] == labels[i] and used.is_free(one.text, one.vector, taken[i]):
                chosen[i] = one.text
                used.add(one.text, one.vector)
        return chosen

    def _ranks(self, texts: Sequence[str], centers: NDArray[np.float32], nodes: Sequence[int]) -> list[int]:
        return label_ranks(self._encoded(texts), centers, nodes) if texts else []

    def _encoded(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return np.empty((0, self.vectors.shape[1]), dtype=np.float32)
        return self.encode([sentence_case(text) for text in texts])

    def _fallbacks(self, pool: Sequence[str]) -> Iterator[str]:
        """Yield names for a node whose values give none, without end."""
        yield from (text for text in pool if len(text.split()) <= MAX_WORDS)
        yield from (" ".join(part[-size:]) for text in pool for part in parts(text) for size in (2, 1))
        for number in count(2):
            yield f"{' '.join(pool[0].split()[:MAX_WORDS])} {number}"


class _Used:
    """The names that nodes of a level have, by words and by meaning."""

    def __init__(self, labels: Sequence[str], vectors: NDArray[np.float32]) -> None:
        self._words = {stems(label) for label in labels}
        self._vectors = list(vectors)

    def is_free(self, text: str, vector: NDArray[np.float32] | None, taken: Collection[str]) -> bool:
        """Tell whether a name says what no other says, and is not one of `taken`."""
        if stems(text) in self._words or canonical_key(text) in {canonical_key(label) for label in taken}:
            return False
        return vector is None or not self._vectors or float(np.max(np.stack(self._vectors) @ vector)) < _SAME

    def add(self, text: str, vector: NDArray[np.float32] | None) -> None:
        """Take a name."""
        self._words.add(stems(text))
        if vector is not None:
            self._vectors.append(vector)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return vector / np.linalg.norm(vector)


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
