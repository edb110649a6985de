"""Questions asked in batches, for tests."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from taxonomy.llm.answer_store import AnswerStore
from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.limits import Limits
from taxonomy.llm.question import Question
from taxonomy.llm.reply import Reply
from taxonomy.llm.spending import Usage
from tests.llm_server import Server, data_of

# A model whose price is known.
MODEL = Endpoint("anthropic/claude-haiku-4-5")
LIMITS = Limits(timeout=10, retries=3)


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    definition: str


@dataclass
class Asked:
    """What asking gave: replies by subject, and what it took."""

    replies: dict[str, Reply]
    usage: Usage

    @property
    def texts(self) -> dict[str, str]:
        return {subject: reply.text for subject, reply in self.replies.items()}

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(str(reply.outcome) for reply in self.replies.values())


Ask = Callable[..., Asked]


def questions(count: int, start: int = 0) -> list[Question]:
    assumed = Answer(name="honesty", definition="Saying what is so.")
    return [
        Question(f"q{number}", "name", "Name this.", {"thing": number}, Answer, assumed)
        for number in range(start, start + count)
    ]


def noted(folder: Path) -> list[str | None]:
    """Return the names of the batches that the store notes."""
    with AnswerStore(folder) as store:
        return [one.name for one in store.batches()]


def sent(server: Server) -> Counter[str]:
    """Return how often each question was sent in a batch."""
    return Counter(request["custom_id"] for batch in server.batches.values() for request in batch.requests)


def number_of(server: Server, id: str) -> int:
    """Return the number of the question under an id."""
    every = [request for batch in server.batches.values() for request in batch.requests]
    params = next(request["params"] for request in every if request["custom_id"] == id)
    number: int = data_of(params)["thing"]
    return number


def ask_in_batches(
    folder: Path,
    asked: Iterable[Question],
    *,
    live: bool = False,
    limits: Limits = LIMITS,
    store: Path | None = None,
    **options: Any,
) -> Asked:
    """Ask in batches, or live, and return what came of it."""
    from taxonomy.llm.batches import Batched
    from taxonomy.llm.engine import Engine

    with AnswerStore(store or folder) as answers, Engine(MODEL, answers, limits) as engine:
        asker = engine if live else Batched(engine, **options)
        replies = {question.subject: reply for question, reply in asker.ask(asked)}
        return Asked(replies, engine.usage)


def die(*arguments: Any, **options: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt(done: int, total: int) -> None:
    """Do as Ctrl-C does."""
    raise KeyboardInterrupt
