"""What a model says of a conversation of which the truth is known, and where it is wrong on purpose."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar

from taxonomy.extraction.conversation import Conversation, digest_text
from taxonomy.extraction.evidence import LEAST_LETTERS, MOST_WORDS
from taxonomy.extraction.extraction_defaults import LEVELS
from taxonomy.mentions.columns import RESPONSE_TYPES, Side

T = TypeVar("T")
# What the screener says of conversations that are not subjective, and of those that are.
SCREENED = {"no": LEVELS[:2], "yes": LEVELS[2:]}
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+|(?<=[。！？।؟])\s*|\n+")


@dataclass(frozen=True)
class Rates:
    """How often a model is wrong, as parts.

    Attributes
    ----------
    misses : float
        Of the planted values, those that it does not give.
    inventions : float
        Values that are not planted, for each planted one, quoting the same sentence.
    side_swaps : float
        Of the planted values, those that it gives as the other side's, quoting the nearest turn of that side. Values of
        both sides stay.
    wrong_responses : float
        Of the responses.
    screen_errors : float
        Of the conversations.
    """

    misses: float = 0.0
    inventions: float = 0.0
    side_swaps: float = 0.0
    wrong_responses: float = 0.0
    screen_errors: float = 0.0


Kind = Literal["miss", "invention", "side swap", "wrong response", "screen error"]


class Mistake(NamedTuple):
    """A wrong answer.

    Attributes
    ----------
    conversation_id : str
    kind : str
    side : {"human", "ai"} or None
        The side that really has the planted value, or to which the model gives the invented one.
    planted, said : str
        A value, a response type or a level of subjectivity; of screening, what is planted is "yes" or "no". Empty where
        nothing is.
    """

    conversation_id: str
    kind: Kind
    side: Side | None
    planted: str
    said: str


class Said(NamedTuple):
    """A value that the model gives."""

    side: Side
    value: str
    explicit: bool
    turn: int
    quote: str


@dataclass
class Answers:
    """All that the model says of a conversation."""

    conversation_id: str
    subjectivity: str
    response_type: str
    task: str
    values: list[Said] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)


class Draws:
    """Draws that depend on the seed, on what a conversation says, and on what is drawn, and on nothing else."""

    def __init__(self, seed: int, conversation: Conversation) -> None:
        # Two conversations that say the same can't be told apart.
        self._start: list[int | str] = [seed, digest_text(conversation.turns, "")]

    def part(self, *fact: str) -> float:
        """Return a number from 0 to below 1."""
        digest = hashlib.sha256(json.dumps([*self._start, *fact]).encode()).digest()
        return int.from_bytes(digest[:6], "big") / 2**48

    def choose(self, items: Sequence[T], *fact: str) -> T:
        """Return one of the items."""
        return items[int(self.part(*fact) * len(items))]


class Answering:
    """Plans answers.

    Parameters
    ----------
    labels : sequence of str
        The values that can be invented.
    rates : Rates
    seed : int
    """

    def __init__(self, labels: Sequence[str], rates: Rates, seed: int) -> None:
        self._labels, self._rates, self._seed = labels, rates, seed

    def plan(self, conversation: Conversation, facts: Sequence[Mapping[str, Any]]) -> Answers:
        """Return what the model says of a conversation.

        Parameters
        ----------
        conversation : Conversation
        facts : sequence of mapping
            The rows of the truth about it.
        """
        draws = Draws(self._seed, conversation)
        label = {fact["kind"]: fact["label"] for fact in facts}
        answers = Answers(
            conversation.conversation_id,
            draws.choose(SCREENED[label["subjectivity"]], "level"),
            label.get("response", "no values"),
            task_name(label["task"]),
        )
        answers.mistakes.extend(self._misjudge(answers, label, draws))
        self._give_values(answers, conversation, facts, draws)
        return answers

    def _misjudge(self, answers: Answers, label: Mapping[str, str], draws: Draws) -> Iterator[Mistake]:
        """Change the level and the response."""
        planted = label["subjectivity"]
        if draws.part("screen error") < self._rates.screen_errors:
            answers.subjectivity = draws.choose(SCREENED["no" if planted == "yes" else "yes"], "level")
            yield Mistake(answers.conversation_id, "screen error", None, planted, answers.subjectivity)
        if "response" in label and draws.part("wrong response") < self._rates.wrong_responses:
            others = [one for one in RESPONSE_TYPES if one != label["response"]]
            answers.response_type = draws.choose(others, "other response")
            yield Mistake(answers.conversation_id, "wrong response", None, label["response"], answers.response_type)

    def _give_values(
        self, answers: Answers, conversation: Conversation, facts: Sequence[Mapping[str, Any]], draws: Draws
    ) -> None:
        """Add the values, right and wrong."""
        planted = [
            Said(fact["side"], fact["label"], fact["explicit"], fact["turn"], fact["quote"])
            for fact in facts
            if fact["kind"] == "value"
        ]
        both = {one.value for one in planted if one.side == "ai"} & {
            one.value for one in planted if one.side == "human"
        }
        known = {fact["label"] for fact in facts}

        def note(kind: Kind, side: Side, value: str, said: str) -> None:
            answers.mistakes.append(Mistake(conversation.conversation_id, kind, side, value, said))

        for one in planted:
            fate = draws.part("fate", one.side, one.value)
            given: Said | None = one
            if fate < self._rates.misses:
                given = None
                note("miss", one.side, one.value, "")
            elif fate < self._rates.misses + self._rates.side_swaps and one.value not in both:
                given = _swapped(one, conversation) or one
                if given is not one:
                    note("side swap", one.side, one.value, one.value)
            if given is not None:
                answers.values.append(given)
            others = [label for label in self._labels if label not in known]
            if others and draws.part("invention", one.side, one.value) < self._rates.inventions:
                value = draws.choose(others, "invented", one.side, one.value)
                known.add(value)
                answers.values.append(one._replace(value=value))
                note("invention", one.side, "", value)


def task_name(label: str) -> str:
    """Return a planted task as an answer names it, in two to six words."""
    named = {
        "astrology": "astrology questions",
        "cooking": "cooking a meal",
        "debugging": "debugging code",
        "philosophy": "discussing philosophy",
        "roleplay": "playing a role",
    }
    return named.get(label, label)


def _swapped(said: Said, conversation: Conversation) -> Said | None:
    """Return a value as the other side's, with a quote of the nearest turn that has one."""
    turns = sorted(enumerate(conversation.turns, 1), key=lambda turn: abs(turn[0] - said.turn))
    for number, turn in turns:
        quote = _quote_of(turn.text) if turn.side != said.side else None
        if quote:
            return Said(turn.side, said.value, True, number, quote)
    return None


def _quote_of(text: str) -> str | None:
    """Return the first sentence, or its start, that can be evidence."""
    for sentence in _SENTENCE_ENDS.split(text):
        quote = " ".join(sentence.split()[:MOST_WORDS])
        if sum(char.isalpha() for char in quote) >= LEAST_LETTERS:
            return quote
    return None
