"""Every example of README and docs runs, and prints what is shown."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest

import taxonomy
from taxonomy.cli import main
from tests.conftest import FIXTURE, ROOT, Run
from tests.documents import DOCS, PAGES, Command, all_commands, blocks, commands, matches, name_of
from tests.llm_server import serve
from tests.llm_server.oracle import Oracle

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
# Examples of our commands that are read and not run, by a word of theirs, and why.
NOT_RUN = {
    "--master": "there is no cluster to count on; make test-spark counts on one",
    "--spark-master": "there is no cluster to embed on; make test-spark embeds on one",
    "cuda": "there is no GPU to count on; make test-gpu computes on one",
    "fetch": "it asks the network",
}
# Whole reports, or a study, are among their examples.
SLOW = {"conversations", "extraction", "privacy-audit", "verification"}
LANGUAGES = {"console", "csv", "json", "python", "text", "toml"}
SERVER = "http://localhost:8000/v1"
# Pages whose models are asked about the conversations of the examples.
KNOWING = {"extraction", "privacy-audit", "verification", "README"}
SHELL = {"cat", "grep", "head"}


@dataclass(frozen=True)
class Materials:
    """A folder with the files that examples read, and what the command of `make taxonomy` printed."""

    folder: Path
    make_taxonomy: str
    printed: str


@pytest.fixture(scope="module")
def materials(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Materials]:
    folder = tmp_path_factory.mktemp("materials")
    (folder / "fixtures").symlink_to(ROOT / "fixtures")
    heaviest = pd.read_csv(FIXTURE, keep_default_na=False).nlargest(150, "count")
    heaviest.to_csv(folder / "values.csv", index=False)
    (folder / "values.txt").write_text("\n".join(heaviest["value"][:60]), encoding="utf-8")
    _sample_records(folder / "records")
    _invent_export(folder)
    make_taxonomy = re.search(r"^taxonomy:.*\n\t\.venv/bin/(.+)$", MAKEFILE, re.MULTILINE)
    assert make_taxonomy is not None
    with pytest.MonkeyPatch.context() as patch:
        # UMAP compiles for ten seconds, and where points lie is not what an example shows.
        patch.setattr("taxonomy.views.layout.lay_out", lambda vectors, *, progress=None: vectors[:, :2])
        done = run(*Command("", make_taxonomy[1], None).words[1:], cwd=folder)
        assert done.returncode == 0, done.stderr
        (folder / "published").mkdir()
        shutil.copy(folder / "build" / "taxonomy.csv", folder / "published" / "values_tree.csv")
        frequencies = pd.read_csv(folder / "build" / "frequencies.csv").rename(columns={"share": "pct_convos"})
        frequencies.to_csv(folder / "published" / "values_frequencies.csv", index=False)
        yield Materials(folder, make_taxonomy[1], done.stdout)


def _sample_records(folder: Path) -> None:
    """Write an eighth of the invented conversations: enough for every question, in less time."""
    source = ROOT / "fixtures" / "mentions"
    conversations = pd.read_parquet(source / "conversations.parquet")
    # A model of few conversations would suppress another one, and none could be compared.
    kept = conversations[conversations["model"].isin(["model-a", "model-b"])][::8]
    mentions = pd.read_parquet(source / "mentions.parquet")
    folder.mkdir()
    kept.to_parquet(folder / "conversations.parquet", index=False)
    mentions[mentions["conversation_id"].isin(kept["conversation_id"])].to_parquet(
        folder / "mentions.parquet", index=False
    )


def _invent_export(folder: Path) -> None:
    """Write what the command of the examples invents, and the same as the archive that people have."""
    options = [*["--conversations", "200", "--seed", "1", "--format", "chatgpt", "--out"], folder / "corpus"]
    script = ROOT / "fixtures" / "make_conversations.py"
    subprocess.run([sys.executable, script, *options], capture_output=True, check=True)
    with zipfile.ZipFile(folder / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "corpus" / "conversations.json", "conversations.json")


@pytest.fixture
def folder(materials: Materials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the materials, in which a page's examples run."""
    shutil.copytree(materials.folder, tmp_path, symlinks=True, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "a-key")
    return tmp_path


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=name_of(page), marks=[pytest.mark.slow] if page.stem in SLOW else [])
        for page in PAGES
        if any(blocks(page))
    ],
)
def test_the_examples_of_a_page_run(
    page: Path, materials: Materials, folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve() as server:
        server.stand_in(monkeypatch, "openai", "anthropic", "ollama")
        if page.stem in KNOWING:
            server.answer = Oracle.of_folder(materials.folder / "corpus")
        names: dict[str, Any] = {}
        for block in blocks(page):
            text = block.text.replace(SERVER, server.url)
            assert block.language in LANGUAGES, f"{name_of(page)}:{block.line}"
            if block.title:
                (folder / block.title).write_text(text, encoding="utf-8")
            if block.language == "python":
                exec(compile("\n" * block.line + text, name_of(page), "exec"), names)
            for command in commands(block) if block.language == "console" else ():
                _try(command, materials, run, server.url)


def _try(command: Command, materials: Materials, run: Run, server: str) -> None:
    """Run a command, and see that it prints what is shown; read one that is not run."""
    if not command.is_ours:
        _try_other(command)
        return
    if _is_not_run(command):
        _parse(command)
        return
    if command.line == materials.make_taxonomy:
        status, printed = 0, [materials.printed]
    else:
        words = [word.replace(SERVER, server) for word in command.words[1:]]
        given = _redirected(words, "<")
        written = _redirected(words, ">")
        done = run(*words, input=None if given is None else Path(given).read_text(encoding="utf-8"))
        if written is not None:
            Path(written).write_text(done.stdout, encoding="utf-8")
        status, printed = done.returncode, [done.stdout, done.stderr + done.stdout, done.stdout + done.stderr]
    place = f"{command.place}: {command.line}\n{''.join(printed[-1:])}"
    assert status == command.status, place
    assert command.output is None or any(matches(command.output, text) for text in printed), place


def _is_not_run(command: Command) -> bool:
    return bool(set(command.words) & set(NOT_RUN)) and "--help" not in command.words


def _redirected(words: list[str], sign: str) -> str | None:
    """Take a redirection out of the words; return its file."""
    if sign not in words:
        return None
    at = words.index(sign)
    return [words.pop(at), words.pop(at)][1]


def _try_other(command: Command) -> None:
    """Run a command of the shell; of a command that installs or builds, see that what it names is there."""
    match command.words:
        case ["make", *targets]:
            for target in targets:
                assert "=" in target or re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), command
        case ["pip", "install", what]:
            extra = re.fullmatch(r"value-taxonomy\[(.+)\]", what)
            assert extra is not None, command
            assert SETTINGS["project"]["optional-dependencies"].keys() >= set(extra[1].split(",")), command
        case ["python", "-m", module, *_]:
            assert find_spec(module) is not None, command
        case ["python", "fixtures/simulate_rater.py" as script, *words]:
            subprocess.run([sys.executable, ROOT / script, *words], capture_output=True, check=True)
        case ["python", script, *_]:
            assert (ROOT / script).is_file(), command
        case [".", script]:
            assert script == ".venv/bin/activate", command
        case [name, *_] if name in SHELL:
            line = command.line.partition(" #")[0]
            done = subprocess.run(line, shell=True, capture_output=True, encoding="utf-8", check=True)
            assert command.output is None or matches(command.output, done.stdout), (command, done.stdout)
        case _:
            pytest.fail(f"{command}: a test must know what to do with it")


