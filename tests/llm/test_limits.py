"""How servers are treated: fewer calls at once when they are busy, rates, and an end in an outage."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("openai", reason="the extra llm is not installed")

from taxonomy.errors import LanguageModelError
from taxonomy.llm import pacing
from taxonomy.llm.reply import Outcome
from tests.llm.asking import both, engine, number_of, outcomes, questions, replies
from tests.llm_server import Server

# As they are before the fixture `server` shortens them.
REAL_PAUSES = {"FIRST_PAUSE": pacing.FIRST_PAUSE, "LONGEST_PAUSE": pacing.LONGEST_PAUSE, "PATIENCE": pacing.PATIENCE}


def _wait_as_for_users(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in REAL_PAUSES.items():
        monkeypatch.setattr(pacing, name, seconds)


# -- a busy server ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "status"), [("openai/fake", "429"), ("anthropic/fake", "529")])
def test_calls_at_once_become_fewer_on_a_busy_server_and_more_again(
    server: Server, tmp_path: Path, model: str, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slow the machine is, no question is taken for one that alone is too much.
    monkeypatch.setattr(pacing, "PATIENCE", 600.0)
    most: list[int] = []
    # Much longer than a call takes of the machine.
    server.delay = 0.15

    def busy(number: int, request: object) -> str | None:
        if number in (12, 24, 28, 60):
            most.append(server.most_at_once)
            server.most_at_once = 0
        return status if 12 <= number < 28 else None

    server.fault = busy
    with engine(model, server, tmp_path, concurrency=6) as asked:
        assert set(outcomes(asked, questions(60)).values()) == {Outcome.ANSWERED}
    assert len(server.requests) == 60 + 16
    before, _, meanwhile, _ = most
    assert before >= 4
    # The server may still close one call as the next begins.
    assert meanwhile <= 2
    assert server.most_at_once >= 4


@both
def test_a_busy_server_is_asked_when_it_said(server: Server, tmp_path: Path, model: str) -> None:
    server.retry_after = 0.4
    server.fault = lambda number, request: "429" if number == 0 else None
    with engine(model, server, tmp_path, concurrency=1) as asked:
        assert outcomes(asked, questions(2)) == {0: Outcome.ANSWERED, 1: Outcome.ANSWERED}
    first, second, _ = server.times
    assert second - first >= 0.4


@both
@pytest.mark.parametrize(
    ("seconds", "most"),
    [pytest.param(20.0, 40, marks=pytest.mark.slow), (0.3, 60)],
)
def test_a_storm_loses_nothing(
    server: Server, tmp_path: Path, model: str, seconds: float, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "PATIENCE", 600.0)
    if seconds > 1:
        _wait_as_for_users(monkeypatch)
    end: list[float] = []

    def storm(number: int, request: object) -> str | None:
        if number == 10:
            end.append(time.monotonic() + seconds)
        return "429" if end and time.monotonic() < end[0] else None

    server.fault = storm
    with engine(model, server, tmp_path) as asked:
        assert set(outcomes(asked, questions(25)).values()) == {Outcome.ANSWERED}
        assert asked.usage.outcomes == {Outcome.ANSWERED: 25}
    refused = len(server.requests) - 25
    assert 8 <= refused <= most


@both
def test_a_question_that_alone_is_too_much_fails_alone(
    server: Server, tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "PATIENCE", 1.0)
    server.fault = lambda number, request: "429" if number_of(request) == 0 else None
    with engine(model, server, tmp_path, concurrency=2) as asked:
        found = replies(asked, questions(40))
    assert {number for number, reply in found.items() if reply.outcome is not Outcome.ANSWERED} == {0}
    assert found[0].problem == "failed: the server said 429"


@both
def test_a_server_that_is_always_busy_is_given_up(
    server: Server, tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "PATIENCE", 0.2)
    server.fault = lambda number, request: "429"
    with engine(model, server, tmp_path) as asked, pytest.raises(LanguageModelError) as raised:
        list(asked.ask(questions(40)))
    assert "the server has been busy, or wants to be, for" in str(raised.value)
    assert "the server said 429" in str(raised.value)
    assert "\n" not in str(raised.value)


@both
def test_a_server_that_wants_to_be_left_for_hours_is_given_up_at_once(
    server: Server, tmp_path: Path, model: str
) -> None:
    server.retry_after = 7200
    server.fault = lambda number, request: "429" if number > 2 else None
    with engine(model, server, tmp_path, concurrency=2) as asked, pytest.raises(LanguageModelError, match="7,200 sec"):
        list(asked.ask(questions(40)))
    assert len(server.requests) <= 5


# -- rates -----------------------------------------------------------------------------------------------------


@both
def test_requests_a_minute_are_spread_evenly(server: Server, tmp_path: Path, model: str) -> None:
    begun = time.monotonic()
    with engine(model, server, tmp_path, requests_per_minute=3000) as asked:
        outcomes(asked, questions(21))
    late = [moment - begun - 0.02 * number for number, moment in enumerate(sorted(server.times))]
    assert min(late) >= 0


@both
def test_tokens_a_minute_are_those_that_the_server_counts(server: Server, tmp_path: Path, model: str) -> None:
    # Many more than their bytes lead one to expect.
    server.usage = lambda request, said: {"input": 700, "cached": 100, "written": 100, "output": 100}
    begun = time.monotonic()
    with engine(model, server, tmp_path, tokens_per_minute=1_200_000, concurrency=1) as asked:
        outcomes(asked, questions(10))
    late = [moment - begun - 0.05 * number for number, moment in enumerate(server.times)]
    assert min(late) >= 0


@both
def test_what_waits_for_its_turn_ends_when_all_is_stopped(server: Server, tmp_path: Path, model: str) -> None:
    server.fault = lambda number, request: "401"
    begun = time.monotonic()
    # Some questions would wait half an hour.
    with engine(model, server, tmp_path, requests_per_minute=1) as asked, pytest.raises(LanguageModelError):
        list(asked.ask(questions(30)))
    assert time.monotonic() - begun < 30
    assert len(server.requests) == 1


# -- outages ---------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("fault", "good"),
    [
        ("500", 12),
        pytest.param("500", 500, marks=pytest.mark.slow),
        pytest.param("drop", 500, marks=pytest.mark.slow),
    ],
)
def test_an_outage_stops_after_few_calls_and_the_same_again_goes_on(
    server: Server, tmp_path: Path, model: str, fault: str, good: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if good > 100:
        _wait_as_for_users(monkeypatch)
    count = good + 30
    server.fault = lambda number, request: fault if number >= good else None
    found: list[Outcome] = []
    with engine(model, server, tmp_path, retries=4) as asked:
        with pytest.raises(LanguageModelError) as raised:
            found.extend(reply.outcome for _, reply in asked.ask(questions(count)))
        assert asked.usage.outcomes == Counter(found)
    assert len(server.requests) - good <= 50
    assert found.count(Outcome.ANSWERED) == good
    assert "calls failed in a row" in str(raised.value)
    assert "the answers so far are stored: run the same again to go on" in str(raised.value)

    before = len(server.requests)
    server.fault = lambda number, request: None
    with engine(model, server, tmp_path) as asked:
        assert set(outcomes(asked, questions(count)).values()) == {Outcome.ANSWERED}
        assert asked.usage.stored == good
    again = {number_of(request) for request in server.requests[before:]}
    assert len(server.requests) - before == len(again) == count - good
