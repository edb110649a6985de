"""What all commands share: groups in the help, one meaning of options, old forms, hints for what was mistyped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from taxonomy.cli.commands import GROUPS, main
from tests.conftest import Run
from tests.trees import FOUR_VALUES, make_tree

COMMANDS = {name for commands in GROUPS.values() for name in commands}


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its whole name, those of groups, too."""
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                below = command.get_command(context, inner)
                assert below is not None
                yield f"{name} {inner}", below
        else:
            yield name, command


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    path = tmp_path / "tree.json"
    FOUR_VALUES.write(path)
    return path


# -- help ----------------------------------------------------------------------------------------------------------


def test_help_has_the_commands_in_groups_with_whole_sentences(run: Run) -> None:
    help = run("--help").stdout
    places = [help.index(f"\n{title}:\n") for title in GROUPS]
    assert places == sorted(places)
    assert list(GROUPS) == ["Build", "Review", "Versions", "Exchange", "Conversations", "Language models"]
    assert "..." not in help.partition("\n")[2]
    text = " ".join(help.split())
    for name, command in commands():
        if " " not in name:
            sentence = " ".join((command.help or "").split("\n\n")[0].split())
            assert f"{name} {sentence.removesuffix('.')}" in text
            assert len(sentence) < 110, name


def test_quiet_and_out_mean_the_same_everywhere() -> None:
    quiet = [option for _, command in commands() for option in command.params if option.name == "quiet"]
    assert len(quiet) > 10
    assert {option.help for option in quiet if isinstance(option, click.Option)} == {"Print errors only."}
    for name, command in commands():
        arguments = [param.name for param in command.params if isinstance(param, click.Argument) and param.required]
        # Two things of a kind; or none, for what is in the cache folder.
        stored = dict.fromkeys(("llm status", "llm purge", "llm cancel"), 0)
        expected = {"diff": 2, "migrate": 2, "compare": 2, "extract agree": 2, **stored}.get(name, 1)
        assert len(arguments) == expected, name


def test_quiet_prints_errors_only(run: Run, tree: Path, tmp_path: Path) -> None:
    done = run("lint", tree, "--no-vectors", "--quiet", "--fail-on", "digest")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    broken = make_tree(["honesty", "calm"], [0, 1])
    broken.write(tmp_path / "single.json")
    done = run("lint", tmp_path / "single.json", "--no-vectors", "--quiet", "--fail-on", "single-child")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


# -- old forms -----------------------------------------------------------------------------------------------------


def test_the_old_form_of_export_works_and_says_what_to_write(run: Run, tree: Path, tmp_path: Path) -> None:
    old = run("export", tree, tmp_path / "old.csv")
    assert old.returncode == 0
    assert old.stderr == "Deprecated: export TAXONOMY FILE; write export TAXONOMY --out FILE\n"
    new = run("export", tree, "--out", tmp_path / "new.csv")
    assert (new.returncode, new.stderr) == (0, "")
    assert (tmp_path / "old.csv").read_bytes() == (tmp_path / "new.csv").read_bytes()
    both = run("export", tree, tmp_path / "a.csv", "--out", tmp_path / "b.csv")
    assert both.returncode == 2
    assert "export takes one taxonomy" in both.stderr
    assert "name the file to write with --out" in run("export", tree).stderr


def test_the_old_form_of_assign_works_and_says_what_to_write(run: Run, tree: Path, tmp_path: Path) -> None:
    label = FOUR_VALUES.leaves[0].label
    (tmp_path / "new.txt").write_text(f"{label}\n", encoding="utf-8")
    old = run("assign", tree, tmp_path / "new.txt", "--out", tmp_path / "old.csv")
    assert (old.returncode, old.stdout.splitlines()[0]) == (0, "1 known, 0 placed, 0 unplaced, 0 rejected")
    assert old.stderr == "Deprecated: assign TAXONOMY VALUES; write assign VALUES --taxonomy TAXONOMY\n"
    new = run("assign", tmp_path / "new.txt", "--taxonomy", tree, "--out", tmp_path / "new.csv")
    assert (new.returncode, new.stderr) == (0, "")
    assert (tmp_path / "old.csv").read_bytes() == (tmp_path / "new.csv").read_bytes()
    both = run("assign", tmp_path / "new.txt", tmp_path / "x.txt", "--taxonomy", tree, "--out", tmp_path / "b.csv")
    assert (both.returncode, "assign takes one file of values" in both.stderr) == (2, True)
    none = run("assign", tmp_path / "new.txt", "--out", tmp_path / "b.csv")
    assert (none.returncode, "name the taxonomy with --taxonomy" in none.stderr) == (2, True)


# -- what was mistyped ---------------------------------------------------------------------------------------------

MISTYPED = {
    "command": (["biuld", "x.csv"], r"no command 'biuld'; did you mean build\?"),
    "far off": (["zzz"], r"no command 'zzz'; see value-taxonomy --help"),
    "of a group": (["analyze", "freqency"], r"no command 'freqency'; did you mean frequency\?"),
    "option": (["show", "{tree}", "--dept", "2"], r"No such option.*--dept.*--depth"),
    "value": (["build", "x.csv", "--out", "b", "--method", "avrage"], r"'avrage' is not .*; did you mean average\?"),
    "value far off": (
        ["build", "x.csv", "--out", "b", "--method", "zzz"],
        r"choose from average, ward, kmeans, density",
    ),
    "code": (["lint", "{tree}", "--fail-on", "single-chld"], r"no code 'single-chld'; did you mean single-child\?"),
    "label": (["show", "{tree}", "--node", "{label}x"], r"no node '{label}x'; did you mean '{label}'\?"),
}


@pytest.mark.parametrize("name", MISTYPED)
def test_what_was_mistyped_is_met_with_what_it_is_like(run: Run, tree: Path, name: str) -> None:
    arguments, message = MISTYPED[name]
    label = FOUR_VALUES.leaves[0].label
    done = run(*(argument.format(tree=tree, label=label) for argument in arguments))
    assert done.returncode == 2
    assert re.search(message.replace("{label}", label), done.stderr.splitlines()[-1])


# -- parameters and options ----------------------------------------------------------------------------------------

NAMED = {
    "min children": (["--min-children", "1"], "Error: --min-children is 1; give 2 or more"),
    "stay": (["--stay", "2"], "Error: --stay is 2.0; give a number from 0 (as rebuilt) to 1 (nothing moves)"),
    "top": (["--top", "3"], "Error: --top goes without domains alone"),
    "levels": (["--levels", "3,9"], "Error: --levels 3,9: 3 clusters of 2 values; give fewer"),
    "column": (["--value-column", "text"], "column 'text': plain strings have no columns"),
}


@pytest.mark.parametrize("name", NAMED)
def test_messages_name_the_options_of_the_command(run: Run, tmp_path: Path, name: str) -> None:
    options, message = NAMED[name]
    (tmp_path / "two.txt").write_text("honesty\ncalm\n", encoding="utf-8")
    done = run("build", tmp_path / "two.txt", "--out", tmp_path / "b", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "`" not in done.stderr
