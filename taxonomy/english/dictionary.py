"""Whether a word is English, a first name of persons, or a name that is no person's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

_LISTS = Path(__file__).with_name("lists")
# What regular inflections end in, and what stands in their place in the word that is inflected.
_ENDINGS = {
    "ies": ("y",),
    "es": ("", "e"),
    "s": ("",),
    "ied": ("y",),
    "ed": ("", "e"),
    "ing": ("", "e"),
    "iness": ("y",),
    "ness": ("",),
    "ily": ("y",),
    "ly": ("", "le"),
    "ers": ("", "e"),
    "er": ("", "e"),
}
_LEAST = 3


def is_english(word: str) -> bool:
    """Return whether a word is in the dictionary, as it is or as a regular inflection.

    >>> is_english("honesty"), is_english("Weighing"), is_english("Pellworth")
    (True, True, False)
    """
    small = word.casefold()
    return small in _read("dictionary") or not _read("dictionary").isdisjoint(_uninflected(small))


def is_proper(word: str) -> bool:
    """Return whether a word is written with a capital letter and no person's name: of places, faiths, schools, months.

    >>> is_proper("Socratic"), is_proper("Whitfield")
    (True, False)
    """
    return word.casefold() in _read("proper_words")


def is_first_name(word: str) -> bool:
    """Return whether a word is a first name; some are English words, too.

    >>> is_first_name("Rufus"), is_first_name("Hope"), is_first_name("Honesty")
    (True, True, False)
    """
    return word.casefold() in _read("first_names")


@cache
def _read(name: str) -> frozenset[str]:
    return frozenset((_LISTS / f"{name}.txt").read_text(encoding="utf-8").split())


def _uninflected(word: str) -> Iterator[str]:
    for ending, replacements in _ENDINGS.items():
        if not word.endswith(ending):
            continue
        start = word[: -len(ending)]
        yield from (start + other for other in replacements if len(start + other) >= _LEAST)
        if ending in ("ed", "ing", "er") and len(start) > _LEAST and start[-1] == start[-2]:
            yield start[:-1]
