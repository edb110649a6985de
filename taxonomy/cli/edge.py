"""Whatever escapes from a command becomes one line on stderr: what, where and what to do; the exit status is 2."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from embeddings.errors import EmbeddingError
from taxonomy.errors import TaxonomyError, plain

_DEBUG = "taxonomy.debug"
_COMMAND = "taxonomy.command"


def _note(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    # Of the innermost command, which is noted last: what it was given says where an error is.
    ctx.meta[_COMMAND] = ctx
    ctx.meta[_DEBUG] = value or ctx.meta.get(_DEBUG, False)


# Of every group and command, before and after its name.
DEBUG = click.Option(
    ["--debug"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_note,
    help="Show the trace of an error, to report it.",
)


def add_debug(command: click.Command) -> None:
    """Give a command, and those of a group, the option --debug."""
    if DEBUG not in command.params:
        command.params.append(DEBUG)
    if isinstance(command, click.Group):
        for member in command.commands.values():
            add_debug(member)


def show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning as one line, without the place in the code that Python adds."""
    click.echo(f"Warning: {plain(str(message))}", err=True)


@contextlib.contextmanager
def one_line(ctx: click.Context) -> Iterator[None]:
    """Print one line for what escapes, and exit with 2; click keeps its own errors, Ctrl-C, and a closed pipe."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise
    except Exception as error:
        _drop_output()
        if ctx.meta.get(_DEBUG):
            for line in "".join(traceback.format_exception(error)).splitlines():
                click.echo(plain(line), err=True)
        context = ctx.meta.get(_COMMAND, ctx)
        click.echo(f"Error: {plain(_with_options(_say(error, context), context.command))}", err=True)
        sys.exit(2)


def _drop_output() -> None:
    """Forget what could not be printed, to a full disk: it would be tried again, and fail again, at the very end."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError), open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _say(error: Exception, ctx: click.Context) -> str:
    if isinstance(error, TaxonomyError | EmbeddingError):
        return str(error)
    what, remedy = _explain(error)
    return f"{_place(error, ctx)}: {what}; {remedy}"


def _with_options(text: str, command: click.Command) -> str:
    """Return a message of the library with a command's options in the place of the parameters that it names."""
    written = {
        parameter.name: parameter.opts[0] if isinstance(parameter, click.Option) else parameter.human_readable_name
        for parameter in command.params
    }
    return re.sub(r"`([a-z0-9_]+)`", lambda match: written.get(match[1], match[0]), text)


def _place(error: Exception, ctx: click.Context) -> str:
    """Return the file that an error is of, else the files that the command was given, else the command."""
    name = getattr(error, "filename2", None) or getattr(error, "filename", None)
    if isinstance(error, OSError) and name is not None:
        return os.fsdecode(name) if isinstance(name, str | bytes) else str(name)
    files = [str(path) for path in _arguments(ctx) if isinstance(path, Path)]
    return f"{ctx.command_path}{''.join(f' {file}' for file in files[:3])}{' ...' if len(files) > 3 else ''}"


def _arguments(ctx: click.Context) -> Iterator[Any]:
    for parameter in ctx.command.params:
        if isinstance(parameter, click.Argument):
            value = ctx.params.get(parameter.name or "")
            yield from value if isinstance(value, tuple) else (value,)


def _explain(error: Exception) -> tuple[str, str]:
    """Return what an error says, and what to do about it."""
    said = " ".join(str(error).split())[:500]
    match error:
        case OSError():
            # Imported here, since help must answer at once.
            from taxonomy.files import remedy_of

            return error.strerror or said or type(error).__name__, remedy_of(error)
        case MemoryError():
            return f"memory ran out{said and f' ({said})'}", "give less at once, or a machine with more"
        case RecursionError():
            return "nested too deeply", "give what is less deep"
        case UnicodeEncodeError():
            code = ord(error.object[error.start])
            return f"{error.encoding} cannot hold U+{code:04X}", "correct that text, or set PYTHONUTF8=1"
        case UnicodeDecodeError():
            return f"not {error.encoding} at byte {error.start}", "save it as UTF-8"
        case OverflowError():
            return f"a number is too large ({said})", "give smaller ones"
        case KeyError() | IndexError() | TypeError() | AttributeError() | AssertionError() | NameError():
            return f"{type(error).__name__} ({said})", "this is a fault of the program: report what --debug shows"
    # A library's: of its own kind, or a ValueError.
    return said or type(error).__name__, "see that it is what the command takes; --debug shows where it failed"
