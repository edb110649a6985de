"""Answers and errors that repeat what is private: the mark in the instructions, and keys."""

from __future__ import annotations

import json
import logging
import traceback
from pathlib import Path
from typing import cast

import pytest

pytest.importorskip("openai", reason="the extra llm is not installed")

from taxonomy.errors import LanguageModelError
from taxonomy.llm.answer_store import AnswerStore
from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.engine import Engine
from taxonomy.llm.question import Context
from taxonomy.llm.reply import Outcome, Reply, token_count
from tests.llm.asking import answer, both, engine, outcomes, questions, replies
from tests.llm_server import Server, Usage
from tests.llm_server.answers import system_of

KEY = "sk-private-0123456789"


@pytest.fixture(autouse=True)
def keys(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


def _bytes_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


# -- the mark --------------------------------------------------------------------------------------------------


@both
def test_an_answer_with_the_mark_is_asked_for_again_and_never_stored(
    server: Server, tmp_path: Path, model: str
) -> None:
    server.fault = lambda number, request: "canary" if number < 2 else None
    with engine(model, server, tmp_path) as asked:
        (reply,) = replies(asked, questions(1)).values()
        canary = asked.store.canary()
        assert [canary in system_of(request) for request in server.requests] == [True] * 3
        assert "the answer repeats its instructions" in json.dumps(server.requests[1]["messages"])
        assert (reply.outcome, canary in reply.text) == (Outcome.ANSWERED, False)
    # Once as a setting of the store, and in no reply.
    assert _bytes_in(tmp_path).count(canary.encode()) == 1


@both
def test_the_mark_is_known_however_it_is_written(server: Server, tmp_path: Path, model: str) -> None:
    with engine(model, server, tmp_path) as asked:
        canary = asked.store.canary()
        escaped = "".join(f"\\u{ord(char):04x}" for char in canary)
        (question,) = questions(1)
        for said in (canary, escaped):
            text = f'{{"name": "care", "definition": "It is {said}."}}'
            reply = asked.note(asked.model_of(question), question, Reply(Outcome.ANSWERED, text))
            assert reply.problem == "malformed: the answer repeats its instructions"
            assert asked.store.get(question.digest(asked.endpoint.asked_at)) is None


def test_each_store_has_a_mark_of_its_own(tmp_path: Path) -> None:
    marks = set()
    for name in ("a", "b", "a"):
        with AnswerStore(tmp_path / name) as store:
            marks.add(store.canary())
    assert len(marks) == 2
    assert all(len(mark) >= 16 for mark in marks)


# -- forms -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ('{"name": "care", "definition": "x"}', True),
        ('```json\n{"name": "care", "definition": "x"}\n```', True),
        ('```\n{"name": "care", "definition": "x"}\n```\n', True),
        ('Sure!\n```json\n{"name": "care", "definition": "x"}\n```', False),
        ('{"name": "care", "definition": "x"} and more', False),
        ('{"name": "care", "definition": "x", "more": 1}', False),
        ('{"name": "care"}', False),
        ('{"name": ["care"], "definition": "x"}', False),
        (json.dumps({"name": "c" * 101, "definition": "x"}), False),
        ('[{"name": "care", "definition": "x"}]', False),
        ("[" * 100_000, False),
        ("null", False),
        ("", False),
    ],
    ids=range(13),
)
def test_an_answer_is_in_form_or_malformed(server: Server, tmp_path: Path, text: str, fine: bool) -> None:
    with engine("openai/fake", server, tmp_path) as asked:
        (question,) = questions(1)
        reply = asked.note(asked.model_of(question), question, Reply(Outcome.ANSWERED, text))
    assert reply.outcome is (Outcome.ANSWERED if fine else Outcome.MALFORMED)
    assert reply.text == ('{"name":"care","definition":"x"}' if fine else "")
    assert len(reply.reason) < 300


def test_a_reason_says_nothing_that_the_model_said(server: Server, tmp_path: Path) -> None:
    with engine("openai/fake", server, tmp_path) as asked:
        (question,) = questions(1)
        text = '{"name": ["private"], "definition": "private", "private": 1}'
        reply = asked.note(asked.model_of(question), question, Reply(Outcome.ANSWERED, text))
    assert "private" not in reply.reason


# -- keys ------------------------------------------------------------------------------------------------------


