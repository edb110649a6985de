"""What was extracted from one conversation: values with their evidence, the response and the task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from taxonomy.extraction.answer_forms import Expressed, Features, Stated
from taxonomy.extraction.evidence import evidence_problem
from taxonomy.extraction.excerpts import Excerpt
from taxonomy.extraction.value_form import value_problem
from taxonomy.mentions.columns import Side
from taxonomy.values import canonical_key, clean, reason_to_reject

_NO_VALUE = "not in the form of a value"


@dataclass(frozen=True)
class Mention:
    """A value that a side expresses, and where.

    Attributes
    ----------
    side : {"human", "ai"}
    value : str
    explicit : bool
        Whether it is stated; else it is shown.
    turn : int
    quote : str
    """

    side: Side
    value: str
    explicit: bool
    turn: int
    quote: str


@dataclass(frozen=True)
class Refused:
    """A value that a model named and that does not count, and why.

    The value is empty where it has not the form of one, the turn 0 where there is no such turn.
    """

    side: Side
    value: str
    turn: int
    reason: str


@dataclass(frozen=True)
class Extracted:
    """What a conversation shows.

    Attributes
    ----------
    mentions : tuple of Mention
        The AI's first, then by turn.
    refused : tuple of Refused
    response_type, task : str
    """

    mentions: tuple[Mention, ...]
    refused: tuple[Refused, ...]
    response_type: str
    task: str


def unite(answers: Iterable[tuple[Excerpt, Features]]) -> Extracted:
    """Unite the answers about the excerpts of a conversation, in any order.

    A value that is named several times counts once: as stated where it is, and else where it is shown first.
    """
    mentions: dict[tuple[Side, str], Mention] = {}
    refused: set[Refused] = set()
    response_type = task = ""
    for excerpt, features in answers:
        response_type = features.response_type or response_type
        task = features.task or task
        for side, found in _values(features):
            explicit = found.explicit if isinstance(found, Expressed) else True
            reason = _reason_to_refuse(found, side, excerpt)
            if reason is not None:
                turn = found.turn if found.turn in excerpt.turns else 0
                refused.add(Refused(side, found.value, turn, reason))
                continue
            mention = Mention(side, found.value, explicit, found.turn, found.quote)
            key = side, canonical_key(found.value)
            mentions[key] = min(mention, mentions.get(key, mention), key=_precedence)
    return Extracted(
        tuple(sorted(mentions.values(), key=lambda one: (one.side, one.turn, one.value))),
        tuple(map(_fit_to_keep, sorted(refused, key=lambda one: (one.side, one.turn, one.value, one.reason)))),
        response_type,
        task,
    )


def _values(features: Features) -> Iterator[tuple[Side, Expressed | Stated]]:
    yield from (("ai", found) for found in features.ai_values or ())
    yield from (("human", found) for found in features.human_values or ())


def _reason_to_refuse(found: Expressed | Stated, side: Side, excerpt: Excerpt) -> str | None:
    if value_problem(found.value) is not None or reason_to_reject(found.value, clean(found.value)) is not None:
        return _NO_VALUE
    return evidence_problem(found.quote, found.turn, side, excerpt.turns)


def _fit_to_keep(refused: Refused) -> Refused:
    """Return what was refused without what has not the form of a value: it may be anything, such as an address."""
    return replace(refused, value="") if refused.reason == _NO_VALUE else refused


def _precedence(mention: Mention) -> tuple[bool, int, str, str]:
    return not mention.explicit, mention.turn, mention.value, mention.quote
