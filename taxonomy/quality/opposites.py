"""Labels that say the opposite of each other, by spelling and a short list, without any data file.

A phrase is read as a head with modifiers: the last word before a preposition, and the words around it. Two phrases are
opposites where their heads are and their modifiers don't tell them apart, so "creative freedom" beside "self-control"
is none. A phrase that turns a bad thing away ("deception avoidance", "avoiding harm") has another head or is skipped.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What nobody calls a value, and what it denies. Opposites whatever is said of them: "strategic deception" is no
# company for "intellectual honesty".
_VICES = {
    "deception deceit dishonesty lying falsehood fraud hypocrisy insincerity": "honesty truthfulness sincerity candor",
    "manipulation coercion oppression subjugation domination": "consent autonomy liberty honesty",
    "cruelty malice brutality sadism ruthlessness callousness": "kindness compassion mercy gentleness benevolence",
    "violence aggression brutality": "peacefulness gentleness",
    "betrayal treachery infidelity": "loyalty fidelity faithfulness trustworthiness",
    "cowardice": "courage bravery valor",
    "arrogance vanity hubris conceit": "humility modesty",
    "greed selfishness avarice stinginess": "generosity selflessness altruism charity",
    "vengeance revenge vindictiveness retaliation": "forgiveness mercy reconciliation",
    "contempt humiliation degradation mockery": "respect",
    "hatred hate malevolence hostility": "love kindness goodwill benevolence friendliness",
    "despair": "hope optimism",
    "laziness sloth idleness": "diligence industriousness",
    "negligence recklessness": "caution prudence diligence",
    "bigotry prejudice racism sexism xenophobia": "tolerance inclusion",
}
# Opposites only of one thing, or where no thing is named: "meal planning" and "spontaneity" go well together.
_TENSIONS = """
    simplicity complexity, individualism collectivism, individuality conformity, tradition modernity, order chaos,
    spontaneity planning, cooperation competition, collaboration competition, obedience rebellion, obedience defiance,
    submission dominance, equality hierarchy, equality superiority, equality domination, equality prejudice,
    austerity indulgence, restraint indulgence, moderation excess, optimism pessimism, brevity comprehensiveness,
    conciseness comprehensiveness, generality specificity, idealism realism, idealism pragmatism, stability change,
    confidence doubt, certainty doubt, trust suspicion, trust skepticism, trust betrayal, connection isolation,
    seriousness playfulness, flexibility rigidity, leniency strictness, objectivity subjectivity, caution boldness,
    transparency secrecy, transparency deception, transparency concealment, openness secrecy, truth falsehood,
    authenticity deception, integrity corruption, strength weakness, peace violence, peace war, harmony violence,
    freedom oppression, freedom coercion, independence subjugation, dignity humiliation, knowledge ignorance,
    care negligence, fairness exploitation, fairness prejudice, empathy cruelty, hope hopelessness
"""
# What is spelled like a denial of another word and is none.
_NO_DENIALS = _words("""
    countless discourse discovery disclosure disease display disposition dissent immigration impact import imposition
    income indifference indifferent inform information informed infusion inhabitant insight intent invaluable investment
    invocation mistake priceless selfless selflessness timeless timelessness
""")
_PREPOSITIONS = _words("about against between by for from in of on over to toward towards under with without")
_TURNING_AWAY = _words("""
    against anti avoiding combating countering detecting discouraging exposing fighting minimizing mitigating no non
    opposing overcoming preventing reducing refusing rejecting resisting without
""")
_PREFIXES = ("un", "dis", "non", "anti", "mis")
_PREFIX_HYPHEN = re.compile(r"\b(un|in|im|il|ir|dis|non|anti|mis)-(?=[a-z])")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A head with its modifiers; `lacking` where it says that the thing is missing."""

    index: int
    head: str
    modifiers: frozenset[str]
    lacking: bool = False


def opposites(labels: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of labels that are opposites, as positions: what denies, and what it denies.

    Parameters
    ----------
    labels : sequence of str
        Any; time grows with their number and that of the pairs.
    """
    phrases = [phrase for index, label in enumerate(labels) for phrase in _phrases(index, label)]
    by_head: dict[str, list[_Phrase]] = defaultdict(list)
    for phrase in phrases:
        by_head[phrase.head].append(phrase)
    pairs = {
        (other.index, one.index)
        for one in phrases
        if not one.lacking
        for head, fits in _denials(one)
        for other in by_head.get(head, ())
        if one.index != other.index and fits(one, other)
    }
    yield from sorted(pairs)


def _phrases(index: int, label: str) -> Iterator[_Phrase]:
    """Yield the phrases that a label joins with "and", "or", "&", a comma or a slash."""
    text = _PREFIX_HYPHEN.sub(r"\1", label.casefold())
    for part in re.split(r"\band\b|\bor\b|[&,/;]", text):
        words = _WORD.findall(part)
        cut = next((at for at, word in enumerate(words) if word in _PREPOSITIONS), len(words))
        if not words[:cut] or not _TURNING_AWAY.isdisjoint(words):
            continue
        if words[cut - 1] in ("lack", "absence") and words[cut:]:
            yield _Phrase(index, words[-1], frozenset(words[cut + 1 : -1]), lacking=True)
        else:
            yield _Phrase(index, words[cut - 1], frozenset(words[: cut - 1] + words[cut:]))


def _whatever(one: _Phrase, other: _Phrase) -> bool:
    return not other.lacking


def _same_thing(one: _Phrase, other: _Phrase) -> bool:
    return not other.lacking and one.modifiers == other.modifiers


def _alike(one: _Phrase, other: _Phrase) -> bool:
    return not other.lacking and (one.modifiers == other.modifiers or not one.modifiers or not other.modifiers)


def _lacks(one: _Phrase, other: _Phrase) -> bool:
    return other.lacking and other.modifiers <= one.modifiers


def _denials(phrase: _Phrase) -> Iterator[tuple[str, Callable[[_Phrase, _Phrase], bool]]]:
    """Yield the heads that may deny a phrase, and what has to hold of the two phrases."""
    yield phrase.head, _lacks
    yield from ((vice, _whatever) for vice in _DENIED.get(phrase.head, ()))
    yield from ((other, _same_thing) for other in _TENSE.get(phrase.head, ()))
    if len(phrase.head) >= 4:
        yield from ((negation, _alike) for negation in _negations(phrase.head) if negation not in _NO_DENIALS)


def _negations(word: str) -> Iterator[str]:
    """Yield what English spelling makes of a word to deny it."""
    latin = {"b": "im", "l": "il", "m": "im", "p": "im", "r": "ir"}.get(word[0], "in")
    for prefix in (*_PREFIXES, latin):
        yield prefix + word
    for full, empty in (("fulness", "lessness"), ("ful", "less")):
        if word.endswith(full):
            yield word.removesuffix(full) + empty
    yield word + "less"
    yield word + "lessness"


def _table(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    table: dict[str, set[str]] = defaultdict(set)
    for one, other in pairs:
        table[one].add(other)
    return dict(table)


_DENIED = _table(
    (virtue, vice) for vices, virtues in _VICES.items() for vice in vices.split() for virtue in virtues.split()
)
_TENSE = _table((pair.split()[0], pair.split()[1]) for pair in _TENSIONS.split(","))
