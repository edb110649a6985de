"""Names that a node could have, made of the words of its best members."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from taxonomy.english.words import FUNCTION_WORDS, first_part, parts, repeats
from taxonomy.labels.lexicon import Lexicon

MAX_WORDS = 4
# How well each form reads as a name, in cosine.
_WHOLE, _SHARED, _CROSSED, _SHARED_WORD, _APART = 0.04, 0.02, 0.0, 0.04, 0.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A name in lower case.

    Attributes
    ----------
    text : str
    sources : tuple of tuple of int
        The members that each part of the name comes from, as positions in the pool.
    form : float
        How well its form reads as a name.
    """

    text: str
    sources: tuple[tuple[int, ...], ...]
    form: float

    @property
    def is_blend(self) -> bool:
        """Whether it is one idea, of words that come from different members."""
        return len(self.sources) > 1


def propose_ideas(pool: Sequence[str], fit: Sequence[bool], lexicon: Lexicon) -> Iterator[Candidate]:
    """Yield names that say one idea, of one to four words each.

    Parameters
    ----------
    pool : sequence of str
        Members, best first.
    fit : sequence of bool
        Which of them are common enough to name the node by themselves.
    lexicon : Lexicon
        Of all values.
    """
    for i, text in enumerate(pool):
        if fit[i] and _is_name(text, lexicon):
            yield Candidate(text, ((i,),), _WHOLE)
    yield from _shared(pool, lexicon)


def propose_pairs(ideas: Iterable[Candidate], lexicon: Lexicon) -> Iterator[tuple[Candidate, Candidate, Candidate]]:
    """Yield names that join two ideas by "and", each with its ideas."""
    wholes = [one for one in ideas if not one.is_blend]
    for i, first in enumerate(wholes):
        for second in wholes[i + 1 :]:
            if joined := join(first.text, second.text, lexicon):
                text, form = joined
                yield Candidate(text, first.sources + second.sources, form), first, second


def _is_name(text: str, lexicon: Lexicon) -> bool:
    """Tell whether a member can stand as a name: a noun phrase of one idea."""
    words = text.split()
    ends = words[-1].casefold() in FUNCTION_WORDS or words[0].casefold() in FUNCTION_WORDS
    return (
        len(words) <= MAX_WORDS
        and not ends
        and "and" not in words
        and lexicon.is_nominal(first_part(text))
        and all(lexicon.is_plain(part) for part in parts(text))
    )


def _shared(pool: Sequence[str], lexicon: Lexicon) -> Iterator[Candidate]:
    """Yield phrases that members share, and a shared modifier with a shared head that no member joins."""
    phrases: dict[tuple[str, ...], list[int]] = defaultdict(list)
    heads: dict[str, list[int]] = defaultdict(list)
    modifiers: dict[str, list[int]] = defaultdict(list)
    for i, text in enumerate(pool):
        for part in parts(text):
            if len(part) > 2:
                phrases[tuple(part[-2:])].append(i)
            if len(part) == 2:
                modifiers[part[0]].append(i)
        if part := first_part(text):
            heads[part[-1]].append(i)
    for words, members in phrases.items():
        if len(members) > 1 and lexicon.is_nominal(words):
            yield Candidate(" ".join(words), (tuple(members),), _SHARED)
    # Only what several members have is shared.
    yield from _crossed(
        {modifier: tuple(before) for modifier, before in modifiers.items() if len(before) > 1},
        {head: tuple(after) for head, after in heads.items() if len(after) > 1 and not lexicon.is_topic(head)},
        lexicon,
    )


def _crossed(
    modifiers: dict[str, tuple[int, ...]], heads: dict[str, tuple[int, ...]], lexicon: Lexicon
) -> Iterator[Candidate]:
    """Yield each adjective with each head that it can describe; both with the members that have them."""
    for modifier, before in modifiers.items():
        for head, after in heads.items():
            described = lexicon.is_adjective(modifier) and lexicon.is_nominal([modifier, head])
            if described and not repeats([modifier], [head]):
                yield Candidate(f"{modifier} {head}", (before, after), _CROSSED)


def join(one: str, other: str, lexicon: Lexicon) -> tuple[str, float] | None:
    """Join two noun phrases as one name of at most four words, sharing the word that they share.

    Returns
    -------
    (str, float) or None
        The name and how well its form reads; None where they don't join, or would say a word twice.

    >>> none = Lexicon.from_labels([])
    >>> join("client autonomy", "patient autonomy", none)
    ('client and patient autonomy', 0.04)
    >>> join("emotional awareness", "emotional care", none)
    ('emotional awareness and care', 0.04)
    >>> join("small print", "honesty", none)
    ('honesty and small print', 0.0)
    >>> join("honesty", "honest talk", none) is None
    True
    >>> join("financial autonomy", "patient autonomy", none) is None
    True
    """
    left, right = one.split(), other.split()
    if len(left) == len(right) == 2:
        if left[1] == right[1] and not repeats(left[:1], right) and not repeats(right[:1], right[1:]):
            # An adjective and a noun don't stand side by side: not "holistic and patient wellbeing".
            if lexicon.is_adjective(left[0]) != lexicon.is_adjective(right[0]):
                return None
            return f"{left[0]} and {' '.join(right)}", _SHARED_WORD
        if left[0] == right[0] and not repeats(left, right[1:]) and not repeats(left[:1], left[1:]):
            # The modifier is heard with both, so both must be what it modifies: not "ethical conduct and business".
            if lexicon.is_topic(left[1]) or lexicon.is_topic(right[1]):
                return None
            return f"{' '.join(left)} and {right[1]}", _SHARED_WORD
    if len(left) + len(right) + 1 > MAX_WORDS or repeats(left, right):
        return None
    # The shorter first: a modifier of the first would be heard with the second too.
    short, long = sorted((left, right), key=len)
    return f"{' '.join(short)} and {' '.join(long)}", _APART
