"""What calls take and cost: foreseen, counted and bounded."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai", reason="the extra llm is not installed")

from taxonomy.errors import LanguageModelError
from taxonomy.llm.answer_store import AnswerStore
from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.engine import Engine
from taxonomy.llm.limits import Limits
from taxonomy.llm.question import Context, Question
from taxonomy.llm.rehearsal import Rehearsal
from taxonomy.llm.reply import Tokens
from taxonomy.llm.spending import BYTES_PER_TOKEN, ENOUGH, Usage, cost_of, forecast
from tests.llm.asking import answer, both, engine, number_of, outcomes, questions
from tests.llm_server import Server, serve
from tests.llm_server.answers import system_of, text_of

# Models whose prices are known; their clients find the server by a variable.
PRICED = {"openai": "openai/gpt-4o", "anthropic": "anthropic/claude-haiku-4-5"}
both_priced = pytest.mark.parametrize("provider", PRICED)
COUNT = 80
TEXTS = {
    "English": ("She said that honesty and care had always mattered more to her than winning. ", 4.5),
    "Japanese": ("彼女にとっては、勝つことよりも誠実さと思いやりの方がいつも大切だったという。", 2.7),
}


@pytest.fixture
def priced(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server at the place of both providers."""
    server.answer = answer
    for name in ("OPENAI", "ANTHROPIC"):
        monkeypatch.setenv(f"{name}_API_KEY", "sk-test")
    server.stand_in(monkeypatch, "openai", "anthropic")
    return server


def _tokenizer(bytes_per_token: float) -> Callable[[dict[str, Any], str], Any]:
    """Return what counts tokens by bytes, give or take a fifth for each text."""

    def count(text: str) -> int:
        noise = 0.8 + 0.4 * (zlib.crc32(text.encode()) % 1000) / 1000
        return max(1, round(len(text.encode()) / bytes_per_token * noise))

    def usage(request: dict[str, Any], said: str) -> dict[str, int]:
        shown = [system_of(request), *(text_of(one["content"]) for one in request["messages"])]
        return {"input": count("".join(shown)), "cached": 0, "written": 0, "output": count(said)}

    return usage


def _varied(count: int, text: str) -> Iterator[Question]:
    """Yield questions of one to nine sentences each."""
    for number, question in enumerate(questions(count)):
        question.data["text"] = text * (1 + number * 7 % 9)  # type: ignore[index]
        yield question


def _estimate(endpoint: Endpoint, folder: Path, those: Iterator[Question]) -> Usage:
    with AnswerStore(folder) as store:
        rehearsal = Rehearsal(endpoint, store)
        list(rehearsal.ask(those))
        return rehearsal.usage


@pytest.mark.parametrize(
    ("provider", "language"),
    [
        ("openai", "Japanese"),
        ("anthropic", "English"),
        pytest.param("openai", "English", marks=pytest.mark.slow),
        pytest.param("anthropic", "Japanese", marks=pytest.mark.slow),
    ],
)
def test_the_cost_is_known_after_fifty_answers(priced: Server, tmp_path: Path, provider: str, language: str) -> None:
    text, bytes_per_token = TEXTS[language]
    priced.usage = _tokenizer(bytes_per_token)
    endpoint = Endpoint(PRICED[provider])
    planned = _estimate(endpoint, tmp_path, _varied(COUNT, text))
    assert planned.calls == COUNT
    assert planned.input_tokens == pytest.approx(
        sum(question.bytes_in() for question in _varied(COUNT, text)) / BYTES_PER_TOKEN, rel=0.01
    )
    with AnswerStore(tmp_path) as store, Engine(endpoint, store) as asked:
        for done, _ in enumerate(asked.ask(_varied(COUNT, text)), start=1):
            if done == ENOUGH - 10:
                assert forecast(planned, asked.expected, asked.usage) == planned
            if done == ENOUGH:
                foreseen = forecast(planned, asked.expected, asked.usage)
        usage = asked.usage
    # Later runs know it at once, from the calls that are stored.
    prompt = "Say again what this is."
    again = _estimate(endpoint, tmp_path, (_with(one, prompt) for one in _varied(COUNT, text)))
    assert again.calls == usage.calls == COUNT
    for estimate in (foreseen, again):
        assert estimate.input_tokens == pytest.approx(usage.input_tokens, rel=0.15)
        assert estimate.output_tokens == pytest.approx(usage.output_tokens, rel=0.15)
        assert estimate.cost == pytest.approx(usage.cost, rel=0.15)


