"""Names that a node could have, made of the words of its best members."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from taxonomy.english.words import first_part, parts, repeats
from taxonomy.labels.lexicon import Lexicon

MAX_WORDS = 4
# How well each form reads as a name, in cosine.
WHOLE, PART, TURNED, CROSSED, SHARED_HEAD, SHARED_MODIFIER, PAIR = 0.06, 0.04, 0.0, 0.02, 0.04, 0.04, 0.0
# Penalty of a name that uses the head of a longer member in its place.
_CUT = 0.08
# Penalty where an adjective and a noun stand side by side: "holistic and patient wellbeing".
_MIXED = 0.08


@dataclass(frozen=True, slots=True)
class Candidate:
    """A name in lower case.

    Attributes
    ----------
    text : str
    themes : tuple of tuple of int
        One or two: the members of each theme, as positions in the pool.
    form : float
        How well its form reads as a name.
    merged : bool
        Whether the name joins two themes in one phrase, which fits only similar themes.
    """

    text: str
    themes: tuple[tuple[int, ...], ...]
    form: float
    merged: bool = False


# Members, as positions in the pool, and what they are called.
_Theme = tuple[tuple[int, ...], str]


def propose_candidates(pool: Sequence[str], fit: Sequence[bool], lexicon: Lexicon) -> Iterator[Candidate]:
    """Yield the names that the best members of a node give, of two to four words each.

    Parameters
    ----------
    pool : sequence of str
        Members, best first.
    fit : sequence of bool
        Which of them are common enough to name the node by themselves.
    lexicon : Lexicon
        Of all values.
    """
    wholes = [
        ((i,), text)
        for i, text in enumerate(pool)
        if fit[i] and len(text.split()) < MAX_WORDS and lexicon.is_nominal(text.split())
    ]
    for i, text in enumerate(pool):
        if fit[i] and 1 < len(text.split()) <= MAX_WORDS and all(lexicon.is_nominal(part) for part in parts(text)):
            yield Candidate(text, ((i,),), WHOLE)
    for theme, text in wholes:
        if turned := turn(text, lexicon):
            yield Candidate(turned, (theme,), TURNED)
    yield from _shared(pool, lexicon)
    paired = False
    for (first, left), (second, right) in combinations(wholes, 2):
        if joined := join(left, right, lexicon):
            text, form = joined
            paired = True
            yield Candidate(text, (first, second), form)
    if not paired:
        yield from _with_heads(wholes, [((i,), text) for i, text in enumerate(pool) if fit[i]], lexicon)


def _with_heads(wholes: Sequence[_Theme], texts: Sequence[_Theme], lexicon: Lexicon) -> Iterator[Candidate]:
    """Yield pairs that are short enough only with the head of a member in its place."""
    heads = [(theme, head) for theme, text in texts if (head := _head(text, lexicon))]
    lost = {theme: first_part(text)[:-1] for theme, text in texts}
    joined_any = False
    for (first, left), (second, right) in product(heads, [*heads, *wholes]):
        # Not "loop and constructive feedback" for a feedback loop.
        if first == second or (lost[first] and repeats(lost[first], right.split()[-1:])):
            continue
        if joined := join(left, right, lexicon):
            text, form = joined
            joined_any = True
            yield Candidate(text, (first, second), form - _CUT)
    if joined_any:
        return
    # The head after the whole, whose modifier is then heard with both: "textual fidelity and care".
    for (first, left), (second, text) in product(wholes, texts):
        part, words = first_part(text), left.split()
        if first == second or len(words) > 2 or not lexicon.is_nominal(part) or lexicon.is_vague(part[-1]):
            continue
        gerund = any(word.endswith("ing") for word in (part[0], part[-1]))
        if not gerund and not repeats(words[-1:], part) and not repeats(words, part[-1:]):
            yield Candidate(f"{left} and {part[-1]}", (first, second), PAIR - 2 * _CUT)


def _head(text: str, lexicon: Lexicon) -> str | None:
    """Return the head of a value of several words; None where it means something else without the rest of them.

    So it is in "low latency", "results orientation", "overcoming fear" and "playing by the rules".
    """
    part, words = first_part(text), text.split()
    if len(part) == len(words) == 1 or not lexicon.is_nominal(part) or lexicon.is_vague(" ".join(part)):
        return None
    if not all(lexicon.heads[word] for word in part[:-1]):
        return None
    gerund = part[-1].endswith("ing") and words[len(part) : len(part) + 1] != ["of"]
    return None if gerund else part[-1]


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
            yield Candidate(" ".join(words), (tuple(members),), PART)
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
                yield Candidate(f"{modifier} {head}", (before, after), CROSSED, merged=True)


def turn(text: str, lexicon: Lexicon) -> str | None:
    """Turn a noun before a noun round, so that a node does not have exactly its member's name.

    >>> turn("harm prevention", Lexicon.from_labels([]))
    'prevention of harm'
    >>> turn("personal growth", Lexicon.from_labels([])) is None
    True
    """
    words = text.split()
    return f"{words[1]} of {words[0]}" if len(words) == 2 and lexicon.turns(*words) else None


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
    """
    left, right = one.split(), other.split()
    if len(left) == len(right) == 2:
        if left[1] == right[1] and not repeats(left[:1], right) and not repeats(right[:1], right[1:]):
            mixed = lexicon.is_adjective(left[0]) != lexicon.is_adjective(right[0])
            return f"{left[0]} and {' '.join(right)}", SHARED_HEAD - _MIXED * mixed
        if left[0] == right[0] and not repeats(left, right[1:]) and not repeats(left[:1], left[1:]):
            # The modifier is heard with both, so both must be what it modifies: not "ethical conduct and business".
            if lexicon.is_topic(left[1]) or lexicon.is_topic(right[1]):
                return None
            return f"{' '.join(left)} and {right[1]}", SHARED_MODIFIER
    if len(left) + len(right) + 1 > MAX_WORDS or repeats(left, right):
        return None
    # The shorter first: a modifier of the first would be heard with the second too.
    short, long = sorted((left, right), key=len)
    return f"{' '.join(short)} and {' '.join(long)}", PAIR
