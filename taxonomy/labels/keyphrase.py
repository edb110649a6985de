"""Names made offline from the members of a node.

A name says one idea where one carries most of the node: a member, a phrase that members share, or an adjective with a
noun. Where two share the node they are joined by "and". The name chosen covers the members, weighted by how often they
occur, tells the node from those it is easily taken for, by class-based TF-IDF and by embedding, and reads as a name.

All this goes by rules of English. A node of mostly foreign values has the name of its medoid, as that is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray

from embeddings.arrays import normalize, one_thread
from taxonomy.english.polarity import polarity_of
from taxonomy.english.words import parts, sentence_case, stems
from taxonomy.labels.candidates import MAX_WORDS, Candidate, propose_ideas, propose_pairs
from taxonomy.labels.fit import (
    FLOOR,
    Fit,
    frequencies,
    label_ranks,
    measure_fit,
    node_vectors,
    rivals,
    unlike,
    without_vices,
)
from taxonomy.labels.lexicon import Lexicon
from taxonomy.labels.telling import TellingWords, find_telling_words
from taxonomy.labels.used import UsedNames

Encode = Callable[[Sequence[str]], NDArray[np.float32]]

# Members of a node that are looked at.
_POOL = 24
# What a frequent value gains over a rare one, in cosine.
_FREQUENCY_BONUS = 0.3
# From this part of the node's highest frequency on, a value is common enough to name it.
_COMMON = 0.4
# How much closeness to the nearest rival counts against a name, and what words that tell the node apart gain.
_CONTRAST = 0.05
_TELLING = 0.3
# What a head that says little costs.
_VAGUE = 0.05
# How alike the members with a modifier and those with a head must be for the two to be one idea.
_ALIKE = 0.82
# An idea carries a node from this share of its weight or of its members on; a second one must add so much.
_CARRIES = 0.6
_ADDS = 0.2
# Two ideas should carry so much.
_CARRY = 0.8
# What an "and" costs.
_AND = 0.05
# Nodes of a level whose other candidates are tried if their label does not find them.
_RENAMED = 100
_KEPT = 12


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
    lexicon : Lexicon
    unlike : float
        Cosine under which two values have little in common.
    foreign, vicious : ndarray of shape (n,), bool
        Which values are not known to be English, and which are vices.
    """

    labels: Sequence[str]
    weights: NDArray[np.float64]
    frequency: NDArray[np.float64]
    vectors: NDArray[np.float32]
    encode: Encode
    lexicon: Lexicon = field(repr=False)
    unlike: float
    foreign: NDArray[np.bool_]
    vicious: NDArray[np.bool_]

    @classmethod
    def from_weights(
        cls,
        labels: Sequence[str],
        weights: NDArray[np.float64],
        vectors: NDArray[np.float32],
        encode: Encode,
        foreign: NDArray[np.bool_] | None = None,
    ) -> Namer:
        """Make a namer of values and their weights in any unit; by default none is foreign."""
        foreign = np.zeros(len(labels), dtype=bool) if foreign is None else foreign
        # Of English alone, which says how words are written in lower case.
        lexicon = Lexicon.from_labels([label for label, other in zip(labels, foreign, strict=True) if not other])
        vicious = np.array([polarity_of(label) == "vice" for label in labels], dtype=bool)
        with one_thread():
            far = unlike(vectors)
        return cls(labels, weights, frequencies(weights), vectors, encode, lexicon, far, foreign, vicious)

    def name_level(
        self,
        nodes: Sequence[NDArray[np.intp]],
        taken: Sequence[Sequence[Collection[str]]] = (),
        beside: Sequence[tuple[str, NDArray[np.intp]]] = (),
    ) -> list[str]:
        """Name nodes of one level, each name once.

        Parameters
        ----------
        nodes : sequence of ndarray
            Values of each node.
        taken : sequence of sequence of collection of str, optional
            For each node, canonical keys of labels that it may not have, in parts that nodes can share.
        beside : sequence of (str, ndarray)
            Label and values of the nodes of the level that have a name.

        Returns
        -------
        list of str
        """
        around = node_vectors([*nodes, *(values for _, values in beside)], self.frequency, self.vectors)
        centers = around[: len(nodes)]
        foreign = [2 * int(self.foreign[members].sum()) > len(members) for members in nodes]
        # One thread, so that no bit hangs on how many there are.
        with one_thread():
            pools = [self._pool(members, center) for members, center in zip(nodes, centers, strict=True)]
            near = rivals(around)
            telling = find_telling_words([pool.texts for pool in pools], [pool.weights for pool in pools])
            ideas = [
                [] if is_foreign else self._ideas(pool, center, around[others], words)
                for is_foreign, pool, center, others, words in zip(
                    foreign, pools, centers, near[: len(nodes)], telling, strict=True
                )
            ]
            # What each node would be called by its best idea alone.
            firsts = [found[0].vector if found else center for found, center in zip(ideas, centers, strict=True)]
            names = np.concatenate([firsts, self._encoded([label for label, _ in beside])])
            ranked = [
                self._rank(members, found, center, around[others], names[others], words)
                for members, found, center, others, words in zip(nodes, ideas, centers, near, telling, strict=False)
            ]
            used = UsedNames([label for label, _ in beside], names[len(nodes) :], around)
            banned = taken or [()] * len(nodes)
            fallbacks = [
                self._as_written(members, center) if is_foreign else self._fallbacks(pool.texts)
                for is_foreign, members, center, pool in zip(foreign, nodes, centers, pools, strict=True)
            ]
            texts = self._choose(nodes, fallbacks, ranked, banned, used)
            texts = self._found_first(texts, ranked, around, banned, used)
        return [text if is_foreign else sentence_case(text) for is_foreign, text in zip(foreign, texts, strict=True)]

    def measure(self, labels: Sequence[str], nodes: Sequence[NDArray[np.intp]]) -> list[Fit | None]:
        """Return how well the labels of all nodes of a level fit them, None for a node without values."""
        centers = node_vectors(nodes, self.frequency, self.vectors)
        with one_thread():
            fits = measure_fit(self._encoded(labels), centers, nodes, self.weights, self.vectors)
        return [fit if len(values) else None for fit, values in zip(fits, nodes, strict=True)]

    def _pool(self, members: NDArray[np.intp], center: NDArray[np.float32]) -> _Pool:
        """Return the best members, without the vices unless at least half are."""
        members = without_vices(members, self.vicious)
        fit = self.vectors[members] @ center + _FREQUENCY_BONUS * self.frequency[members]
        best = members[np.lexsort((members, -fit))[:_POOL]]
        weights = FLOOR + self.frequency[best]
        return _Pool(best, [self.lexicon.spoken(self.labels[member]) for member in best], weights / weights.sum())

    def _ideas(
        self, pool: _Pool, center: NDArray[np.float32], others: NDArray[np.float32], telling: TellingWords
    ) -> list[_Scored]:
        """Return the best names of one idea, best first, each set of words once."""
        candidates: list[Candidate] = []
        for fit in (self._common(pool, center), [True] * len(pool.texts)):
            candidates = candidates or list(propose_ideas(pool.texts, fit, self.lexicon))
        if not candidates:
            return []
        sources, vectors, frequent = self._estimates(pool, candidates)
        cover = vectors @ (pool.weights @ self.vectors[pool.members])
        near = _closeness(vectors, center, others)
        found: dict[frozenset[str], _Scored] = {}
        for at, one in enumerate(candidates):
            if one.is_blend and float(sources[at, 0] @ sources[at, 1]) < _ALIKE:
                continue
            often = float(frequent[at])
            score = self._score(one, float(cover[at]), often, telling) + float(near[at])
            known = found.get(stems(one.text))
            if known is None or known.score < score:
                found[stems(one.text)] = _Scored(one, score, vectors[at], often)
        return sorted(found.values(), key=lambda one: (-one.score, one.text))[:_KEPT]

    def _estimates(
        self, pool: _Pool, ideas: Sequence[Candidate]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
        """Return the vectors of the two sources of each idea, which may be one; its own; and how frequent they are.

        Of shape (n, 2, dimension), (n, dimension) and (n,).
        """
        parts = np.zeros((len(ideas), 2, len(pool.members)), dtype=np.float32)
        for part, one in zip(parts, ideas, strict=True):
            for row, members in zip(part, (one.sources[0], one.sources[-1]), strict=True):
                row[list(members)] = 1 / len(members)
        flat = normalize(parts.reshape(-1, len(pool.members)) @ self.vectors[pool.members])
        sources = flat.reshape(len(ideas), 2, -1)
        return sources, normalize(sources.mean(axis=1)), (parts @ self.frequency[pool.members]).mean(axis=1)

    def _rank(
        self,
        members: NDArray[np.intp],
        ideas: Sequence[_Scored],
        center: NDArray[np.float32],
        others: NDArray[np.float32],
        names: NDArray[np.float32],
        telling: TellingWords,
    ) -> list[_Scored]:
        """Return the names that a node could have, best first: one idea where one carries the node, else two.

        What an idea covers beyond `_CARRIES` of a node, or two beyond `_CARRY`, counts for nothing.
        """
        if not ideas:
            return []
        carried = self._carried(members, ideas, names)
        weights = self.weights[members]
        shares = np.stack([weights / (weights.sum() or 1), np.full(len(members), 1 / len(members))])
        options = [(one, holds, _CARRIES, 0.0) for one, holds in zip(ideas, carried, strict=True)]
        row = {one.candidate: at for at, one in enumerate(ideas)}
        for pair, *both in propose_pairs([one.candidate for one in ideas], self.lexicon):
            first, second = (row[idea] for idea in both)
            apart = (carried[first] & ~carried[second], carried[second] & ~carried[first])
            if min(float((shares @ added).max()) for added in apart) >= _ADDS:
                joined = self._joined(pair, (ideas[first], ideas[second]), members, center, others, telling)
                options.append((joined, carried[first] | carried[second], _CARRY, _AND))
        worth = {
            one.text: one.score + min(float((shares @ holds).min()), enough) - cost
            for one, holds, enough, cost in options
        }
        return sorted((one for one, *_ in options), key=lambda one: (-worth[one.text], one.text))[:_KEPT]

    def _joined(
        self,
        pair: Candidate,
        both: tuple[_Scored, _Scored],
        members: NDArray[np.intp],
        center: NDArray[np.float32],
        others: NDArray[np.float32],
        telling: TellingWords,
    ) -> _Scored:
        """Return a name of two ideas with its score: each member is covered by the idea that it is nearer to."""
        vector = _unit(both[0].vector + both[1].vector)
        often = min(idea.often for idea in both)
        weights = FLOOR + self.frequency[members]
        nearer = np.maximum(*(self.vectors[members] @ idea.vector for idea in both))
        score = self._score(pair, float(nearer @ weights / weights.sum()), often, telling)
        near = float(_closeness(vector[None], center, others)[0])
        return _Scored(pair, score + near, vector, often)

    def _carried(
        self, members: NDArray[np.intp], ideas: Sequence[_Scored], names: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Return which members each idea carries, shape (n_ideas, n_members).

        Those that have its words ("clinical detachment" is a kind of detachment), and those that are nearer to it than
        to the name of any rival, and not unlike it.
        """
        vectors = self.vectors[members]
        # Of two members neither is most of the node, unless they say the same.
        least = _ALIKE if len(members) == 2 else self.unlike
        bar = (vectors @ names.T).max(axis=1, initial=least)
        said = [stems(self.labels[member]) for member in members]
        has_words = [[idea <= words for words in said] for idea in (stems(one.text) for one in ideas)]
        near = np.stack([one.vector for one in ideas]) @ vectors.T >= bar
        return np.asarray(near | np.array(has_words), dtype=np.bool_)

    def _score(self, candidate: Candidate, cover: float, often: float, telling: TellingWords) -> float:
        """Return how well a name says what a node holds, closeness aside."""
        vague = _VAGUE * self.lexicon.is_vague(candidate.text)
        return cover + _FREQUENCY_BONUS * often + _TELLING * telling.of(candidate.text) + candidate.form - vague

    def _common(self, pool: _Pool, center: NDArray[np.float32]) -> list[bool]:
        """Tell which members can name their node: no rare oddity.

        What is rare must lie near the middle, or have its words from others too.
        """
        frequency = self.frequency[pool.members]
        near = self.vectors[pool.members] @ center
        usual = (frequency >= _COMMON * frequency.max()) | (near >= np.median(near))
        shared = Counter(one for text in pool.texts for one in stems(text))
        return [bool(usual[i] or all(shared[one] > 1 for one in stems(text))) for i, text in enumerate(pool.texts)]

    def _choose(
        self,
        nodes: Sequence[NDArray[np.intp]],
        fallbacks: Sequence[Iterator[str]],
        ranked: Sequence[Sequence[_Scored]],
        taken: Sequence[Sequence[Collection[str]]],
        used: UsedNames,
    ) -> list[str]:
        """Give each node the best name that no other has; the node with most to say chooses first."""
        labels = [""] * len(nodes)
        for node in sorted(range(len(nodes)), key=lambda one: (-self.frequency[nodes[one]].sum(), one)):
            free = next((one for one in ranked[node] if used.is_free(one.text, one.vector, taken[node])), None)
            if free is not None:
                labels[node] = free.text
                used.add(free.text, free.vector)
                continue
            labels[node] = next(text for text in fallbacks[node] if used.is_free(text, None, taken[node]))
            used.add(labels[node], None)
        return labels

    def _found_first(
        self,
        labels: Sequence[str],
        ranked: Sequence[Sequence[_Scored]],
        centers: NDArray[np.float32],
        taken: Sequence[Sequence[Collection[str]]],
        used: UsedNames,
    ) -> list[str]:
        """Rename nodes that their label does not find first, by the best free candidate that does."""
        chosen = list(labels)
        ranks = self._ranks(labels, centers, range(len(labels)))
        lost = [i for i, rank in enumerate(ranks) if rank > 1]
        options = [(i, one) for i in lost[:_RENAMED] for one in ranked[i]]
        found = self._ranks([one.text for _, one in options], centers, [i for i, _ in options])
        for (i, one), rank in zip(options, found, strict=True):
            if rank == 1 and chosen[i] == labels[i] and used.is_free(one.text, one.vector, taken[i]):
                chosen[i] = one.text
                used.add(one.text, one.vector)
        return chosen

    def _ranks(self, texts: Sequence[str], centers: NDArray[np.float32], nodes: Sequence[int]) -> list[int]:
        return label_ranks(self._encoded(texts), centers, nodes) if texts else []

    def _encoded(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return np.empty((0, self.vectors.shape[1]), dtype=np.float32)
        return self.encode([sentence_case(text) for text in texts])

    def _as_written(self, members: NDArray[np.intp], center: NDArray[np.float32]) -> Iterator[str]:
        """Yield the members as they are written, the one nearest to all others first, and then numbers, without end."""
        # Rounded, since those that the model does not know may have one vector.
        near = np.round(self.vectors[members] @ center, 6)
        order = sorted(zip(-near, -self.weights[members], (self.labels[at] for at in members), strict=True))
        yield from (text for *_, text in order)
        for number in count(2):
            yield f"{order[0][-1]} {number}"

    def _fallbacks(self, pool: Sequence[str]) -> Iterator[str]:
        """Yield names for a node whose values give none, without end."""
        yield from (text for text in pool if len(text.split()) <= MAX_WORDS)
        yield from (" ".join(part[-size:]) for text in pool for part in parts(text) for size in (2, 1))
        for number in count(2):
            yield f"{' '.join(pool[0].split()[:MAX_WORDS])} {number}"


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(vector)
    return np.asarray(vector / length) if length else vector


def _closeness(
    vectors: NDArray[np.float32], center: NDArray[np.float32], others: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return how much nearer vectors are to a node than to the nearest of its rivals, shape (n,)."""
    near = vectors @ center
    return near - _CONTRAST * (vectors @ others.T).max(axis=1) if len(others) else near
