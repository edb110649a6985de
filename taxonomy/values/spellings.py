"""Which spellings are of one value, and the values that they are merged into."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, product, starmap
from operator import attrgetter
from typing import Generic, TypeVar

from taxonomy.english.words import OWN_PLURALS, singulars, word_list, word_pattern
from taxonomy.values.canonical import canonical_key, clean, folded, key_of_cleaned

Owner = TypeVar("Owner")

_APART, _APART_AFTER = word_list("words_apart"), word_list("words_apart_after")
_STANDS_APART = re.compile(
    rf"(?:^|[ _-]){word_pattern('words_apart')} | {word_pattern('words_apart_after')}(?:$|[ _-])"
)
_WORDS = re.compile(r"([^ _-]+)([ _-]*)")

_BEFORE_LAST_WORD = re.compile(r".*[\s_-]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Value:
    """One value.

    Parameters
    ----------
    key : str
        Canonical key of the label; where several values have it, all but the first add a space and their label.
    label : str
        The cleaned spelling with the largest weight; ties by code-point order.
    aliases : tuple of str
        The other cleaned spellings, in code-point order.
    weight : float
        Sum over all spellings.
    """

    key: str
    label: str
    aliases: tuple[str, ...]
    weight: float


def is_one_value(first: str, second: str) -> bool:
    """Tell whether two spellings with one canonical key are spellings of one value.

    Case and hyphens never part two spellings. A space does where it sets a word apart that makes another word when it
    is joined to the next ("a", "an", "in"; "less" to the one before).

    >>> is_one_value("Well-being", "well being"), is_one_value("values in action", "values inaction")
    (True, False)
    """
    (apart, breaks), (other_apart, other_breaks) = _breaks(folded(clean(first))), _breaks(folded(clean(second)))
    return apart <= other_breaks and other_apart <= breaks


@lru_cache(maxsize=10_000)
def _breaks(spelling: str) -> tuple[frozenset[int], frozenset[int]]:
    """Return where in its key a spelling sets a word apart that could be joined, and where it has a break at all."""
    apart, breaks = set(), set()
    place = 0
    words: list[tuple[str, str]] = _WORDS.findall(spelling)
    followings = [*(word for word, _ in words[1:]), ""]
    for (word, separator), following in zip(words, followings, strict=False):
        place += len(word)
        if separator:
            breaks.add(place)
        if separator == " " and (word in _APART or following in _APART_AFTER):
            apart.add(place)
    return frozenset(apart), frozenset(breaks)


class SpellingIndex(Generic[Owner]):
    """Owners of spellings, found by the rule for spellings of one value.

    Parameters
    ----------
    spellings : iterable of (str, owner)
        Those that come first are found first.
    are_clean : bool
        Whether all are cleaned.
    """

    def __init__(self, spellings: Iterable[tuple[str, Owner]], *, are_clean: bool = False) -> None:
        key_of = key_of_cleaned if are_clean else canonical_key
        # Nearly all keys have one spelling.
        self._first: dict[str, tuple[str, Owner]] = {}
        self._others: dict[str, list[tuple[str, Owner]]] = {}
        for spelling, owner in spellings:
            key = key_of(spelling)
            entry = (spelling, owner)
            if self._first.setdefault(key, entry) is not entry:
                self._others.setdefault(key, []).append(entry)

    def find_all(self, text: str) -> list[Owner]:
        """Return the owners that a text is a spelling of: of all their spellings with its key."""
        known = self._with_key_of(text)
        owners = {id(owner): owner for _, owner in known}
        unlike = {id(owner) for spelling, owner in known if not is_one_value(text, spelling)}
        return [owner for number, owner in owners.items() if number not in unlike]

    def find(self, text: str) -> Owner | None:
        """Return the owner of exactly this spelling, else the first that a text is a spelling of."""
        exact = [owner for spelling, owner in self._with_key_of(text) if spelling == text]
        return next(iter(exact or self.find_all(text)), None)

    def _with_key_of(self, text: str) -> list[tuple[str, Owner]]:
        key = canonical_key(text)
        return [self._first[key], *self._others.get(key, ())] if key in self._first else []


def value_keys(labels: Iterable[str]) -> list[str]:
    """Return the key of each value: the canonical key of its label; where one before it has that, with the label."""
    keys: dict[str, None] = {}
    for label in labels:
        key = canonical_key(label)
        keys[key if key not in keys else f"{key} {label}"] = None
    return list(keys)


def merge_spellings(first: Mapping[str, float], repeated: Mapping[str, array[float]]) -> tuple[Value, ...]:
    """Merge spellings that differ only in case, spaces, hyphens or grammatical number into spelling value.

    Parameters
    ----------
    first : mapping of str to float
        Weight of the first occurrence of each cleaned spelling.
    repeated : mapping of str to array of float
        Weights of its further occurrences.

    Returns
    -------
    tuple of Value
        Sorted by key.
    """
    by_key: dict[str, str] = {}
    twins: dict[str, list[str]] = {}
    for spelling in first:
        kept = by_key.setdefault(key_of_cleaned(spelling), spelling)
        if kept is not spelling:
            twins.setdefault(kept, []).append(spelling)
    variants = _part(by_key, twins)
    own = {key for key, kept in by_key.items() if any(map(_is_own_plural, (kept, *twins.get(kept, ()))))}
    may_merge = {key: (kept, *twins.get(kept, ())) for key, kept in by_key.items() if key not in own}
    for plural, key in _plurals(may_merge, variants):
        kept, merged = by_key[key], by_key.pop(plural)
        twins.setdefault(kept, []).extend([merged, *twins.pop(merged, ())])

    def value(key: str, spelling: str) -> Value:
        if spelling not in twins and spelling not in repeated:
            return Value(key, spelling, (), first[spelling])
        weights = {s: [first[s], *repeated.get(s, ())] for s in (spelling, *twins.get(spelling, ()))}
        label, *_ = sorted(weights, key=lambda s: (-math.fsum(weights[s]), s))
        aliases = tuple(sorted(weights.keys() - {label}))
        own = key_of_cleaned(label)
        own = own if _plain(key) == key else f"{own} {label}"
        return Value(own, label, aliases, math.fsum(chain.from_iterable(weights.values())))

    return tuple(sorted((value(key, spelling) for key, spelling in by_key.items()), key=attrgetter("key")))


def family_key(spelling: str) -> str:
    """Return a key that all cleaned spellings share that `merge_spellings` may merge, whatever else it is given.

    It is shared by others, too: a set of spellings that holds all of each of its keys is merged as within a larger set.

    >>> family_key("Boundaries"), family_key("bound-ary"), family_key("wishes"), family_key("wish")
    ('boundar', 'boundar', 'wish', 'wish')
    """
    # A plural differs from its singulars in these letters at its end: see `singulars`.
    return key_of_cleaned(spelling).rstrip("eisy")


def _plain(key: str) -> str:
    """Return the canonical key in the key of a value."""
    return key.partition(" ")[0]


def _part(by_key: dict[str, str], twins: dict[str, list[str]]) -> dict[str, list[str]]:
    """Part the spellings of one key that are of several values; return the keys of the values of each such key."""
    variants = {}
    for kept, others in list(twins.items()):
        spellings = sorted([kept, *others])
        # Most keys have nothing to part.
        if not any(map(_STANDS_APART.search, map(folded, spellings))):
            continue
        values: list[list[str]] = []
        for spelling in spellings:
            same = (value for value in values if all(is_one_value(spelling, one) for one in value))
            found = next(same, None)
            if found is None:
                values.append([spelling])
            else:
                found.append(spelling)
        if len(values) > 1:
            del twins[kept]
            key = key_of_cleaned(kept)
            variants[key] = [key, *(f"{key} {head}" for head, *_ in values[1:])]
            for variant, (head, *rest) in zip(variants[key], values, strict=True):
                by_key[variant] = head
                if rest:
                    twins[head] = rest
    return variants


def _is_own_plural(spelling: str) -> bool:
    """Tell whether a spelling ends in a plural that is a word of its own: "public goods" is not "public good"."""
    return spelling[-1] in "sS" and _BEFORE_LAST_WORD.sub("", spelling.casefold()) in OWN_PLURALS


def _plurals(by_key: Mapping[str, Sequence[str]], variants: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Yield each key that is a plural of another key, and the key that stands for both.

    All spellings of the two must be of one value: if one spoke for its key, it would be the first in the input.
    """
    stands_for: dict[str, str] = {}

    def root(key: str) -> str:
        while key in stands_for:
            key = stands_for[key]
        return key

    pairs = [
        (key, variant)
        for key in by_key
        for singular in singulars(_plain(key))
        for variant in variants.get(singular, (singular,))
        if variant in by_key and all(starmap(is_one_value, product(by_key[key], by_key[variant])))
    ]
    for plural, singular in pairs:
        first, second = sorted((root(plural), root(singular)))
        if first != second:
            stands_for[second] = first
            yield second, first
