"""What is asked again, after a kill or a change, and how answers are kept."""

from __future__ import annotations

import os
import random
import signal
import stat
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai", reason="the extra llm is not installed")

from taxonomy.errors import LanguageModelError
from taxonomy.llm.answer_store import AnswerStore
from taxonomy.llm.question import Context, Question
from taxonomy.llm.reply import Outcome, Reply
from tests.kills import start_child
from tests.llm.asking import Saying, both, endpoint, engine, number_of, outcomes, questions, replies
from tests.llm_server import Server

CONCURRENCY = 4


# -- kills -----------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(("count", "kills"), [pytest.param(2000, 5, marks=pytest.mark.slow), (40, 2)])
def test_a_killed_run_ends_in_the_same_answers(
    server: Server, tmp_path: Path, model: str, count: int, kills: int
) -> None:
    # First, so that all is imported that children need.
    with engine(model, server, tmp_path / "unbroken") as asked:
        unbroken = replies(asked, questions(count))
    server.requests.clear()

    child = 0
    # Each finds a child that lives: what was under way at the last one is over.
    moments = set(random.Random(2).sample(range(0, count, 2 * CONCURRENCY), kills))

    def kill(number: int, request: object) -> None:
        if number in moments:
            os.kill(child, signal.SIGKILL)

    def ask() -> None:
        with engine(model, server, tmp_path / "killed", concurrency=CONCURRENCY) as asked:
            assert set(outcomes(asked, questions(count)).values()) == {Outcome.ANSWERED}

    server.fault = kill
    ends = []
    for _ in range(kills + 1):
        with server.lock:
            child = start_child(ask)
        ends.append(os.waitpid(child, 0)[1])
    assert ends == [signal.SIGKILL] * kills + [0]
    # What was under way is answered in the end, and not to anyone.
    times = Counter(map(number_of, server.requests))
    assert set(times) == set(range(count))
    assert len(server.requests) - count <= CONCURRENCY * kills

    server.fault = lambda number, request: None
    before = len(server.requests)
    with engine(model, server, tmp_path / "killed") as asked:
        killed = replies(asked, questions(count))
    assert len(server.requests) == before
    assert {number: reply.text for number, reply in killed.items()} == {
        number: reply.text for number, reply in unbroken.items()
    }


# -- what is asked again ---------------------------------------------------------------------------------------


class _Other(Saying):
    """Another form."""


(QUESTION,) = questions(1)


@both
def test_what_differs_is_asked_again_and_nothing_else(server: Server, tmp_path: Path, model: str) -> None:
    changed: dict[str, Mapping[str, Any]] = {
        "prompt": {"prompt": "Say what that is."},
        "schema": {"form": _Other},
        "data": {"data": {"id": 0, "text": "more"}},
        "context": {"context": Context({"said": "They all are numbers."})},
        "number": {"number": 1},
    }
    asking = [QUESTION, *(replace(QUESTION, **change) for change in changed.values())]
    with engine(model, server, tmp_path) as asked:
        for expected, question in enumerate(asking, start=1):
            list(asked.ask([question]))
            assert len(server.requests) == expected
    other = model.replace("fake", "other")
    with engine(model, server, tmp_path) as asked, engine(other, server, tmp_path) as another:
        list(asked.ask(asking))
        # Neither what a question is about nor what its answer is assumed to be is sent.
        list(asked.ask([replace(QUESTION, subject="x", assumed=Saying(name="", definition=""))]))
        assert len(server.requests) == len(asking)
        assert (asked.usage.calls, asked.usage.stored) == (0, len(asking) + 1)
        list(another.ask([QUESTION]))
        assert len(server.requests) == len(asking) + 1
    server.url = server.url.replace("/v1", "/elsewhere/v1")
    with engine(model, server, tmp_path) as asked:
        list(asked.ask([QUESTION]))
    assert len(server.requests) == len(asking) + 2


@both
def test_the_same_question_twice_is_asked_once(server: Server, tmp_path: Path, model: str) -> None:
    def twice() -> Iterator[Question]:
        for question in questions(10):
            yield from (question, replace(question, subject="twin"))

    with engine(model, server, tmp_path) as asked:
        found = [(question.subject, question.data["id"], reply.text) for question, reply in asked.ask(twice())]
    assert len(server.requests) == 10
    assert len(found) == len(set(found)) == 20
    assert len({text for _, _, text in found}) == 10


