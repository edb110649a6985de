"""What the items of a sheet are, which whoever judges them must not know: a private file beside the sheet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxonomy.errors import InputError
from taxonomy.extraction.extraction_files import read_parquet
from taxonomy.extraction.table_files import table_bytes

if TYPE_CHECKING:
    import pandas as pd

# Strata of mentions, each with the column of the same name.
STRATA = ("side", "explicit", "rarity", "response", "language")
COLUMNS = ("item", "kind", "conversation", "decoy", "weight", "extracted", "keys", *STRATA)
_METADATA = b"value_taxonomy_review"
_SUFFIX = ".private.parquet"
_REMEDY = "give the private file that `extract sample` wrote beside the sheet"


@dataclass(frozen=True)
class AnswerKey:
    """What the items of a sheet are.

    Attributes
    ----------
    items : DataFrame
        One row an item: its ``kind``; the ``conversation``; whether it is a ``decoy``; its ``weight``, how many such
        there are for it in the extraction; what was ``extracted`` (a type of response, or whether the screener kept
        the conversation); the ``keys`` of a whole conversation's values, with lines between; and its strata.
    source : mapping
        The extraction: its ``digest``, ``models``, and the digest of its ``tables``; ``population``, of each kind how
        many there are; the ``seed``.
    """

    items: pd.DataFrame
    source: Mapping[str, Any]

    def to_parquet(self) -> bytes:
        """Return it as a file."""
        import pyarrow as pa

        table = pa.Table.from_pandas(self.items[list(COLUMNS)], preserve_index=False)
        return table_bytes(table.replace_schema_metadata({_METADATA: json.dumps(dict(self.source)).encode()}))


def key_path(sheet: Path) -> Path:
    """Return where the key of a sheet is written."""
    return sheet.with_name(sheet.name + _SUFFIX)


def read_key(path: Path) -> AnswerKey:
    """Read a key.

    Raises
    ------
    InputError
        If it is none.
    """
    import pyarrow.parquet as pq

    items = read_parquet(path, COLUMNS)
    said = (pq.read_schema(path).metadata or {}).get(_METADATA)
    if said is None:
        raise InputError("the file is no key of a review sheet", path=str(path), remedy=_REMEDY)
    return AnswerKey(items, json.loads(said))


def find_key(sheet: Path, items: set[str]) -> AnswerKey:
    """Return the key beside a sheet that knows its items.

    Raises
    ------
    InputError
        If there is none.
    """
    for path in _beside(sheet):
        key = read_key(path)
        if items <= set(key.items["item"]):
            return key
    remedy = f"name it: {_REMEDY.removeprefix('give ')}, such as {key_path(sheet).name}"
    raise InputError("no file beside the sheet says what its items are", path=str(sheet), remedy=remedy)


def _beside(sheet: Path) -> Iterator[Path]:
    own = key_path(sheet)
    if own.exists():
        yield own
    yield from (path for path in sorted(sheet.parent.glob(f"*{_SUFFIX}")) if path != own and _is_key(path))


def _is_key(path: Path) -> bool:
    """Say whether a file is a key; other private files have the same ending."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return _METADATA in (pq.read_schema(path).metadata or {})
    except (OSError, pa.ArrowException):
        return False
