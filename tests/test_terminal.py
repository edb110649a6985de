"""What a person at a terminal sees: its width, its colours, its pager; and what a pipe gets."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

import taxonomy
from tests.conftest import FIXTURE, Run
from tests.trees import make_tree

STYLE = re.compile(r"\x1b\[[0-9;]*m")
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-9]|4[0-9]|9[0-7])")
At = Callable[..., str]
# Variables that would speak for the terminal.
OWN = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PAGER")

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals here")


@pytest.fixture(scope="module")
def at_terminal(cache: Path) -> At:
    """Run the command line at a terminal of a given size, and return what it shows."""

    def run(*arguments: object, rows: int = 100, columns: int = 60, **env: str) -> str:
        mine, its = os.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        clean = {
            name: text for name, text in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR", "PAGER")
        }
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "taxonomy.cli", *map(str, arguments)],
            stdin=its,
            stdout=its,
            stderr=its,
            env={**clean, "TERM": "xterm-256color", **env},
        )
        os.close(its)
        shown = b""
        # Reading fails once the process has closed its end.
        while chunk := _read(mine):
            shown += chunk
        os.close(mine)
        assert process.wait() == 0, shown.decode()
        return shown.decode().replace("\r\n", "\n")

    return run


def test_a_difference_fits_a_terminal(at_terminal: At, tmp_path: Path) -> None:
    labels = [f"value {chr(97 + i // 26)}{chr(97 + i % 26)} " + "of a long name " * 4 for i in range(300)]
    old = make_tree(labels[:200], [i // 10 for i in range(200)], [0] * 10 + [1] * 10)
    new = make_tree(labels[50:], [(i + 50) // 10 - 5 for i in range(250)], [0] * 12 + [1] * 13)
    old.write(tmp_path / "old.json")
    new.write(tmp_path / "new.json")
    shown = STYLE.sub("", at_terminal("diff", tmp_path / "old.json", tmp_path / "new.json")).splitlines()
    assert len(shown) <= 100
    assert max(map(cell_len, shown)) <= 60
    assert any(line.endswith("…") for line in shown)
    head = shown[: shown.index("")]
    assert " ".join(head).startswith("1.0.0 -> 1.0.0: 50 added, 50 retired, ")
    assert not any(line.endswith("…") for line in head)
    assert not any(line.startswith("…") for line in shown)
    assert any(re.fullmatch(r"  \+[\d,]+ more", line) for line in shown)


def _read(end: int) -> bytes:
    try:
        return os.read(end, 65536)
    except OSError:
        return b""


@pytest.fixture(scope="module")
def tree_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    values = [f"a rather long name of the value number {number}" for number in range(30)]
    names = [[f"Cluster of several words, number {number}" for number in range(6)], ["One", "Two"]]
    tree = make_tree(values, [number % 6 for number in range(30)], [0, 0, 0, 1, 1, 1], names=names)
    nodes = [
        node.model_copy(update={"flags": ("doubtful",)}) if node.label.endswith("number 3") else node
        for node in tree.nodes
    ]
    path = tmp_path_factory.mktemp("tree") / "taxonomy.json"
    taxonomy.Taxonomy.from_nodes(nodes, id="test", weight_unit="strings").write(path)
    return path


@pytest.mark.parametrize("columns", [40, 90])
def test_nothing_is_wider_than_the_terminal(at_terminal: At, tree_file: Path, columns: int) -> None:
    for arguments in (("--depth", 3), ("--node", "a rather long name of the value number 3")):
        shown = STYLE.sub("", at_terminal("show", tree_file, *arguments, columns=columns))
        assert max(cell_len(line.rstrip()) for line in shown.splitlines()) <= columns
        # Broken between words, not cut off.
        assert "value number 3" in " ".join(re.sub("[│├└─]", " ", shown).split())


def test_colours_are_the_terminals_and_go_with_no_color(at_terminal: At, tree_file: Path) -> None:
    assert COLOUR.search(at_terminal("show", tree_file, "--depth", 2))
    without = at_terminal("show", tree_file, "--depth", 2, NO_COLOR="1")
    assert not COLOUR.search(without)
    assert "doubtful" in without


def test_what_is_longer_than_the_terminal_goes_through_the_pager(at_terminal: At, tree_file: Path) -> None:
    long = at_terminal("show", tree_file, "--depth", 3, rows=20, PAGER="sed s/^/paged:/")
    assert len(long.splitlines()) > 20
    assert all(line.startswith("paged:") for line in long.splitlines())
    assert "paged:" not in at_terminal("show", tree_file, "--depth", 1, rows=20, PAGER="sed s/^/paged:/")


def test_a_pipe_gets_whole_lines_without_style_or_pager(run_process: Run, tree_file: Path) -> None:
    for environment in ({}, {"COLUMNS": "30", "PAGER": "false"}):
        done = run_process("show", tree_file, "--depth", 3, env=environment)
        lines = done.stdout.splitlines()
        assert (done.returncode, done.stderr, len(lines)) == (0, "", 1 + 2 + 6 + 30)
        assert "\x1b" not in done.stdout
        assert sum(line.endswith("a rather long name of the value number 3  3.33%  (doubtful)") for line in lines) == 1


def test_the_first_lines_are_enough_for_head(cache: Path, tree_file: Path) -> None:
    command = f"{sys.executable} -m taxonomy.cli show {tree_file} --depth 3 | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, encoding="utf-8", check=True)
    assert (done.stdout, done.stderr) == ("test 1.0.0\n", "")


def test_a_build_ends_with_what_a_person_wants_to_know(run: Run, at_terminal: At, tmp_path: Path) -> None:
    rows = FIXTURE.read_text(encoding="utf-8").splitlines(keepends=True)[:120]
    (tmp_path / "v.csv").write_text("".join([*rows, "n/a,3\n", "unknown,1\n", "7,1\n"]), encoding="utf-8")
    out = tmp_path / "a build"
    done = run("build", tmp_path / "v.csv", "--levels", "20", "--title", "Mine", "--out", out)
    assert done.returncode == 0, done.stderr
    tree = taxonomy.load(out / "taxonomy.json")
    told = done.stdout
    assert told.startswith("Mine 1.0.0\n")
    for top in tree.top:
        bar = "█" * round(40 * top.share)
        assert re.search(rf"^{top.label} +{len(tree.values(top))} +{top.share:.1%} *{bar} *$", told, re.MULTILINE)
    assert f"sizes     5 domains / 20 clusters / {tree.levels[0].size} values\n" in told
    assert re.search(r"^read      \d+ rows: .* \d+ rejected$", told, re.MULTILINE)
    assert re.search(r"^rejected  .*\d+ placeholder.*: see rejected.csv$", told, re.MULTILINE)
    doubtful = sum("doubtful" in node.flags for node in tree.nodes if node.level == 0)
    assert (f"doubtful  {doubtful} of {tree.levels[0].size} values" in told) == bool(doubtful)
    named = re.search(r"^written   (.*): (.*)$", told, re.MULTILINE)
    assert named is not None
    assert named[1] == str(out)
    assert sorted(named[2].split(", ")) == sorted(path.name for path in out.iterdir())
    # Its process would load the model to embed what this one stores.
    assert run("lint", out / "taxonomy.json").returncode == 0
    # What it says to do next can be pasted, the space in the name notwithstanding.
    for command in re.findall(r"^next      value-taxonomy (.*)$", told, re.MULTILINE):
        words = f"{sys.executable} -m taxonomy.cli {command}"
        pasted = subprocess.run(["bash", "-c", words], capture_output=True, encoding="utf-8", check=False)
        assert (pasted.returncode, pasted.stderr) == (0, "")
    narrow = STYLE.sub("", at_terminal("build", tmp_path / "v.csv", "--levels", "20", "--out", out, columns=44))
    # Between the bars of its progress and the commands, which are never broken.
    summary = narrow.partition("values 1.0.0\n")[2].partition("next ")[0]
    assert "written" in summary
    assert max(cell_len(line.rstrip()) for line in summary.splitlines()) <= 44
