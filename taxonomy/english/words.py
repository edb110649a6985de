"""What can be told about a value from its words alone: families, heads, and whether it reads as a noun phrase."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import snowballstemmer

# They join the parts of a value and belong to none.
FUNCTION_WORDS = frozenset(
    {"a", "about", "an", "and", "as", "at", "be", "being", "between", "beyond", "by", "de", "for", "from", "in", "into"}
    | {"no", "not", "of", "on", "one's", "or", "others'", "over", "the", "through", "to", "toward", "towards", "under"}
    | {"with", "within", "without"}
)
# Endings of adjectives, which name nothing by themselves ...
_ADJECTIVE = re.compile(
    r".{2,}(ful|ous|ive|al|ic|able|ible|less|ary|ory|ed|ly|ish|some|centered|centred|oriented|driven|based)$"
)
# ... and of nouns that take no article, with some that have no such ending, and without some that only seem to.
_MASS = re.compile(
    r".{2,}(ance|cy|ence|hip|ion|ism|ity|ment|ness|ure|ledge)"
    r"|code|conflict|data|fraud|harm|health|justice|peace|power|privacy|risk|software|stress|trust|truth|waste"
)
_COUNTED = frozenset(
    {"ability", "activity", "agency", "audience", "city", "community", "currency", "decision", "disability", "document"}
    | {"emergency", "emotion", "environment", "government", "identity", "institution", "measure", "minority", "nation"}
    | {"organization", "partnership", "policy", "procedure", "question", "relationship", "solution", "structure"}
)
# Nouns of doing and of being, whose "of" says to what; not those that are "in" or "to" something.
_OF = re.compile(r".{2,}(ion|ment|ness|ity|cy)")
_NOT_OF = frozenset(
    {
        "ability",
        "collaboration",
        "consciousness",
        "creativity",
        "curiosity",
        "education",
        "equity",
        "literacy",
        "proficiency",
    }
    | {"responsibility", "satisfaction", "sensitivity", "solution"}
)
# They point at something and name nothing.
_POINTERS = frozenset({"all", "everyone", "first", "individuals", "less", "more", "one", "oneself", "others", "people"})
# Heads of so many values that they say little about any.
_VAGUE = frozenset(
    {"approach", "behavior", "behaviour", "consciousness", "focus", "orientation", "practice", "practices"}
)
# A phrase that starts with one of these is an order, not a thing.
_ORDERS = frozenset({"always", "be", "do", "don't", "never", "no", "not"})
# Stems of what people disvalue: such a member shows what a node is not about.
_VICE = re.compile(
    r"(abus|aggress|arrog|bigot|blind|coerc|corrupt|cruel|decei|decept|dehuman|dishonest|disregard|disrespect|domin"
    r"|exploit|greed|hatr|hostil|infidel|injust|manipul|nihil|objectif|oppress|predat|submis|violen)"
)
_DENIAL = re.compile(r"(anti|avoid|against|combat|end|free|no|non|prevent|protect|reduc|reject|resist|stop|without)")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SAME_STEM = 5
_PREFIX = re.compile(r"(?:co|cyber|dis|em|en|im|in|inter|non|re|un)")

_stemmer = snowballstemmer.stemmer("english")


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Return what the words of one family mostly share, by the Snowball English stemmer (Porter 2001)."""
    return str(_stemmer.stemWord(word.casefold()).rstrip("aeiy") or word.casefold())


@lru_cache(maxsize=100_000)
def stems(text: str) -> frozenset[str]:
    """Return the stems of the words of a text that mean something by themselves."""
    words = text.casefold().replace("-", " ").split()
    return frozenset(stem(word) for word in words if word not in FUNCTION_WORDS) or frozenset({text.casefold()})


@lru_cache(maxsize=1_000_000)
def related(one: str, other: str) -> bool:
    """Tell whether two stems are of one family.

    >>> related(stem("analysis"), stem("analytical")), related(stem("context"), stem("contentment"))
    (True, False)
    """
    short, long = sorted((one, other), key=len)
    if long.endswith(short) and _PREFIX.fullmatch(long[: -len(short)]):
        return True
    return one == other or (len(short) >= _SAME_STEM and long.startswith(short[: max(_SAME_STEM, len(short) - 1)]))


def repeats(left: Iterable[str], right: Iterable[str]) -> bool:
    """Tell whether words of one family stand on both sides."""
    right_stems = stems(" ".join(right))
    return any(related(one, other) for one in stems(" ".join(left)) for other in right_stems)


def is_vice(text: str) -> bool:
    """Tell whether a value is one that people disvalue: "deception", not "fraud prevention" or "non-violence"."""
    words = text.casefold().replace("-", " ").split()
    return any(_VICE.match(word) for word in words) and not any(_DENIAL.match(word) for word in words)


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
        """Return a text with the capital letters of its words taken away where the word is no name.

        >>> Lexicon.from_labels(["honest talk", "Buddhist virtue"]).plain("Honest Buddhist")
        'honest Buddhist'
        """
        words = text.split()
        return " ".join(word.lower() if word.istitle() and word.lower() in self.plain_words else word for word in words)

    def is_adjective(self, word: str) -> bool:
        """Tell whether a word looks like an adjective and is not used as a noun more often."""
        return _ADJECTIVE.fullmatch(word) is not None and self.heads[word] <= self.modifiers[word] // 4

    def is_topic(self, word: str) -> bool:
        """Tell whether a word mostly stands before others: "business" says what a value is about, not which it is."""
        return self.modifiers[word] > 2 * self.heads[word] + 2

    def is_thing(self, text: str) -> bool:
        """Tell whether a value can be given as an example: it has a head, and neither orders nor disvalues."""
        part = first_part(text)
        return (
            bool(part) and part[0].casefold() not in _ORDERS and not self.is_adjective(part[-1]) and not is_vice(text)
        )

    def is_vague(self, text: str) -> bool:
        """Tell whether the head of a noun phrase says little by itself."""
        return text.split()[-1] in _VAGUE

    def turns(self, modifier: str, head: str) -> bool:
        """Tell whether "harm prevention" can be said as "prevention of harm"."""
        mass = _MASS.fullmatch(modifier) is not None and modifier not in _COUNTED and not self.is_adjective(modifier)
        return mass and _OF.fullmatch(head) is not None and head not in _NOT_OF

    def is_nominal(self, words: Sequence[str]) -> bool:
        """Tell whether words without a preposition read as a noun phrase."""
        return (
            bool(words)
            and all(_WORD.fullmatch(word) and word.casefold() not in FUNCTION_WORDS for word in words)
            and not self.is_adjective(words[-1])
            and words[-1].casefold() not in _POINTERS
            and not (len(words) > 1 and words[0].endswith("ing") and not self.heads[words[0]])
        )


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
    found: list[list[str]] = [[]]
    for word in text.split():
        if word.casefold() in FUNCTION_WORDS:
            found.append([])
        else:
            found[-1].append(word)
    return [part for part in found if part]


def sentence_case(text: str) -> str:
    """Return `text` with a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]
