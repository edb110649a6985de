"""Result tables as files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from taxonomy.errors import OutputError
from taxonomy.files import replace_file
from taxonomy.formats.csv import table_csv

if TYPE_CHECKING:
    import pandas as pd

_SUFFIXES = (".csv", ".parquet")


def check_table_path(path: Path, suffixes: Sequence[str] = _SUFFIXES) -> None:
    """Refuse a path that a table can't be written to, before the work that leads to it.

    Raises
    ------
    OutputError
    """
    if path.suffix.lower() not in suffixes:
        remedy = f"end the name in {' or '.join(suffixes)}"
        raise OutputError(f"{path.suffix!r} is not a format of a table", path=str(path), remedy=remedy)
    if not path.parent.is_dir():
        remedy = "make it, or choose another place"
        raise OutputError(f"there is no folder {path.parent}", path=str(path), remedy=remedy)


def write_table(table: pd.DataFrame, path: Path, *, internal: bool = False, private: bool = False) -> None:
    """Write a table by its suffix, .csv or .parquet; what stood at `path` is replaced at once or not at all.

    Parameters
    ----------
    table : DataFrame
    path : Path
    internal : bool
        Whether it is for internal use only; a column then says so, and the file is private.
    private : bool
        Whether only its owner can read the file.

    Raises
    ------
    OutputError
        If it is another suffix, or can't be written.
    """
    check_table_path(path)
    table = table.assign(internal=True) if internal else table
    private = private or internal
    if path.suffix.lower() == ".csv":
        # Missing cells are empty, and numbers are as Python writes them.
        plain = table.astype(object).where(table.notna(), "")
        replace_file(path, table_csv(list(table.columns), plain.itertuples(index=False)).encode(), private=private)
        return
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    replace_file(path, buffer.getvalue(), private=private)
