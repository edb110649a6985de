"""Which files hold mentions and which conversations, by their columns."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from taxonomy.errors import InputError
from taxonomy.mentions.columns import Kind
from taxonomy.mentions.rejected import is_rejected_file
from taxonomy.values.reading import read_rows

SUFFIXES = (".parquet", ".csv", ".jsonl")
# Lines of JSON read for the members that distinguish mentions from conversations.
_LINES = 1000


@dataclass(frozen=True, slots=True)
class Source:
    """Files that are read together: of one kind, one format and, where they have a header, the same one."""

    kind: Kind
    suffix: str
    columns: tuple[str, ...]
    files: tuple[str, ...]


def find_sources(paths: Sequence[str | Path]) -> list[Source]:
    """Find the record files that paths name.

    Parameters
    ----------
    paths : sequence of str or Path
        Files, folders (the record files right in them) and globs. The rejected rows of an earlier run, in a folder or
        by a glob, are left out.

    Returns
    -------
    list of Source
        Mentions are where there is a column `value`, conversations where there are `conversation_id` and others.

    Raises
    ------
    InputError
        If there are no such files, one is neither, or none holds mentions.
    """
    groups: dict[tuple[Kind, str, tuple[str, ...]], list[str]] = {}
    for file in sorted({file for path in paths for file in _files(str(path))}):
        columns = _columns(file)
        groups.setdefault((_kind(file, columns), file.suffix.lower(), columns), []).append(str(file))
    sources = [Source(*key, tuple(files)) for key, files in sorted(groups.items())]
    if not any(source.kind == "mentions" for source in sources):
        named = ", ".join(str(path) for path in paths)
        raise InputError("no file has a column 'value'", path=named, remedy="give the mentions, one a row, too")
    return sources


def _files(path: str) -> list[Path]:
    matches = [Path(path)]
    if not matches[0].exists():
        names = (Path(name) for name in sorted(glob.glob(path, recursive=True)))
        matches = [name for name in names if not is_rejected_file(name)]
    if not matches:
        remedy = "give a file, a folder or a glob of .parquet, .csv or .jsonl files"
        raise InputError("there is no such file", path=path, remedy=remedy)
    files: list[Path] = []
    for match in matches:
        if match.is_dir():
            # A folder named x.parquet is how Spark writes a table.
            inside = (file for file in match.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
            files += sorted(file for file in inside if not is_rejected_file(file))
        elif match.suffix.lower() in SUFFIXES:
            files.append(match)
        else:
            problem = f"the suffix {match.suffix!r} is not a known one" if match.suffix else "the name has no suffix"
            raise InputError(problem, path=str(match), remedy=f"give a file in one of {', '.join(SUFFIXES)}")
    if not files:
        raise InputError(f"no {', '.join(SUFFIXES)} file is in it", path=path, remedy="give the folder of the records")
    return files


def _kind(file: Path, columns: Iterable[str]) -> Kind:
    names = set(columns)
    needed = {"conversation_id", "side", "value"} if "value" in names else {"conversation_id"}
    missing = sorted(needed - names)
    if missing:
        remedy = "mentions have conversation_id, side and value; conversations conversation_id and what is known of it"
        raise InputError("there is no such column", path=str(file), column=missing[0], remedy=remedy)
    return "mentions" if "value" in names else "conversations"


def _columns(file: Path) -> tuple[str, ...]:
    suffix = file.suffix.lower()
    if suffix == ".parquet":
        return _parquet_columns(file)
    if suffix == ".csv":
        _, header = next(read_rows(file), (1, []))
        names = tuple(name.strip() for name in header)
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InputError("the name occurs twice", path=str(file), line=1, column=twice, remedy="rename one of them")
        return names
    return _json_members(file)


def _parquet_columns(file: Path) -> tuple[str, ...]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return tuple(pq.read_schema(file).names)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"the file is not Parquet ({reason})", path=str(file), remedy="write it again") from None


def _json_members(file: Path) -> tuple[str, ...]:
    """Return the members of the first lines that matter for the kind; all lines' members are known once it is read."""
    names: set[str] = set()
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in islice(lines, _LINES):
                try:
                    item = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                names |= item.keys() if isinstance(item, dict) else set()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(file), remedy="give one you may read") from error
    return tuple(sorted(names & {"conversation_id", "side", "value"}))
