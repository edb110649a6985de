"""Labels asked for in batches, by the command line and in Python."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from embeddings import StoredEncoder
from taxonomy.labels.language_model import LanguageModel
from taxonomy.model import Taxonomy
from taxonomy.model.draft import Draft
from tests.conftest import Run
from tests.llm.batching import MODEL, Ask, interrupt, questions
from tests.llm.labelling import CALLS, CLUSTERS, GROUPS, NAMED, encoder
from tests.llm_server import Server

pytest.importorskip("anthropic", reason="the extra llm is not installed")


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def label_command(run: Run, ask: Ask, answers: Path, source: Path, tmp_path: Path) -> Command:
    """Label the tree of the fixture `source` by the command line."""
    return lambda *options: run("label", source, "--out", tmp_path / "named.json", "--llm", MODEL.model, *options)


def test_labels_in_batches_are_those_of_live_calls(
    label_command: Command,
    server: Server,
    answers: Path,
    tmp_path: Path,
) -> None:
    full = re.search(r"about \$([\d.]+)", label_command("--dry-run").stdout)
    half = re.search(r"about \$([\d.]+)", label_command("--batch", "--dry-run").stdout)
    assert full is not None
    assert half is not None
    assert float(half[1]) == pytest.approx(float(full[1]) / 2, abs=1e-4)
    done = label_command("--batch")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{NAMED} nodes named by {MODEL.model}; {CALLS} calls, 0 stored answers, 0 failures" in done.stdout
    # A batch for each level, and one for the second look.
    assert ([len(batch.requests) for batch in server.batches.values()], server.requests) == (
        [CLUSTERS, GROUPS, GROUPS],
        [],
    )
    batched = (tmp_path / "named.json").read_text()
    shutil.rmtree(answers / "answers")
    live = label_command()
    assert (live.returncode, len(server.requests)) == (0, CALLS)
    assert (tmp_path / "named.json").read_text() == batched


def test_what_is_left_of_labels_is_asked_live(label_command: Command, server: Server) -> None:
    server.batch_outcome = lambda id: "expired" if len(server.batches) == 1 else "succeeded"
    done = label_command("--batch", "--batch-rest")
    assert (done.returncode, len(server.requests)) == (0, CLUSTERS)
    done = label_command("--batch-rest")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == "Error: --batch-rest is about what a batch leaves; give --batch too"


def test_progress_shows_how_far_batches_are(
    server: Server, ask: Ask, answers: Path, tree: Taxonomy, vectors: NDArray[np.float32]
) -> None:
    server.batch_polls = 2
    shown: list[tuple[str, int, int]] = []
    model = LanguageModel(MODEL.model, batch=True)
    draft = Draft(tree.nodes)
    model.name(draft, vectors, StoredEncoder(encoder()), progress=lambda *step: shown.append(step))
    waits = [step for step in shown if step[0] == "in batches"]
    assert waits == [("in batches", done, total) for total in (CLUSTERS, GROUPS, GROUPS) for done in (0, total)]


def test_batches_are_cancelled_by_a_command(
    run: Run, server: Server, ask: Ask, answers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.batch_polls = None

    with pytest.raises(KeyboardInterrupt):
        ask(questions(2), report=interrupt, store=answers)
    assert run("llm", "cancel").stdout == "1 batch cancelled\n"
    assert [batch.cancelled for batch in server.batches.values()] == [True]
