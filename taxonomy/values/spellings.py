"""Spellings of one value, merged."""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

from taxonomy.english.words import singulars
from taxonomy.values.canonical import canonical_key


@dataclass(frozen=True, slots=True)
class Value:
    """One value.

    Parameters
    ----------
    key : str
        Canonical key of the label.
    label : str
        The cleaned spelling with the largest weight; of equals, the first in code-point order.
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
    """Make one value of the spellings that differ only in case, spaces, hyphens or number.

    Parameters
    ----------
    first : mapping of str to float
        Weight of each cleaned spelling where it occurs first.
    repeated : mapping of str to array of float
        Its weights where it occurs again.

    Returns
    -------
    tuple of Value
        Sorted by key.
    """
    by_key: dict[str, str] = {}
    twins: dict[str, list[str]] = {}
    for spelling in first:
        one = by_key.setdefault(canonical_key(spelling), spelling)
        if one is not spelling:
            twins.setdefault(one, []).append(spelling)
    for plural, key in _plurals(by_key):
        one, other = by_key[key], by_key.pop(plural)
        twins.setdefault(one, []).extend([other, *twins.pop(other, ())])

    def value(key: str, one: str) -> Value:
        if one not in twins and one not in repeated:
            return Value(key, one, (), first[one])
        weights = {s: [first[s], *repeated.get(s, ())] for s in (one, *twins.get(one, ()))}
        label, *_ = sorted(weights, key=lambda s: (-math.fsum(weights[s]), s))
        aliases = tuple(sorted(weights.keys() - {label}))
        return Value(canonical_key(label), label, aliases, math.fsum(chain.from_iterable(weights.values())))

    return tuple(sorted((value(key, one) for key, one in by_key.items()), key=attrgetter("key")))


def _plurals(keys: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield each key that is a plural of another, and the key that stands for the two."""
    stands_for: dict[str, str] = {}

    def root(key: str) -> str:
        while key in stands_for:
            key = stands_for[key]
        return key

    pairs = [(key, singular) for key in keys for singular in singulars(key) if singular in keys]
    for plural, singular in pairs:
        one, other = sorted((root(plural), root(singular)))
        if one != other:
            stands_for[other] = one
            yield other, one
