"""Files of rows as people write them: the format by the name, compressed or not, and how a CSV is delimited."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn, cast

from taxonomy.errors import InputError

if TYPE_CHECKING:
    from _csv import Reader as _Reader

GZIP = ".gz"
# What a file in one of these formats may also be named.
_SAME = {".ndjson": ".jsonl"}
_DELIMITERS = ",;\t|"
# The first line of a CSV that Excel wrote for another region.
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"
# Characters of the longest cell that is read; Python's own limit would end the file at 131,072.
_LONGEST_CELL = 1 << 24


def suffix_of(path: Path) -> tuple[str, bool]:
    """Return the suffix of a file's format, and whether the file is compressed by gzip.

    Parameters
    ----------
    path : Path

    Returns
    -------
    tuple of str and bool
        In lower case; ``.jsonl`` for ``.ndjson``, too.
    """
    is_compressed = path.suffix.lower() == GZIP
    suffix = (path.with_suffix("") if is_compressed else path).suffix.lower()
    return _SAME.get(suffix, suffix), is_compressed


def open_file(path: Path) -> AbstractContextManager[BinaryIO]:
    """Open a file to read its bytes, decompressed.

    Raises
    ------
    InputError
        If it can't be opened.
    """
    try:
        return cast(BinaryIO, gzip.open(path)) if suffix_of(path)[1] else path.open("rb")
    except FileNotFoundError:
        problem = "there is no such file"
    except IsADirectoryError:
        problem = "this is a folder"
    except (OSError, ValueError) as error:
        problem = f"the file cannot be opened ({error})"
    raise InputError(problem, path=str(path), remedy="give the path of a file that can be read")


def decode_lines(stream: Iterable[bytes], path: str) -> Iterator[str]:
    """Yield the lines of a file as text, with their ends (LF, CRLF or CR) and without a byte-order mark.

    Raises
    ------
    InputError
        If a line is not UTF-8, holds NUL, or can't be decompressed.
    """
    lines = (line for ended in _whole(stream, path) for line in ended.splitlines(keepends=True))
    for number, raw in enumerate(lines, 1):
        line = raw.removeprefix(_BOM) if number == 1 else raw
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            problem = f"byte {error.start + 1} of the line (0x{line[error.start]:02x}) is not UTF-8"
            raise InputError(problem, path=path, line=number, remedy="save the file as UTF-8") from None
        if "\0" in text:
            problem = f"byte {line.index(0) + 1} of the line is NUL"
            raise InputError(problem, path=path, line=number, remedy="save the file as UTF-8")
        yield text


def _whole(stream: Iterable[bytes], path: str) -> Iterator[bytes]:
    with decompressing(path):
        yield from stream


@contextmanager
def decompressing(path: str) -> Iterator[None]:
    """Raise an InputError for what gzip can't read."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"the file cannot be decompressed ({error})", path=path, remedy="compress it again") from None


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """How a CSV file is delimited, the lines before its header, and how its first line ends: a CRLF is an LF, too."""

    delimiter: str = ","
    skipped: int = 0
    line_end: str = "\n"


def find_layout(lines: Iterator[str], suffix: str) -> tuple[CsvLayout, Iterator[str]]:
    """Find the layout of a CSV file by its first lines.

    Parameters
    ----------
    lines : iterator of str
        From the first one on.
    suffix : {".csv", ".tsv"}
        The cells of a .tsv are between tabs.

    Returns
    -------
    tuple of CsvLayout and iterator of str
        A line ``sep=;`` before the header names the delimiter; else it is the one of comma, semicolon, tab and bar that
        gives the header the most cells. And the lines from the header on.
    """
    first = next(lines, "")
    line_end = "\r" if first.endswith("\r") else "\n"
    if named := _SEPARATOR.fullmatch(first):
        return CsvLayout(named[1], 1, line_end), lines
    if suffix == ".tsv":
        return CsvLayout("\t", 0, line_end), chain([first], lines)
    delimiter = max(_DELIMITERS, key=lambda delimiter: _count_cells(first, delimiter))
    return CsvLayout(delimiter, 0, line_end), chain([first], lines)


def _count_cells(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter), ()))
    except csv.Error:
        return 0


def csv_reader(lines: Iterator[str], layout: CsvLayout) -> _Reader:
    """Return a reader of the rows of a CSV file, the header first, that takes no row for another."""
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
    return csv.reader(lines, delimiter=layout.delimiter, strict=True)


def read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV file, the header first, each with the number of its first line.

    Parameters
    ----------
    path : Path
        UTF-8, with or without a byte-order mark; see `find_layout`.

    Raises
    ------
    InputError
        If the file can't be read, or is not CSV in UTF-8.
    """
    with open_file(path) as stream:
        yield from rows_of(stream, str(path), suffix_of(path)[0])


def rows_of(stream: Iterable[bytes], name: str, suffix: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV file that is open, the header first, as `read_rows` does."""
    layout, lines = find_layout(decode_lines(stream, name), suffix)
    reader = csv_reader(lines, layout)
    line = 1 + layout.skipped
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1 + layout.skipped
    except csv.Error as error:
        fail_csv(error, name, line)


def read_header(path: Path) -> tuple[CsvLayout, list[str]]:
    """Return the layout of a CSV file, and the names in its header, without space around them.

    Raises
    ------
    InputError
        As for `read_rows`, of the first lines alone.
    """
    with open_file(path) as stream:
        layout, _ = find_layout(decode_lines(islice(stream, 1), str(path)), suffix_of(path)[0])
    _, header = next(read_rows(path), (1, []))
    return layout, [name.strip() for name in header]


def fail_csv(error: csv.Error, path: str, line: int) -> NoReturn:
    """Raise an InputError for a row that is not CSV."""
    remedy = "quote a cell that holds a delimiter, a quote or a line break, and double the quotes inside it"
    raise InputError(f"the row is not CSV ({error})", path=path, line=line, remedy=remedy) from None
