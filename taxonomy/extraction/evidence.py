"""The rule of evidence: a value counts if a quote for it stands in a turn of its own side."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from taxonomy.extraction.conversation import Turn
from taxonomy.mentions.columns import Side

# Words of a quote, at most, and letters, at least: less stands in any turn.
MOST_WORDS, LEAST_LETTERS = 15, 4
# Of a quote in a script without spaces, characters in the place of words.
_MOST_CHARACTERS = 200
_QUOTES = {ord(char): "'" for char in "‘’‚‛′`´"} | {ord(char): '"' for char in "“”„‟″«»「」『』"}
_DASHES = {ord(char): "-" for char in "‐‑‒–—―−"}
_PLAIN = _QUOTES | _DASHES
# How a character looks, beside those of the category Cf: direction, joining, soft hyphens.
_VARIANTS = frozenset(map(chr, range(0xFE00, 0xFE10)))
# Letters with a small and a capital form, and digits: where two meet, a word goes on.
_OF_WORDS = frozenset(("Lu", "Ll", "Lt", "Nd"))
_SPACE = re.compile(r"\s+")


def evidence_problem(quote: str, number: int, side: Side, turns: Mapping[int, Turn]) -> str | None:
    """Return why a quote is no evidence for a value of a side; None where it is.

    Parameters
    ----------
    quote : str
    number : int
        Of the turn that it is said to be from.
    side : {"human", "ai"}
    turns : mapping of int to Turn
        Those that the model was shown, by number.
    """
    turn = turns.get(number)
    if turn is None:
        return "no such turn"
    if turn.side != side:
        return "a turn of the other side"
    plain = plain_text(quote)
    if len(plain.split()) > MOST_WORDS or len(plain) > _MOST_CHARACTERS:
        return "quote too long"
    said = plain_text(turn.text)
    # A whole turn may be shorter.
    if _count_letters(plain) < LEAST_LETTERS and (not plain or plain != said):
        return "quote too short"
    return None if _is_quoted(plain, said) else "quote not in the turn"


def plain_text(text: str) -> str:
    """Return a text with plain quotes, dashes and spaces, in Unicode's form NFKC, without what is not seen."""
    # Before, too: the form takes some quotes apart.
    normal = unicodedata.normalize("NFKC", text.translate(_PLAIN)).translate(_PLAIN)
    seen = (char for char in normal if unicodedata.category(char) != "Cf" and char not in _VARIANTS)
    return _SPACE.sub(" ", "".join(seen)).strip()


def _count_letters(text: str) -> int:
    """Return the letters of a text; those of scripts without capitals count twice, since their words are shorter."""
    categories = [unicodedata.category(char) for char in text]
    return sum(2 if category == "Lo" else 1 for category in categories if category[0] in "LM")


def _is_quoted(quote: str, text: str) -> bool:
    """Say whether a text holds a quote that begins and ends with a word."""
    start = text.find(quote)
    while start >= 0:
        end = start + len(quote)
        if not _joins(text[start - 1 : start], quote[:1]) and not _joins(quote[-1:], text[end : end + 1]):
            return True
        start = text.find(quote, start + 1)
    return False


def _joins(first: str, second: str) -> bool:
    """Say whether two characters are of one word."""
    return all(char and unicodedata.category(char) in _OF_WORDS for char in (first, second))
