"""Phrases that occur in a text, word for word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


class Phrases:
    """Phrases to look for.

    Parameters
    ----------
    phrases : iterable of str
        Case, spaces and hyphens don't count; one without a word is never found.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        self._by_words = {words_of(phrase): phrase for phrase in phrases}
        self._lengths = sorted({len(words) for words in self._by_words} - {0}, reverse=True)

    def find(self, text: str, *, within: Iterable[str] = ()) -> list[str]:
        """Return the phrases that are in a text, longest first, but for those that are part of a phrase of `within`.

        >>> Phrases(["care", "trust"]).find("Trust, as in care for others", within=["care for others"])
        ['trust']
        """
        words = words_of(text)
        known = Phrases(within)
        covered = {place for start, end in known._spans(words) for place in range(start, end)}
        found = (self._by_words[words[start:end]] for start, end in self._spans(words) if start not in covered)
        return list(dict.fromkeys(found))

    def _spans(self, words: tuple[str, ...]) -> Iterator[tuple[int, int]]:
        for length in self._lengths:
            for start in range(len(words) - length + 1):
                if words[start : start + length] in self._by_words:
                    yield start, start + length


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text in small letters, hyphenated ones in parts."""
    return tuple(_WORD.findall(text.casefold()))
