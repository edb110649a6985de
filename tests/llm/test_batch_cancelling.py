"""Batches that are cancelled: as many as can be, and the others are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from taxonomy.llm.answer_store import AnswerStore
from taxonomy.llm.limits import RETRIES
from taxonomy.llm.reply import Outcome
from tests.llm.batching import Ask, interrupt, questions
from tests.llm_server import Server

pytest.importorskip("anthropic", reason="the extra llm is not installed")

from taxonomy.llm.anthropic_batches import AnthropicBatches
from taxonomy.llm.cancelling import Cancelled, cancel_batches


@pytest.fixture
def two(ask: Ask, server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server with two batches under way of four questions each."""
    server.batch_polls = None
    with monkeypatch.context() as patched:
        patched.setattr(AnthropicBatches, "most_requests", 4)
        with pytest.raises(KeyboardInterrupt):
            ask(questions(8), report=interrupt)
    return server


def test_batches_are_cancelled_and_what_was_answered_is_fetched(ask: Ask, two: Server, folder: Path) -> None:
    with AnswerStore(folder) as store:
        assert cancel_batches(store) == Cancelled(2)
    assert all(batch.cancelled for batch in two.batches.values())
    done = ask(questions(8))
    assert done.outcomes == {"answered": 4, "failed": 4}
    assert {reply.outcome for reply in done.replies.values()} == {Outcome.ANSWERED, Outcome.FAILED}
    with AnswerStore(folder) as store:
        assert cancel_batches(store) == Cancelled()


def test_a_batch_that_cannot_be_cancelled_keeps_no_other_from_it(two: Server, folder: Path) -> None:
    # The first one fails however often it is tried.
    two.batch_fault = lambda number, kind: "400" if kind == "cancel" and number <= RETRIES else None
    with AnswerStore(folder) as store:
        model = store.batches()[0].model
        store.note_batch("without a key", "openai/small", ["a"])
        store.note_batch("without a server", "anthropic/claude-haiku-4-5 at nowhere", ["b", "c"])
        store.note_batch("without batches", "ollama/small at http://localhost:1/v1", ["d"])
        with pytest.MonkeyPatch.context() as patched:
            patched.delenv("OPENAI_API_KEY", raising=False)
            done = cancel_batches(store)
    assert [batch.cancelled for batch in two.batches.values()] == [False, True]
    assert done.count == 1
    assert done.problems == [
        f"{model}: a batch of 4 questions: the server said 400",
        "1 batch for anthropic/claude-haiku-4-5 at nowhere: `base_url` is not an http or https address; give one such "
        "as http://localhost:11434/v1",
        "1 batch for ollama/small at http://localhost:1/v1: this server has no batches; ask it live",
        "1 batch for openai/small: there is no key in the environment; set OPENAI_API_KEY",
    ]


@pytest.mark.parametrize("is_running", [True, False])
def test_a_batch_without_a_name_is_not_cancelled_but_listed(two: Server, folder: Path, is_running: bool) -> None:
    with AnswerStore(folder) as store:
        _, second = store.batches()
        store.note_batch(second.key, second.model, [f"{number}" for number in range(4)])
        two.batch_polls = None if is_running else 1
        done = cancel_batches(store)
    # What has ended needs no cancelling.
    assert done.count == is_running
    maybe = (
        f"a batch of 4 questions for {second.model}: its name was not stored; it may be msgbatch_000002, or another's"
    )
    assert done.problems == [maybe] * is_running
    assert [batch.cancelled for batch in two.batches.values()] == [is_running, False]
