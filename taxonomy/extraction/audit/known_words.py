"""Words that are nobody's name, since they are in a dictionary, or name a thing, a place, a faith or a school."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from pathlib import Path

from taxonomy.english.dictionary import is_english, is_first_name, is_proper
from taxonomy.english.words import FUNCTION_WORDS, known_words

# Letters with their marks; hyphens and apostrophes within.
WORD = re.compile(r"[^\W\d_][\w\u0300-\u036f]*(?:['’\-‐][^\W_][\w\u0300-\u036f]*)*")
_POSSESSIVE = re.compile(r"['’]s$|(?<=s)['’]$")
# Adjectives and schools that are made of names.
OF_A_NAME = re.compile(r"(?:ians?|eans?|isms?|ists?|esque|ites?|ically|ishness|ness|ity)$")
_SHORTEST = 3


@cache
def audit_words(name: str) -> frozenset[str]:
    """Return a list of ``audit_words.toml``."""
    return frozenset(_lists()[name].split())


@cache
def _lists() -> dict[str, str]:
    return tomllib.loads(Path(__file__).with_name("audit_words.toml").read_text(encoding="utf-8"))


def without_possessive(word: str) -> str:
    """Return a word without the ending of a possessive."""
    return _POSSESSIVE.sub("", word)


def is_possessive(word: str) -> bool:
    """Return whether a word has the ending of a possessive."""
    return _POSSESSIVE.search(word) is not None


@cache
def is_known(word: str) -> bool:
    """Return whether each part of a word is nobody's name.

    >>> is_known("self-determination"), is_known("Kantian"), is_known("Whitfield")
    (True, True, False)
    """
    return all(_is_part_known(part) for part in re.split(r"[-‐]", without_possessive(word)) if part)


def is_harmless(word: str) -> bool:
    """Return whether a word may be shown beside what was found: it is known, and no first name."""
    bare = without_possessive(word)
    return is_known(word) and not (is_first_name(bare) and bare[:1].isupper())


def _is_part_known(part: str) -> bool:
    bare = fold(part)
    if len(bare) < _SHORTEST or bare in FUNCTION_WORDS:
        return True
    if is_english(bare) or is_proper(bare) or bare in known_words() or bare in audit_words("no_persons"):
        return True
    return any(
        is_english(rest)
        for rest in (
            *(bare.removeprefix(prefix) for prefix in audit_words("prefixes") if bare.startswith(prefix)),
            *(bare.removesuffix(suffix) for suffix in audit_words("suffixes") if bare.endswith(suffix)),
            *(f"{bare.removesuffix(suffix)}e" for suffix in audit_words("suffixes") if bare.endswith(suffix)),
        )
        if len(rest) > _SHORTEST
    )


def fold(word: str) -> str:
    """Return a word in small letters without marks."""
    parts = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in parts if not unicodedata.combining(char))


def is_persons(word: str) -> bool:
    """Return whether a word, or its first part, is a first name."""
    bare = re.split(r"[-‐]", without_possessive(word))[0]
    return is_first_name(bare) or is_first_name(fold(bare))