@both
def test_only_what_would_end_in_the_same_way_is_not_asked_again(server: Server, tmp_path: Path, model: str) -> None:
    lasting = [None, "refusal", "filter", "blocked", "overflow", "window", "413"]
    passing = ["500", "drop", "broken", "length", "canary", "hang"]
    faults = [*lasting, *passing]
    server.fault = lambda number, request: faults[number_of(request)]
    with engine(model, server, tmp_path, timeout=0.5) as asked:
        first = replies(asked, questions(len(faults)))
    server.requests.clear()
    server.fault = lambda number, request: None
    with engine(model, server, tmp_path) as asked:
        second = replies(asked, questions(len(faults)))
    assert {number_of(request) for request in server.requests} == set(range(len(lasting), len(faults)))
    for number in range(len(lasting)):
        assert (second[number].outcome, second[number].reason) == (first[number].outcome, first[number].reason)
    assert {second[number].outcome for number in range(len(lasting), len(faults))} == {Outcome.ANSWERED}


# -- the file --------------------------------------------------------------------------------------------------


def _modes(store: AnswerStore) -> dict[str, str]:
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in store.path.parent.iterdir()}


PRIVATE = {f"answers.sqlite{end}": "0o600" for end in ("", "-wal", "-shm")}


@both
@pytest.mark.parametrize("order", [1, -1])
def test_what_failed_before_is_asked_again_and_does_not_end_the_run(
    server: Server, tmp_path: Path, model: str, order: int
) -> None:
    server.fault = lambda number, request: "broken" if number_of(request) >= 20 else None
    expected = {number: Outcome.MALFORMED if number >= 20 else Outcome.ANSWERED for number in range(35)}
    with engine(model, server, tmp_path) as asked:
        assert outcomes(asked, questions(35)) == expected
    # The model is known to answer, whatever comes first.
    with engine(model, server, tmp_path) as asked:
        assert outcomes(asked, list(questions(35))[::order]) == expected
        assert asked.usage.stored == 20


def test_only_the_owner_reads_answers(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        with AnswerStore(tmp_path) as store:
            store.put("d", "m", "say", Reply(Outcome.ANSWERED, "{}"))
            assert _modes(store) == PRIVATE
            assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    finally:
        os.umask(mask)


def test_the_files_of_an_older_version_are_closed_to_others(tmp_path: Path) -> None:
    with AnswerStore(tmp_path) as killed:
        killed.put("d", "m", "say", Reply(Outcome.ANSWERED, "{}"))
        killed.path.parent.chmod(0o755)
        for path in killed.path.parent.iterdir():
            path.chmod(0o644)
        with AnswerStore(tmp_path) as store:
            assert _modes(store) == PRIVATE
            assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
            assert store.get("d") is not None


def test_a_store_that_threads_share_loses_nothing(tmp_path: Path) -> None:
    with AnswerStore(tmp_path) as store:

        def put(name: int) -> None:
            for number in range(50):
                store.put(f"{name}-{number}", "m", "say", Reply(Outcome.ANSWERED, str(number)))

        threads = [threading.Thread(target=put, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [one.replies for one in store.stored()] == [{"answered": 200}]


def test_a_folder_that_can_not_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "answers").write_text("a file", encoding="utf-8")
    with pytest.raises(LanguageModelError) as raised:
        AnswerStore(tmp_path)
    assert "answers cannot be stored" in str(raised.value)
    assert "VALUE_TAXONOMY_CACHE" in str(raised.value)
    assert "\n" not in str(raised.value)


@both
def test_a_full_disk_ends_the_run_with_one_line(server: Server, tmp_path: Path, model: str) -> None:
    with engine(model, server, tmp_path) as asked:
        asked.store._connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(LanguageModelError) as raised:
            list(asked.ask(questions(200, "long " * 200)))
    assert "answers cannot be stored (database or disk is full)" in str(raised.value)
    assert "\n" not in str(raised.value)
    # What was stored before is kept.
    with engine(model, server, tmp_path) as asked:
        assert asked.store.path.exists()
        assert len(server.requests) < 200


def test_digests_tell_servers_apart(server: Server) -> None:
    names = {endpoint(model, server).asked_at for model in ("openai/a", "openai/b", "anthropic/a")}
    assert len({QUESTION.digest(name) for name in names}) == 3
