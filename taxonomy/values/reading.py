"""Rows of text and weight from files, data frames and records; errors name the place."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from taxonomy.errors import InputError
from taxonomy.values.cells import (
    WEIGHT_COLUMNS,
    Columns,
    Pair,
    Table,
    fail_cells,
    fail_text,
    fail_weight,
    is_text,
    no_columns,
    number,
    parse_number,
    short,
)

if TYPE_CHECKING:
    from _csv import Reader as _Reader

    import pandas as pd

SUFFIXES = (".txt", ".csv", ".tsv", ".jsonl", ".parquet")

_BOM = b"\xef\xbb\xbf"
_BLANK = ("", 0.0)
# The number of a line and its JSON value, None for a blank line.
_Item = tuple[int, dict[str, Any] | str | None]


@contextmanager
def read_file(
    path: Path, value_column: str | None, weight_column: str | None, stdin: BinaryIO | None
) -> Iterator[Table]:
    """Open the table in a file.

    Parameters
    ----------
    path : Path
        A file with one of `SUFFIXES`, or "-" for standard input.
    value_column, weight_column : str or None
        Names of columns, if not the default ones.
    stdin : binary stream or None
        Read for "-" instead of the process's own standard input.

    Yields
    ------
    Table
        Its rows can be iterated once, while the file is open.
    """
    name = "stdin" if str(path) == "-" else str(path)
    with _open(path, name, stdin) as stream:
        suffix = path.suffix.lower()
        if name != "stdin" and suffix not in SUFFIXES:
            problem = f"files in {suffix!r} are not read" if suffix else "the name has no suffix"
            raise InputError(problem, path=name, remedy=f"give a file with one of {', '.join(SUFFIXES)}")
        if suffix == ".parquet":
            yield _parquet_table(stream, name, value_column, weight_column)
            return
        first = stream.readline().removeprefix(_BOM)
        if not first:
            raise InputError("the file is empty", path=name, remedy="give at least one value")
        if name == "stdin":
            suffix = _stdin_suffix(first, value_column)
        lines = _lines(chain([first], stream), name)
        if suffix == ".txt":
            no_columns(value_column, weight_column, name)
            yield Table(((line.rstrip("\r\n"), 1.0) for line in lines), path=name)
        elif suffix == ".jsonl":
            yield _json_table(lines, name, value_column, weight_column)
        else:
            yield _csv_table(lines, "\t" if suffix == ".tsv" else ",", name, value_column, weight_column)


def read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV file, the header first, each with the number of its first line.

    Parameters
    ----------
    path : Path
        UTF-8, with or without a byte-order mark.

    Raises
    ------
    InputError
        If the file can't be read, or is not CSV in UTF-8.
    """
    name = str(path)
    with _open(path, name, None) as stream:
        lines = _lines(chain([stream.readline().removeprefix(_BOM)], stream), name)
        reader = csv.reader(lines, strict=True)
        line = 1
        try:
            for row in reader:
                yield line, row
                line = reader.line_num + 1
        except csv.Error as error:
            _fail_csv(error, name, line)


def read_frame(frame: pd.DataFrame, value_column: str | None, weight_column: str | None) -> Table:
    """Take the rows of a data frame, with the same columns as a file.

    Parameters
    ----------
    frame : pandas.DataFrame
        Has a column of strings, and may have one of weights.
    value_column, weight_column : str or None
        Names of columns, if not the default ones.

    Returns
    -------
    Table
        A missing value is an empty string.
    """
    names = [str(name) for name in frame.columns]
    columns = Columns.choose(names, value_column, weight_column)

    def cells(name: str) -> list[Any]:
        column = frame.iloc[:, names.index(name)].astype(object)
        return column.where(column.notna(), None).tolist()

    weights = repeat(1.0) if columns.weight is None else cells(columns.weight)
    return columns.table(columns.checked(zip(cells(columns.value), weights, strict=False), None), None)


def read_records(records: Iterable[object]) -> Iterator[tuple[str, float]]:
    """Check pairs of text and weight one by one.

    Parameters
    ----------
    records : iterable of tuple
        Text and weight.

    Yields
    ------
    tuple of str and float
        The same pair, checked.
    """
    for row, record in enumerate(records, 1):
        if not isinstance(record, tuple) or len(record) != 2:
            problem = f"{short(record)} is not a pair of a string and a weight"
            raise InputError(problem, row=row, remedy="pass (string, weight) tuples")
        text, cell = record
        if not is_text(text):
            fail_text(text, row=row)
        weight = number(cell)
        if not 0.0 <= weight < math.inf:
            fail_weight(cell, weight, row=row)
        yield text, weight


def _open(path: Path, name: str, stdin: BinaryIO | None) -> nullcontext[BinaryIO] | BinaryIO:
    if name == "stdin":
        return nullcontext(stdin or sys.stdin.buffer)
    try:
        return path.open("rb")
    except FileNotFoundError:
        problem = "there is no such file"
    except IsADirectoryError:
        problem = "this is a folder"
    except (OSError, ValueError) as error:
        problem = f"the file cannot be opened ({error})"
    raise InputError(problem, path=name, remedy="give the path of a file that can be read")


def _lines(stream: Iterable[bytes], path: str) -> Iterator[str]:
    for line_number, raw in enumerate(stream, 1):
        try:
            line = raw.decode()
        except UnicodeDecodeError as error:
            problem = f"byte {error.start + 1} of the line (0x{raw[error.start]:02x}) is not UTF-8"
            raise InputError(problem, path=path, line=line_number, remedy="save the file as UTF-8") from None
        if b"\0" in raw:
            problem = f"byte {raw.index(0) + 1} of the line is NUL"
            raise InputError(problem, path=path, line=line_number, remedy="save the file as UTF-8")
        yield line


