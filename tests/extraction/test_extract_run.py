"""`extract run`: what becomes of conversations, what is written, and what goes on after a failure or a kill."""

from __future__ import annotations

import json
import re
import signal
import stat
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai", reason="the extra llm is not installed")
pytest.importorskip("ijson", reason="the extra extract is not installed")

import pyarrow.parquet as pq

from taxonomy.extraction.answer_forms import PARTS
from tests.conftest import Run
from tests.extraction.conftest import Extract
from tests.extraction.conversing import (
    mentions_of,
    numbered,
    original_ids,
    parts_of,
    read_values,
    rows,
    said,
    turns_of,
    write_conversations,
)
from tests.extraction.planted import write_planted
from tests.llm_server import Server

TABLES = ("mentions.parquet", "conversations.parquet")


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    return write_conversations(tmp_path / "chats.jsonl", dict(numbered(9)), model="assistant-1", user_id="anna")


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "extraction.json").read_text(encoding="utf-8"))
    return found


def check_sum(folder: Path) -> None:
    counts = summary(folder)["counts"]
    assert counts["kept"] == counts["screened_out"] + sum(counts["failed"].values()) + counts["extracted"]
    assert counts["extracted"] == len(rows(folder, "conversations"))


# -- what is written -------------------------------------------------------------------------------------------


def test_values_are_written_with_their_evidence(extract: Extract, chats: Path, tmp_path: Path, server: Server) -> None:
    done = extract(chats)
    assert done.returncode == 0, done.stderr
    assert "9 kept = 3 screened out + 0 failed + 6 extracted" in done.stdout
    assert "12 values of the AI's, 6 of them stated; 6 of the person's; 0 conversations without any" in done.stdout
    out = tmp_path / "out"
    expected = {("ai", "care", False), ("ai", "honesty", True), ("human", "fairness", True)}
    assert mentions_of(out) == {f"c{number}": expected for number in (1, 2, 4, 5, 7, 8)}
    evidence = rows(out / "private", "evidence")
    assert Counter((row["value"], row["turn"], row["quote"]) for row in evidence) == {
        ("care", 2, "I show care."): 6,
        # Named twice, and counted once.
        ("honesty", 2, "I hold honesty."): 6,
        ("fairness", 1, "I hold fairness."): 6,
    }
    (first, *_) = rows(out, "conversations")
    assert (first["response_type"], first["task"], first["model"]) == ("mild support", "giving advice", "assistant-1")
    assert len({row["user_id"] for row in rows(out, "conversations")}) == 1
    check_sum(out)
    # Screening, and four questions of each that is kept.
    assert len(server.requests) == 9 + 4 * 6


def test_the_records_are_those_that_the_questions_read(extract: Extract, chats: Path, tmp_path: Path, run: Run) -> None:
    assert extract(chats).returncode == 0
    counted = run("mentions", "count", tmp_path / "out", "--side", "both", "--internal", "--out", tmp_path / "c.csv")
    assert counted.returncode == 0, counted.stderr
    lines = (tmp_path / "c.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[:3] for line in lines[1:]] == [
        ["care", "6", "6"],
        ["fairness", "6", "6"],
        ["honesty", "6", "6"],
    ]


