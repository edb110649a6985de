"""Files of records: JSON, JSON lines, CSV and Parquet, compressed or in a zip archive, read one record at a time."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from taxonomy.errors import InputError
from taxonomy.extraction.json_values import LONGEST, NOT_JSON, TOO_DEEP, TOO_LONG, UTF_16, is_utf_16, iterate_values
from taxonomy.mentions.named_files import find_files
from taxonomy.values.text_files import GZIP, decompressing, open_file, rows_of, suffix_of

ZIP = ".zip"
_OF_RECORDS = (".json", ".jsonl", ".csv", ".tsv", ".parquet")
_FORMATS = f"{', '.join((*_OF_RECORDS, ZIP))}; all but .parquet and .zip may end in {GZIP}, too"
# Text of conversations shrinks to a third or less, and seldom to a thirtieth: a bomb to a thousandth.
_HIGHEST_RATIO, _SMALL = 200, 1 << 24
# Rows of Parquet that are read at once: a small file may hold one large text for all of its rows.
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a file: its content, or why there is none.

    Attributes
    ----------
    place : str
        Such as "line 3".
    content : object
    problem : str or None
    """

    place: str
    content: Any = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A file of records, or one in an archive.

    Attributes
    ----------
    path : Path
    table : Path
        The folder, where the file is a part of a table that Spark wrote there; else the file itself.
    member : str or None
        Its name in the archive.
    is_named : bool
        Whether the caller named this very file.
    archive : ZipFile or None
    error : InputError or None
        Why an archive of a folder can't be read.
    """

    path: Path
    table: Path
    member: str | None = None
    is_named: bool = False
    archive: zipfile.ZipFile | None = None
    error: InputError | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.path}: {self.member}" if self.member else str(self.path)

    @property
    def short_name(self) -> str:
        """The file's own name, wherever it is."""
        return PurePosixPath(self.member or self.path.name).name

    def records(self) -> Iterator[Record]:
        """Yield the records, in order.

        Raises
        ------
        InputError
            If the file can't be read at all, or from some place on, as only its format as a whole can tell.
        """
        if self.error is not None:
            raise self.error
        suffix, _ = suffix_of(Path(self.member or self.path))
        with self._open() as stream, decompressing(self.name):
            if suffix == ".parquet":
                yield from _rows_of_parquet(stream, self.name)
            elif suffix in (".csv", ".tsv"):
                yield from _rows_of_csv(stream, self.name, suffix)
            elif suffix == ".jsonl":
                yield from _lines(stream)
            else:
                yield from _values(stream)

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        if self.archive is None or self.member is None:
            with open_file(self.path) as stream:
                yield stream
            return
        with _unzipping(self.name), self.archive.open(self.member) as stream:
            is_compressed = suffix_of(Path(self.member))[1]
            yield cast(BinaryIO, gzip.GzipFile(fileobj=stream) if is_compressed else stream)


def find_sources(paths: Sequence[str | Path]) -> Iterator[Source]:
    """Yield the files of records that paths name, those in archives and in folders of folders, too.

    Raises
    ------
    InputError
        If there is no such file, or an archive that is named can't be read or is not safe to.
    """
    for file, given in find_files(paths, (*_OF_RECORDS, ZIP), _FORMATS, nested=True):
        is_named = file == given
        if suffix_of(file)[0] == ZIP:
            yield from _of_archive(file, is_named)
        else:
            is_part = suffix_of(file.parent)[0] in _OF_RECORDS
            yield Source(file, file.parent if is_part else file, is_named=is_named)


def _of_archive(path: Path, is_named: bool) -> Iterator[Source]:
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(_opened(path))
            members = _members(archive, path)
        except InputError as error:
            if is_named:
                raise
            yield Source(path, path, error=error)
            return
        for member in members:
            yield Source(path, path / member, member, archive=archive)


def _members(archive: zipfile.ZipFile, path: Path) -> list[str]:
    """Return the names of the files of records in an archive."""
    infos = [info for info in archive.infolist() if suffix_of(Path(info.filename))[0] in _OF_RECORDS]
    for info in infos:
        if info.is_dir():
            continue
        parts = PurePosixPath(info.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts:
            problem = f"the archive holds {info.filename!r}, a name that leads out of it"
            raise InputError(problem, path=str(path), remedy="get it from where it was made again")
        if info.flag_bits & 1:
            problem = "the archive is encrypted"
            raise InputError(problem, path=str(path), remedy="decrypt it, and give what it holds")
        if info.file_size > max(_SMALL, _HIGHEST_RATIO * info.compress_size):
            times = info.file_size // max(info.compress_size, 1)
            problem = f"{info.filename!r} in the archive grows to {times} times its size"
            raise InputError(problem, path=str(path), remedy="no export shrinks so far: get it again")
    return sorted({info.filename for info in infos if not info.is_dir()})


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    with ExitStack() as stack:
        try:
            with _unzipping(str(path)):
                archive = stack.enter_context(zipfile.ZipFile(path))
        except OSError as error:
            problem = f"the file cannot be opened ({error.strerror or error})"
            raise InputError(problem, path=str(path), remedy="give a file that can be read") from None
        yield archive


@contextmanager
def _unzipping(name: str) -> Iterator[None]:
    """Raise an InputError for what is no sound archive."""
    try:
        yield
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        problem = f"the archive is damaged ({error})"
        raise InputError(problem, path=name, remedy="download it again") from None


def _values(stream: BinaryIO) -> Iterator[Record]:
    for number, (value, problem) in enumerate(iterate_values(stream), 1):
        yield Record(f"record {number}", value, problem)


def _lines(stream: BinaryIO) -> Iterator[Record]:
    number = 0
    while line := stream.readline(LONGEST + 1):
        number += 1
        place = f"line {number}"
        if len(line) > LONGEST:
            while line and not line.endswith(b"\n"):
                line = stream.readline(LONGEST)
            yield Record(place, problem=TOO_LONG)
            continue
        if number == 1 and is_utf_16(line):
            yield Record(place, problem=UTF_16)
            return
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            yield _loaded(line, place)


def _loaded(line: bytes, place: str) -> Record:
    try:
        return Record(place, json.loads(line.decode()))
    except UnicodeDecodeError:
        return Record(place, problem="not UTF-8")
    except RecursionError:
        return Record(place, problem=TOO_DEEP)
    except ValueError:
        return Record(place, problem=NOT_JSON)


def _rows_of_csv(stream: BinaryIO, name: str, suffix: str) -> Iterator[Record]:
    rows = rows_of(stream, name, suffix)
    _, header = next(rows, (1, []))
    names = [cell.strip() for cell in header]
    # A spreadsheet may leave columns without a name beside the others.
    twice = next((name for name, count in Counter(names).items() if count > 1 and name), None)
    if twice is not None:
        raise InputError("the name occurs twice", path=name, line=1, column=twice, remedy="rename one of them")
    for line, row in rows:
        if len(row) == len(names):
            yield Record(f"line {line}", dict(zip(names, row, strict=True)))
        elif row:
            yield Record(f"line {line}", problem="a row has more or fewer cells than the header")


def _rows_of_parquet(stream: BinaryIO, name: str) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        for batch in pq.ParquetFile(stream).iter_batches(batch_size=_BATCH):
            for row in batch.to_pylist():
                number += 1
                yield Record(f"row {number}", row)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        after = f" after row {number}" if number else ""
        problem = f"the file is not Parquet, or is damaged{after} ({reason[:200]})"
        raise InputError(problem, path=name, remedy="write it again") from None