def _stdin_suffix(first: bytes, value_column: str | None) -> str:
    line = first.decode("utf-8", "replace").strip()
    if line.startswith("{"):
        return ".jsonl"
    delimiter, suffix = ("\t", ".tsv") if "\t" in line else (",", ".csv")
    header = [name.strip(' "') for name in line.split(delimiter)]
    return suffix if (value_column or "value") in header else ".txt"


def _csv_table(
    lines: Iterator[str],
    delimiter: str,
    path: str,
    value: str | None,
    weight: str | None,
) -> Table:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        names = [name.strip() for name in next(reader)]
    except csv.Error as error:
        _fail_csv(error, path, 1)
    columns = Columns.choose(names, value, weight, path=path, line=1)
    return columns.table(_csv_pairs(reader, names, columns, delimiter, path), path)


def _csv_pairs(
    reader: _Reader, names: list[str], columns: Columns, delimiter: str, path: str
) -> Iterator[tuple[str, float]]:
    value_at = names.index(columns.value)
    weight_at = None if columns.weight is None else names.index(columns.weight)

    def pair(row: list[str], line: int) -> tuple[str, float]:
        if len(row) != len(names):
            if any(map(str.strip, row)):
                fail_cells(row, names, delimiter, path=path, line=line)
            return _BLANK
        if weight_at is None:
            return row[value_at], 1.0
        weight = parse_number(row[weight_at])
        if 0.0 <= weight < math.inf:
            return row[value_at], weight
        if any(map(str.strip, row)):
            fail_weight(row[weight_at], weight, path=path, line=line, column=columns.weight)
        return _BLANK

    line = reader.line_num + 1
    try:
        for row in reader:
            yield pair(row, line)
            line = reader.line_num + 1
    except csv.Error as error:
        _fail_csv(error, path, line)


def _fail_csv(error: csv.Error, path: str, line: int) -> NoReturn:
    remedy = "quote a cell that holds a delimiter, a quote or a line break, and double the quotes inside it"
    raise InputError(f"the row is not CSV ({error})", path=path, line=line, remedy=remedy) from None


def _json_table(lines: Iterator[str], path: str, value: str | None, weight: str | None) -> Table:
    items: Iterator[_Item] = ((line, _json_item(text, path, line)) for line, text in enumerate(lines, 1))
    seen = []
    for item in items:
        seen.append(item)
        if item[1] is not None:
            break
    start, head = seen[-1]
    items = chain(seen, items)
    if isinstance(head, dict):
        columns = Columns.choose(list(head), value, weight, path=path, line=start)
        return columns.table(_json_objects(items, columns, path), path)
    no_columns(value, weight, path)
    return Table(_json_strings(items, path), path=path)


def _json_item(text: str, path: str, line: int) -> dict[str, Any] | str | None:
    if text.isspace():
        return None
    try:
        item = json.loads(text, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        problem = f"the line is not JSON ({getattr(error, 'msg', error)})"
    else:
        if isinstance(item, (dict, str)):
            return item
        problem = f"the line is neither a JSON object nor a string, but {short(item)}"
    raise InputError(problem, path=path, line=line, remedy="give one JSON object or string per line")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name occurs twice in one object")
    return members


def _json_strings(items: Iterable[_Item], path: str) -> Iterator[tuple[str, float]]:
    for line, item in items:
        if item is None:
            yield _BLANK
        elif is_text(item):
            yield item, 1.0
        else:
            fail_text(item, path=path, line=line)


def _json_objects(items: Iterable[_Item], columns: Columns, path: str) -> Iterator[tuple[str, float]]:
    for line, item in items:
        if item is None:
            yield _BLANK
            continue
        if isinstance(item, str) or columns.value not in item:
            problem, remedy = "the object has no such member", "give it to the object of every line"
            raise InputError(problem, path=path, line=line, column=columns.value, remedy=remedy)
        text, weight = item[columns.value], 1.0
        if text is None:
            text = ""
        elif not is_text(text):
            fail_text(text, path=path, line=line, column=columns.value)
        if columns.weight is not None:
            weight = number(item.get(columns.weight))
            if not 0.0 <= weight < math.inf:
                fail_weight(item.get(columns.weight), weight, path=path, line=line, column=columns.weight)
        elif late := next((name for name in WEIGHT_COLUMNS if name in item), None):
            problem = "the object has a weight, but the first object has none"
            raise InputError(problem, path=path, line=line, column=late, remedy="give every object a weight")
        yield text, weight


def _parquet_table(stream: BinaryIO, path: str, value: str | None, weight: str | None) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(stream)
    except (pa.ArrowException, OSError) as error:
        _fail_parquet(error, path)
    columns = Columns.choose(file.schema_arrow.names, value, weight, path=path)
    wanted = [name for name in (columns.value, columns.weight) if name is not None]

    def cells() -> Iterator[Pair]:
        try:
            for batch in file.iter_batches(columns=wanted):
                weights = repeat(1.0) if columns.weight is None else batch.column(columns.weight).to_pylist()
                yield from zip(batch.column(columns.value).to_pylist(), weights, strict=False)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            _fail_parquet(error, path)

    return columns.table(columns.checked(cells(), path), path)


def _fail_parquet(error: Exception, path: str) -> NoReturn:
    remedy = "write it again, or give the file the suffix of its format"
    raise InputError(f"the file is not Parquet ({error})", path=path, remedy=remedy) from None
