"""The edge of the command line: whatever goes wrong is one line, exit status 2, and a trace only with --debug."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import taxonomy
from embeddings import EmbeddingError, StoreWarning
from taxonomy.cli import main
from taxonomy.errors import TaxonomyError
from tests.conftest import ROOT
from tests.trees import full_tree, make_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    full_tree().write(tmp_path / "t.json")
    return tmp_path / "t.json"


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments], prog_name="value-taxonomy")


def only_line(result: Result | subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a command that failed said."""
    code = result.exit_code if isinstance(result, Result) else result.returncode
    assert code == 2, result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith(("Error: ", "Usage: ")), result.stderr
    line = result.stderr.rstrip("\n")
    assert line.isprintable()
    return line.removeprefix("Error: ")


def test_a_warning_is_one_line(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> taxonomy.Taxonomy:
        warnings.warn("an odd\nfile", StoreWarning, stacklevel=1)
        return taxonomy.load(path)

    monkeypatch.setattr("taxonomy.formats.readers.read", read)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        done = invoke("show", tree)
    assert (done.exit_code, done.stderr) == (0, "Warning: an odd\\nfile\n")


# -- what escapes ----------------------------------------------------------------------------------------------------


def undecodable() -> UnicodeError:
    return UnicodeDecodeError("utf-8", b"ab\xff", 2, 3, "invalid start byte")


def unencodable() -> UnicodeError:
    return UnicodeEncodeError("ascii", "a\ud800", 1, 2, "ordinal not in range")


def overflow() -> float:
    return 2.0**10_000


def deep() -> None:
    deep()


def library() -> None:
    int("x\x1b[2J\ny")


ESCAPES: dict[str, tuple[Exception | Callable[[], object], str]] = {
    "full": (OSError(28, "No space left on device", "/a/b"), "/a/b: No space left on device; free some space, or"),
    "no rights": (PermissionError(13, "Permission denied", "/a"), "/a: Permission denied; ask for the right to it"),
    "two names": (OSError(18, "Invalid link", "/a", None, "/b"), "/b: Invalid link; see that it can be used"),
    "bytes": (OSError(40, "Too many levels", b"/\xff"), "/\\udcff: Too many levels; mend the link"),
    "no file": (OSError(5, "Input/output error"), "value-taxonomy show t.json: Input/output error; see that"),
    "no number": (OSError("it is\ngone"), "value-taxonomy show t.json: it is gone; see that it can be used"),
    "descriptor": (OSError(9, "Bad file descriptor", 3), "3: Bad file descriptor; see"),
    "memory": (MemoryError(), "value-taxonomy show t.json: memory ran out; give less at once"),
    "array": (MemoryError("Unable to allocate 9 GiB"), "show t.json: memory ran out (Unable to allocate 9 GiB);"),
    "depth": (deep, "value-taxonomy show t.json: nested too deeply; give what is less deep"),
    "bytes that are no text": (undecodable(), "show t.json: not utf-8 at byte 2; save it as UTF-8"),
    "text that is no bytes": (unencodable(), "show t.json: ascii cannot hold U+D800; correct that text, or set PYTHON"),
    "overflow": (overflow, "show t.json: a number is too large ((34, 'Numerical result out of range')); give smaller"),
    "a library": (library, "show t.json: invalid literal for int() with base 10: 'x\\x1b[2J\\ny'; see that it is what"),
    "no message": (ValueError(), "value-taxonomy show t.json: ValueError; see that it is what the command takes;"),
    "a fault": (KeyError("key"), "show t.json: KeyError ('key'); this is a fault of the program: report what --debug"),
    "an end": (EOFError("too short"), "show t.json: too short; see that it is what the command takes;"),
    "a library's own": (sqlite3.Error("database is locked"), "show t.json: database is locked; see that it is what"),
    "ours": (TaxonomyError("what\nwas; do"), "what\\nwas; do"),
    "of embeddings": (EmbeddingError("what\x1bwas; do"), "what\\x1bwas; do"),
}


@pytest.fixture(params=ESCAPES)
def escape(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tree: Path) -> Iterator[str]:
    """Make `show` raise, and return what it should say."""
    error, line = ESCAPES[request.param]

    def planted(*_: object, **__: object) -> None:
        if isinstance(error, Exception):
            raise error
        error()

    monkeypatch.chdir(tree.parent)
    monkeypatch.setattr("taxonomy.formats.readers.read", planted)
    return line


def test_whatever_escapes_is_one_line(escape: str) -> None:
    result = invoke("show", "t.json")
    assert escape in only_line(result)
    assert result.stdout == ""


@pytest.mark.parametrize("place", ["before", "after"])
def test_debug_shows_the_trace_before_the_line(escape: str, place: str) -> None:
    result = invoke("--debug", "show", "t.json") if place == "before" else invoke("show", "t.json", "--debug")
    assert result.exit_code == 2
    *trace, line = result.stderr.splitlines()
    assert trace[0] == "Traceback (most recent call last):"
    assert any("in planted" in one for one in trace)
    assert all(one.isprintable() for one in trace)
    assert escape in line


def test_ctrl_c_is_an_abort(monkeypatch: pytest.MonkeyPatch, tree: Path) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("taxonomy.formats.readers.read", interrupted)
    for options in ([], ["--debug"]):
        result = invoke("show", tree, *options)
        assert (result.exit_code, result.stderr.strip()) == (1, "Aborted!")


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)


