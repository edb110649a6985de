"""What the scope notes that are made offline name: members that differ, and what borders on the node."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embeddings.arrays import one_thread
from taxonomy.english.polarity import polarity_of
from taxonomy.english.words import related, stems
from taxonomy.labels.fit import FLOOR, node_vectors, rivals, without_vices
from taxonomy.labels.lexicon import Lexicon
from taxonomy.model.scope_notes import Scope

_SHOWN = 3
# Members that are looked at, the most frequent of those near the middle.
_POOL = 200
_LONGEST = 4
# What a value that says something else than its node's name gains, in cosine.
_OTHER_WORDS = 0.2
# What can be listed, and read back from a list.
_LISTABLE = re.compile(r"(?!.*\band\b)[^\s,.;:]+(?: [^\s,.;:]+)*", re.IGNORECASE)


@dataclass(frozen=True)
class Definer:
    """Chooses what scope notes name.

    Attributes
    ----------
    labels : sequence of str, length n
        Of the values.
    vicious : ndarray of shape (n,), bool
        Which of them are vices.
    frequency : ndarray of shape (n,)
        From 0 (the rarest value) to 1.
    vectors : ndarray of shape (n, dimension)
        Unit vectors.
    lexicon : Lexicon
    unlike : float
        Cosine under which nothing borders on a node.
    """

    labels: Sequence[str]
    vicious: NDArray[np.bool_]
    frequency: NDArray[np.float64]
    vectors: NDArray[np.float32]
    lexicon: Lexicon
    unlike: float

    def define_level(
        self, names: Sequence[str], nodes: Sequence[NDArray[np.intp]], wanted: Sequence[int]
    ) -> list[Scope]:
        """Return what the scope notes of some nodes of a level name.

        Parameters
        ----------
        names : sequence of str
            Labels of all nodes of the level.
        nodes : sequence of ndarray
            Values of each of them.
        wanted : sequence of int
            Which nodes to define; each has a value.
        """
        centers = node_vectors(nodes, self.frequency, self.vectors)
        near = rivals(centers, 1)
        scopes = []
        with one_thread():
            for node in wanted:
                shown = self._shown(names[node], nodes[node], centers[node])
                beside = ""
                if near.shape[1]:
                    other = int(near[node, 0])
                    beside = self._beside(names[other], nodes[other], centers[node])
                scopes.append(Scope(tuple(shown), beside))
        return scopes

    def _shown(self, name: str, members: NDArray[np.intp], center: NDArray[np.float32]) -> list[str]:
        """Return up to three members that stand for all, by weight, beside what the name says.

        They are chosen one after the other, each for what it adds: greedy facility location (Nemhauser, Wolsey and
        Fisher 1978).
        """
        members = without_vices(members, self.vicious)
        fit = self.vectors[members] @ center + self.frequency[members]
        members = members[np.lexsort((members, -fit))[:_POOL]]
        texts = [self.lexicon.plain(self.labels[member]) for member in members]
        likeness = self.vectors[members] @ self.vectors[members].T
        weights = FLOOR + self.frequency[members]
        named = [at for at, text in enumerate(texts) if stems(text) <= stems(name)]
        usable = [at for at, text in enumerate(texts) if self._is_usable(text)]
        # The value that the node is named as explains nothing.
        usable = [at for at in usable if texts[at] != name.casefold()] or usable
        said = _Said(stems(name), [texts[at] for at in usable])
        reached = likeness[:, named].max(axis=1, initial=0.0)
        chosen: list[int] = []
        # What says something else than the name, then what says something more, then what there is.
        for least in (1.0, 0.5, 0.0):
            while len(chosen) < (_SHOWN if least else 2):
                new = [
                    at for at, part in zip(usable, said.new_parts(), strict=True) if at not in chosen and part >= least
                ]
                if not new:
                    break
                gains = weights @ np.maximum(likeness[:, new] - reached[:, None], 0)
                best = new[int(np.argmax(np.round(gains, 6)))]
                chosen.append(best)
                said.add(stems(texts[best]))
                reached = np.maximum(reached, likeness[:, best])
            if len(chosen) > 1:
                break
        shown = [texts[at] for at in sorted(chosen, key=lambda at: (-self.frequency[members[at]], texts[at]))]
        return shown[::-1] if " and ".join(shown) == name.casefold() else shown

    def _beside(self, name: str, members: NDArray[np.intp], center: NDArray[np.float32]) -> str:
        """Return the value of another node that is most easily looked for in this one, empty if none is like it."""
        said = stems(name)
        near = self.vectors[members] @ center
        best = (np.inf, "")
        for at in np.argsort(-near).tolist():
            cosine = float(near[at])
            # Those that follow are less like it, whatever words they have.
            if cosine <= self.unlike or -best[0] > cosine + _OTHER_WORDS + 1e-6:
                break
            text = self.lexicon.plain(self.labels[members[at]])
            if self._is_usable(text) and polarity_of(text) != "vice":
                best = min(best, (-round(cosine + _OTHER_WORDS * _new_part(text, said), 6), text))
        return best[1]

    def _is_usable(self, text: str) -> bool:
        """Tell whether a value is short enough to stand in a list, and names a thing."""
        return len(text.split()) <= _LONGEST and _LISTABLE.fullmatch(text) is not None and self.lexicon.is_thing(text)


def _new_part(text: str, said: Collection[str]) -> float:
    """Return the part of the words of a text whose families were not said."""
    words = stems(text)
    return sum(not any(related(word, other) for other in said) for word in words) / len(words)


class _Said:
    """What was said so far, beside texts.

    Parameters
    ----------
    words : collection of str
        Stems that were said.
    texts : sequence of str
    """

    def __init__(self, words: Collection[str], texts: Sequence[str]) -> None:
        self._column: dict[str, int] = {}
        self._words = [[self._column.setdefault(word, len(self._column)) for word in stems(text)] for text in texts]
        self._is_new = [True] * len(self._column)
        self.add(words)

    def add(self, words: Collection[str]) -> None:
        """Say words, too."""
        for word, column in self._column.items():
            if self._is_new[column] and any(related(word, said) for said in words):
                self._is_new[column] = False

    def new_parts(self) -> list[float]:
        """Return the part of the words of each text whose families were not said."""
        return [sum(self._is_new[word] for word in words) / len(words) for words in self._words]
