"""Names of persons in a string, as far as words and capital letters tell."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from taxonomy.english.words import FUNCTION_WORDS
from taxonomy.extraction.audit.known_words import (
    OF_A_NAME,
    WORD,
    audit_words,
    fold,
    is_known,
    is_persons,
    is_possessive,
    without_possessive,
)
from taxonomy.extraction.audit.spans import Span, separate

NAME = "name"
# What tells a person in scripts without capital letters.
_ELSEWHERE = re.compile(
    r"[\u3400-\u9fff々]{1,4}[ \u3000·・][\u3400-\u9fff々\u3040-\u30ff]{1,6}(?:さん|様|氏|くん|君|ちゃん|先生)?"
    r"|[\u30a0-\u30ff]{2,}[・＝][\u30a0-\u30ff・]{2,}"
    r"|[\u3400-\u9fff]{2,3}(?:女士|小姐)"
    r"|[가-힣]{3} ?씨(?![가-힣]{2})"
    r"|(?:श्रीमती|श्री|डॉ\.?) ?[\u0900-\u097f]+(?: [\u0900-\u097f]+)?"
    r"|(?:السيدة|السيد|الدكتور|الأستاذ) [\u0600-\u06ff]+(?: [\u0600-\u06ff]+)?"
)
# A sentence may begin behind them.
_ENDS = frozenset('.:!?;"“”(\n')
# A first name of fewer letters is a word of some language, too.
_SHORTEST = 4
# More letters than that are no abbreviation.
_LONGEST_ACRONYM = 6


@dataclass(frozen=True)
class _Word:
    """A word of a string.

    `known` words are nobody's name; `first` begins a sentence; `joined` stands one space behind the word before.
    """

    text: str
    start: int
    end: int
    known: bool
    first: bool
    joined: bool

    @property
    def capital(self) -> bool:
        return self.text[0].isupper()

    @property
    def strange(self) -> bool:
        """Whether it is a word with a capital letter that may be a name."""
        return self.capital and not self.known and not _is_code(self.text)

    @property
    def persons(self) -> bool:
        return is_persons(self.text)

    @property
    def is_small(self) -> bool:
        return fold(self.text) in FUNCTION_WORDS


def find_names(text: str, vocabulary: Collection[str] = ()) -> list[Span]:
    """Return the parts of a string that are likely names of persons.

    Parameters
    ----------
    text : str
    vocabulary : collection of str
        Words, in small letters, that are no names whatever they look like.

    Examples
    --------
    >>> [(span.start, span.end) for span in find_names("loyalty to Rufus Ambleworth")]
    [(11, 27)]
    >>> find_names("Socratic questioning"), find_names("rufus values honesty", {"rufus"})
    ([], [])
    """
    elsewhere = [Span(found.start(), found.end(), NAME) for found in _ELSEWHERE.finditer(text)]
    words = list(_words(text, vocabulary))
    return separate([*elsewhere, *_joined(_Sentence(text, words).find(), text)])


def _words(text: str, vocabulary: Collection[str]) -> Iterator[_Word]:
    start = end = 0
    for found in WORD.finditer(text):
        between = text[end : found.start()]
        known = is_known(found[0]) or fold(without_possessive(found[0])) in vocabulary
        behind_title = between == ". " and fold(text[start:end]) in audit_words("titles")
        first = end == 0 or not (behind_title or _ENDS.isdisjoint(between))
        yield _Word(found[0], found.start(), found.end(), known, first, between in (" ", ". ", ".") and end > 0)
        start, end = found.span()


def _is_code(word: str) -> bool:
    """Say whether a word is an abbreviation, or has capital letters as names of programs have."""
    bare = without_possessive(word)
    if bare.isupper():
        return len(bare) <= _LONGEST_ACRONYM
    return (
        re.search(r"[a-z][A-Z]", bare) is not None and re.match(r"(?:Mc|Mac|De|Di|La|Le|O|Van|Von)[A-Z]", bare) is None
    )


class _Sentence:
    """The words of a string, and what can be said of it as a whole."""

    def __init__(self, text: str, words: Sequence[_Word]) -> None:
        self._text = text
        self._words = words
        long = [word for word in words if len(word.text) >= _SHORTEST and not word.is_small]
        foreign = any(word.text.casefold() in audit_words("foreign") for word in words)
        known = [word for word in words if word.known and len(word.text) >= _SHORTEST - 1]
        self._is_english = bool(known) and not foreign
        others = [word for word in long if not word.first]
        # Where most words have a capital letter, it tells nothing.
        self._is_title = words[:1] != [] and words[0].capital and sum(one.capital for one in others) > len(others) / 2
        self._has_small = any(not word.capital for word in long)

    def find(self) -> Iterator[Span]:
        for place, word in enumerate(self._words):
            length = self._length(place, word)
            if length:
                yield Span(word.start, self._words[place + length - 1].end, NAME)

    def _length(self, place: int, word: _Word) -> int:
        """Return how many words from here on are a name."""
        before = self._words[place - 1] if place and word.joined else None
        after = self._words[place + 1] if place + 1 < len(self._words) else None
        after = after if after is not None and after.joined and not is_possessive(word.text) else None
        if self._is_titled(word, before):
            return self._titled_length(word, after)
        if word.capital:
            return self._capital_length(word, before, after)
        return self._small_length(word, before, after)

    # -- titles ------------------------------------------------------------------------------------------------

    def _is_titled(self, word: _Word, before: _Word | None) -> bool:
        if before is None or word.is_small:
            return False
        title = fold(before.text)
        if title in audit_words("titles"):
            return not word.known or (word.capital and before.capital and not self._is_title and not word.first)
        return title in audit_words("weak_titles") and not word.known and self._is_english and not _is_code(word.text)

    def _titled_length(self, word: _Word, after: _Word | None) -> int:
        return 2 if after is not None and not after.is_small and (not after.known or after.capital) else 1

    # -- capital letters ---------------------------------------------------------------------------------------

    def _capital_length(self, word: _Word, before: _Word | None, after: _Word | None) -> int:
        goes_on = after is not None and after.capital and not after.is_small
        if before is not None and before.capital and fold(before.text) in audit_words("place_starts"):
            return 0
        if word.persons and word.text.isupper() and after is not None and after.text.isupper() and not after.known:
            return 2
        if word.persons and not _is_code(word.text):
            if after is not None and after.strange:
                return 2
            if not word.known and len(word.text) >= _SHORTEST - 1:
                return 2 if goes_on else 1
            # Two words of the dictionary, of which the first is a name, too.
            is_thing = before is not None and before.is_small and fold(before.text) in ("a", "an", "the")
            if goes_on and self._is_english and not (self._is_title or word.first or is_thing):
                return 2
        if not word.strange:
            return 0
        return self._strange_length(word, before, after)

    def _strange_length(self, word: _Word, before: _Word | None, after: _Word | None) -> int:
        pair = after is not None and after.strange
        if not self._is_english:
            return 2 if pair and self._has_small and not word.first else 0
        if pair:
            return 2
        if OF_A_NAME.search(fold(word.text)) is not None:
            return 0
        alone = is_possessive(word.text) or (not word.first and not self._is_title)
        return int(alone)

    # -- small letters -----------------------------------------------------------------------------------------

    def _small_length(self, word: _Word, before: _Word | None, after: _Word | None) -> int:
        if word.known or not self._is_english or not word.text.isascii():
            return 0
        if word.persons and len(word.text) >= _SHORTEST:
            return 2 if after is not None and not after.is_small else 1
        if is_possessive(word.text):
            return 1
        unknown = after is not None and not after.capital and not after.known
        if not unknown or after is None:
            return 0
        is_led = before is not None and fold(before.text) in audit_words("prepositions")
        return 2 if is_led or is_possessive(after.text) else 0


def _joined(spans: Iterator[Span], text: str) -> Iterator[Span]:
    """Yield spans, those that touch or overlap as one."""
    last: Span | None = None
    for span in spans:
        if last is not None and (span.start <= last.end or not text[last.end : span.start].strip()):
            last = Span(last.start, max(last.end, span.end), NAME)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last
