"""Parts of a string that may tell of somebody, and the string without them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from taxonomy.extraction.audit.known_words import WORD, is_harmless

HIDDEN = "…"


@dataclass(frozen=True, order=True)
class Span:
    """A part of a string, by its first character and the one after its last, and what it is taken for."""

    start: int
    end: int
    what: str


class Folded:
    """A string in the compatible forms of its characters, without those that nobody sees.

    A full-width @ is an @, and no joiner without width divides an address.

    Attributes
    ----------
    text : str
    """

    def __init__(self, text: str) -> None:
        kept = [
            (form, place)
            for place, char in enumerate(text)
            if unicodedata.category(char) != "Cf"
            for form in unicodedata.normalize("NFKC", char)
        ]
        self.text = "".join(form for form, _ in kept)
        self._places = [place for _, place in kept]

    def span(self, start: int, end: int, what: str) -> Span:
        """Return a part of it as one of the string."""
        return Span(self._places[start], self._places[end - 1] + 1, what)


def separate(spans: Iterable[Span]) -> list[Span]:
    """Return spans that do not overlap, in their order; of those that do, the one that is named first."""
    kept: list[Span] = []
    for span in spans:
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept)


def mask(text: str, spans: Sequence[Span]) -> str:
    """Return a string with the names of its spans in their place, and of the rest the words that are in a dictionary.

    Parameters
    ----------
    text : str
    spans : sequence of Span
        In their order, none over another.
    """
    shown, place = [], 0
    for span in spans:
        shown += [_plain(text[place : span.start]), f"[{span.what}]"]
        place = span.end
    return "".join([*shown, _plain(text[place:])])


def _plain(text: str) -> str:
    """Return a text in which whatever is no word of a dictionary is hidden: it may be part of what was found."""
    shown, place = [], 0
    for found in WORD.finditer(text):
        shown += [_spaces(text[place : found.start()]), found[0] if is_harmless(found[0]) else HIDDEN]
        place = found.end()
    return "".join([*shown, _spaces(text[place:])])


def _spaces(text: str) -> str:
    return "".join(char if char in " ,.;:!?'\"()-–—" else HIDDEN for char in text)
