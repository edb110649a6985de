"""Which files hold mentions and which conversations, by their columns."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from taxonomy.errors import InputError
from taxonomy.files import settle
from taxonomy.mentions.columns import Kind, column_of
from taxonomy.mentions.named_files import find_files
from taxonomy.mentions.rejected import is_rejected_file
from taxonomy.values.text_files import GZIP, CsvLayout, decompressing, open_file, read_header, suffix_of

SUFFIXES = (".parquet", ".csv", ".tsv", ".jsonl", ".ndjson", ".json")
_FORMATS = f"{', '.join(SUFFIXES)}; all but .parquet may end in {GZIP}, too"
# Bytes of JSON read for the members that distinguish mentions from conversations.
_START = 1 << 23
# What stands between the items of an array.
_NEXT = re.compile(r"[\s,]*")


@dataclass(frozen=True, slots=True)
class Source:
    """Files that are read together: of one kind, one format and the same columns.

    Attributes
    ----------
    kind : {"mentions", "conversations"}
    suffix : {".parquet", ".csv", ".jsonl", ".json"}
        Of the format: ``.csv`` whatever the delimiter, ``.json`` for one array of objects.
    columns : tuple of str
        Of a CSV file, all; of a Parquet file, all with their types; of JSON, those that tell the kind.
    layout : CsvLayout
        How a CSV file is delimited.
    is_compressed : bool
        By gzip.
    files : tuple of str
        Literal paths.
    """

    kind: Kind
    suffix: str
    columns: tuple[str, ...]
    layout: CsvLayout
    is_compressed: bool
    files: tuple[str, ...]


def find_sources(paths: Sequence[str | Path]) -> list[Source]:
    """Find the record files that paths name.

    Parameters
    ----------
    paths : sequence of str or Path
        Files, folders (the record files right in them) and globs. A file is read once, whatever leads to it. The
        rejected rows of an earlier run are left out.

    Returns
    -------
    list of Source
        Mentions are where there is a column `value`, conversations where there are `conversation_id` and others.

    Raises
    ------
    InputError
        If there are no such files, one is neither, or none holds mentions.
    """
    groups: dict[tuple[Kind, str, tuple[str, ...], CsvLayout, bool], list[str]] = {}
    for file, path in find_files(paths, SUFFIXES, _FORMATS):
        if is_rejected_file(file):
            continue
        settle(file)
        suffix, columns, layout = _look_at(file)
        names = {column_of(name.partition("\0")[0]) for name in columns}
        if suffix_of(file)[0] == ".json" and "conversation_id" not in names and file != path:
            # Much else is JSON: in a folder it is as little a fault as a file of another suffix.
            continue
        kind = _kind(file, names)
        groups.setdefault((kind, suffix, columns, layout, suffix_of(file)[1]), []).append(str(file))
    sources = [
        Source(*key, tuple(files)) for key, files in sorted(groups.items(), key=lambda group: (group[0][0], group[1]))
    ]
    if not any(source.kind == "mentions" for source in sources):
        named = ", ".join(str(path) for path in paths)
        raise InputError("no file has a column 'value'", path=named, remedy="give the mentions, one a row, too")
    return sources


def _kind(file: Path, names: Collection[str]) -> Kind:
    needed = {"conversation_id", "side", "value"} if "value" in names else {"conversation_id"}
    missing = sorted(needed.difference(names))
    if missing:
        remedy = "mentions have conversation_id, side and value; conversations conversation_id and what is known of it"
        raise InputError("there is no such column", path=str(file), column=missing[0], remedy=remedy)
    return "mentions" if "value" in names else "conversations"


def _look_at(file: Path) -> tuple[str, tuple[str, ...], CsvLayout]:
    """Return the format of a file, its columns, and how it is delimited."""
    suffix, _ = suffix_of(file)
    layout = CsvLayout()
    if suffix == ".parquet":
        names, columns = _parquet_columns(file)
    elif suffix in (".csv", ".tsv"):
        suffix = ".csv"
        layout, header = read_header(file)
        names = columns = tuple(map(column_of, header))
    else:
        suffix, names = _json_members(file)
        return suffix, names, layout
    # DuckDB and Spark find columns in any case.
    known = [column_of(name).lower() for name in names]
    twice = next((name for name, plain in zip(names, known, strict=True) if known.count(plain) > 1), None)
    if twice is not None:
        raise InputError("the name occurs twice", path=str(file), line=1, column=twice, remedy="rename one of them")
    return suffix, columns, layout


def _parquet_columns(file: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of columns, and the names with their types."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(file)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"the file is not Parquet ({reason})", path=str(file), remedy="write it again") from None
    return tuple(schema.names), tuple(f"{field.name}\0{field.type}" for field in schema)


def _json_members(file: Path) -> tuple[str, tuple[str, ...]]:
    """Return the format, and the members of the first objects that tell the kind; all are known once it is read."""
    names: set[str] = set()
    with decompressing(str(file)), open_file(file) as stream:
        start = stream.read(_START).decode(errors="replace").removeprefix("\ufeff")
    is_array = start.lstrip().startswith("[")
    for item in _first_of_array(start) if is_array else map(_loaded, start.splitlines()):
        names |= {column_of(name) for name in item} if isinstance(item, dict) else set()
    return ".json" if is_array else ".jsonl", tuple(sorted(names & {"conversation_id", "side", "value"}))


def _loaded(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _first_of_array(text: str) -> Iterable[object]:
    """Yield the items of an array, up to the first that is not whole."""
    decoder, at = json.JSONDecoder(), text.index("[") + 1
    while start := _NEXT.match(text, at):
        try:
            item, at = decoder.raw_decode(text, start.end())
        except (ValueError, RecursionError):
            return
        yield item
