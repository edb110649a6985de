"""Batches of runs that are killed or interrupted: submitted once, and found again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taxonomy.llm.answer_store import AnswerStore
from tests.kills import run_to_kill
from tests.llm.batching import Ask, die, noted, questions, sent
from tests.llm_server import Server

pytest.importorskip("anthropic", reason="the extra llm is not installed")

from taxonomy.llm.anthropic_batches import AnthropicBatches
from taxonomy.llm.batch_server import BatchState
from taxonomy.llm.engine import Engine


def at_third(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method whose third call is a kill."""
    calls: list[None] = []

    def counted(*arguments: Any, **options: Any) -> Any:
        calls.append(None)
        return (die if len(calls) == 3 else method)(*arguments, **options)

    return counted


MOMENTS: dict[str, tuple[Any, str, Callable[..., Any], int]] = {
    "before the note": (AnswerStore, "note_batch", die, 0),
    "before submitting": (AnthropicBatches, "submit", die, 0),
    "before the name is stored": (AnswerStore, "name_batch", die, 1),
    "while waiting": (AnthropicBatches, "state", at_third(AnthropicBatches.state), 1),
    "while results are read": (Engine, "note", at_third(Engine.note), 1),
    "after the results": (AnswerStore, "forget_batch", die, 1),
}
FAST = ("before submitting", "before the name is stored")


@pytest.mark.parametrize(
    "moment",
    [pytest.param(one, marks=[] if one in FAST else [pytest.mark.slow]) for one in MOMENTS],
)
def test_a_batch_is_submitted_once_whenever_the_run_is_killed(
    ask: Ask, server: Server, folder: Path, moment: str
) -> None:
    owner, name, killing, made = MOMENTS[moment]
    server.batch_polls = 5

    def killed() -> None:
        setattr(owner, name, killing)
        ask(questions(6))

    run_to_kill(killed)
    assert len(server.batches) == made
    server.batch_polls = 1
    done = ask(questions(6))
    assert done.outcomes == {"answered": 6}
    assert (len(server.batches), server.requests, noted(folder)) == (1, [], [])
    assert set(sent(server).values()) == {1}


def test_each_of_several_batches_is_submitted_once(
    ask: Ask, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AnthropicBatches, "most_requests", 2)

    def killed() -> None:
        AnswerStore.name_batch = at_third(AnswerStore.name_batch)  # type: ignore[method-assign]
        ask(questions(8))

    run_to_kill(killed)
    assert (len(server.batches), len(noted(folder))) == (3, 3)
    assert ask(questions(8)).outcomes == {"answered": 8}
    assert set(sent(server).values()) == {1}
    assert noted(folder) == []


@pytest.mark.parametrize(
    ("strangers", "arrived"),
    [
        ("both", True),
        *(
            pytest.param(strangers, arrived, marks=pytest.mark.slow)
            for strangers, arrived in [("before", True), ("after", True), ("both", False), ("after", False)]
        ),
    ],
)
def test_a_batch_of_another_run_is_not_taken_for_ours(
    ask: Ask, server: Server, folder: Path, tmp_path: Path, strangers: str, arrived: bool
) -> None:
    def killed() -> None:
        if arrived:
            AnswerStore.name_batch = die  # type: ignore[method-assign]
        else:
            AnthropicBatches.submit = die  # type: ignore[method-assign]
        ask(questions(3))

    if strangers != "after":
        ask(questions(3, start=50), store=tmp_path / "one")
    run_to_kill(killed)
    if strangers != "before":
        ask(questions(3, start=70), store=tmp_path / "other")
    done = ask(questions(3))
    assert done.outcomes == {"answered": 3}
    assert set(sent(server).values()) == {1}
    assert len(server.batches) == (3 if strangers == "both" else 2)
    assert noted(folder) == []


def test_a_batch_of_another_run_that_is_gone_is_passed_over(
    ask: Ask, server: Server, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed() -> None:
        AnswerStore.name_batch = die  # type: ignore[method-assign]
        ask(questions(3))

    run_to_kill(killed)
    ask(questions(3, start=70), store=tmp_path / "other")
    other, state = "msgbatch_000002", AnthropicBatches.state

    async def without_other(self: AnthropicBatches, name: str) -> BatchState | None:
        return None if name == other else await state(self, name)

    monkeypatch.setattr(AnthropicBatches, "state", without_other)
    assert ask(questions(3)).outcomes == {"answered": 3}
    assert (len(server.batches), set(sent(server).values()), noted(folder)) == (2, {1}, [])


def test_a_batch_is_known_though_some_of_it_was_answered_live(ask: Ask, server: Server, folder: Path) -> None:
    server.batch_polls = 5

    def killed() -> None:
        AnswerStore.name_batch = die  # type: ignore[method-assign]
        ask(questions(4))

    run_to_kill(killed)
    # The last ones come first in the results.
    ask(questions(2, start=2), live=True)
    server.batch_polls = 1
    done = ask(questions(4))
    assert (done.outcomes, done.usage.stored) == ({"answered": 4}, 2)
    assert (len(server.batches), noted(folder)) == (1, [])


def test_only_some_of_the_questions_of_a_batch_are_asked_later(ask: Ask, server: Server, folder: Path) -> None:
    def killed() -> None:
        AnthropicBatches.state = die  # type: ignore[method-assign]
        ask(questions(4))

    run_to_kill(killed)
    assert ask(questions(2)).outcomes == {"answered": 2}
    # The others are still to be had.
    assert noted(folder) == ["msgbatch_000001"]
    assert ask(questions(6)).outcomes == {"answered": 6}
    assert [len(batch.requests) for batch in server.batches.values()] == [4, 2]
    assert noted(folder) == []


def test_an_interrupt_leaves_the_batch_to_the_next_run(ask: Ask, server: Server, folder: Path) -> None:
    server.batch_polls = None

    def interrupt(done: int, total: int) -> None:
        assert (done, total) == (0, 4)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(questions(4), report=interrupt)
    assert noted(folder) == ["msgbatch_000001"]
    server.batch_polls = 1
    assert ask(questions(4)).outcomes == {"answered": 4}
    assert len(server.batches) == 1