@both
def test_keys_are_in_no_log_and_in_no_file(
    server: Server, tmp_path: Path, model: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    faults = ["echo", "500", "400", "extra", "drop", "broken", "redirect-same", None]
    server.fault = lambda number, request: faults[number % len(faults)]
    for name in ("", "httpx2", "httpcore2", "openai", "anthropic"):
        caplog.set_level(logging.DEBUG, logger=name)
    with engine(model, server, tmp_path, retries=1) as asked:
        found = replies(asked, questions(len(faults)))
        outcomes(asked, questions(len(faults)))
    assert KEY in server.keys
    assert {reply.outcome for reply in found.values()} >= {Outcome.ANSWERED}
    # It is asked again with that reason.
    assert "the answer repeats a key" in json.dumps(server.requests)
    assert caplog.records
    assert KEY not in caplog.text
    assert KEY not in "".join(repr(vars(record)) for record in caplog.records)
    assert KEY not in "".join(map(repr, found.values()))
    assert KEY not in "".join(capfd.readouterr())
    assert KEY.encode() not in _bytes_in(tmp_path)


@both
def test_a_word_in_the_place_of_a_key_may_be_in_answers(
    server: Server, tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "number")
    with engine(model, server, tmp_path) as asked:
        assert '"name":"number 0"' in replies(asked, questions(1))[0].text


@both
@pytest.mark.parametrize("fault", ["401", "500", "redirect"])
def test_keys_are_in_no_traceback(server: Server, tmp_path: Path, model: str, fault: str) -> None:
    # Both quote the key.
    server.fault = lambda number, request: fault
    server.elsewhere = "http://127.0.0.1:9/v1"
    with engine(model, server, tmp_path) as asked, pytest.raises(LanguageModelError) as raised:
        list(asked.ask(questions(30)))
    assert KEY in server.keys
    shown = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    assert KEY not in "".join(traceback.format_exception(raised.value))
    assert KEY not in "".join(shown.format(chain=True))
    assert KEY not in repr(asked.endpoint)


# -- figures ---------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("said", [10**30, 1e300, -5])
def test_a_count_of_tokens_that_is_none_is_not_believed(
    server: Server, tmp_path: Path, model: str, said: float
) -> None:
    server.usage = lambda request, text: cast("Usage", {"input": 0, "cached": 0, "written": 0, "output": said})
    with engine(model, server, tmp_path) as asked:
        assert set(outcomes(asked, questions(3)).values()) == {Outcome.ANSWERED}
        assert 0 <= asked.usage.output_tokens <= 3 * 100_000_000
        assert len(asked.store.stored()) == 1


@pytest.mark.parametrize("said", ["many", None, [1], float("nan"), {}])
def test_what_is_no_count_counts_nothing(said: object) -> None:
    assert token_count(said) == 0


@both
@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), -5.0, 1e9])
def test_a_pause_that_is_no_pause_holds_nothing_up(server: Server, tmp_path: Path, model: str, seconds: float) -> None:
    server.retry_after = seconds
    server.fault = lambda number, request: "503" if number == 0 else None
    with engine(model, server, tmp_path, retries=1, concurrency=1) as asked:
        found = list(outcomes(asked, questions(3)).values())
    # What would wait for years is not asked again in this run.
    expected = Outcome.FAILED if seconds == 1e9 else Outcome.ANSWERED
    assert sorted(found) == sorted([expected, Outcome.ANSWERED, Outcome.ANSWERED])


@both
def test_a_server_that_wants_a_pause_of_years_is_given_up(server: Server, tmp_path: Path, model: str) -> None:
    server.retry_after = 1e9
    server.fault = lambda number, request: "503" if number < 2 else None
    with (
        engine(model, server, tmp_path, concurrency=1) as asked,
        pytest.raises(LanguageModelError, match="has been busy, or wants to be"),
    ):
        replies(asked, questions(6))


@both
def test_half_a_letter_does_not_end_the_run(server: Server, tmp_path: Path, model: str) -> None:
    with engine(model, server, tmp_path) as asked:
        asked_for = questions(2, "\ud800", context=Context({"text": "\ud800"}))
        assert {reply.outcome for _, reply in asked.ask(asked_for)} == {Outcome.ANSWERED}


@both
def test_more_tokens_from_the_cache_than_went_in_do_not_end_the_run(
    server: Server, tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stand_in(monkeypatch, "openai", "anthropic")
    server.usage = lambda request, text: cast("Usage", {"input": -90, "cached": 100, "written": 50, "output": 1})
    known = Endpoint({"openai/fake": "openai/gpt-4o", "anthropic/fake": "anthropic/claude-haiku-4-5"}[model])
    server.answer = answer
    with AnswerStore(tmp_path) as store, Engine(known, store) as asked:
        assert set(outcomes(asked, questions(1)).values()) == {Outcome.ANSWERED}
        assert asked.usage.cost is not None