@pytest.mark.parametrize("path", [(), *commands(main)], ids=lambda path: " ".join(path) or "main")
def test_every_command_has_debug_once_in_its_help(path: tuple[str, ...]) -> None:
    for _ in range(2):
        result = invoke(*path, "--help")
        assert result.exit_code == 0
        assert result.stdout.count("--debug ") == 1


def test_commands_of_groups_take_debug_at_each_place(tmp_path: Path) -> None:
    missing = tmp_path / "none"
    arguments = ["analyze", "frequency", str(missing), "--taxonomy", str(missing)]
    assert "Traceback" not in only_line(invoke(*arguments))
    for place in range(len(arguments) + 1):
        if place not in (4,):
            result = invoke(*arguments[:place], "--debug", *arguments[place:])
            assert (result.exit_code, "Traceback" in result.stderr) == (2, True)


def test_click_keeps_its_own_errors(tree: Path) -> None:
    for arguments in (["none"], ["show"], ["show", tree, "--depth", "x"], ["analyze", "frequency", "--none"]):
        for options in ([], ["--debug"]):
            result = invoke(*options, *arguments)
            assert (result.exit_code, "Usage: " in result.stderr) == (2, True)
            assert "Traceback" not in result.stderr


# -- real files ------------------------------------------------------------------------------------------------------


def deep_json(path: Path) -> None:
    path.write_text('{"format": "value-taxonomy", "nodes": ' + "[" * 100_000 + "]" * 100_000 + "}")


def a_folder(path: Path) -> None:
    path.mkdir()


def no_utf_8(path: Path) -> None:
    path.write_bytes(full_tree().to_json().encode().replace(b"calm", b"c\xed\xa0\x80lm"))


def a_lone_surrogate(path: Path) -> None:
    path.write_bytes(full_tree().to_json().encode().replace(b"calm", b"c\\ud800lm"))


def a_loop(path: Path) -> None:
    path.symlink_to(path.name)


def a_huge_number(path: Path) -> None:
    document = json.loads(full_tree().to_json())
    document["nodes"][0]["weight"] = "huge"
    path.write_text(json.dumps(document).replace('"huge"', "1" * 5000))


READERS = [
    ["show", "{}"],
    ["explore", "{}", "--out", "out.html", "--no-vectors"],
    ["lint", "{}", "--no-vectors"],
    ["diff", "{}", "{}"],
    ["export", "{}", "--out", "out.csv"],
    ["import", "{}", "--out", "out.json"],
]


