"""The files of an extraction, as they are read back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from taxonomy.errors import InputError
from taxonomy.extraction.extraction_folder import FORMAT, PRIVATE, SUMMARY, VERSION
from taxonomy.files import settle
from taxonomy.values.text_files import open_file


def read_summary(folder: Path) -> dict[str, Any]:
    """Return what ``extraction.json`` says, after what was cut short in the folder is finished or undone.

    Raises
    ------
    InputError
        If the folder is none of an extraction, or of another version.
    OutputError
        If what was cut short can't be finished.
    """
    path = folder / SUMMARY
    for part in (folder / PRIVATE / SUMMARY, path):
        settle(part)
    remedy = "give the folder that extract run wrote"
    try:
        summary = json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise InputError("this is no folder of an extraction", path=str(folder), remedy=remedy) from None
    if not isinstance(summary, dict) or summary.get("format") != FORMAT:
        raise InputError(f"the file does not say {FORMAT!r}", path=str(path), remedy=remedy)
    if summary.get("version") != VERSION:
        problem = f"the extraction is of version {summary.get('version')!r}, not {VERSION}"
        raise InputError(problem, path=str(path), remedy="read it with the version of value-taxonomy that wrote it")
    return summary


def was_purged(folder: Path) -> bool:
    """Return whether ``extract purge`` deleted what the folder of an extraction quoted of conversations."""
    return bool(read_summary(folder).get("purged"))


def read_private(folder: Path, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """Read columns of a private table, by its name.

    Raises
    ------
    InputError
        If it is not there, or lacks one of them.
    """
    path = folder / PRIVATE / f"{name}.parquet"
    if not path.exists():
        if was_purged(folder):
            problem = f"the {name} of this extraction was purged"
            raise InputError(problem, path=str(folder), remedy="extract the values again, which asks the model again")
        remedy = "give the folder where it was written, with its private files"
        raise InputError("the private file is missing", path=str(path), remedy=remedy)
    return read_parquet(path, columns)


def read_parquet(path: Path, columns: Sequence[str], also: Sequence[str] = ()) -> pd.DataFrame:
    """Read columns that a Parquet file must have, and others where it has them.

    Raises
    ------
    InputError
        If it can't be read, or lacks one of them.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open_file(path) as stream:
        try:
            file = pq.ParquetFile(stream)
            names = file.schema_arrow.names
            check_columns(names, columns, path)
            frame: pd.DataFrame = file.read([*columns, *(name for name in also if name in names)]).to_pandas()
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"the file is not Parquet ({error})", path=str(path), remedy="write it again") from None
    return frame


def check_columns(names: Iterable[str], columns: Sequence[str], path: Path) -> None:
    """Raise an InputError for the first column that a table lacks."""
    lacking = [name for name in columns if name not in set(names)]
    if lacking:
        remedy = f"give a table with the columns {', '.join(columns)}"
        raise InputError("there is no such column", path=str(path), column=lacking[0], remedy=remedy)
