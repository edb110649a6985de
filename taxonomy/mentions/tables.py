"""Result tables as files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from taxonomy.errors import OutputError
from taxonomy.files import replace_file
from taxonomy.formats.csv import table_csv

if TYPE_CHECKING:
    import pandas as pd

_SUFFIXES = (".csv", ".parquet")


def check_table_path(path: Path) -> None:
    """Refuse a path that `write_table` can't write, before the work that leads to it.

    Raises
    ------
    OutputError
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise OutputError(f"{path}: {path.suffix!r} is no format of a table; end the name in .csv or .parquet")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}; make it, or choose another place")


def write_table(table: pd.DataFrame, path: Path, *, internal: bool = False) -> None:
    """Write a table by its suffix, .csv or .parquet; what stood at `path` is replaced at once or not at all.

    Parameters
    ----------
    table : DataFrame
    path : Path
    internal : bool
        Whether it has figures that must not leave; a column then says so.

    Raises
    ------
    OutputError
        If it is another suffix, or can't be written.
    """
    check_table_path(path)
    table = table.assign(internal=True) if internal else table
    if path.suffix.lower() == ".csv":
        # Missing cells are empty, and numbers are as Python writes them.
        plain = table.astype(object).where(table.notna(), "")
        replace_file(path, table_csv(list(table.columns), plain.itertuples(index=False)).encode())
        return
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    replace_file(path, buffer.getvalue())