@pytest.mark.parametrize("make", [deep_json, a_folder, a_loop, a_huge_number])
@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
def test_a_taxonomy_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "bad.json")
    arguments = [one.format("bad.json") for one in command]
    assert "bad.json" in only_line(invoke(*arguments))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.json"]
    assert "Traceback (most recent call last):" in invoke(*arguments, "--debug").stderr


@pytest.mark.parametrize("make", [no_utf_8, a_lone_surrogate])
@pytest.mark.parametrize("suffix", [".json", ".csv", ".parquet"])
def test_text_that_no_file_can_hold_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], suffix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "bad.json")
    assert "bad.json" in only_line(invoke("export", "bad.json", "--out", f"out{suffix}"))
    assert [path.name for path in tmp_path.iterdir()] == ["bad.json"]


@pytest.mark.parametrize("suffix", [".json", ".csv", ".ttl", ".rdf", ".jsonld", ".parquet", ".txt"])
@pytest.mark.parametrize("make", [deep_json, a_folder, a_loop])
def test_a_file_of_any_kind_that_is_none(tmp_path: Path, make: Callable[[Path], None], suffix: str) -> None:
    make(tmp_path / f"bad{suffix}")
    assert f"bad{suffix}" in only_line(invoke("show", tmp_path / f"bad{suffix}"))


@pytest.mark.parametrize("name", ["x" * 300, "x" * 300 + ".json", "none/" * 1000])
def test_a_name_that_is_too_long(tmp_path: Path, tree: Path, name: str) -> None:
    only_line(invoke("show", tmp_path / name))
    only_line(invoke("import", tree, "--out", tmp_path / f"{name}.json"))
    only_line(invoke("build", tmp_path / name, "--out", tmp_path / "out"))


def test_a_full_device_and_other_places_that_take_no_file(tmp_path: Path, tree: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop.json").symlink_to("loop.json")
    places = {
        "/dev/full": "No space left on device",
        tmp_path / "folder.json": "Is a directory",
        tmp_path / "file" / "t.json": "Not a directory",
        tmp_path / "none" / "t.json": "No such file or directory",
        tmp_path / "loop.json": "Too many levels of symbolic links",
    }
    for place, reason in places.items():
        assert f"{place}: cannot be written: {reason}" in only_line(invoke("import", tree, "--out", place))
        assert "Traceback" in invoke("import", tree, "--out", place, "--debug").stderr
    assert Path("/dev/full").is_char_device()


# -- the terminal ----------------------------------------------------------------------------------------------------


def shown(tree: Path, command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `show`, as $SHOW, in a command of a shell."""
    show = f"{sys.executable} -W error -m taxonomy.cli show {tree} --depth 9"
    return subprocess.run(
        ["bash", "-c", command.replace("$SHOW", show)],
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, **more},
        check=False,
    )


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree that takes more than a pipe holds."""
    path = tmp_path_factory.mktemp("large") / "t.json"
    words = [f"value number {number} of {'many ' * 10}" for number in range(3000)]
    make_tree(words, [0] * len(words)).write(path)
    return path


def test_a_pipe_that_closes_ends_it_silently(large: Path) -> None:
    done = shown(large, "$SHOW | head -1")
    assert (done.stderr, done.stdout.count("\n")) == ("", 1)


def test_a_full_disk_behind_the_terminal_is_one_line(large: Path) -> None:
    done = shown(large, "$SHOW > /dev/full")
    assert "No space left on device; free some space" in only_line(done)


def test_a_terminal_that_cannot_show_a_letter(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    full_tree().write(path)
    path.write_text(path.read_text().replace("calm", "c\u00e4lm"))
    tree = taxonomy.load(path)
    tree.write(path)
    done = shown(path, "$SHOW", PYTHONIOENCODING="ascii")
    assert "ascii cannot hold U+00E4; correct that text, or set PYTHONUTF8=1" in only_line(done)


def test_all_commands_are_known() -> None:
    assert set(main.list_commands(click.Context(main))) == {path[0] for path in commands(main)}
