"""Lists of English words, and rules of English: word families, phrases, plurals, counts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import chain, product
from pathlib import Path
from typing import Any

_SAME_STEM = 5
# Of lists of English values 35% or more hold a word of ours, of common words of ten other languages 8% or less.
_ENGLISH = 0.1
_FEWEST, _SAMPLE = 20, 1000
_PREFIX = re.compile(r"(?:co|cyber|dis|em|en|im|in|inter|non|re|un)")


def word_list(name: str) -> frozenset[str]:
    """Return a list of `words.toml` or `polarity.toml`."""
    return frozenset(_lists()[name].split())


def word_pattern(name: str) -> str:
    """Return a regular expression for any word of a list."""
    return f"(?:{'|'.join(map(re.escape, sorted(word_list(name))))})"


def word_pairs(name: str) -> frozenset[tuple[str, str]]:
    """Return the pairs of a list of pairs of those files."""
    return frozenset(pair for left, right in _lists()[name] for pair in product(left.split(), right.split()))


@cache
def _lists() -> dict[str, Any]:
    lists: dict[str, Any] = {}
    for name in ("words.toml", "polarity.toml"):
        lists |= tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return lists


def may_be_english(texts: Sequence[str]) -> bool:
    """Return whether texts are English as far as is known: one in ten or more holds a word of our lists.

    >>> may_be_english(["honesty"] * 20), may_be_english(["Ehrlichkeit"] * 20), may_be_english(["Ehrlichkeit"])
    (True, False, True)
    """
    sample = texts[:: max(1, len(texts) // _SAMPLE)]
    if len(sample) < _FEWEST:
        return True
    return sum(not stems(text).isdisjoint(_known_stems()) for text in sample) >= _ENGLISH * len(sample)


@cache
def _known_stems() -> frozenset[str]:
    listed = [words if isinstance(words, str) else " ".join(chain(*words)) for words in _lists().values()]
    return frozenset(stem(word) for word in " ".join(listed).split())


FUNCTION_WORDS = word_list("function_words")
# Plurals that are words of their own.
OWN_PLURALS = word_list("own_plurals")


@cache
def known_words() -> frozenset[str]:
    """Return the words of the lists, parts of words left out: some three thousand that are spelled well."""
    texts = [listed for name, listed in _lists().items() if isinstance(listed, str) and not name.startswith("british")]
    texts += [text for name in ("denials", "tensions") for row in _lists()[name] for text in row]
    return frozenset(word for text in texts for word in re.split(r"[^a-z]+", text) if len(word) > 1)


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Return the stem of a word, by the Snowball English stemmer (Porter 2001)."""
    return str(_stemmer().stemWord(word.casefold()).rstrip("aeiy") or word.casefold())


@cache
def _stemmer() -> Any:
    # Imported late: it loads stemmers of some thirty languages.
    import snowballstemmer

    return snowballstemmer.stemmer("english")


@lru_cache(maxsize=100_000)
def stems(text: str) -> frozenset[str]:
    """Return the stems of the words of a text, function words left out."""
    words = text.casefold().replace("-", " ").split()
    return frozenset(stem(word) for word in words if word not in FUNCTION_WORDS) or frozenset({text.casefold()})


@lru_cache(maxsize=1_000_000)
def related(first: str, second: str) -> bool:
    """Return whether two stems are of one word family.

    >>> related(stem("analysis"), stem("analytical")), related(stem("context"), stem("contentment"))
    (True, False)
    """
    short, long = sorted((first, second), key=len)
    if long.endswith(short) and _PREFIX.fullmatch(long[: -len(short)]):
        return True
    return first == second or (len(short) >= _SAME_STEM and long.startswith(short[: max(_SAME_STEM, len(short) - 1)]))


def repeats(left: Iterable[str], right: Iterable[str]) -> bool:
    """Return whether a word on the left and a word on the right are of one family."""
    right_stems = stems(" ".join(right))
    return any(related(first, second) for first in stems(" ".join(left)) for second in right_stems)


def first_part(text: str) -> list[str]:
    """Return the words before the first function word: the noun phrase whose last word is the head.

    >>> first_part("steady attention to small print")
    ['steady', 'attention']
    """
    words = text.split()
    for position, word in enumerate(words):
        if word.casefold() in FUNCTION_WORDS:
            return words[:position]
    return words


def parts(text: str) -> list[list[str]]:
    """Return the runs of words between function words.

    >>> parts("attention to small print")
    [['attention'], ['small', 'print']]
    """
    runs: list[list[str]] = [[]]
    for word in text.split():
        if word.casefold() in FUNCTION_WORDS:
            runs.append([])
        else:
            runs[-1].append(word)
    return [run for run in runs if run]


def sentence_case(text: str) -> str:
    """Return `text` with its first letter capitalised."""
    return text[:1].upper() + text[1:]


def singulars(key: str) -> list[str]:
    """Return the keys that a canonical key may be the plural of, by the rules of English spelling.

    Parameters
    ----------
    key : str
        As `taxonomy.values.canonical_key` returns it.

    Returns
    -------
    list of str
        Keys of at least three characters; none for a key in 'ss', or for a plural that is a word of its own.

    >>> singulars("boundaries"), singulars("kindness"), singulars("goods")
    (['boundarie', 'boundary'], [], [])
    """
    if not key.endswith("s") or key.endswith("ss") or key in OWN_PLURALS:
        return []
    singular_keys = [key[:-1]]
    if key.endswith(("ses", "xes", "zes", "ches", "shes", "oes")):
        singular_keys.append(key[:-2])
    if key.endswith("ies"):
        singular_keys.append(key[:-3] + "y")
    return [singular for singular in singular_keys if len(singular) >= 3]
