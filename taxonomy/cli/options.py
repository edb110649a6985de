"""Arguments and options that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any] | click.Command)
PATH = click.Path(path_type=Path)

taxonomy_argument = click.argument("taxonomy", type=PATH)
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


def quiet_option(help: str = "Print errors only.") -> Callable[[Command], Command]:
    """Add --quiet."""
    return click.option("--quiet", is_flag=True, help=help)


def column_options(command: Command) -> Command:
    """Add --value-column and --weight-column, which `taxonomy.read_values` takes."""
    for option in reversed(_COLUMNS):
        command = option(command)
    return command
