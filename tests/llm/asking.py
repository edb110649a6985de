"""Small questions to a fake server, in both protocols; as a module, a process that asks them and says what it took."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from taxonomy.llm.answer_store import AnswerStore
from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.engine import Engine
from taxonomy.llm.limits import Limits
from taxonomy.llm.question import Question
from taxonomy.llm.reply import Outcome, Reply
from tests.llm_server import Server
from tests.llm_server.answers import text_of

MODELS = ("openai/fake", "anthropic/fake")
both = pytest.mark.parametrize("model", MODELS)
# Faults that end a question in the same way in both protocols, with the requests that it takes without retries.
ENDS: dict[str | None, tuple[Outcome, int]] = {
    None: (Outcome.ANSWERED, 1),
    "fenced": (Outcome.ANSWERED, 1),
    "redirect-same": (Outcome.ANSWERED, 2),
    "refusal": (Outcome.REFUSED, 1),
    "filter": (Outcome.FILTERED, 1),
    "blocked": (Outcome.FILTERED, 1),
    "length": (Outcome.TRUNCATED, 2),
    "flagged": (Outcome.FILTERED, 1),
    "overflow": (Outcome.TOO_LONG, 1),
    "cramped": (Outcome.TOO_LONG, 2),
    "window": (Outcome.TOO_LONG, 1),
    "413": (Outcome.TOO_LONG, 1),
    "broken": (Outcome.MALFORMED, 3),
    "nothing": (Outcome.MALFORMED, 3),
    "empty": (Outcome.MALFORMED, 3),
    "extra": (Outcome.MALFORMED, 3),
    "canary": (Outcome.MALFORMED, 3),
    "huge": (Outcome.FAILED, 1),
    "gzip": (Outcome.FAILED, 1),
    "drop": (Outcome.FAILED, 1),
    "half": (Outcome.FAILED, 1),
    "500": (Outcome.FAILED, 1),
    "503": (Outcome.FAILED, 1),
    "400": (Outcome.FAILED, 1),
}


class Saying(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=100)
    definition: str = Field(max_length=400)


def questions(count: int, text: str = "", **more: Any) -> Iterator[Question]:
    """Yield questions that differ by a number in their data."""
    usual = Saying(name="number 1", definition="a number")
    for number in range(count):
        data = {"id": number, "text": text}
        given = {"task": "say", "prompt": "Say what this is.", **more}
        yield Question(subject=str(number), data=data, form=Saying, assumed=usual, **given)


def number_of(request: Mapping[str, Any]) -> int:
    """Return the number of the question that a request asks."""
    first = next(message for message in request["messages"] if message["role"] == "user")
    found = re.search(r'"id": (\d+)', text_of(first["content"]))
    assert found is not None
    return int(found[1])


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a question, which follows from its number."""
    return {"name": f"number {number_of(request)}", "definition": "a number"}


def endpoint(model: str, server: Server) -> Endpoint:
    """Return a model behind a server; Anthropic's client adds the version to the path itself."""
    return Endpoint(model, server.url.removesuffix("/v1") if model.startswith("anthropic") else server.url)


@contextmanager
def engine(
    model: str, server: Server, folder: Path, *, others: Mapping[str, Endpoint] | None = None, **limits: Any
) -> Iterator[Engine]:
    """Open an engine whose store is in a folder; calls are not made again unless `retries` is given."""
    server.answer = answer
    given = Limits(**{"retries": 0, "timeout": 30.0, **limits})
    with AnswerStore(folder) as store, Engine(endpoint(model, server), store, given, others=others) as opened:
        yield opened


def replies(asked: Engine, those: Iterable[Question]) -> dict[int, Reply]:
    """Return the replies to questions, by number."""
    return {question.data["id"]: reply for question, reply in asked.ask(those)}


def outcomes(asked: Engine, those: Iterable[Question]) -> dict[int, Outcome]:
    """Return what becomes of questions, by number."""
    return {number: reply.outcome for number, reply in replies(asked, those).items()}


def main(model: str, url: str, folder: str, count: str) -> None:
    """Ask questions, and print the milliseconds of own CPU a call and the peak of memory in KiB."""
    with AnswerStore(Path(folder)) as store, Engine(Endpoint(model, url), store) as asked:
        begun = time.process_time()
        done = sum(reply.outcome is Outcome.ANSWERED for _, reply in asked.ask(questions(int(count))))
        used = time.process_time() - begun
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))
    assert peak is not None
    print(json.dumps({"answered": done, "milliseconds": 1000 * used / done, "peak": int(peak[1])}))


if __name__ == "__main__":
    main(*sys.argv[1:])
