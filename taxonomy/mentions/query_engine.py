"""The interface of engines, which read files and collect small results.

Every query between the two is one Narwhals expression, the same on DuckDB and on Spark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    import narwhals as nw
    import pyarrow as pa


class Engine(Protocol):
    """Reads record files, and runs Narwhals expressions on them."""

    is_open: bool

    def read(self, files: Sequence[str], suffix: str, header: Sequence[str]) -> nw.LazyFrame[Any]:
        """Read files of one format.

        Parameters
        ----------
        files : sequence of str
        suffix : {".parquet", ".csv", ".jsonl"}
        header : sequence of str
            The columns of CSV files, the same in all.

        Returns
        -------
        LazyFrame
            The columns, as text but for Parquet; and, of `taxonomy.mentions.columns`, `FILE` and `DAMAGED`, which is
            null but for rows that could not be read.
        """
        ...

    def parse_time(self, frame: nw.LazyFrame[Any], column: str, into: str) -> nw.LazyFrame[Any]:
        """Add the time that a column of text holds, in UTC; null where it holds none."""
        ...

    def code(self, frame: nw.LazyFrame[Any], column: str, into: str) -> nw.LazyFrame[Any]:
        """Add codes of a column of text, quick to compare: they are equal, ordered and null as the text is."""
        ...

    def table(self, table: pa.Table) -> nw.LazyFrame[Any]:
        """Return a small table as a frame."""
        ...

    def keep(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Compute a frame once, for several queries."""
        ...

    def collect(self, frame: nw.LazyFrame[Any]) -> pa.Table:
        """Compute a frame and return it; it must be small.

        Raises
        ------
        TaxonomyError
            With what the engine says in one line.
        """
        ...

    def close(self) -> None:
        """Free what is kept, and the engine."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
