"""The store of answers on the command line: what it shows, and what is gone after a purge."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from taxonomy.cli.asking_models import Asking
from taxonomy.errors import LanguageModelError
from taxonomy.llm.answer_store import AnswerStore
from taxonomy.llm.reply import Outcome, Reply, Tokens
from taxonomy.llm.spending import Usage
from tests.conftest import Run
from tests.llm_server import Server

pytest.importorskip("openai", reason="the extra llm is not installed")

SECRET = "a-quote-of-a-conversation"


@pytest.fixture
def filled(answers: Path) -> Path:
    """A cache with answers of two models, a refusal, and a batch under way."""
    with AnswerStore(answers) as store:
        for number in range(3):
            answer = Reply(Outcome.ANSWERED, f'"{SECRET} {number}"', tokens=Tokens(1_000, 200, 0, 10))
            store.put(f"a{number}", "openai/gpt-4o", "cluster", answer)
            store.note_call("d", "openai/gpt-4o", "cluster", 4_000, answer)
        refusal = Reply(Outcome.REFUSED, reason="the model declined", tokens=Tokens(1_000, 0, 0, 1))
        store.put("b", "ollama/small at http://localhost:11434/v1", "move", refusal)
        store.note_call("d", "ollama/small at http://localhost:11434/v1", "move", 4_000, refusal)
        store.note_batch("key", "anthropic/claude-haiku-4-5", ["c", "d"])
    return answers


def test_status_shows_answers_calls_tokens_and_cost_by_model_and_task(run: Run, filled: Path) -> None:
    done = run("llm", "status")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "for its owner only" in lines[0]
    row = next(line for line in lines if line.startswith("openai/gpt-4o"))
    # 2,400 tokens at 2.50 dollars a million, 600 cached at half of it, 30 at 10 dollars.
    assert row.split() == ["openai/gpt-4o", "cluster", "3", "0", "3", "3,000", "600", "30", "$0.0070"]
    assert any("1 refused" in line and "unknown" in line for line in lines)
    assert "a batch of 2 questions for anthropic/claude-haiku-4-5, name not known yet" in lines[-1]


def test_an_empty_store_says_so(run: Run, answers: Path) -> None:
    done = run("llm", "status")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "Nothing is stored")
    assert run("llm", "purge").stdout == "0 stored answers deleted\n"


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ((), []),
        (("--model", "openai/gpt-4o"), ["b"]),
        (("--model", "ollama/small"), ["a0", "a1", "a2"]),
        (("--model", "openai/gpt"), ["a0", "a1", "a2", "b"]),
        (("--unanswered",), ["a0", "a1", "a2"]),
        (("--before", "2020-01-01"), ["a0", "a1", "a2", "b"]),
        (("--before", "2999-01-01"), []),
    ],
)
def test_purge_deletes_what_is_chosen_for_good(
    run: Run, filled: Path, options: tuple[str, ...], left: list[str]
) -> None:
    done = run("llm", "purge", "--yes", *options)
    deleted = 4 - len(left)
    assert done.stdout == f"{deleted} stored answer{'' if deleted == 1 else 's'} deleted\n"
    with AnswerStore(filled) as store:
        assert [digest for digest in ("a0", "a1", "a2", "b") if store.get(digest)] == left
    written = b"".join(path.read_bytes() for path in (filled / "answers").iterdir())
    assert (SECRET.encode() in written) == ("a0" in left)


def test_purge_asks_before_it_deletes(run: Run, filled: Path) -> None:
    done = run("llm", "purge")
    assert done.returncode == 1
    assert "Delete 4 stored answers, and what is noted of 4 calls?" in done.stdout
    with AnswerStore(filled) as store:
        assert store.get("a0")


def test_purge_asks_before_it_forgets_calls(run: Run, answers: Path) -> None:
    with AnswerStore(answers) as store:
        store.note_call("d", "openai/x", "cluster", 10, Reply(Outcome.FAILED))
    assert "Delete 0 stored answers, and what is noted of 1 call?" in run("llm", "purge").stdout
    with AnswerStore(answers) as store:
        assert [one.calls for one in store.stored()] == [1]


def test_a_store_that_another_run_writes_to_is_not_to_be_moved_away(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taxonomy.llm.answer_store._BUSY_SECONDS", 0.1)
    with AnswerStore(filled) as one, AnswerStore(filled) as other:
        one._connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(LanguageModelError) as raised:
            other.put("z", "openai/x", "t", Reply(Outcome.ANSWERED, "1"))
        one._connection.execute("ROLLBACK")
    assert str(raised.value).endswith("another run is writing to it: wait until it is done")


def test_stores_that_open_at_once_wait_for_each_other(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from taxonomy.llm.answer_store import AnswerStore\n"
    code += "sys.stdin.read()\nfor n in range(30):\n    with AnswerStore(Path(sys.argv[1]) / str(n)): pass"
    start = [sys.executable, "-c", code, str(tmp_path)]
    processes = [subprocess.Popen(start, stdin=subprocess.PIPE) for _ in range(4)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    assert [process.wait(60) for process in processes] == [0] * 4


def test_only_the_owner_can_read_the_store(run: Run, filled: Path) -> None:
    file = filled / "answers" / "answers.sqlite"
    file.chmod(0o644)
    file.parent.chmod(0o755)
    with AnswerStore(filled) as store:
        store.put("e", "openai/x", "t", Reply(Outcome.ANSWERED, "1"))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert len(modes) == 3
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_batches_that_are_not_cancelled_are_listed(run: Run, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    done = run("llm", "cancel")
    assert (done.returncode, done.stdout) == (1, "0 batches cancelled\n")
    problem = "1 batch for anthropic/claude-haiku-4-5: there is no key in the environment; set ANTHROPIC_API_KEY"
    assert done.stderr == f"Not cancelled: {problem}\n"


def test_a_file_that_is_no_store_is_one_line(run: Run, answers: Path) -> None:
    (answers / "answers").mkdir()
    (answers / "answers" / "answers.sqlite").write_bytes(b"not a database" * 100)
    done = run("llm", "status")
    assert done.returncode == 2
    assert "answers cannot be stored (file is not a database); move the file away" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_line_beside_a_bar_says_rate_cost_and_failures() -> None:
    class Asker:
        usage = Usage()
        expected = Usage()

    def ask(questions: object) -> None: ...

    asker = Asker()
    asking = Asking(Usage(calls=200, input_tokens=20_000, output_tokens=2_000, cost=2.0), asker)  # type: ignore[arg-type]
    for _ in range(60):
        asker.expected.add(Tokens(input=100, output=10), 0.01)
        asker.usage.add(Tokens(input=150, output=10), 0.02)
        asker.usage.outcomes["answered"] += 1
    asker.usage.outcomes.update({"refused": 2, "timed out": 1})
    rate, *rest = asking.note().split(" calls/s, ")
    assert float(rate.replace(",", "")) > 0
    assert rest == ["$1.2000 of about $4.0000, 2 refused, 1 timed out"]


@pytest.mark.parametrize(
    ("limit", "status"), [("8", 0), ("7", 1), ("49%", 1), ("50%", 0), ("x", 2), ("-1", 2), ("1.5", 2), ("nan%", 2)]
)
def test_as_many_failures_as_are_allowed(
    run: Run, server: Server, source: Path, answers: Path, tmp_path: Path, limit: str, status: int
) -> None:
    groups = 4
    answer = server.answer
    server.answer = lambda request: answer(request) | ({"name": "One"} if "children" in str(request) else {})
    command = ("label", source, "--out", tmp_path / "t.json", "--llm", "openai/fake", "--llm-base-url", server.url)
    done = run(*command, "--max-failures", limit)
    assert done.returncode == status, done.stderr
    assert (f"{2 * groups} failures, more than --max-failures {limit}" in done.stderr) == (status == 1)


def test_ctrl_c_says_how_to_go_on(server: Server, source: Path, answers: Path, tmp_path: Path, run: Run) -> None:
    server.fault = lambda number, request: "hold" if number >= 5 else None
    out = tmp_path / "t.json"
    command = ("label", str(source), "--out", str(out), "--llm", "openai/x", "--llm-base-url", server.url)
    process = subprocess.Popen([sys.executable, "-m", "taxonomy.cli", *command], stderr=subprocess.PIPE, text=True)
    while len(server.requests) < 8:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.strip() == "Interrupted: the answers so far are stored; run the same command again to go on"
    assert not out.exists()
    server.fault = lambda number, request: None
    done = run(*command)
    assert done.returncode == 0
    assert ", 5 stored answers, 0 failures" in done.stdout