def _with(question: Question, prompt: str) -> Question:
    return Question(**{**vars(question), "prompt": prompt})


@both_priced
def test_the_cost_is_that_of_the_tokens_which_the_server_counted(priced: Server, tmp_path: Path, provider: str) -> None:
    priced.usage = lambda request, said: {"input": 1000, "cached": 600, "written": 400, "output": 50}
    faults = [None, "refusal", "broken", "length", "fenced"]
    priced.fault = lambda number, request: faults[number % len(faults)]
    endpoint = Endpoint(PRICED[provider])
    with AnswerStore(tmp_path) as store, Engine(endpoint, store) as asked:
        list(asked.ask(questions(20)))
        usage = asked.usage
        stored = store.stored()[0]
    assert usage.calls == stored.calls == len(priced.requests) > 20
    assert usage.input_tokens == 2000 * usage.calls
    one = cost_of(endpoint, Tokens(input=2000, cached=600, written=400, output=50))
    uncached = cost_of(endpoint, Tokens(input=2000, output=50))
    assert one is not None
    assert uncached is not None
    assert one < uncached
    assert usage.cost == pytest.approx(one * usage.calls)


@both_priced
def test_no_call_is_begun_above_the_highest_cost(priced: Server, tmp_path: Path, provider: str) -> None:
    endpoint = Endpoint(PRICED[provider])
    priced.usage = lambda request, said: {"input": 1000, "cached": 0, "written": 0, "output": 100}
    one = cost_of(endpoint, Tokens(input=1000, output=100)) or 0.0
    limits = Limits(concurrency=4, max_cost=10 * one)
    with AnswerStore(tmp_path) as store:
        with Engine(endpoint, store, limits) as asked, pytest.raises(LanguageModelError) as raised:
            list(asked.ask(questions(100)))
        assert asked.usage.cost is not None
        assert 9.99 * one <= asked.usage.cost <= 14.01 * one
        # The answers that were paid for are there.
        assert store.stored()[0].replies == {"answered": len(priced.answered)}
    assert 10 <= len(priced.requests) <= 14
    assert f"is spent of `max_cost` {10 * one:g}" in str(raised.value)
    assert "run the same again to go on" in str(raised.value)


@both
def test_a_highest_cost_needs_a_price(server: Server, tmp_path: Path, model: str) -> None:
    with pytest.raises(LanguageModelError, match=f"the price of {model} is not known"):  # noqa: SIM117
        with engine(model, server, tmp_path, max_cost=1.0):
            pass


@both
def test_an_unknown_price_is_no_cost(server: Server, tmp_path: Path, model: str) -> None:
    with engine(model, server, tmp_path) as asked:
        outcomes(asked, questions(2))
        assert asked.usage.cost is None
        assert asked.usage.input_tokens > 0


@both
def test_replies_without_usage_are_counted_and_estimated(server: Server, tmp_path: Path, model: str) -> None:
    with engine(model, server, tmp_path) as asked:
        server.usage = lambda request, said: None
        assert {str(outcome) for outcome in outcomes(asked, questions(5)).values()} == {"answered"}
        usage, expected = asked.usage, asked.expected
        assert (usage.calls, usage.uncounted) == (5, 5)
        assert (usage.input_tokens, usage.output_tokens) == (expected.input_tokens, expected.output_tokens)
        # Whatever the model says is paid for; errors are not.
        server.fault = lambda number, request: ("refusal", "broken", "length", "500")[number_of(request) % 4]
        outcomes(asked, questions(4, "more"))
    said = 1 + 3 + 2
    assert (usage.calls, usage.uncounted) == (5 + said + 1, 5 + said)
    assert usage.input_tokens > expected.input_tokens > 0