def test_only_the_owner_can_read_it_and_ids_are_digests(extract: Extract, chats: Path, tmp_path: Path) -> None:
    assert extract(chats).returncode == 0
    out = tmp_path / "out"
    for path in [out, *out.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    shown = b"".join((out / name).read_bytes() for name in TABLES)
    assert b"anna" not in shown
    assert set(original_ids(out).values()) == {"anna", *(f"c{number}" for number in range(9))}
    assert all(len(digest) == 32 for digest in original_ids(out))


def test_the_key_of_another_extraction_gives_the_same_digests(extract: Extract, chats: Path, tmp_path: Path) -> None:
    assert extract(chats).returncode == 0
    assert extract(chats, out="other").returncode == 0
    assert extract(chats, out="same", options=("--key", tmp_path / "out" / "private" / "key")).returncode == 0
    for name in TABLES:
        one, other, same = ((tmp_path / folder / name).read_bytes() for folder in ("out", "other", "same"))
        assert one == same != other
    done = extract(chats, out="other", options=("--key", tmp_path / "out" / "private" / "key"))
    assert (done.returncode, "the folder has another key" in done.stderr) == (2, True)


def test_the_tables_say_what_their_figures_depend_on(extract: Extract, chats: Path, tmp_path: Path) -> None:
    digests = set()
    for name, llm, options in (
        ("out", "openai/fake", ()),
        ("model", "openai/other", ()),
        ("form", "openai/fake", ("--combined",)),
        ("language", "openai/fake", ("--language", "German")),
        ("screening", "openai/fake", ("--no-screen",)),
    ):
        assert extract(chats, out=name, llm=llm, options=options).returncode == 0
        known = [
            json.loads(pq.read_schema(tmp_path / name / table).metadata[b"value_taxonomy_extraction"])
            for table in TABLES
        ]
        assert known[0] == known[1]
        assert known[0]["digest"] == summary(tmp_path / name)["digest"]
        digests.add(known[0]["digest"])
    assert len(digests) == 5


# -- what is asked ---------------------------------------------------------------------------------------------


def test_a_cheaper_model_may_screen(extract: Extract, chats: Path, server: Server) -> None:
    assert extract(chats, options=("--screen-llm", "openai/small")).returncode == 0
    asked = Counter((request["model"], parts_of(request) == ["screening"]) for request in server.requests)
    assert asked == {("small", True): 9, ("fake", False): 24}


def test_the_threshold_of_the_screener_is_a_choice(
    extract: Extract, chats: Path, tmp_path: Path, server: Server
) -> None:
    levels = ("objective", "mostly objective", "mostly subjective", "subjective")

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        if parts_of(request) != ["screening"]:
            return read_values(request)
        found = re.search(r"\d+", said(request))
        assert found is not None
        return {"subjectivity": levels[int(found[0]) % 4]}

    for level, kept in zip(levels, (9, 6, 4, 2), strict=True):
        assert extract(chats, out=level, answer=answer, options=("--keep-from", level)).returncode == 0
        assert summary(tmp_path / level)["counts"]["extracted"] == kept
        screened = {row["subjectivity"]: row["kept"] for row in rows(tmp_path / level / "private", "screened")}
        assert screened == {name: levels.index(name) >= levels.index(level) for name in levels}


def test_without_a_screener_all_are_kept(extract: Extract, chats: Path, tmp_path: Path, server: Server) -> None:
    assert extract(chats, options=("--no-screen",)).returncode == 0
    assert summary(tmp_path / "out")["counts"]["extracted"] == 9
    assert summary(tmp_path / "out")["counts"]["without_values"] == 3
    # Those without a value are in the output, too.
    assert len(rows(tmp_path / "out", "conversations")) == 9
    done = extract(chats, options=("--no-screen", "--screen-llm", "openai/small"))
    assert (done.returncode, "--screen-llm can't be combined with --no-screen" in done.stderr) == (2, True)


def test_one_combined_question_gives_the_same(extract: Extract, chats: Path, tmp_path: Path, server: Server) -> None:
    assert extract(chats).returncode == 0
    before = len(server.requests)
    assert extract(chats, out="combined", options=("--combined",)).returncode == 0
    # The screening is stored.
    assert len(server.requests) - before == 6
    assert mentions_of(tmp_path / "out") == mentions_of(tmp_path / "combined")


def test_a_long_conversation_is_read_in_windows(extract: Extract, tmp_path: Path, server: Server) -> None:
    turns = [
        f"Turn {number}. " + "and so on " * 40 + ("I hold honesty." if number == 31 else "") for number in range(40)
    ]
    chats = write_conversations(tmp_path / "long.jsonl", {"long": turns, "short": turns[:2]})
    done = extract(chats, options=("--window", "2000"))
    assert done.returncode == 0, done.stderr
    windows = summary(tmp_path / "out")["counts"]["windows"]
    assert windows > 10
    assert f"1 long conversation read in {windows} windows" in done.stdout
    assert mentions_of(tmp_path / "out")["long"] == {("ai", "honesty", True)}
    for part in ("ai_values", "human_values", "screening"):
        shown = [turns_of(request) for request in server.requests if parts_of(request) == [part]]
        seen = {turn["turn"] for one in shown for turn in one if len(one) > 2}
        assert seen == set(range(1, 41))
    for part in ("response_type", "task"):
        (ends,) = [
            turns_of(request)
            for request in server.requests
            if parts_of(request) == [part] and len(turns_of(request)) > 2
        ]
        assert (ends[0]["turn"], ends[-1]["turn"]) == (1, 40)


def test_the_estimate_asks_nothing_and_knows_what_is_stored(
    extract: Extract, chats: Path, tmp_path: Path, server: Server
) -> None:
    done = extract(chats, options=("--dry-run",))
    assert (done.returncode, len(server.requests)) == (0, 0)
    # As if all were kept.
    assert "45 calls to make, 0 stored answers" in done.stdout
    assert not (tmp_path / "out").exists()
    assert extract(chats).returncode == 0
    assert "0 calls to make, 33 stored answers" in extract(chats, options=("--dry-run",)).stdout


# -- what fails ------------------------------------------------------------------------------------------------

FAULTS = {
    "refusal": "refused",
    "filter": "filtered",
    "length": "truncated",
    "overflow": "too long",
    "broken": "malformed",
    "hang": "timed out",
    "500": "failed",
}


@pytest.mark.parametrize(
    "question", ["screening", PARTS[0], *(pytest.param(part, marks=pytest.mark.slow) for part in PARTS[1:])]
)
def test_a_failure_is_never_an_answer(extract: Extract, tmp_path: Path, server: Server, question: str) -> None:
    chats = write_conversations(tmp_path / "chats.jsonl", dict(numbered(3 * len(FAULTS) + 9)))
    # Of the conversations from 3 on that are kept, one for each.
    failing = {f"matter {3 * place + 4}.": fault for place, fault in enumerate(FAULTS)}

    def fault(number: int, request: dict[str, Any]) -> str | None:
        if parts_of(request) != [question]:
            return None
        return next((fault for text, fault in failing.items() if text in said(request)), None)

    server.fault = fault
    done = extract(chats, options=("--timeout", "1", "--max-failures", "7"))
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    assert summary(out)["counts"]["failed"] == Counter(FAULTS.values())
    assert "7 failed (" in done.stdout
    check_sum(out)
    ids = original_ids(out)
    failures = rows(out / "private", "failures")
    assert {(ids[row["conversation_id"]], row["question"], row["outcome"]) for row in failures} == {
        (f"c{3 * place + 4}", question, outcome) for place, outcome in enumerate(FAULTS.values())
    }
    written = {ids[row["conversation_id"]] for row in rows(out, "conversations")}
    assert written.isdisjoint(ids[row["conversation_id"]] for row in failures)
    assert done.returncode == 0

    # What may end otherwise is asked again.
    server.fault = lambda number, request: None
    assert extract(chats, options=("--max-failures", "3")).returncode == 0
    assert summary(out)["counts"]["failed"] == {"refused": 1, "filtered": 1, "too long": 1}
    check_sum(out)


def test_more_failures_than_allowed_are_exit_status_1(extract: Extract, chats: Path, server: Server) -> None:
    server.fault = lambda number, request: "refusal" if "matter 4." in said(request) else None
    done = extract(chats)
    assert done.returncode == 1
    assert "1 failure, more than --max-failures 0" in done.stderr


def test_a_folder_of_others_is_left_alone(extract: Extract, chats: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mentions.parquet").write_bytes(b"mine")
    done = extract(chats)
    assert done.returncode == 2
    assert "an extraction would overwrite this file, which is not of one" in done.stderr
    assert (tmp_path / "out" / "mentions.parquet").read_bytes() == b"mine"


def test_a_folder_that_is_there_keeps_its_mode_and_its_files(extract: Extract, chats: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o755)
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    assert extract(chats).returncode == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o755
    assert stat.S_IMODE((out / "private").stat().st_mode) == 0o700
    assert (out / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_folder_whose_key_could_not_be_written_is_used_later(extract: Extract, chats: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "private").mkdir(parents=True)
    assert extract(chats).returncode == 0


def test_what_could_not_be_read_is_said(extract: Extract, chats: Path) -> None:
    with chats.open("a", encoding="utf-8") as file:
        file.write("not JSON\n")
    done = extract(chats)
    assert done.returncode == 0, done.stderr
    pattern = r"(\d+) conversations read = (\d+) unreadable \+ (\d+) duplicates \+ (\d+) without text \+ (\d+) kept"
    found = re.search(pattern, done.stdout)
    assert found is not None
    read, *parts = map(int, found.groups())
    assert read == sum(parts)
    assert parts[0] > 0


def test_what_two_conversations_share_is_paid_for_once(extract: Extract, tmp_path: Path, server: Server) -> None:
    turns = dict(numbered(2))["c1"]
    chats = write_conversations(tmp_path / "one.jsonl", {"a": turns})
    others = write_conversations(tmp_path / "two.jsonl", {"b": turns}, system="Be brief.")
    assert extract(chats, others).returncode == 0
    usage = summary(tmp_path / "out")["usage"]
    assert sum(one["calls"] for one in usage.values()) == len(server.requests) == 5


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--window", "10"), "is 10 characters; give 1,000 characters or more"),
        (("--language", "English; ignore this"), "is no name of a language"),
        (("--keep-from", "rather subjective"), "'rather subjective'"),
        (("--screen-llm", "small"), "there is no model 'small'"),
    ],
)
def test_a_bad_option_is_one_line(
    extract: Extract, chats: Path, server: Server, options: tuple[str, ...], problem: str
) -> None:
    done = extract(chats, options=options)
    assert (done.returncode, len(server.requests)) == (2, 0)
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


# -- kills -----------------------------------------------------------------------------------------------------


def kill_after(process: subprocess.Popen[bytes], server: Server, calls: int) -> None:
    """Kill a process once the server was asked so often, unless it ends before."""
    while len(server.requests) < calls and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize(("count", "kills"), [pytest.param(2000, 5, marks=pytest.mark.slow), (30, 1)])
def test_kills_change_nothing(
    extract: Extract, server: Server, tmp_path: Path, answers: Path, count: int, kills: int
) -> None:
    chats = write_conversations(tmp_path / "chats.jsonl", dict(numbered(count)))
    assert extract(chats, out="whole").returncode == 0
    whole, needed = tmp_path / "whole", len(server.requests)
    (answers / "answers").rename(tmp_path / "answers of the whole")
    server.requests.clear()
    key = whole / "private" / "key"
    command = [sys.executable, "-m", "taxonomy.cli", "extract", "run", str(chats), "--out", str(tmp_path / "out")]
    command += ["--llm", "openai/fake", "--llm-base-url", server.url, "--key", str(key), "--quiet"]
    for part in range(1, kills + 1):
        process = subprocess.Popen(command)
        kill_after(process, server, part * needed // (kills + 1))
        assert not (tmp_path / "out" / "extraction.json").exists()
    assert subprocess.run(command, timeout=600).returncode == 0
    # The calls in flight of each kill.
    assert needed <= len(server.requests) <= needed + kills * 8
    for name in TABLES:
        assert (tmp_path / "out" / name).read_bytes() == (whole / name).read_bytes()
    one, other = summary(whole), summary(tmp_path / "out")
    for name in ("counts", "values", "refused", "digest"):
        assert one[name] == other[name]
    for task, usage in one["usage"].items():
        assert usage["calls"] <= other["usage"][task]["calls"] <= usage["calls"] + kills * 8


def test_another_extraction_is_not_replaced(extract: Extract, tmp_path: Path) -> None:
    chats = write_planted(tmp_path, 6) / "conversations.jsonl"
    assert extract(chats).returncode == 0
    before = (tmp_path / "out" / "mentions.parquet").read_bytes()
    refused = extract(chats, options=("--combined",))
    assert refused.returncode == 2
    assert "the folder holds another extraction, which differs in one question or four" in refused.stderr
    assert (tmp_path / "out" / "mentions.parquet").read_bytes() == before
    assert extract(chats).returncode == 0
