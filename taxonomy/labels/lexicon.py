"""How the words of a set of values are used, which tells a noun phrase from what only looks like one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from taxonomy.english.words import FUNCTION_WORDS, first_part, word_list

# Endings of adjectives, which name nothing by themselves.
_ADJECTIVE = re.compile(
    r".{2,}(ful|ous|ive|al|ic|able|ible|less|ary|ory|ed|ly|ish|some|wards?|centered|centred|oriented|driven|based)$"
)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_BETWEEN_WORDS = re.compile(r"(?<=[^\W\d_])\s*[/&]\s*(?=[^\W\d_])")
_SIGNS_BEFORE = re.compile(r"^[\W_]+")

_POINTERS = word_list("pointers")
_ORDERS = word_list("orders")
_VAGUE = word_list("vague_heads")


@dataclass(frozen=True)
class Lexicon:
    """How the words of a set of values are used.

    Attributes
    ----------
    heads, modifiers : Counter of str
        How often a word ends a value or the part of one before a preposition, and how often it stands before such a
        head.
    plain_words : frozenset of str
        Words that stand somewhere in lower case; every word where most values start with a capital letter.
    """

    heads: Counter[str]
    modifiers: Counter[str]
    plain_words: frozenset[str]

    @classmethod
    def from_labels(cls, labels: Sequence[str]) -> Lexicon:
        """Count the words of values of several words."""
        heads: Counter[str] = Counter()
        modifiers: Counter[str] = Counter()
        for label in labels:
            part = first_part(label)
            if len(part) > 1:
                heads[part[-1]] += 1
                modifiers.update(part[:-1])
        words = {word for label in labels for word in label.split()}
        capital = sum(label[:1].isupper() for label in labels) > len(labels) / 2
        return cls(heads, modifiers, frozenset(word.lower() if capital else word for word in words))

    def plain(self, text: str) -> str:
        """Return a text with its words in lower case, except for names.

        >>> Lexicon.from_labels(["honest talk", "Buddhist virtue"]).plain("Honest Buddhist")
        'honest Buddhist'
        """
        words = text.split()
        return " ".join(word.lower() if word.istitle() and word.lower() in self.plain_words else word for word in words)

    def spoken(self, text: str) -> str:
        """Return a plain text as it is said: with words for the signs between its words, and no sign before it.

        >>> none = Lexicon.from_labels([])
        >>> none.spoken("honesty / integrity"), none.spoken("R&D"), none.spoken("+1 karma"), none.spoken("24/7 care")
        ('honesty and integrity', 'R and D', '1 karma', '24-7 care')
        """
        text = _SIGNS_BEFORE.sub("", _BETWEEN_WORDS.sub(" and ", self.plain(text))) or text
        return text.replace("/", "-")

    def is_adjective(self, word: str) -> bool:
        """Tell whether a word looks like an adjective and is not used as a noun more often."""
        return _ADJECTIVE.fullmatch(word) is not None and self.heads[word] <= self.modifiers[word] // 4

    def is_topic(self, word: str) -> bool:
        """Tell whether a word mostly stands before others: "business" says what a value is about, not which it is."""
        return self.modifiers[word] > 2 * self.heads[word] + 2

    def is_thing(self, text: str) -> bool:
        """Tell whether a value can be given as an example: it has a head and gives no order."""
        part = first_part(text)
        return bool(part) and part[0].casefold() not in _ORDERS and not self.is_adjective(part[-1])

    def is_vague(self, text: str) -> bool:
        """Tell whether the head of a noun phrase says little by itself."""
        return text.split()[-1] in _VAGUE

    def is_plain(self, words: Sequence[str]) -> bool:
        """Tell whether words are words, without marks or function words among them."""
        return bool(words) and all(_WORD.fullmatch(word) and word.casefold() not in FUNCTION_WORDS for word in words)

    def is_nominal(self, words: Sequence[str]) -> bool:
        """Tell whether words without a preposition read as a noun phrase."""
        return (
            self.is_plain(words)
            and not self.is_adjective(words[-1])
            and words[-1].casefold() not in _POINTERS
            and not (len(words) > 1 and words[0].endswith("ing") and not self.heads[words[0]])
        )