@both
def test_a_task_may_have_a_model_of_its_own(server: Server, tmp_path: Path, model: str) -> None:
    kinds = ("say", "check")
    with serve() as cheap:
        cheap.answer = answer
        cheap.usage = lambda request, said: {"input": 7, "cached": 0, "written": 0, "output": 1}
        server.usage = lambda request, said: {"input": 100, "cached": 0, "written": 0, "output": 10}
        others = {"check": Endpoint("openai/small", cheap.url)}
        with engine(model, server, tmp_path, others=others) as asked:
            both_kinds = [one for kind in kinds for one in questions(6, task=kind)]
            found = [(question.task, reply.outcome) for question, reply in asked.ask(both_kinds)]
            usage = asked.usage
        assert sorted(found) == [("check", "answered")] * 6 + [("say", "answered")] * 6
        assert (len(server.requests), len(cheap.requests)) == (6, 6)
        assert {request["model"] for request in cheap.requests} == {"small"}
        assert {request["model"] for request in server.requests} == {"fake"}
    assert (usage.calls, usage.input_tokens, usage.output_tokens) == (12, 642, 66)
    with AnswerStore(tmp_path) as store:
        assert {(one.task, one.model.partition(" at ")[0]) for one in store.stored()} == {
            ("say", model),
            ("check", "openai/small"),
        }


# -- what many questions have in common ------------------------------------------------------------------------

CONTEXT = Context({"said": "and so on, " * 50})
SHARED = CONTEXT.text


@both
def test_what_questions_share_comes_first_and_is_marked(server: Server, tmp_path: Path, model: str) -> None:
    with engine(model, server, tmp_path) as asked:
        outcomes(asked, questions(3, context=CONTEXT, request="Say what this is about."))
    for request in server.requests:
        first = next(message for message in request["messages"] if message["role"] == "user")["content"]
        if model.startswith("openai"):
            assert first.startswith(f"{SHARED}\n\nSay what this is about.\n\n<data>\n")
            continue
        shared, own = first
        assert (shared["text"], shared["cache_control"]) == (SHARED, {"type": "ephemeral"})
        assert own["text"].startswith("Say what this is about.\n\n<data>\n")
        assert "cache_control" not in own
        assert request["system"][0]["cache_control"] == {"type": "ephemeral"}
    # All that comes before what differs is the same, byte for byte.
    shown = [json.dumps(request).rpartition("<data>")[0] for request in server.requests]
    assert len(set(shown)) == 1


@both
def test_the_first_question_of_a_context_goes_alone(server: Server, tmp_path: Path, model: str) -> None:
    server.delay = 0.05
    with engine(model, server, tmp_path, concurrency=4) as asked:
        outcomes(asked, questions(1, context=CONTEXT))
        assert server.most_at_once == 1
        outcomes(asked, questions(5, "more", context=Context({"said": "another one"})))
    # One, its answer, and then the others.
    assert server.times[2] - server.times[1] >= 0.05
    assert server.most_at_once > 1


@both
def test_a_context_that_the_server_keeps_holds_nobody_up(server: Server, tmp_path: Path, model: str) -> None:
    with engine(model, server, tmp_path) as asked:
        outcomes(asked, questions(1, context=CONTEXT))
        server.delay = 0.1
        outcomes(asked, questions(2, "more", context=CONTEXT))
    assert server.most_at_once == 2


@both
def test_only_some_contexts_are_remembered(
    server: Server, tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taxonomy.llm.engine.CONTEXTS", 2)
    with engine(model, server, tmp_path) as asked:
        several = [one for number in range(5) for one in questions(2, context=Context({"part": number}))]
        assert {reply.outcome for _, reply in asked.ask(several)} == {"answered"}
        assert len(asked._contexts) == 2
