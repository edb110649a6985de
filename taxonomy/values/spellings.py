"""Merge the spellings of each value."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

from taxonomy.english.words import OWN_PLURALS, singulars
from taxonomy.values.canonical import canonical_key

_BEFORE_LAST_WORD = re.compile(r".*[\s_-]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Value:
    """One value.

    Parameters
    ----------
    key : str
        Canonical key of the label.
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
        kept = by_key.setdefault(canonical_key(spelling), spelling)
        if kept is not spelling:
            twins.setdefault(kept, []).append(spelling)
    own = {key for key, kept in by_key.items() if any(map(_is_own_plural, (kept, *twins.get(kept, ()))))}
    for plural, key in _plurals([key for key in by_key if key not in own]):
        kept, merged = by_key[key], by_key.pop(plural)
        twins.setdefault(kept, []).extend([merged, *twins.pop(merged, ())])

    def value(key: str, spelling: str) -> Value:
        if spelling not in twins and spelling not in repeated:
            return Value(key, spelling, (), first[spelling])
        weights = {s: [first[s], *repeated.get(s, ())] for s in (spelling, *twins.get(spelling, ()))}
        label, *_ = sorted(weights, key=lambda s: (-math.fsum(weights[s]), s))
        aliases = tuple(sorted(weights.keys() - {label}))
        return Value(canonical_key(label), label, aliases, math.fsum(chain.from_iterable(weights.values())))

    return tuple(sorted((value(key, spelling) for key, spelling in by_key.items()), key=attrgetter("key")))


def _is_own_plural(spelling: str) -> bool:
    """Tell whether a spelling ends in a plural that is a word of its own: "public goods" is not "public good"."""
    return spelling[-1] in "sS" and _BEFORE_LAST_WORD.sub("", spelling.casefold()) in OWN_PLURALS


def _plurals(keys: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each key that is a plural of another key, and the key that stands for both."""
    stands_for: dict[str, str] = {}

    def root(key: str) -> str:
        while key in stands_for:
            key = stands_for[key]
        return key

    known = set(keys)
    pairs = [(key, singular) for key in keys for singular in singulars(key) if singular in known]
    for plural, singular in pairs:
        first, second = sorted((root(plural), root(singular)))
        if first != second:
            stands_for[second] = first
            yield second, first
