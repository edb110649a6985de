"""Rows of text and weight from files, data frames and records; errors name the place."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
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
    find_name,
    is_text,
    listed,
    no_columns,
    number,
    parse_number,
    short,
)
from taxonomy.values.text_files import (
    CsvLayout,
    csv_reader,
    decode_lines,
    fail_csv,
    find_layout,
    open_file,
    suffix_of,
)

if TYPE_CHECKING:
    from _csv import Reader as _Reader

    import pandas as pd

SUFFIXES = (".txt", ".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")

_BLANK = ("", 0.0)
# Where a JSON value is, by its line or its row, and the value; None for a blank line.
_Item = tuple[dict[str, int], dict[str, Any] | str | None]


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
        suffix, _ = suffix_of(path)
        if name != "stdin" and suffix not in SUFFIXES:
            problem = f"files in {suffix!r} are not read" if suffix else "the name has no suffix"
            raise InputError(problem, path=name, remedy=f"give a file with one of {', '.join(SUFFIXES)}")
        if suffix == ".parquet":
            yield _parquet_table(stream, name, value_column, weight_column)
            return
        lines = decode_lines(stream, name)
        first = next(lines, "")
        if not first:
            raise InputError("the file is empty", path=name, remedy="give at least one value")
        if name == "stdin":
            suffix = _stdin_suffix(first, value_column)
        lines = chain([first], lines)
        if suffix == ".txt":
            no_columns(value_column, weight_column, name)
            yield Table(((line.rstrip("\r\n"), 1.0) for line in lines), path=name)
        elif suffix in (".jsonl", ".json"):
            yield _json_table(lines, name, value_column, weight_column)
        else:
            yield _csv_table(lines, suffix, name, value_column, weight_column)


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


def _open(path: Path, name: str, stdin: BinaryIO | None) -> AbstractContextManager[BinaryIO]:
    return nullcontext(stdin or sys.stdin.buffer) if name == "stdin" else open_file(path)


def _stdin_suffix(first: str, value_column: str | None) -> str:
    if first.lstrip().startswith(("{", "[{")):
        return ".jsonl"
    layout, lines = find_layout(iter([first]), ".csv")
    names = [name.strip() for name in next(csv_reader(lines, layout), [])]
    return ".csv" if layout.skipped or find_name(value_column or "value", names) else ".txt"


def _csv_table(
    lines: Iterator[str],
    suffix: str,
    path: str,
    value: str | None,
    weight: str | None,
) -> Table:
    layout, lines = find_layout(lines, suffix)
    reader = csv_reader(lines, layout)
    try:
        names = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        fail_csv(error, path, 1 + layout.skipped)
    columns = Columns.choose(names, value, weight, path=path, line=1 + layout.skipped)
    return columns.table(_csv_pairs(reader, names, columns, layout, path), path)


def _csv_pairs(
    reader: _Reader, names: list[str], columns: Columns, layout: CsvLayout, path: str
) -> Iterator[tuple[str, float]]:
    value_at = names.index(columns.value)
    weight_at = None if columns.weight is None else names.index(columns.weight)

    def pair(row: list[str], line: int) -> tuple[str, float]:
        if len(row) != len(names):
            if any(map(str.strip, row)):
                fail_cells(row, names, layout.delimiter, path=path, line=line)
            return _BLANK
        if weight_at is None:
            return row[value_at], 1.0
        # Where cells are between semicolons, a comma is the decimal point.
        weight = parse_number(row[weight_at].replace(",", ".") if layout.delimiter == ";" else row[weight_at])
        if 0.0 <= weight < math.inf:
            return row[value_at], weight
        if any(map(str.strip, row)):
            fail_weight(row[weight_at], weight, path=path, line=line, column=columns.weight)
        return _BLANK

    line = reader.line_num + 1 + layout.skipped
    try:
        for row in reader:
            yield pair(row, line)
            line = reader.line_num + 1 + layout.skipped
    except csv.Error as error:
        fail_csv(error, path, line)


def _json_table(lines: Iterator[str], path: str, value: str | None, weight: str | None) -> Table:
    items = _json_items(lines, path)
    seen = []
    for item in items:
        seen.append(item)
        if item[1] is not None:
            break
    place, head = seen[-1]
    items = chain(seen, items)
    if isinstance(head, dict):
        columns = Columns.choose(list(head), value, weight, path=path, **place)
        return columns.table(_json_objects(items, columns, path), path)
    no_columns(value, weight, path)
    return Table(_json_strings(items, path), path=path)


def _json_items(lines: Iterator[str], path: str) -> Iterator[_Item]:
    """Yield the items of an array, or those of lines with one each."""
    for line_number, text in enumerate(lines, 1):
        if line_number == 1 and text.lstrip().startswith("["):
            items = _parsed("".join(chain([text], lines)), "the file is not one JSON array", path)
            yield from (({"row": row}, _json_item(item, path, row=row)) for row, item in enumerate(items, 1))
            return
        if text.isspace():
            yield {"line": line_number}, None
            continue
        item = _parsed(text, "the line is not JSON", path, line=line_number)
        yield {"line": line_number}, _json_item(item, path, line=line_number)


def _parsed(text: str, problem: str, path: str, **place: Any) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        problem = f"{problem} ({getattr(error, 'msg', error)})"
        remedy = "give one JSON object or string per line, or one array of them"
        raise InputError(problem, path=path, remedy=remedy, **place) from None


def _json_item(item: object, path: str, **place: Any) -> dict[str, Any] | str:
    if isinstance(item, (dict, str)):
        return item
    problem = f"here is neither a JSON object nor a string, but {short(item)}"
    raise InputError(problem, path=path, remedy="give one JSON object or string per value", **place)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name occurs twice in one object")
    return members


def _json_strings(items: Iterable[_Item], path: str) -> Iterator[tuple[str, float]]:
    for place, item in items:
        if item is None:
            yield _BLANK
        elif is_text(item):
            yield item, 1.0
        else:
            fail_text(item, path=path, **place)


def _json_objects(items: Iterable[_Item], columns: Columns, path: str) -> Iterator[tuple[str, float]]:
    for place, item in items:
        if item is None:
            yield _BLANK
            continue
        if isinstance(item, str) or columns.value not in item:
            problem, remedy = "the object has no such member", "give it to every object"
            raise InputError(problem, path=path, column=columns.value, remedy=remedy, **place)
        weight = 1.0
        if columns.weight is not None:
            weight = number(item.get(columns.weight))
            if not 0.0 <= weight < math.inf:
                fail_weight(item.get(columns.weight), weight, path=path, column=columns.weight, **place)
        elif late := next((name for name in WEIGHT_COLUMNS if name in item), None):
            problem = "the object has a weight, but the first object has none"
            raise InputError(problem, path=path, column=late, remedy="give every object a weight", **place)
        for text in listed(item[columns.value]):
            if not is_text(text):
                fail_text(text, path=path, column=columns.value, **place)
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
