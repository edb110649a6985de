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

    def ask(self, questions: Iterable[Question]) -> Iterator[tuple[Question, Reply]]:
        """Yield questions with their replies, in any order."""


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

    Returns
    -------
    list of Problem or None
        For each question why it has no answer, None where it has.
    """
    problems: list[Problem | None] = [None] * len(questions)
    current = dict(enumerate(questions))
    for _ in range(_ATTEMPTS):
        refused: dict[int, Question] = {}
        for index, reply in sorted(_replies(asker, current, progress).items()):
            question = current[index]
            if reply.outcome is not Outcome.ANSWERED:
                problems[index] = Problem(reply.outcome, reply.reason)
            elif reply.text:
                refusal = refuse(question, question.form.model_validate_json(reply.text))
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
