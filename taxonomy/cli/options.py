"""Arguments and options that several commands take."""

from __future__ import annotations

from collections.abc import Callable, Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

Command = TypeVar("Command", bound=Callable[..., Any] | click.Command)
PATH = click.Path(path_type=Path)

taxonomy_argument = click.argument("taxonomy", type=PATH)
# For commands whose main input is something else.
taxonomy_option = click.option("--taxonomy", type=PATH, help="The taxonomy, in any format that import reads.")
_COLUMNS = (
    click.option("--value-column", help="Column of the values (default: value)."),
    click.option("--weight-column", help="Column of the weights (default: count, mentions or pct_convos)."),
)
_DEVICE = (
    ("--device", "auto|cpu|cuda|cuda:N", "Where the embedding model runs (default: VALUE_TAXONOMY_DEVICE, else auto)."),
    ("--precision", "fp32|bf16", "How a GPU computes (default: fp32)."),
)


def out_option(help: str) -> Callable[[Command], Command]:
    """Add --out, which must be given."""
    return click.option("--out", required=True, type=PATH, help=help)


def model_option(use: str) -> Callable[[Command], Command]:
    """Add --model, by which the strings of TAXONOMY are embedded; `use` says what for. Add `device_options`, too."""
    option = click.option("--model", help=f"{use} (default: the one that TAXONOMY names, else minilm).")
    return lambda command: option(device_options(command))


def device_options(command: Command) -> Command:
    """Add --device and --precision, which hold while the command runs."""
    for name, metavar, help in reversed(_DEVICE):
        command = click.option(name, metavar=metavar, help=help, expose_value=False, callback=_use_device)(command)
    return command


def _use_device(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    # Imported here, since help must answer at once.
    from embeddings import DeviceError, using_device

    try:
        ctx.with_resource(using_device(**{str(parameter.name): value}))
    except DeviceError as error:
        raise click.UsageError(str(error).replace(f"`{parameter.name}`", parameter.opts[0]), ctx) from None


def spark_master_option(use: str) -> Callable[[Command], Command]:
    """Add --spark-master; `use` says what is done there."""
    return click.option(
        "--spark-master", metavar="URL", help=f"{use} on this Spark cluster: local[*] or spark://HOST:7077."
    )


def check_spark_options() -> None:
    """Raise a UsageError for options that a Spark cluster does not heed."""
    context = click.get_current_context()
    for name, *_ in _DEVICE:
        if context.get_parameter_source(name.removeprefix("--")) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"a Spark cluster embeds on its CPUs, by fp32: leave {name} out")


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
