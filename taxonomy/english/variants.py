"""Words that are spelled in two ways: British and American spellings, and variants of one word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

from taxonomy.english.words import word_list, word_pairs, word_pattern

_DISTINCT = word_list("distinct_words")


class _Rules:
    """Parts of words to replace, then patterns. The forms of one word come out as the same, which may be no word."""

    def __init__(self, parts: Iterable[tuple[str, str]], patterns: Mapping[str, str]) -> None:
        self._forms = dict(parts)
        longest_first = sorted(self._forms, key=lambda part: (-len(part), part))
        # Not where the word goes on as in America: "fulfil" is in "fulfill".
        spelled = rf"(?:{'|'.join(longest_first)})(?!l)"
        self._parts = re.compile(spelled)
        self._patterns = [(re.compile(pattern), form) for pattern, form in patterns.items()]
        # One search is enough for most words.
        self._any = re.compile("|".join((spelled, *patterns)))

    def apply(self, word: str) -> str:
        if not self._any.search(word):
            return word
        word = self._parts.sub(lambda match: self._forms[match[0]], word)
        for pattern, form in self._patterns:
            word = pattern.sub(form, word)
        return word


@lru_cache(maxsize=100_000)
def american(word: str) -> str:
    """Return a form that the British and the American spelling of a word share, mostly the American one.

    >>> american("neighbourliness"), american("counselling"), american("minimisation"), american("fulfilment")
    ('neighborliness', 'counseling', 'minimization', 'fulfillment')
    """
    return _british().apply(word)


@lru_cache(maxsize=100_000)
def one_variant(word: str) -> str:
    """Return a form that the variants of a word share, mostly one of them.

    >>> one_variant("preventative"), one_variant("backwards"), one_variant("resiliency"), one_variant("dependant")
    ('preventive', 'backward', 'resilience', 'dependent')
    """
    return word if word in _DISTINCT else _variants().apply(word)


@cache
def _british() -> _Rules:
    before_re = word_pattern("british_re")
    patterns = {
        rf"({word_pattern('british_our')})our": r"\1or",
        rf"({before_re})re(?=s?$)": r"\1er",
        rf"({before_re})red": r"\1ered",
        rf"({before_re})ring$": r"\1ering",
        r"(?<=[a-z]{3})is(?=(?:e[drs]?|ers|ing|able|ability|ation[a-z]*)$)": "iz",
        r"(?<=[a-z]{2})ys(?=(?:e[drs]?|ers|ing)$)": "yz",
        # Of more than one syllable: "filling" is not "filing".
        r"([aeiouy][^aeiouy]+[aeiouy]+)ll(?=(?:ed|ing|ers?|ors?|ous)(?:ly|ness|ship)?$)": r"\1l",
        r"ae(?=[a-z]{2})": "e",
    }
    return _Rules(word_pairs("british"), patterns)


@cache
def _variants() -> _Rules:
    patterns = {
        rf"^({word_pattern('directions')}ward)s$": r"\1",
        r"(?<=[a-z]{4})tative(?=(?:ly|ness)?$)": "tive",
        r"(?<=[a-z]{3}[ae]nc)y$": "e",
        r"(?<=[a-z]{4})an(?=(?:ts?|tly|ces?)$)": "en",
        r"(?<=[a-z]{4})ib(?=(?:le|leness|ly|ility)$)": "ab",
        r"(?<=[a-z]{2})e(?=ab(?:le|leness|ly|ility)$)": "",
    }
    return _Rules(word_pairs("variants"), patterns)
