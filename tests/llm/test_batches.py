"""Questions asked in batches: what a kill, a fault or a strange result does to them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from taxonomy.errors import LanguageModelError
from taxonomy.llm import batches, pacing
from taxonomy.llm.answer_store import AnswerStore
from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.limits import Limits
from taxonomy.llm.question import Question, Request
from taxonomy.llm.reply import Tokens
from taxonomy.llm.spending import cost_of
from tests.kills import run_to_kill
from tests.llm.batching import MODEL, Ask, die, noted, number_of, questions, sent
from tests.llm.labelling import CANARY
from tests.llm_server import Server, data_of, serve
from tests.llm_server.batches import JUNK, Batch

pytest.importorskip("anthropic", reason="the extra llm is not installed")

from taxonomy.llm.anthropic_batches import AnthropicBatches
from taxonomy.llm.engine import Engine

# -- answers ---------------------------------------------------------------------------------------------------


def test_a_batch_gives_the_answers_of_live_calls_for_half_the_price(ask: Ask, server: Server, tmp_path: Path) -> None:
    live = ask(questions(9), live=True, store=tmp_path / "live")
    calls, server.requests = server.requests, []
    done = ask(questions(9))
    assert done.texts == live.texts
    assert server.requests == []
    (batch,) = server.batches.values()
    # Each store has a canary of its own, in the system text.
    live_calls = [{**call, "system": None} for call in calls]
    for request in batch.requests:
        assert {**request["params"], "system": None} in live_calls
    usage = done.usage
    assert (usage.input_tokens, usage.output_tokens) == (batch.spent["input"], batch.spent["output"])
    assert (usage.calls, usage.outcomes) == (9, {"answered": 9})
    assert usage.cost is not None
    assert usage.cost == pytest.approx((live.usage.cost or 0) / 2)
    price = cost_of(MODEL, Tokens(usage.input_tokens, 0, 0, usage.output_tokens), batched=True)
    assert usage.cost == pytest.approx(price)


def test_what_is_answered_is_not_asked_again(ask: Ask, server: Server, folder: Path) -> None:
    first = ask(questions(5))
    second = ask(questions(5))
    assert second.texts == first.texts
    assert (second.usage.calls, second.usage.stored, second.usage.cost) == (0, 5, 0)
    assert (len(server.batches), server.requests, noted(folder)) == (1, [], [])
    third = ask(questions(7))
    assert (third.usage.calls, third.usage.stored) == (2, 5)
    assert set(sent(server).values()) == {1}


def test_the_same_question_twice_is_asked_once(ask: Ask, server: Server) -> None:
    twice = [*questions(3), *questions(3)]
    for number, question in enumerate(twice):
        object.__setattr__(question, "subject", f"s{number}")
    done = ask(twice)
    assert done.outcomes == {"answered": 6}
    assert done.replies["s0"] == done.replies["s3"]
    assert sent(server).total() == 3


@pytest.mark.parametrize(("limit", "most"), [("most_requests", 4), ("most_bytes", 4 * questions(1)[0].bytes_in())])
def test_batches_are_split_by_number_and_by_size(
    ask: Ask, server: Server, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(AnthropicBatches, limit, most)
    monkeypatch.setattr(batches, "AT_ONCE", 2)
    server.batch_polls = 2
    looks: list[tuple[int, int]] = []
    done = ask(questions(14), report=lambda *look: looks.append(look))
    assert done.outcomes == {"answered": 14}
    assert [len(batch.requests) for batch in server.batches.values()] == [4, 4, 4, 2]
    # No more than two batches are held at once.
    assert max(total for _, total in looks) == 8
    assert (0, 8) in looks
    ids = sent(server)
    assert set(ids.values()) == {1}
    assert all(re.fullmatch("[0-9a-f]{64}", id) for id in ids)


# -- what a batch leaves -----------------------------------------------------------------------------------------

LEFT = {
    "missing": "failed: the results of the batch lack it",
    "errored": "failed: the batch has an error here: api_error",
    "expired": "failed: the batch left it: expired",
    "canceled": "failed: the batch left it: canceled",
    "length": "truncated: the answer was cut off",
    "broken": "malformed: the answer was not JSON of the form asked for",
}
LASTING = {
    "doubled": None,
    "succeeded": None,
    "refusal": "refused: the model declined",
    "overflow": "too long: the question is longer than the model takes",
    "blocked": "filtered: the server's filter stopped it",
}
EVERY = [*LEFT, *LASTING]


@pytest.fixture
def mixed(server: Server) -> Server:
    """Let each question of the first batch end in another way."""
    server.batch_outcome = lambda id: EVERY[number_of(server, id)] if len(server.batches) == 1 else "succeeded"
    return server


def test_what_a_batch_leaves_is_named_and_asked_again_by_the_next_run(ask: Ask, mixed: Server) -> None:
    done = ask(questions(len(EVERY)))
    for number, expected in enumerate([*LEFT.values(), *LASTING.values()]):
        problem = done.replies[f"q{number}"].problem
        assert problem == expected if expected is None else str(problem).startswith(expected)
    assert done.usage.outcomes == done.outcomes
    (batch,) = mixed.batches.values()
    assert (done.usage.input_tokens, done.usage.output_tokens) == (batch.spent["input"], batch.spent["output"])
    again = ask(questions(len(EVERY)))
    assert sorted(number_of(mixed, request["custom_id"]) for request in mixed.batches["msgbatch_000002"].requests) == [
        *range(len(LEFT))
    ]
    assert again.usage.stored == len(LASTING)
    assert again.outcomes == {"answered": len(LEFT) + 2, "refused": 1, "too long": 1, "filtered": 1}
    assert mixed.requests == []


def test_what_a_batch_leaves_is_asked_live(ask: Ask, mixed: Server) -> None:
    done = ask(questions(len(EVERY)), ask_rest=True)
    assert done.outcomes == {"answered": len(LEFT) + 2, "refused": 1, "too long": 1, "filtered": 1}
    assert sorted(data_of(request)["thing"] for request in mixed.requests) == [*range(len(LEFT))]
    assert (len(mixed.batches), done.usage.outcomes) == (1, done.outcomes)


def test_results_of_questions_that_were_not_asked_are_ignored(
    ask: Ask, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = Batch.end

    def with_strangers(self: Batch, server: Server) -> None:
        end(self, server)
        assert self.results is not None
        result = self.results[0]["result"]
        self.results = [{"custom_id": id, "result": result} for id in ("a" * 64, "../x", "")] + self.results

    monkeypatch.setattr(Batch, "end", with_strangers)
    done = ask(questions(3))
    assert (done.outcomes, done.usage.calls) == ({"answered": 3}, 3)


# -- servers ---------------------------------------------------------------------------------------------------


def test_results_that_break_off_are_read_again_and_counted_once(ask: Ask, server: Server) -> None:
    server.batch_fault = lambda number, kind: "half" if kind == "results" and number < 2 else None
    done = ask(questions(8))
    (batch,) = server.batches.values()
    assert done.outcomes == {"answered": 8}
    assert (done.usage.calls, done.usage.input_tokens) == (8, batch.spent["input"])


@pytest.mark.parametrize("route", ["create", "list", "retrieve", "results"])
def test_faults_of_the_server_lose_nothing(ask: Ask, server: Server, folder: Path, route: str) -> None:
    faults = {route: ["429", "500", "drop-after"]}
    if route == "list":
        # Batches are looked for only where the answer to a submission is lost.
        faults["create"] = ["drop-after"]

    def fault(number: int, kind: str) -> str | None:
        return dict(enumerate(faults.get(kind, []))).get(number)

    server.batch_fault = fault
    assert ask(questions(4)).outcomes == {"answered": 4}
    assert (len(server.batches), noted(folder)) == (1, [])


@pytest.mark.parametrize("fault", [*JUNK, "408", "409", "425", "429", "529"])
def test_a_batch_that_may_have_arrived_is_not_submitted_again(
    ask: Ask, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    create = AnthropicBatches.submit

    async def submit(self: AnthropicBatches, requests: Sequence[tuple[str, Request]]) -> str | None:
        # It arrives, whatever is said of it.
        if fault.isdigit():
            server.batch_fault = lambda number, kind: "drop-after" if kind == "create" else None
            with contextlib.suppress(Exception):
                await create(self, requests)
        server.batch_fault = lambda number, kind: fault if kind == "create" else None
        return await create(self, requests)

    monkeypatch.setattr(AnthropicBatches, "submit", submit)
    assert ask(questions(4)).outcomes == {"answered": 4}
    assert (len(server.batches), noted(folder)) == (1, [])


@pytest.mark.parametrize("fault", [*JUNK, "429"])
def test_a_batch_that_may_have_arrived_stays_noted(
    ask: Ask, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(pacing, "PATIENCE", 0.3)
    server.batch_fault = lambda number, kind: {"create": fault, "list": "500"}.get(kind)
    with pytest.raises(LanguageModelError, match="a batch of 4 questions: "):
        ask(questions(4))
    assert noted(folder) == [None]
    server.batch_fault = lambda number, kind: None
    assert ask(questions(4)).outcomes == {"answered": 4}
    assert (set(sent(server).values()), noted(folder)) == ({1}, [])


@pytest.mark.parametrize(
    ("route", "fault", "reason"),
    [
        ("create", "400", "the server said 400"),
        ("create", "401", "refused the key"),
        ("create", "500", "the server said 500"),
        ("retrieve", "500", "the server said 500"),
        ("results", "half", "the connection failed or was dropped"),
        ("retrieve", "429", "the server said 429"),
    ],
)
def test_a_server_that_does_not_recover_ends_the_run_in_one_line(
    ask: Ask,
    server: Server,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    route: str,
    fault: str,
    reason: str,
) -> None:
    monkeypatch.setattr(pacing, "PATIENCE", 0.3)
    server.batch_fault = lambda number, kind: fault if kind == route else None
    with pytest.raises(LanguageModelError, match=f"a batch of 4 questions: .*{reason}") as error:
        ask(questions(4))
    assert CANARY not in str(error.value)
    assert "\n" not in str(error.value)
    # What may have arrived stays noted.
    assert len(noted(folder)) == (fault not in ("400", "401"))
    monkeypatch.setattr(pacing, "PATIENCE", 5.0)
    server.batch_fault = lambda number, kind: None
    assert ask(questions(4)).outcomes == {"answered": 4}
    assert len(server.batches) == 1


@pytest.mark.parametrize("gone", ["batch", "results"])
def test_a_batch_that_the_server_has_no_more_is_submitted_anew(
    ask: Ask, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    def killed() -> None:
        AnthropicBatches.state = die  # type: ignore[method-assign]
        ask(questions(3))

    run_to_kill(killed)
    if gone == "batch":
        server.batches.clear()
        server.batches["other"] = Batch("other", [], datetime.now(UTC))
    else:
        state = Batch.state
        first = server.batches["msgbatch_000001"]
        monkeypatch.setattr(
            Batch, "state", lambda self, url: state(self, url) | ({"results_url": None} if self is first else {})
        )
    assert ask(questions(3)).outcomes == {"answered": 3}
    assert (list(server.batches)[-1], noted(folder)) == ("msgbatch_000002", [])


def test_the_key_does_not_follow_results_to_another_server(
    ask: Ask, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = Batch.state
    with serve() as elsewhere:
        monkeypatch.setattr(
            Batch,
            "state",
            lambda self, url: state(self, url.replace(server.url, elsewhere.url)),
        )
        calls: list[str] = []
        elsewhere.batch_fault = lambda number, kind: calls.append(kind)
        with pytest.raises(LanguageModelError, match="sends questions on to another server"):
            ask(questions(2))
        assert (calls, elsewhere.requests) == ([], [])


def test_the_cost_is_checked_before_a_batch_is_submitted(
    ask: Ask, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LanguageModelError, match=r"about \$0\.\d+ would be spent, above `max_cost`"):
        ask(questions(4), limits=Limits(max_cost=1e-6))
    assert (server.batches, noted(folder)) == ({}, [])
    monkeypatch.setattr(AnthropicBatches, "most_requests", 2)
    cost = ask(questions(2)).usage.cost
    assert cost is not None
    # What is under way counts; it is fetched by the next run, so that each gets further.
    limits, runs = Limits(max_cost=10 * cost), 0
    while sent(server).total() < 40 and runs < 9:
        runs += 1
        with contextlib.suppress(LanguageModelError):
            ask(questions(40), limits=limits)
    assert runs > 1
    assert ask(questions(40), limits=limits).outcomes == {"answered": 40}
    assert set(sent(server).values()) == {1}


def test_what_batches_leave_is_asked_within_the_highest_cost(
    ask: Ask, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AnthropicBatches, "most_requests", 4)
    server.usage = lambda request, said: {"input": 1000, "cached": 0, "written": 0, "output": 100}
    # The first batch leaves all of its questions.
    server.batch_outcome = lambda id: "expired" if number_of(server, id) < 4 else "succeeded"
    call = cost_of(MODEL, Tokens(1000, 0, 0, 100)) or 0.0
    with pytest.raises(LanguageModelError, match="is spent of `max_cost`"):
        ask(questions(8), ask_rest=True, limits=Limits(concurrency=1, max_cost=3.5 * call))
    assert [batch.spent["output"] for batch in server.batches.values()] == [0, 400]
    # Two calls' worth by the second batch; two more, of which the last one goes above.
    assert len(server.requests) == 2


@pytest.mark.parametrize("most", [1, 2, 5])
def test_what_batches_leave_is_not_held_without_end(
    ask: Ask, server: Server, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(AnthropicBatches, "most_requests", 4)
    monkeypatch.setattr(batches, "AT_ONCE", most)
    server.batch_outcome = lambda id: "expired"
    held: list[int] = []

    def several() -> Iterator[Question]:
        for question in questions(40):
            held.append(sent(server).total() - len(server.answered))
            yield question

    assert ask(several(), ask_rest=True).outcomes == {"answered": 40}
    assert 4 <= max(held) <= 4 * most


def test_servers_without_batches_say_so(ask: Ask, server: Server, folder: Path) -> None:
    server.batches_known = False
    with pytest.raises(LanguageModelError, match="claude-haiku-4-5: this server has no batches"):
        ask(questions(2))
    assert noted(folder) == []
    with (
        AnswerStore(folder) as store,
        Engine(Endpoint("openai/fake", server.url), store) as engine,
        pytest.raises(LanguageModelError, match=f"openai/fake at {server.url}: this server has no batches"),
    ):
        batches.Batched(engine)
