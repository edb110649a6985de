"""Read TOML files into pydantic models; errors are one line with the place."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from taxonomy.errors import InputError

T = TypeVar("T")

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def _text(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text that is not empty")
    return value


def _texts(value: object) -> object:
    if (
        not isinstance(value, list | tuple)
        or not value
        or not all(isinstance(text, str) and text.strip() for text in value)
    ):
        raise ValueError("must be a list of texts that are not empty")
    return value


Text = Annotated[str, BeforeValidator(_text)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]


def read_toml(path: Path, model: type[T], *, remedy: str, error: type[InputError] = InputError) -> T:
    """Read a TOML file into a model.

    Parameters
    ----------
    path : Path
    model : type
        A pydantic model or dataclass.
    remedy : str
        What to do about a file that is not of this form.
    error : type of InputError
        What is raised.

    Raises
    ------
    InputError
        Or `error`, if the file can't be read, is not TOML, or does not fit the model.
    """
    data = _parse(_read(path, error), str(path), remedy, error)
    try:
        return TypeAdapter(model).validate_python(data)
    except ValidationError as problem:
        raise error(_say(problem, model), path=str(path), remedy=remedy) from problem


def read_tables(
    path: Path, name: str, model: type[T], *, remedy: str, error: type[InputError] = InputError, only: bool = False
) -> list[tuple[int | None, T]]:
    """Read the ``[[name]]`` tables of a TOML file; as `parse_tables`, which see."""
    return parse_tables(_read(path, error), name, model, path=str(path), remedy=remedy, error=error, only=only)


def parse_tables(
    text: str,
    name: str,
    model: type[T],
    *,
    path: str,
    remedy: str,
    error: type[InputError] = InputError,
    only: bool = False,
) -> list[tuple[int | None, T]]:
    """Read the ``[[name]]`` tables of a text in TOML into models.

    Parameters
    ----------
    text : str
    name : str
    model : type
        A pydantic model or dataclass: what one table must be.
    path : str
        Where the text is from, for messages.
    remedy, error
        As in `read_toml`.
    only : bool
        Refuse what stands beside the tables.

    Returns
    -------
    list of (int or None, model)
        The tables in their order, each with the line of its header, from 1; None for those that have no header, such
        as inline ones.

    Raises
    ------
    InputError
        Or `error`, as in `read_toml`.
    """
    data = _parse(text, path, remedy, error)
    tables = data.pop(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise error(f"{name!r} is not a list of [[{name}]] tables", path=path, remedy=remedy)
    if only and data:
        raise error(f"unknown entry {min(data)!r}; known is [[{name}]]", path=path, remedy=remedy)
    headers = _headers(text, name, len(tables))
    adapter = TypeAdapter(model)
    records = []
    for number, (line, table) in enumerate(zip(headers, tables, strict=True), 1):
        try:
            records.append((line, adapter.validate_python(table)))
        except ValidationError as problem:
            said = f"{name} {number}: {_say(problem, model)}"
            raise error(said, path=path, line=line, remedy=remedy) from problem
    return records


def _read(path: Path, error: type[InputError]) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise error(f"cannot be read: {reason}", path=str(path), remedy="give the path of a TOML file") from problem
    except UnicodeDecodeError as problem:
        raise error(f"not UTF-8 at byte {problem.start}", path=str(path), remedy="save it as UTF-8") from problem


def _parse(text: str, path: str, remedy: str, error: type[InputError]) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError as problem:
        raise error("not TOML that can be read: nested too deeply", path=path, remedy=remedy) from problem
    except ValueError as problem:  # a number of thousands of digits is one, too
        said = str(problem)
        place = _PLACE.search(said)
        line = int(place[1]) if place and place[1] else None
        column = f" at column {place[2]}" if place and place[2] else ""
        raise error(f"not TOML: {_PLACE.sub('', said)}{column}", path=path, line=line, remedy=remedy) from problem


def _say(problem: ValidationError, model: type) -> str:
    """Return what is wrong first; an entry that is unknown goes before one that is missing, being its misspelling."""
    errors = problem.errors(include_url=False)
    first = next((entry for entry in errors if entry["type"] in _UNKNOWN), errors[0])
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] in _UNKNOWN:
        known = f"; known are {', '.join(inspect.signature(model).parameters)}" if len(first["loc"]) == 1 else ""
        return f"unknown entry {key!r}{known}"
    if first["type"].startswith("missing"):
        return f"{key} is missing"
    if first["type"] == "value_error":
        return f"{key} {first['ctx']['error']}".strip()
    return f"{key}: {first['msg']}"


def _headers(text: str, name: str, count: int) -> list[int | None]:
    """Return the line of each ``[[name]]`` header, None for all where there are not as many as tables."""
    header = re.compile(rf"[ \t]*\[\[[ \t]*(?:{name}|\"{name}\"|'{name}')[ \t]*\]\]")
    # TOML ends a line with nothing else.
    lines = text.split("\n")
    numbers = [number for number, line in enumerate(lines, 1) if header.match(line)]
    if len(numbers) > count:
        # Some stand inside a text of several lines, which makes what is above them no TOML.
        numbers = [number for number in numbers if _is_toml("\n".join([*lines[: number - 1], ""]))]
    return [*numbers] if len(numbers) == count else [None] * count


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True
