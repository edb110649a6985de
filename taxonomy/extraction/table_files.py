"""Tables of an extraction as files that are changed: whole, with the metadata that they have."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from taxonomy.errors import InputError
from taxonomy.values.text_files import open_file

if TYPE_CHECKING:
    import pyarrow as pa


def read_table(path: Path) -> pa.Table:
    """Return the table of a Parquet file.

    Raises
    ------
    InputError
        If it can't be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open_file(path) as stream:
        try:
            return pq.ParquetFile(stream).read()
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"the file is not Parquet ({error})", path=str(path), remedy="write it again") from None


def table_bytes(table: pa.Table) -> bytes:
    """Return a table as a Parquet file."""
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()
