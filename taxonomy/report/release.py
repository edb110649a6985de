"""What a report disclosed, kept so that the next one can't be subtracted from it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taxonomy.errors import InputError
from taxonomy.files import replace_file
from taxonomy.mentions.linked_cells import Cells
from taxonomy.mentions.suppression import Disclosed

_TYPES = {
    "key": "string",
    "conversations": "Int64",
    "users": "Int64",
    "disclosed": "boolean",
    "conversation": "Int64",
}


@dataclass(frozen=True)
class Release:
    """The cells and the conversations of a report. Internal use only.

    Attributes
    ----------
    cells : DataFrame
        By key of `Cells.keys`: ``conversations``, ``users`` where known, and whether it was ``disclosed``.
    conversations : ndarray of shape (n_conversations,)
        A digest of each id.
    """

    cells: pd.DataFrame
    conversations: NDArray[np.int64]


def private_path(tables: Path) -> Path:
    """Return where the private file of a folder of tables is: beside it, so that it stays when the folder is sent."""
    return tables.with_name(f"{tables.name}.private.parquet")


def gather_release(
    tables: Sequence[Cells], disclosed: Sequence[Disclosed], conversations: NDArray[np.int64]
) -> Release:
    """Gather what a report disclosed."""
    parts = []
    for cells, shown in zip(tables, disclosed, strict=True):
        figures = cells.table.reset_index(drop=True).reindex(columns=["conversations", "users"])
        parts.append(figures.assign(key=cells.keys(), disclosed=shown.shown))
    every = pd.concat(parts, ignore_index=True).drop_duplicates("key").set_index("key")
    return Release(every, conversations)


def write_release(release: Release, tables: Path) -> None:
    """Write the private file of a folder of tables.

    Raises
    ------
    OutputError
    """
    # Not as floats, which cut digests.
    ids = pd.DataFrame({"conversation": pd.array(release.conversations, dtype="Int64")})
    table = pd.concat([release.cells.reset_index(), ids], ignore_index=True)
    buffer = io.BytesIO()
    table.reindex(columns=list(_TYPES)).astype(_TYPES).to_parquet(buffer, index=False)
    replace_file(private_path(tables), buffer.getvalue(), private=True)


def read_release(tables: Path) -> Release:
    """Read the private file of a folder of tables.

    Raises
    ------
    InputError
        If it is not there, or is not one.
    """
    import pyarrow as pa

    path = private_path(tables)
    remedy = "give the folder of tables that the last report wrote, with this file beside it"
    try:
        table = pd.read_parquet(path).reindex(columns=list(_TYPES)).astype(_TYPES)
    except FileNotFoundError as error:
        raise InputError("the private file of the release is not there", path=str(path), remedy=remedy) from error
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise InputError("the private file of the release is damaged", path=str(path), remedy=remedy) from error
    cells = table[table["key"].notna()].drop(columns="conversation").set_index("key")
    if "conversations" not in cells.index:
        raise InputError("not the private file of a release", path=str(path), remedy=remedy)
    return Release(cells, table["conversation"].dropna().to_numpy(dtype=np.int64))


def digest_ids(ids: Iterable[str]) -> NDArray[np.int64]:
    """Return a digest of each conversation's id, the same whatever engine counts."""
    digests = (hashlib.blake2b(id.encode(), digest_size=8).digest() for id in ids)
    return np.frombuffer(b"".join(digests), dtype=np.int64)
