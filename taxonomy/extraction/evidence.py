"""The rule of evidence: a value counts if a quote for it stands in a turn of its own side."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

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
    return _SPACE.sub(" ", _seen(_normal(text))).strip()


def find_quote(quote: str, text: str) -> tuple[int, int] | None:
    """Return where the words of a quote stand first in a text, whatever its quotes, dashes and spaces.

    Returns
    -------
    tuple of (int, int) or None
        The first character, and the one after the last; None where the text does not hold the quote.
    """
    words = plain_text(quote).split(" ")
    if words == [""]:
        return None
    plain: list[str] = []
    places: list[tuple[int, int]] = []
    for start, end in _clusters(text):
        seen = _seen(_normal(text[start:end]))
        plain.append(seen)
        places.extend([(start, end)] * len(seen))
    said = "".join(plain)
    pattern = re.compile(r"\s+".join(map(re.escape, words)))
    found = pattern.search(said)
    while found is not None:
        if _is_whole(said, *found.span()):
            return places[found.start()][0], places[found.end() - 1][1]
        found = pattern.search(said, found.start() + 1)
    return None


def _normal(text: str) -> str:
    # Before, too: the form takes some quotes apart.
    return unicodedata.normalize("NFKC", text.translate(_PLAIN)).translate(_PLAIN)


def _seen(normal: str) -> str:
    return "".join(char for char in normal if unicodedata.category(char) != "Cf" and char not in _VARIANTS)


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Yield the parts of a text that take their normal form each by itself: a letter with its accents."""
    start = 0
    for place in range(1, len(text)):
        # A part may have any number of accents, which are not looked at one by one.
        if unicodedata.combining(text[place]) == 0 and _is_apart(text[start:place], text[place]):
            yield start, place
            start = place
    if text:
        yield start, len(text)


def _is_apart(part: str, char: str) -> bool:
    return char.isascii() or _normal(part + char) == _normal(part) + _normal(char)


def _count_letters(text: str) -> int:
    """Return the letters of a text; those of scripts without capitals count twice, since their words are shorter."""
    categories = [unicodedata.category(char) for char in text]
    return sum(2 if category == "Lo" else 1 for category in categories if category[0] in "LM")


def _is_quoted(quote: str, text: str) -> bool:
    """Say whether a text holds a quote that begins and ends with a word."""
    start = text.find(quote)
    while start >= 0:
        if _is_whole(text, start, start + len(quote)):
            return True
        start = text.find(quote, start + 1)
    return False


def _is_whole(text: str, start: int, end: int) -> bool:
    """Say whether no word goes on before or after a part of a text."""
    before, after = text[max(start - 1, 0) : start], text[end : end + 1]
    return not _joins(before, text[start:end][:1]) and not _joins(text[start:end][-1:], after)


def _joins(first: str, second: str) -> bool:
    """Say whether two characters are of one word."""
    return all(char and unicodedata.category(char) in _OF_WORDS for char in (first, second))
