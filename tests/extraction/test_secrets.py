"""The secrets of the invented conversations, against a model that gives away whatever it reads."""

from __future__ import annotations

import json
import logging
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai", reason="the extra llm is not installed")
pytest.importorskip("ijson", reason="the extra extract is not installed")

from tests.conftest import Run
from tests.extraction.conftest import Extract
from tests.extraction.conversing import parts_of, rows, turns_of
from tests.extraction.planted import plant, write_chosen
from tests.llm_server import Server

# Made of letters alone, as values are: thresholds keep them back.
OF_LETTERS = {"name", "street"}


class Leaky:
    """Gives each secret that it is shown as a value of the side that says it, those of the AI's as the task, too."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._pattern = re.compile("|".join(map(re.escape, secrets)))

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if parts_of(request) == ["screening"]:
            return {"subjectivity": "subjective"}
        found = [(turn, match) for turn in turns_of(request) for match in self._pattern.finditer(turn["text"])]
        values: dict[str, list[dict[str, Any]]] = {"ai": [], "human": []}
        for turn, match in found:
            quote = " ".join(turn["text"][match.start() :].split()[:15])
            entry = {"value": match[0], "turn": turn["turn"], "quote": quote}
            values[turn["side"]].append(entry | ({"explicit": True} if turn["side"] == "ai" else {}))
        # An answer whose task has not the form is malformed as a whole.
        task = found[0][1][0] if found and found[0][0]["side"] == "ai" else "giving advice"
        full = {"ai_values": values["ai"], "human_values": values["human"], "response_type": "no values", "task": task}
        return {part: answer if part in parts_of(request) else None for part, answer in full.items()}


@pytest.mark.parametrize("count", [pytest.param(200, marks=pytest.mark.slow), 60])
def test_secrets_stay_where_their_job_needs_them(
    extract: Extract, server: Server, run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    planted = plant(1000)
    kinds = {
        fact["quote"]: fact["label"] for facts in planted.facts.values() for fact in facts if fact["kind"] == "secret"
    }
    having = [id for id, facts in planted.facts.items() if any(fact["kind"] == "secret" for fact in facts)]
    assert len(kinds) == len(having) == 200
    chats = write_chosen(tmp_path / "chats.jsonl", planted, having[:count])
    for name in ("", "httpx2", "openai"):
        caplog.set_level(logging.DEBUG, logger=name)
    # Some of its answers fail.
    server.fault = lambda number, request: "500" if number % 9 == 8 else None
    done = extract(chats, answer=Leaky(kinds), options=("--combined", "--max-failures", "100%"))
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"

    def leaked(content: bytes | str) -> set[str]:
        text = content if isinstance(content, str) else content.decode("utf-8", errors="replace")
        return {kinds[secret] for secret in kinds if secret in text or json.dumps(secret)[1:-1] in text}

    assert leaked(done.stdout + done.stderr) == set()
    assert (
        leaked("".join(record.getMessage() for record in caplog.records if record.name.startswith("taxonomy"))) == set()
    )
    found: defaultdict[str, set[str]] = defaultdict(set)
    for folder, names in {
        out: ("mentions", "conversations"),
        out / "private": ("refused", "failures", "screened"),
    }.items():
        for name in names:
            found[name] = leaked(json.dumps(rows(folder, name), default=str, ensure_ascii=False))
    # No address, number or key passes the form of a value or of a task.
    assert found.pop("mentions") | found.pop("conversations") <= OF_LETTERS
    assert leaked((out / "extraction.json").read_bytes()) == set()
    assert found.pop("refused") <= OF_LETTERS
    assert set().union(*found.values()) == set()
    refused = rows(out / "private", "refused")
    assert {row["value"] for row in refused if row["reason"] == "not in the form of a value"} == {""}

    # What may leave is of many conversations.
    counted = run(
        "mentions", "count", out, "--side", "both", "--min-conversations", 2, "--out", tmp_path / "counts.csv"
    )
    assert counted.returncode in (0, 2), counted.stderr
    assert leaked(counted.stdout + counted.stderr) == set()
    if counted.returncode == 0:
        assert leaked((tmp_path / "counts.csv").read_bytes()) == set()


def test_an_error_and_its_trace_tell_no_secret(extract: Extract, server: Server, tmp_path: Path) -> None:
    planted = plant(1000)
    known = {fact["quote"] for facts in planted.facts.values() for fact in facts if fact["kind"] == "secret"}
    having = [id for id, facts in planted.facts.items() if any(fact["kind"] == "secret" for fact in facts)]
    chats = write_chosen(tmp_path / "chats.jsonl", planted, having[:30])
    server.fault = lambda number, request: "401" if number > 10 else None
    done = extract(chats, answer=Leaky(dict.fromkeys(known, "")), options=("--debug",))
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert [secret for secret in known if secret in done.stdout + done.stderr] == []
    assert not (tmp_path / "out" / "extraction.json").exists()
