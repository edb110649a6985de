"""Twins: two strings that are most likely one value.

`lint` proposes them, and `build` merges them where it is asked to. Strings of one canonical key are none of these:
whether such strings are one value is decided where spellings are merged, whatever is asked for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, TypeAlias

from taxonomy.english.typos import find_typos
from taxonomy.english.variants import american, one_variant
from taxonomy.english.words import FUNCTION_WORDS, singulars, word_list
from taxonomy.values.canonical import canonical_key

TwinKind: TypeAlias = Literal["dialect", "variant", "order", "typo"]
_Words: TypeAlias = tuple[str, ...]

_GAPS = re.compile(r"[\s_-]+")
_PREPOSITIONS = word_list("order_prepositions")
_ARTICLES = word_list("articles")


@dataclass(frozen=True, slots=True)
class Twin:
    """Two strings that are most likely one value.

    Attributes
    ----------
    kept : str
        The heavier one.
    other : str
    kind : {"dialect", "variant", "order", "typo"}
        ``dialect``: British and American spellings. ``variant``: two forms of a word, as in "preventive care" and
        "preventative care". ``order``: "privacy respect" and "respect for privacy". ``typo``: "empathy" and "empaty".
    """

    kept: str
    other: str
    kind: TwinKind


def find_twins(weights: Mapping[str, float]) -> list[Twin]:
    """Return the pairs of strings that are most likely one value.

    Parameters
    ----------
    weights : mapping of str to float
        Cleaned spellings with their weights, in any order.

    Returns
    -------
    list of Twin
        Sorted by `other`, as which a string is there once at most: where several strings are one value, each leads to
        the heaviest, over others or at once. Of equal weights a word is kept before its typo, else the first in
        code-point order.

    Examples
    --------
    >>> for twin in find_twins({"honour": 2, "honor": 5, "empathy": 1, "empaty": 1, "goods": 1, "good": 1}):
    ...     print(twin.kept, twin.other, twin.kind)
    empathy empaty typo
    honor honour dialect
    """
    words = {spelling: tuple(_GAPS.split(spelling.casefold())) for spelling in sorted(weights)}
    plain = {spelling: tuple(map(_plain_form, parts)) for spelling, parts in words.items()}
    found = _Found(weights)
    found.add("dialect", _alike((tuple(map(american, parts)), spelling) for spelling, parts in words.items()))
    found.add("variant", _alike((parts, spelling) for spelling, parts in plain.items()))
    found.add("order", _reordered(plain))
    found.add("typo", _misspelled(words, plain))
    return sorted(found.twins, key=lambda twin: twin.other)


class _Found:
    """Twins as a forest, in which each string leads to one that is at least as heavy."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.twins: list[Twin] = []
        self._weights = weights
        self._above: dict[str, str] = {}

    def add(self, kind: TwinKind, pairs: Iterable[tuple[str, str]]) -> None:
        """Add pairs of one kind; of a typo, the word first."""
        for first, second in pairs:
            one, other = self._root(first), self._root(second)
            lead = self._weights[other] - self._weights[one]
            if one == other or canonical_key(first) == canonical_key(second) or (kind == "typo" and lead > 0):
                continue
            if lead > 0 or (lead == 0 and kind != "typo" and other < one):
                one, other = other, one
            self._above[other] = one
            self.twins.append(Twin(one, other, kind))

    def _root(self, spelling: str) -> str:
        while spelling in self._above:
            spelling = self._above[spelling]
        return spelling


def _plain_form(word: str) -> str:
    """Return a form of a word that its spellings and variants have in common."""
    return "and" if word == "&" else one_variant(american(word.replace("'", "")))


def _glued(words: Iterable[str]) -> _Words:
    """Return words as one, but for function words: "values in action" is not "values inaction"."""
    words = tuple(words)
    if FUNCTION_WORDS.isdisjoint(words):
        return ("".join(words),)
    runs = groupby(words, key=lambda word: word if word in FUNCTION_WORDS else "")
    return tuple(function_word or "".join(run) for function_word, run in runs)


def _alike(forms: Iterable[tuple[_Words, str]]) -> Iterator[tuple[str, str]]:
    """Yield pairs of strings of one form."""
    first: dict[_Words, str] = {}
    for form, spelling in forms:
        kept = first.setdefault(_glued(form), spelling)
        if kept is not spelling:
            yield kept, spelling


def _reordered(words: Mapping[str, _Words]) -> Iterator[tuple[str, str]]:
    """Yield pairs such as "respect for privacy" and "privacy respect", "care and trust" and "trust and care"."""
    compounds = {
        _glued(map(_singular, parts)): spelling
        for spelling, parts in words.items()
        if len(parts) > 1 and FUNCTION_WORDS.isdisjoint(parts)
    }
    for spelling, parts in words.items():
        # A head of several words may have its modifier before any of them.
        if len(parts) > 2 and parts[1] in _PREPOSITIONS:
            beside = parts[3:] if parts[2] in _ARTICLES else parts[2:]
            compound = compounds.get(_glued(map(_singular, (*beside, parts[0]))))
            if compound is not None:
                yield compound, spelling
    yield from _alike(
        (tuple(word for part in sorted(_split(parts, "and")) for word in (*part, "and")), spelling)
        for spelling, parts in words.items()
        if "and" in parts
    )


def _split(words: _Words, at: str) -> list[_Words]:
    return [tuple(run) for is_cut, run in groupby(words, key=lambda word: word == at) if not is_cut]


def _singular(word: str) -> str:
    return (singulars(word) or [word])[-1]


def _misspelled(words: Mapping[str, _Words], plain: Mapping[str, _Words]) -> Iterator[tuple[str, str]]:
    """Yield strings that are the same but for one word and its typo, the one with the word first."""
    typos = find_typos(Counter(word for parts in words.values() for word in set(parts)))
    if not typos:
        return
    by_form: dict[_Words, str] = {}
    for spelling, parts in plain.items():
        by_form.setdefault(_glued(parts), spelling)
    for spelling, parts in words.items():
        for at, typo in enumerate(parts):
            for word in typos.get(typo, ()):
                form = (*plain[spelling][:at], _plain_form(word), *plain[spelling][at + 1 :])
                right = by_form.get(_glued(form))
                if right is not None:
                    yield right, spelling
