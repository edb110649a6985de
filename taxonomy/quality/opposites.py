"""Labels that say the opposite of each other, by spelling and short lists of words.

A phrase is read as a head with modifiers: the last word before a preposition, and the words around it. Two phrases are
opposites where their heads are and their modifiers don't tell them apart, so "creative freedom" beside "self-control"
is none. A phrase that turns a bad thing away ("deception avoidance", "avoiding harm") has another head or is skipped.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from taxonomy.english.polarity import ABSENCES, TURNING_STARTS
from taxonomy.english.words import word_list, word_pairs

_PREPOSITIONS = word_list("prepositions")
_NOT_DENIALS = word_list("not_denials")
_PREFIXES = ("un", "dis", "non", "anti", "mis")
_PREFIX_HYPHEN = re.compile(r"\b(un|in|im|il|ir|dis|non|anti|mis)-(?=[a-z])")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A head with its modifiers; `lacking` where it says that the thing is missing."""

    index: int
    head: str
    modifiers: frozenset[str]
    lacking: bool = False


def find_opposites(labels: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of labels that are opposites, as positions: what denies, and what it denies.

    Parameters
    ----------
    labels : sequence of str
        Any; time grows with their number and that of the pairs.
    """
    phrases = [phrase for index, label in enumerate(labels) for phrase in _phrases(index, label)]
    by_head: dict[str, list[_Phrase]] = defaultdict(list)
    for phrase in phrases:
        by_head[phrase.head].append(phrase)
    pairs = {
        (right.index, left.index)
        for left in phrases
        if not left.lacking
        for head, fits in _denials(left)
        for right in by_head.get(head, ())
        if left.index != right.index and fits(left, right)
    }
    yield from sorted(pairs)


def _phrases(index: int, label: str) -> Iterator[_Phrase]:
    """Yield the phrases that a label joins with "and", "or", "&", a comma or a slash."""
    text = _PREFIX_HYPHEN.sub(r"\1", label.casefold())
    for part in re.split(r"\band\b|\bor\b|[&,/;]", text):
        words = _WORD.findall(part)
        cut = next((at for at, word in enumerate(words) if word in _PREPOSITIONS), len(words))
        if not words[:cut] or not TURNING_STARTS.isdisjoint(words):
            continue
        if words[cut - 1] in ABSENCES and words[cut:]:
            yield _Phrase(index, words[-1], frozenset(words[cut + 1 : -1]), lacking=True)
        else:
            yield _Phrase(index, words[cut - 1], frozenset(words[: cut - 1] + words[cut:]))


def _whatever(left: _Phrase, right: _Phrase) -> bool:
    return not right.lacking


def _same_thing(left: _Phrase, right: _Phrase) -> bool:
    return not right.lacking and left.modifiers == right.modifiers


def _alike(left: _Phrase, right: _Phrase) -> bool:
    return not right.lacking and (left.modifiers == right.modifiers or not left.modifiers or not right.modifiers)


def _lacks(left: _Phrase, right: _Phrase) -> bool:
    return right.lacking and right.modifiers <= left.modifiers


def _denials(phrase: _Phrase) -> Iterator[tuple[str, Callable[[_Phrase, _Phrase], bool]]]:
    """Yield the heads that may deny a phrase, and what has to hold of the two phrases."""
    yield phrase.head, _lacks
    yield from ((vice, _whatever) for vice in _DENIED.get(phrase.head, ()))
    yield from ((right, _same_thing) for right in _TENSE.get(phrase.head, ()))
    if len(phrase.head) >= 4:
        yield from ((negation, _alike) for negation in _negations(phrase.head) if negation not in _NOT_DENIALS)


def _negations(word: str) -> Iterator[str]:
    """Yield what English spelling makes of a word to deny it."""
    latin = {"b": "im", "l": "il", "m": "im", "p": "im", "r": "ir"}.get(word[0], "in")
    for prefix in (*_PREFIXES, latin):
        yield prefix + word
    for full, empty in (("fulness", "lessness"), ("ful", "less")):
        if word.endswith(full):
            yield word.removesuffix(full) + empty
    yield word + "less"
    yield word + "lessness"


def _table(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    table: dict[str, set[str]] = defaultdict(set)
    for left, right in pairs:
        table[left].add(right)
    return dict(table)


_DENIED = _table((virtue, vice) for vice, virtue in word_pairs("denials"))
_TENSE = _table(word_pairs("tensions"))
