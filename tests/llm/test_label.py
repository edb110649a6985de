"""The command line and a language model: what it says, keys, and a kill in the middle."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

import taxonomy
from taxonomy.cli import main
from taxonomy.labels.language_model import LanguageModel
from taxonomy.model import Taxonomy
from tests.conftest import FIXTURE, Run
from tests.kills import kill_at_each
from tests.llm.labelling import CALLS, CANARY, CLUSTERS, GROUPS, NAMED, answering, inner, label_by, move_first, sizes
from tests.llm_server import Server, good_name, kind_of

pytest.importorskip("openai", reason="the extra llm is not installed")


# -- the command line ------------------------------------------------------------------------------------------


def test_label_writes_the_tree_and_says_what_it_did(run: Run, server: Server, source: Path, answers: Path) -> None:
    target = source.with_name("labelled.json")
    command = ("label", source, "--out", target, "--llm", "openai/fake", "--llm-base-url", server.url)
    before = source.read_bytes()
    done = run(*command, "--dry-run")
    assert (done.returncode, done.stderr, server.requests) == (0, "", [])
    assert done.stdout.startswith(f"openai/fake: {CALLS} calls to make, 0 stored answers; about ")
    assert done.stdout.endswith("price unknown\n")
    assert not target.exists()
    done = run(*command)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{NAMED} nodes named by openai/fake; {CALLS} calls, 0 stored answers, 0 failures" in done.stdout
    assert source.read_bytes() == before
    assert taxonomy.load(target).provenance.labeller == "llm:openai/fake"
    again = run(*command, "--quiet")
    assert (again.returncode, again.stdout, again.stderr, len(server.requests)) == (0, "", "", CALLS)


def test_failures_are_listed_and_more_than_allowed_exit_with_1(
    run: Run, server: Server, source: Path, answers: Path, tree: Taxonomy
) -> None:
    server.answer = lambda request: good_name(request) | ({"name": "One"} if kind_of(request) == "parent" else {})
    target = source.with_name("failed.json")
    command = ("label", source, "--out", target, "--llm", "openai/fake", "--llm-base-url", server.url)
    done = run(*command)
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert lines[-1] == f"Error: {2 * GROUPS} failures, more than --max-failures 0"
    groups = [node for node in tree.nodes if node.level == 2]
    assert sorted(lines[:-1]) == sorted(
        f"failed  {node.id}  {node.label}  {stage}: rejected: the name has 1 words, not 2 to 4"
        for node in groups
        for stage in ("naming level 2", "second look")
    )
    assert {node.label for node in taxonomy.load(target).nodes if node.level == 2} == {node.label for node in groups}
    assert run(*command, "--max-failures", 2 * GROUPS).returncode == 0


@pytest.mark.parametrize("fault", ["500", "broken"])
def test_a_server_that_does_not_answer_leaves_the_file(
    run: Run, server: Server, source: Path, answers: Path, tmp_path: Path, fault: str
) -> None:
    server.fault = lambda number, request: fault
    target = tmp_path / "t.json"
    target.write_bytes(source.read_bytes())
    options = ("--llm", "openai/fake", "--llm-base-url", server.url, "--retries", 0)
    new = tmp_path / "new.json"
    for given in (("--in-place",), ("--out", new, "--max-failures", 99)):
        done = run("label", target, *given, *options)
        assert done.returncode == 2
        problem = "the server said 500" if fault == "500" else "malformed: the answer was not JSON of the form"
        assert problem in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert target.read_bytes() == source.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "t.json"]


def test_label_writes_in_place_where_it_is_told_to(
    run: Run, server: Server, source: Path, answers: Path, tmp_path: Path
) -> None:
    target = tmp_path / "t.json"
    target.write_bytes(source.read_bytes())
    options = ("--llm", "openai/fake", "--llm-base-url", server.url)
    for given, problem in (
        ((), "name the file to write with --out, or write TAXONOMY itself with --in-place"),
        (("--in-place", "--out", target), "--out and --in-place exclude each other"),
    ):
        done = run("label", target, *given, *options)
        assert (done.returncode, problem in done.stderr, target.read_bytes()) == (2, True, source.read_bytes())
    taxonomy.load(source).write(tmp_path / "t.csv")
    done = run("label", tmp_path / "t.csv", "--in-place", *options)
    assert (done.returncode, "--in-place writes a taxonomy.json" in done.stderr) == (2, True)
    assert run("label", target, "--in-place", *options).returncode == 0
    assert taxonomy.load(target).provenance.labeller == "llm:openai/fake"


def test_build_labels_at_once(run: Run, server: Server, source: Path, answers: Path, tmp_path: Path) -> None:
    command = (
        "build",
        source.parents[1] / "values.csv",
        *sizes(source.parents[1]),
        "--out",
        tmp_path / "b",
        "--llm",
        "openai/x",
    )
    done = run(*command)
    assert (done.returncode, "--llm goes with --labeller llm" in done.stderr) == (2, True)
    done = run(*command, "--labeller", "llm", "--llm-base-url", server.url)
    assert (done.returncode, done.stderr) == (0, "")
    built = taxonomy.load(tmp_path / "b" / "taxonomy.json")
    assert {node.label_source for node in inner(built)} == {"llm"}
    assert built.provenance.labeller == "llm:openai/x"
    report = json.loads((tmp_path / "b" / "report.json").read_text())
    assert len(report["quality"]) >= 2


def test_a_next_version_asks_about_what_is_new_and_a_rehearsal_writes_nothing(
    server: Server, source: Path, answers: Path, tmp_path: Path
) -> None:
    def build(*arguments: object) -> Result:
        done = CliRunner().invoke(main, ["build", *map(str, arguments), "--labeller", "llm", *options])
        assert done.exit_code == 0, done.output
        return done

    values, more = source.parents[1] / "values.csv", tmp_path / "more.csv"
    rows = FIXTURE.read_text(encoding="utf-8").splitlines(keepends=True)[:120]
    more.write_text("".join(rows), encoding="utf-8")
    options = ("--llm", "openai/x", "--llm-base-url", server.url)
    build(values, *sizes(source.parents[1]), "--out", tmp_path / "first")
    asked = len(server.requests)
    previous = (
        "--previous",
        tmp_path / "first" / "taxonomy.json",
        *sizes(source.parents[1])[2:],
        "--out",
        tmp_path / "b",
    )
    assert build(values, *previous, "--dry-run").stdout == "openai/x: 0 calls to make, every node has a name\n"
    calls = int(build(more, *previous, "--dry-run").stdout.split(": ")[1].split(" call")[0])
    assert (list((tmp_path / "b").iterdir()), len(server.requests)) == ([], asked)
    build(more, *previous)
    assert len(server.requests) - asked == calls < 12
    first, second = (taxonomy.load(tmp_path / name / "taxonomy.json") for name in ("first", "b"))
    names = {node.id: node.label for node in first.inner}
    assert sum(names.get(node.id) != node.label for node in second.inner) <= calls
    assert {node.label_source for node in inner(second)} == {"llm"}


def test_the_python_api_takes_a_labeller(server: Server, answers: Path) -> None:
    model = LanguageModel("openai/fake", server.url)
    values = [row.split(",")[0] for row in FIXTURE.read_text(encoding="utf-8").splitlines()[1:100]]
    built = taxonomy.build(values, levels=[12], labeller=model).tree
    assert {node.label_source for node in inner(built)} == {"llm"}


def test_anthropic(server: Server, answers: Path, tree: Taxonomy, vectors: NDArray[np.float32],
                   monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    server.answer = answering(move_first)
    model = LanguageModel("anthropic/fake", server.url.removesuffix("/v1"), refine=True)
    done = label_by(model, tree, vectors)
    assert (done.named, done.failures) == (NAMED, ())
    assert done.moved > 0
    assert set(server.keys) == {CANARY}
    assert all(
        "name the nodes" in json.dumps(r["system"]) or "review" in json.dumps(r["system"]) for r in server.requests
    )


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([], "name a language model with --llm"),
        (["--llm", "nobody/x"], "no model 'nobody/x'; give one of anthropic/NAME"),
        (["--llm", "openai/"], "no model 'openai/'"),
        (["--llm", "openai/gpt-4o"], "no key in the environment; set OPENAI_API_KEY"),
        (["--llm", "openai/x", "--llm-base-url", "localhost"], "--llm-base-url is not an http or https address"),
        (["--llm", "openai/x", "--llm-base-url", f"http://u:{CANARY}@localhost/v1"], "set a key in the environment"),
        (["--llm", "openai/gpt-4o", "--max-cost", "0.0001", "--dry-run"], "above --max-cost 0.0001; nothing was asked"),
        (["--llm", "openai/no-such", "--max-cost", "1", "--dry-run"], "the price of openai/no-such is not known"),
        (["--llm", "openai/x", "--votes", "0"], "--votes"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    run: Run, server: Server, source: Path, answers: Path, options: list[str], problem: str
) -> None:
    done = run("label", source, "--out", source.with_name("no.json"), *options)
    assert done.returncode == 2
    assert problem in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert CANARY not in done.stdout + done.stderr


def test_a_known_price_gives_a_cost(run: Run, source: Path, answers: Path) -> None:
    done = run("label", source, "--llm", "openai/gpt-4o", "--dry-run", "--max-cost", 100)
    assert done.returncode == 0, done.stderr
    assert "; about $0." in done.stdout


def test_a_missing_extra_says_what_to_install(source: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    done = CliRunner().invoke(main, ["label", str(source), "--llm", "openai/x", "--dry-run"])
    assert done.exit_code == 2
    assert "pip install 'value-taxonomy[llm]'" in done.output


# -- keys ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [pytest.param("401", marks=pytest.mark.slow), pytest.param("500", marks=pytest.mark.slow), "echo"]
)
def test_a_key_reaches_no_output_and_no_file(
    run_process: Run, server: Server, source: Path, answers: Path, tmp_path: Path, fault: str
) -> None:
    server.fault = lambda number, request: fault
    out = tmp_path / "out.json"
    environment = {"OPENAI_API_KEY": CANARY, "OPENAI_LOG": "debug"}
    command = ("label", source, "--llm", "openai/x", "--llm-base-url", server.url, "--retries", 0, "--out", out)
    done = run_process(*command, env=environment)
    assert CANARY in server.keys
    assert done.returncode == 2
    assert not out.exists()
    assert "refused the key (401)" in done.stderr or fault != "401"
    assert CANARY not in done.stdout + done.stderr
    for path in [*answers.rglob("*"), *tmp_path.rglob("*"), *source.parent.rglob("*")]:
        assert path.is_dir() or CANARY.encode() not in path.read_bytes(), path


def test_a_key_that_is_refused(
    run: Run, server: Server, source: Path, answers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    server.fault = lambda number, request: "401"
    out = tmp_path / "out.json"
    command = ("label", source, "--llm", "openai/x", "--llm-base-url", server.url, "--retries", 0, "--out", out)
    done = run(*command)
    assert (done.returncode, out.exists()) == (2, False)
    assert "refused the key (401)" in done.stderr
    assert CANARY in server.keys
    assert CANARY not in done.stdout + done.stderr


# -- a kill in the middle --------------------------------------------------------------------------------------


def test_a_killed_run_goes_on_where_it_was(
    run: Run, server: Server, source: Path, answers: Path, tmp_path: Path
) -> None:
    server.answer = answering(move_first)
    options = ["--llm", "openai/x", "--llm-base-url", server.url, "--refine", "--votes", "2", "--concurrency", "3"]
    command = [
        sys.executable,
        "-m",
        "taxonomy.cli",
        "label",
        str(source),
        "--out",
        str(tmp_path / "killed.json"),
        *options,
    ]
    stored = CLUSTERS
    server.fault = lambda number, request: "hold" if number >= stored else None
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    file = answers / "answers" / "answers.sqlite"
    while process.poll() is None and not (file.exists() and _rows(file) == stored):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed.json").exists()

    server.fault = lambda number, request: None
    done = run("label", source, "--out", tmp_path / "killed.json", *options)
    assert done.returncode == 0, done.stderr
    answered = [json.dumps(request) for request in server.answered]
    assert len(answered) > stored
    # Both votes on a node with one other beside it are the same request.
    for request, body in zip(server.answered, answered, strict=True):
        assert answered.count(body) <= (2 if kind_of(request) == "move" else 1)

    file.unlink()
    before = len(server.requests)
    whole = run("label", source, "--out", tmp_path / "whole.json", *options)
    assert whole.returncode == 0, whole.stderr
    assert len(answered) == len(server.requests) - before
    assert (tmp_path / "whole.json").read_bytes() == (tmp_path / "killed.json").read_bytes()


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_moment_leaves_what_was_or_all_names(
    run: Run, server: Server, source: Path, answers: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "b"
    shutil.copytree(source.parent, folder)
    target = folder / "taxonomy.json"
    command = ("label", target, "--in-place", "--llm", "openai/x", "--llm-base-url", server.url, "--quiet")

    def do() -> None:
        done = run(*command)
        assert done.returncode == 0, done.stderr

    old = target.read_bytes()
    do()
    new = target.read_bytes()
    target.write_bytes(old)
    found = []
    for _ in kill_at_each(do, folder, 20):
        found.append(target.read_bytes())
        do()
        assert target.read_bytes() == new
        assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in source.parent.iterdir())
        target.write_bytes(old)
    assert {*found} == {old, new}


def _rows(file: Path) -> int:
    with sqlite3.connect(file) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM replies").fetchone()[0])
        except sqlite3.OperationalError:
            return 0
        finally:
            connection.commit()


def test_two_runs_at_once_give_the_same(run: Run, server: Server, source: Path, answers: Path, tmp_path: Path) -> None:
    options = ["--llm", "openai/x", "--llm-base-url", server.url, "--quiet"]
    command = [sys.executable, "-m", "taxonomy.cli", "label", str(source), "--out", str(tmp_path / "a.json"), *options]
    started = threading.Event()

    def wait(number: int, request: object) -> None:
        # The other run begins once this one asks, and finds some answers stored and others not.
        if number == 5:
            started.set()

    server.fault = wait
    process = subprocess.Popen(command, env=os.environ.copy())
    assert started.wait(60)
    assert run("label", source, "--out", tmp_path / "b.json", *options).returncode == 0
    assert process.wait() == 0
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
