"""What a value string names: a value, what people disvalue, or a stand against that."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Literal

from taxonomy.english.words import FUNCTION_WORDS, singulars, word_list, word_pairs

Polarity = Literal["value", "vice", "opposition"]

VICES = word_list("vices") | word_list("ills") | {vice for vice, _ in word_pairs("denials")}
TURNING_STARTS = word_list("turning_starts")
ABSENCES = word_list("absences")
_VICIOUS = word_list("vicious")
_NOT_VICES = word_list("not_vices")
_VIRTUES = word_list("virtues")
_TURNING_HEADS = word_list("turning_heads")
_GUARDING_HEADS = word_list("guarding_heads")
_TURNING_ENDS = word_list("turning_ends")
_CARRIERS = word_list("carriers")
_REDEEMING = word_list("redeeming")
_AFTER_HEAD = FUNCTION_WORDS | word_list("prepositions")
_HYPHENATED = frozenset(word for word in VICES | _VICIOUS | _VIRTUES | _GUARDING_HEADS if "-" in word)
_CONJUNCTION = re.compile(r"\band\b|\bor\b|[&,/;+]")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?(?:-[^\W\d_]+(?:'[^\W\d_]+)?)*")
# What stands before a word to deny it or to turn it away, without a hyphen.
_DENIES = re.compile(r"(?:dis|im|in|ir|il|mis|non|un)-?(?=.{3})")
# Qualities that are denied so are rarely wanted.
_UNLIKE = re.compile(r"un.{3,}(?:ness|bility)")
_TURNS = re.compile(r"(?:anti|counter|de|non)(?=.{4})")
_WITHOUT = re.compile(r"less(?:ness)?$")
# Ends of nouns, and of the adjectives that are made of them.
_DERIVED = (
    ("iness", "y"),
    ("ness", ""),
    ("ence", "ent"),
    ("ance", "ant"),
    ("ism", "ist"),
    ("ism", "istic"),
    ("ation", "ative"),
    ("usion", "usive"),
    ("acity", "acious"),
    ("ocity", "ocious"),
    ("isation", "ising"),
    ("ization", "izing"),
)
_ADJECTIVE = re.compile(r".{2,}(?:ent|ant|ed|ful|ic|ish|ist|ive|less|ory|ous)")


@lru_cache(maxsize=1_000_000)
def polarity_of(text: str) -> Polarity:
    """Return what a value string names, by its head and what stands about it.

    Parameters
    ----------
    text : str

    Returns
    -------
    {"value", "vice", "opposition"}
        ``vice``: what people disvalue or fight. ``opposition``: a stand against that.

    Examples
    --------
    >>> polarity_of("abuse of power"), polarity_of("lack of empathy"), polarity_of("infidelity")
    ('vice', 'vice', 'vice')
    >>> polarity_of("abuse prevention"), polarity_of("cruelty-free living"), polarity_of("anti-exploitation")
    ('opposition', 'opposition', 'opposition')
    >>> polarity_of("honesty about failure")
    'value'
    """
    found = {_polarity(_words(part)) for part in _CONJUNCTION.split(text.casefold())}
    return "opposition" if "opposition" in found else "vice" if "vice" in found else "value"


def are_few(vices: int, values: int) -> bool:
    """Tell whether vices are in the minority among values, so that they don't speak for them."""
    return 2 * vices < values


def vices_among(polarities: Sequence[Polarity]) -> list[int]:
    """Return the positions of the vices among values, none where at least half are vices."""
    vices = [at for at, polarity in enumerate(polarities) if polarity == "vice"]
    return vices if are_few(len(vices), len(polarities)) else []


def _words(text: str) -> list[str]:
    """Return the words of a text; a hyphenated one in its parts, unless it is listed."""
    return [part for word in _WORD.findall(text) for part in ([word] if word in _HYPHENATED else word.split("-"))]


def _polarity(words: Sequence[str]) -> Polarity:
    """Return what a noun phrase names."""
    if words and words[0] in TURNING_STARTS:
        return _turned(words[1:])
    for at, word in enumerate(words):
        if at and word in _TURNING_ENDS and _has_vice(words[:at]):
            return "opposition"
    before, after = _around_head(words)
    if not before:
        return "value"
    head, beside = before[-1], [*before[:-1], *after]
    if head in _TURNING_HEADS:
        return _turned(beside)
    if head in _GUARDING_HEADS:
        return "opposition" if _has_vice(beside) else "value"
    if head in ABSENCES and beside:
        return "opposition" if _has_vice(beside) else "vice"
    if _is_vicious(before, after):
        return "vice"
    turned = _TURNS.match(head)
    return "opposition" if turned and _is_vice(head[turned.end() :]) else "value"


def _around_head(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the words up to the head, and the others.

    The head comes before a preposition; a gerund at the start is one, and so is what turns away all before it.
    """
    if words and words[0].endswith("ing") and not _is_vice(words[0]):
        return words[:1], words[1:]
    if words and words[-1] in _TURNING_HEADS and ABSENCES.isdisjoint(words):
        # "conflict of interest avoidance"
        return words, ()
    cut = next((at for at, word in enumerate(words) if word in _AFTER_HEAD), len(words))
    return words[:cut], words[cut + 1 :]


def _turned(words: Sequence[str]) -> Polarity:
    """Return what turning away these words is: to avoid a virtue is a vice."""
    if _has_vice(words):
        return "opposition"
    return "vice" if any(word in _VIRTUES for word in words[-1:]) else "value"


def _is_vicious(before: Sequence[str], after: Sequence[str]) -> bool:
    """Tell whether a phrase names a vice: by its head, by what its head carries, or by an adjective."""
    if not _REDEEMING.isdisjoint(before):
        return False
    head, modifiers = before[-1], before[:-1]
    if head in _CARRIERS and _has_vice([*modifiers, *after]):
        return True
    return _is_vice(head) or any(
        word in _VICIOUS or (_ADJECTIVE.fullmatch(word) and _is_vice(word)) for word in modifiers
    )


def _has_vice(words: Sequence[str]) -> bool:
    return any(map(_is_vice, words))


@lru_cache(maxsize=100_000)
def _is_vice(word: str) -> bool:
    """Tell whether a word, or what it is the plural of, is listed or derived, or denies a virtue."""
    if not _vice_forms().isdisjoint((word, *singulars(word))):
        return True
    if _UNLIKE.fullmatch(word):
        return word not in _NOT_VICES and word[2:] not in _vice_forms()
    denied = _DENIES.match(word)
    return (denied is not None and word[denied.end() :] in _VIRTUES) or _lacks_virtue(word)


def _lacks_virtue(word: str) -> bool:
    """Tell whether a word says that a virtue is missing: "merciless", "carelessness"."""
    root = _WITHOUT.sub("", word)
    return root != word and not _VIRTUES.isdisjoint((root, root.removesuffix("i") + "y", root + "ness"))


@cache
def _vice_forms() -> frozenset[str]:
    """Return the vices with what English derives from them: "callous", "arrogant", "racist"."""
    forms = VICES | _VICIOUS
    derived = (
        word.removesuffix(noun) + adjective for word in VICES for noun, adjective in _DERIVED if word.endswith(noun)
    )
    return (forms | frozenset(derived)) - _NOT_VICES