def _parse(command: Command) -> None:
    """See that a command takes what it is given."""
    # With the settings of the group: a command keeps the option for help that it is first asked for.
    context = click.Context(main, info_name="value-taxonomy", **main.context_settings)
    found, words = main, command.words[1:]
    while isinstance(found, click.Group):
        _, found, words = found.resolve_command(context, words)
    assert found is not None
    # Closed, since options may hold as long as a context is open.
    with found.make_context("", words, parent=context):
        pass


def test_only_what_cannot_run_is_not_run() -> None:
    skipped = [command for command in all_commands() if command.is_ours and _is_not_run(command)]
    used = {word for command in skipped for word in command.words if word in NOT_RUN}
    assert used == set(NOT_RUN), "drop what no example needs"
    assert all(command.output is None for command in skipped), "output that nothing checks"


def test_the_sample_of_taxonomy_json_is_a_real_one(materials: Materials, folder: Path, run: Run) -> None:
    page = DOCS / "formats.md"
    shown = {block.title: block.text for block in blocks(page) if block.title}
    for name, text in shown.items():
        (folder / name).write_text(text, encoding="utf-8")
    command = next(command for block in blocks(page) for command in commands(block) if "four.csv" in command.words)
    assert run(*command.words[1:]).returncode == 0
    made, sample = (json.loads(text) for text in (Path("four/taxonomy.json").read_text(), shown["sample.json"]))
    # Versions of packages are those of the day on which the sample was taken.
    assert made["provenance"].pop("software").keys() == sample["provenance"].pop("software").keys()
    assert made == sample
    assert len(taxonomy.load("sample.json")) == len(sample["nodes"])
