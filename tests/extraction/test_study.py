"""A study, from conversations to the report: its counts are those that were planted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("openai", reason="the extra llm is not installed")
pytest.importorskip("ijson", reason="the extra extract is not installed")
pytest.importorskip("duckdb", reason="the extra mentions is not installed")

import taxonomy
from taxonomy.study import run_study
from taxonomy.values import canonical_key
from tests.conftest import Run
from tests.extraction.planted import Planted, label_of, plant, values_of, write_planted
from tests.llm_server import Server
from tests.llm_server.oracle import Oracle

COUNT = 300


def counts_of(planted: Planted) -> Counter[str]:
    """Return in how many conversations each planted value is named by a side."""
    found: Counter[str] = Counter()
    for facts in planted.facts.values():
        if label_of(facts, "subjectivity") == "yes":
            found.update(label for _, label in values_of(facts))
    return found


@pytest.mark.slow
def test_a_study_ends_in_a_report_whose_counts_are_those_planted(
    run: Run, server: Server, answers: Path, tmp_path: Path
) -> None:
    corpus, planted = write_planted(tmp_path / "corpus", COUNT), plant(COUNT)
    server.answer = Oracle.of_folder(corpus)
    command = ["study", str(corpus / "conversations.jsonl"), "--out", str(tmp_path / "study"), "--internal"]
    command += ["--llm", "openai/fake", "--llm-base-url", server.url]
    # A kill in the middle, and once more.
    process = subprocess.Popen([sys.executable, "-m", "taxonomy.cli", *command, "--quiet"])
    while len(server.requests) < 400:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    asked = len(server.requests)
    done = run(*command)
    assert done.returncode == 0, done.stderr
    assert "internal use only" in done.stderr
    subjective = [facts for facts in planted.facts.values() if label_of(facts, "subjectivity") == "yes"]
    # The calls in flight were asked twice.
    assert len(server.requests) - (COUNT + 4 * len(subjective)) <= 8
    assert asked >= 400

    extraction = json.loads((tmp_path / "study" / "extraction" / "extraction.json").read_text(encoding="utf-8"))
    assert extraction["counts"]["extracted"] == len(subjective)
    expected = counts_of(planted)
    counted = pd.read_csv(tmp_path / "study" / "counts.csv").set_index("value")["count"]
    assert counted.to_dict() == dict(expected)
    tree = taxonomy.load(tmp_path / "study" / "taxonomy" / "taxonomy.json")
    assert sum(value.weight for value in tree.leaves) == sum(expected.values())
    assert {canonical_key(value) for value in expected} == {
        canonical_key(name) for value in tree.leaves for name in (value.label, *value.aliases)
    }
    tables = tmp_path / "study" / "report-tables"
    for side in ("ai", "human"):
        frequency = pd.read_csv(tables / f"frequency-{side}.csv")
        leaves = frequency[frequency["level"] == 0]
        of_side = Counter(
            canonical_key(label) for facts in subjective for one, label in values_of(facts) if one == side
        )
        assert {
            canonical_key(label): n for label, n in zip(leaves["label"], leaves["mentions"], strict=True)
        } == of_side
    responses = pd.read_csv(tables / "responses.csv")
    planned = Counter(label_of(facts, "response") for facts in subjective)
    given = {row["response"]: row["conversations"] for _, row in responses.iterrows() if row["response"] in planned}
    assert given == planned
    page = (tmp_path / "study" / "report.html").read_text(encoding="utf-8")
    assert "Extracted by openai/fake" in page


def test_a_study_in_which_nothing_may_be_disclosed_says_so_and_keeps_what_is_done(
    server: Server, answers: Path, tmp_path: Path
) -> None:
    corpus = write_planted(tmp_path / "corpus", 30)
    server.answer = Oracle.of_folder(corpus)
    model = taxonomy.LanguageModel("openai/fake", server.url)
    recipe = taxonomy.ExtractionRecipe(combined=True)
    with (
        taxonomy.open_conversations(corpus / "conversations.jsonl") as conversations,
        pytest.raises(taxonomy.InputError, match="fewer than 15 conversations or 5 users"),
    ):
        run_study(conversations, model, tmp_path / "study", recipe=recipe)
    assert (tmp_path / "study" / "extraction" / "mentions.parquet").is_file()
    assert not (tmp_path / "study" / "counts.csv").exists()
