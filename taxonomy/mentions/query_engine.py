"""The interface of engines, which read files and collect small results.

Every query between the two is one Narwhals expression, the same on DuckDB and on Spark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

import narwhals as nw

if TYPE_CHECKING:
    import pyarrow as pa

    from taxonomy.mentions.sources import Source


Frame = nw.LazyFrame[Any]


class Engine(Protocol):
    """Reads record files, and runs Narwhals expressions on them."""

    is_open: bool

    def read(self, source: Source) -> Frame:
        """Read files of one format.

        Parameters
        ----------
        source : Source

        Returns
        -------
        LazyFrame
            The columns: of Parquet as they are typed, of CSV as text, of JSON as text, but for `value`, which is a list
            where any row has one; and, of `taxonomy.mentions.columns`, `FILE` and `DAMAGED`, which is null but for rows
            that could not be read.
        """
        ...

    def parse_time(self, frame: Frame, column: str, into: str) -> Frame:
        """Add the time that a column holds, in UTC; null where it holds none.

        A number is the seconds, milliseconds, microseconds or nanoseconds since 1970, as its size tells; a text is one
        of these, ISO 8601, or RFC 2822; what has no time zone is in UTC.
        """
        ...

    def hash_rows(self, frame: Frame, columns: Sequence[str], into: str) -> Frame:
        """Add a number that is the same in rows with the same cells."""
        ...

    def code(self, frame: Frame, column: str, into: str) -> Frame:
        """Add codes of a column of text, quick to compare: they are equal and null as the text is."""
        ...

    def table(self, table: pa.Table) -> Frame:
        """Return a small table as a frame."""
        ...

    def keep(self, frame: Frame) -> Frame:
        """Compute a frame once, for several queries."""
        ...

    def collect(self, frame: Frame) -> pa.Table:
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


def distinct(frame: Frame, *columns: str) -> Frame:
    """Return the distinct rows of some columns; Narwhals' own `unique` takes several times as long."""
    return frame.group_by(*columns).agg()
