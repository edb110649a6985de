"""Rounds of questions whose answers are judged together, and asked again where they are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from embeddings.progress import Progress
from taxonomy.llm.question import Question, Refusal
from taxonomy.llm.reply import Outcome, Reply
from taxonomy.llm.spending import Usage

# Answers to one question, the first and those after a refusal.
_ATTEMPTS = 3


class Asker(Protocol):
    """What gets questions answered: an engine, or its rehearsal."""

    usage: Usage
    expected: Usage

    def ask(self, questions: Iterable[Question]) -> Iterator[tuple[Question, Reply]]:
        """Yield questions with their replies, in any order."""

    def took(self, question: Question, usage: Usage) -> None:
        """Add to a usage what all calls about a question took, those of earlier runs too."""


@dataclass(frozen=True)
class Problem:
    """Why a question has no answer that can be used: the outcome, "rejected" for one that was answered, and why."""

    outcome: str
    reason: str


def settle(
    asker: Asker,
    questions: Sequence[Question],
    refuse: Callable[[Question, Any], Refusal | None],
    progress: Progress | None = None,
    *,
    look_at: Callable[[Sequence[Any]], None] | None = None,
) -> list[Problem | None]:
    """Ask questions until their answers hold, at most `_ATTEMPTS` times each.

    Answers of a round are judged in the order of the questions, whatever the order in which they came, so that the same
    answers give the same result.

    Parameters
    ----------
    asker : Asker
    questions : sequence of Question
    refuse : callable
        Takes a question and its answer; uses the answer and returns None, or returns why it is refused.
    progress : callable, optional
        Called with (questions answered, questions in all) in each round.
    look_at : callable, optional
        Takes the answers of a round before each is judged, for what is done faster with all of them.

    Returns
    -------
    list of Problem or None
        For each question why it has no answer, None where it has.
    """
    problems: list[Problem | None] = [None] * len(questions)
    current = dict(enumerate(questions))
    for _ in range(_ATTEMPTS):
        replies = sorted(_replies(asker, current, progress).items())
        # A rehearsal answers without a text.
        answers = {index: current[index].form.model_validate_json(reply.text) for index, reply in replies if reply.text}
        if look_at is not None:
            look_at(list(answers.values()))
        refused: dict[int, Question] = {}
        for index, reply in replies:
            question = current[index]
            if reply.outcome is not Outcome.ANSWERED:
                problems[index] = Problem(reply.outcome, reply.reason)
            elif index in answers:
                refusal = refuse(question, answers[index])
                problems[index] = Problem("rejected", refusal.reason) if refusal else None
                if refusal:
                    refused[index] = replace(question, refused=(*question.refused, (reply.text, refusal)))
        if not refused:
            break
        current = refused
    return problems


def _replies(asker: Asker, questions: Mapping[int, Question], progress: Progress | None) -> dict[int, Reply]:
    places = {id(question): index for index, question in questions.items()}
    replies: dict[int, Reply] = {}
    for question, reply in asker.ask(questions.values()):
        replies[places[id(question)]] = reply
        if progress is not None:
            progress(len(replies), len(questions))
    return replies
