"""What becomes of a question, by name: never one outcome for another."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai", reason="the extra llm is not installed")

from taxonomy.errors import LanguageModelError
from taxonomy.llm.question import LESS_ROOM, MORE_ROOM, ROOM
from taxonomy.llm.reply import Outcome
from tests.llm.asking import ENDS, answer, both, endpoint, engine, number_of, outcomes, questions, replies
from tests.llm_server import Server, serve


def _usage(request: dict[str, Any], said: str) -> dict[str, int]:
    """Return tokens that no two requests share, of each kind."""
    size = len(json.dumps(request))
    return {"input": size, "cached": size // 3, "written": size // 5, "output": len(said) + 1}


@both
@pytest.mark.parametrize("count", [pytest.param(300, marks=pytest.mark.slow), len(ENDS) + 8])
def test_outcomes_and_tokens_are_those_of_the_faults(server: Server, tmp_path: Path, model: str, count: int) -> None:
    draw = random.Random(21)
    faults = [*ENDS, *draw.choices([*ENDS], k=count - len(ENDS))]
    # The first answers, so that the run is not given up as hopeless.
    faults[1:] = draw.sample(faults[1:], count - 1)
    server.fault = lambda number, request: faults[number_of(request)]
    server.usage = _usage  # type: ignore[assignment]
    with engine(model, server, tmp_path) as asked:
        found = outcomes(asked, questions(count))
        usage = asked.usage
    assert found == {number: ENDS[fault][0] for number, fault in enumerate(faults)}
    assert usage.outcomes == Counter(ENDS[fault][0] for fault in faults)
    asked_for = Counter(number_of(request) for request in server.requests)
    assert asked_for == {number: ENDS[fault][1] for number, fault in enumerate(faults)}
    # A call that is sent on to the same server is one call.
    assert usage.calls == len(server.requests) - faults.count("redirect-same")
    spent = server.spent
    assert usage.input_tokens == spent["input"] + spent["cached"] + spent["written"]
    assert (usage.cached_tokens, usage.written_tokens) == (spent["cached"], spent["written"])
    assert (usage.output_tokens, usage.uncounted) == (spent["output"], 0)


@both
def test_a_reason_says_what_happened(server: Server, tmp_path: Path, model: str) -> None:
    said = {
        "refusal": "the model declined",
        "blocked": "the server's filter stopped it (400)",
        "413": "the question is longer than the model takes (413)",
        "500": "the server said 500",
        "huge": "the reply was larger than any answer",
        "gzip": "the reply was larger than any answer",
        "drop": "the connection failed or was dropped",
        "extra": "the answer was not JSON of the form asked for (Extra inputs are not permitted)",
        "canary": "the answer repeats its instructions",
        "empty": "the reply was not in the server's protocol",
    }
    faults = [None, *said]
    server.fault = lambda number, request: faults[number_of(request)]
    with engine(model, server, tmp_path) as asked:
        found = replies(asked, questions(len(faults)))
    assert [found[number].reason for number in range(1, len(faults))] == list(said.values())
    assert all(not reply.text for number, reply in found.items() if number)
    assert json.loads(found[0].text) == answer(server.answered[0])


# -- asked again -----------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(("cut", "outcome"), [(1, Outcome.ANSWERED), (9, Outcome.TRUNCATED)])
def test_an_answer_that_was_cut_off_is_asked_for_once_more_with_room(
    server: Server, tmp_path: Path, model: str, cut: int, outcome: Outcome
) -> None:
    server.fault = lambda number, request: "length" if number < cut else None
    with engine(model, server, tmp_path) as asked:
        assert outcomes(asked, questions(1)) == {0: outcome}
    first, second = server.requests
    assert (first["max_tokens"], second["max_tokens"]) == (ROOM, MORE_ROOM) == (ROOM, 4 * ROOM)
    assert first["messages"] == second["messages"]


@both
@pytest.mark.parametrize("fault", ["overflow", "cramped", "400", "413"])
def test_an_answer_that_the_server_has_no_more_room_for_is_cut_off(
    server: Server, tmp_path: Path, model: str, fault: str
) -> None:
    server.fault = lambda number, request: "length" if request["max_tokens"] == ROOM else fault
    with engine(model, server, tmp_path) as asked:
        (question,) = questions(1)
        ((_, reply),) = asked.ask([question])
        assert reply.problem == "truncated: the answer was cut off, and the server takes none that is longer"
        assert asked.store.get(question.digest(asked.endpoint.asked_at)) is None


@both
def test_a_server_with_little_room_is_asked_for_less(server: Server, tmp_path: Path, model: str) -> None:
    server.fault = lambda number, request: "cramped" if request["max_tokens"] > LESS_ROOM else None
    with engine(model, server, tmp_path) as asked:
        assert set(outcomes(asked, questions(3)).values()) == {Outcome.ANSWERED}


@both
def test_what_a_server_has_no_room_for_is_asked_again_another_time(server: Server, tmp_path: Path, model: str) -> None:
    server.fault = lambda number, request: "cramped"
    with engine(model, server, tmp_path) as asked:
        assert outcomes(asked, questions(1)) == {0: Outcome.TOO_LONG}
    server.fault = lambda number, request: None
    with engine(model, server, tmp_path) as asked:
        assert outcomes(asked, questions(1)) == {0: Outcome.ANSWERED}


@both
def test_a_malformed_answer_is_asked_for_again_with_the_reason_and_the_prompt_does_not_grow(
    server: Server, tmp_path: Path, model: str
) -> None:
    server.fault = lambda number, request: "extra"
    with engine(model, server, tmp_path) as asked:
        assert outcomes(asked, questions(1)) == {0: Outcome.MALFORMED}
    first, second, third = (json.dumps(request) for request in server.requests)
    assert "Extra inputs are not permitted" not in first
    assert "An earlier answer can't be used: the answer was not JSON" in second
    assert "Extra inputs are not permitted" in second
    assert second == third
    assert len(second) < len(first) + 300


@both
def test_a_second_answer_in_form_counts(server: Server, tmp_path: Path, model: str) -> None:
    server.fault = lambda number, request: ("broken", "500", None)[number]
    with engine(model, server, tmp_path, retries=1) as asked:
        assert outcomes(asked, questions(1)) == {0: Outcome.ANSWERED}
        assert asked.usage.outcomes == {Outcome.ANSWERED: 1}
        assert asked.usage.calls == 3


@both
def test_what_failed_is_asked_again_and_then_has_failed(server: Server, tmp_path: Path, model: str) -> None:
    faults = ["drop", "500", "half", "gzip"]
    server.fault = lambda number, request: faults[number_of(request)]
    with engine(model, server, tmp_path, retries=1, concurrency=1) as asked:
        assert outcomes(asked, questions(4)) == dict.fromkeys(range(4), Outcome.FAILED)
    assert Counter(map(number_of, server.requests)) == dict.fromkeys(range(4), 2)


@both
def test_a_call_has_a_deadline_as_a_whole(server: Server, tmp_path: Path, model: str) -> None:
    faults = ["drip", "drip-headers", "hang"]
    server.fault = lambda number, request: faults[number_of(request)]
    with engine(model, server, tmp_path, timeout=0.4) as asked:
        found = replies(asked, questions(3))
    assert {reply.problem for reply in found.values()} == {"timed out: no whole answer in 0.4 seconds"}
    assert len(server.requests) == 3


# -- what stops all --------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("401", "the server refused the key (401)"),
        ("403", "the server refused the key (403)"),
        ("404", "the server does not know the model or the address (404)"),
        ("quota", "the server wants to be paid first"),
    ],
)
def test_what_every_question_would_end_in_stops_all(
    server: Server, tmp_path: Path, model: str, fault: str, problem: str
) -> None:
    server.fault = lambda number, request: fault
    with engine(model, server, tmp_path, concurrency=4) as asked:
        with pytest.raises(LanguageModelError) as raised:
            list(asked.ask(questions(100)))
        assert set(asked.usage.outcomes) == {Outcome.FAILED}
    assert len(server.requests) <= 4
    assert problem in str(raised.value)
    assert "see the name, the key and the URL" in str(raised.value)
    assert "\n" not in str(raised.value)


@both
def test_a_redirect_to_another_server_is_not_followed(
    server: Server, tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "sk-secret")
    server.fault = lambda number, request: "redirect"
    with serve() as other:
        server.elsewhere = other.url
        with engine(model, server, tmp_path) as asked, pytest.raises(LanguageModelError, match="on to another server"):
            list(asked.ask(questions(20)))
        assert (other.requests, other.keys) == ([], [])
    assert set(server.keys) == {"sk-secret"}


@both
def test_a_dead_port_is_one_line_after_a_few_calls(server: Server, tmp_path: Path, model: str) -> None:
    with serve() as gone:
        pass
    with engine(model, gone, tmp_path) as asked:
        with pytest.raises(LanguageModelError) as raised:
            list(asked.ask(questions(200)))
        assert asked.usage.calls <= 20
    assert str(raised.value).startswith(f"{endpoint(model, gone).asked_at}: ")
    assert "the connection failed or was dropped" in str(raised.value)
    assert "\n" not in str(raised.value)
