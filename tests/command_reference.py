"""The page of docs/ on the command line: ``python -m tests.command_reference`` writes it from the commands' help."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
from click.testing import CliRunner

from taxonomy.cli import main
from taxonomy.cli.commands import GROUPS
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "command-line.md"
START = "<!-- commands -->\n"


def commands_below(command: click.Command, name: str = "value-taxonomy") -> Iterator[tuple[str, click.Command]]:
    """Yield a command and all below it, each by what is typed for it."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from commands_below(found, f"{name} {below}")


def options_of(command: click.Command) -> Iterator[str]:
    """Yield all spellings of the options of a command."""
    yield from main.context_settings["help_option_names"]
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            yield from (*parameter.opts, *parameter.secondary_opts)


def reference() -> str:
    """Return the page: what stands before the mark as it is, and the help of each command after it."""
    before = PAGE.read_text(encoding="utf-8").partition(START)[0]
    sections = [_section(name) for name, _ in commands_below(main) if name == "value-taxonomy"]
    by_name = dict(commands_below(main))
    for title, group in GROUPS.items():
        sections.append(f"## {title}\n")
        sections += [_section(name) for name in by_name if name.split()[1:2] and name.split()[1] in group]
    return before + START + "\n" + "\n".join(sections)


def _section(name: str) -> str:
    words = name.split()[1:]
    done = CliRunner().invoke(main, [*words, "--help"], prog_name="value-taxonomy")
    text = re.sub(r" +$", "", done.output, flags=re.MULTILINE)
    heading = f"### `{name}`\n\n" if words else ""
    return f"{heading}```console\n$ {name} --help\n{text}```\n"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
