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
_INVISIBLE = {ord(char): None for char in "\u00ad\u200b\u2060\ufeff"}
_PLAIN = _QUOTES | _DASHES | _INVISIBLE
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
    if sum(char.isalpha() for char in plain) < LEAST_LETTERS and (not plain or plain != said):
        return "quote too short"
    return None if plain in said else "quote not in the turn"


def plain_text(text: str) -> str:
    """Return a text with plain quotes, dashes and spaces, in Unicode's form NFKC."""
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).translate(_PLAIN)).strip()
