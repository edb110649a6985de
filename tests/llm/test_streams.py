"""Questions are a stream: memory and time do not depend on their number."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("openai", reason="the extra llm is not installed")

from taxonomy.llm.question import Question
from taxonomy.llm.reply import Outcome
from tests.llm import asking
from tests.llm.asking import both, endpoint, engine, outcomes, questions
from tests.llm_server import Server


@both
def test_questions_are_taken_as_others_are_answered(server: Server, tmp_path: Path, model: str) -> None:
    taken = given = ahead = 0

    def counted() -> Iterator[Question]:
        nonlocal taken, ahead
        for question in questions(30):
            taken += 1
            ahead = max(ahead, taken - given)
            yield question

    with engine(model, server, tmp_path, concurrency=2) as asked:
        for _ in asked.ask(counted()):
            given += 1
    assert (taken, given) == (30, 30)
    # One more is taken before the first of those under way is given.
    assert 2 <= ahead <= 4 * 2 + 1


@both
def test_stored_answers_are_given_one_by_one(server: Server, tmp_path: Path, model: str) -> None:
    with engine(model, server, tmp_path) as asked:
        outcomes(asked, questions(20))
        again = asked.ask(questions(20))
        for number in range(20):
            question, reply = next(again)
            assert (question.data["id"], reply.outcome) == (number, Outcome.ANSWERED)


@both
def test_a_caller_who_stops_early_leaves_nothing_under_way(server: Server, tmp_path: Path, model: str) -> None:
    with engine(model, server, tmp_path, concurrency=2) as asked:
        stream = asked.ask(questions(1000))
        next(stream)
        stream.close()  # type: ignore[attr-defined]
        assert len(outcomes(asked, questions(3))) == 3
    assert len(server.requests) <= 20


@pytest.mark.slow
@both
def test_memory_is_flat_and_a_call_takes_little_of_the_processor(tmp_path: Path, model: str) -> None:
    python = [sys.executable, "-m"]
    peaks = []
    with subprocess.Popen([*python, "tests.llm_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        there = Server()
        there.url = process.stdout.readline().decode().strip()
        url = endpoint(model, there).base_url
        for count in (2_000, 20_000):
            arguments = [model, str(url), str(tmp_path / str(count)), str(count)]
            done = subprocess.run([*python, asking.__name__, *arguments], check=True, capture_output=True)
            figures = json.loads(done.stdout)
            print(figures)
            assert figures["answered"] == count
            peaks.append(figures["peak"])
        assert process.stdin is not None
        process.stdin.close()
    assert peaks[1] <= 1.2 * peaks[0]
    # On a quiet machine it is less than half of this.
    assert figures["milliseconds"] <= 20
