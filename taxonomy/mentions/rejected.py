"""Rows of records that were rejected: how many are too many, and the file that keeps them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from taxonomy.errors import OutputError

if TYPE_CHECKING:
    import pandas as pd

# The share of malformed rows above which records are refused.
MAX_REJECTED = 0.01
COLUMNS = ("kind", "file", "reason", "row")
NAME = "rejected.parquet"


def is_rejected_file(path: Path) -> bool:
    """Return whether a file is one that `keep_rejected` wrote: it has the name, and exactly our columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.name != NAME:
        return False
    try:
        return tuple(pq.read_schema(path).names) == COLUMNS
    except (pa.ArrowException, OSError):
        return False


def keep_rejected(rejected: pd.DataFrame, folder: Path) -> Path:
    """Write rejected rows to a folder, replacing those of an earlier run.

    Parameters
    ----------
    rejected : DataFrame
        See `taxonomy.mentions.records.Records.rejected`.
    folder : Path

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OutputError
        If another file has its name, or it can't be written.
    """
    from taxonomy.mentions.tables import write_table

    path = folder / NAME
    if path.exists() and not is_rejected_file(path):
        problem = "rejected rows are written here, but this file is another, and is not overwritten"
        raise OutputError(problem, path=str(path), remedy="move it, or choose another folder for `out`")
    write_table(rejected, path, private=True)
    return path


def count_reasons(rejected: pd.DataFrame) -> dict[str, int]:
    """Return the number of rejected rows by kind and reason, sorted."""
    counts = Counter(f"{row['kind']}: {row['reason']}" for row in rejected.to_dict("records"))
    return dict(sorted(counts.items()))
