"""Arguments and options that several commands take."""

from __future__ import annotations

from collections.abc import Callable, Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any] | click.Command)
PATH = click.Path(path_type=Path)

taxonomy_argument = click.argument("taxonomy", type=PATH)
# For commands whose main input is something else.
taxonomy_option = click.option("--taxonomy", type=PATH, help="The taxonomy, in any format that import reads.")
_COLUMNS = (
    click.option("--value-column", help="Column of the values (default: value)."),
    click.option("--weight-column", help="Column of the weights (default: count, mentions or pct_convos)."),
)


def out_option(help: str) -> Callable[[Command], Command]:
    """Add --out, which must be given."""
    return click.option("--out", required=True, type=PATH, help=help)


def model_option(use: str) -> Callable[[Command], Command]:
    """Add --model, by which the strings of TAXONOMY are embedded; `use` says what for."""
    return click.option("--model", help=f"{use} (default: the one that TAXONOMY names, else minilm).")


def spark_master_option(use: str) -> Callable[[Command], Command]:
    """Add --spark-master; `use` says what is done there."""
    return click.option(
        "--spark-master", metavar="URL", help=f"{use} on this Spark cluster: local[*] or spark://HOST:7077."
    )


def quiet_option(command: Command) -> Command:
    """Add --quiet, which means the same for every command."""
    return click.option("--quiet", is_flag=True, help="Print errors only.")(command)


def deprecated(old: str, new: str) -> None:
    """Say that a form of the command line goes with the next version, and what to write instead."""
    click.echo(f"Deprecated: {old}; write {new}", err=True)


def did_you_mean(text: str, choices: Collection[str], otherwise: str = "") -> str:
    """Return which of the choices a mistyped one is like; where it is like none, `otherwise`, or all of them."""
    near = get_close_matches(text, choices, 3)
    return f"did you mean {' or '.join(near)}?" if near else otherwise or f"choose from {', '.join(choices)}"


class Choice(click.Choice[str]):
    """A choice that says which value a mistyped one is like."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Return what is said of a value that is not among the choices."""
        return f"{value!r} is not one of the choices; {did_you_mean(str(value), [str(one) for one in self.choices])}"


def column_options(command: Command) -> Command:
    """Add --value-column and --weight-column, which `taxonomy.read_values` takes."""
    for option in reversed(_COLUMNS):
        command = option(command)
    return command
