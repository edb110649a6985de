"""What runs the queries: DuckDB in this process, or Spark.

An engine reads files and collects small results; every query between the two is one Narwhals expression, the same on
both.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from taxonomy.errors import TaxonomyError

if TYPE_CHECKING:
    import narwhals as nw
    import pyarrow as pa

EngineName = Literal["duckdb", "spark"]
# Columns that a reader adds: the file of a row, and the text of one that could not be read.
FILE = "__file"
DAMAGED = "__damaged"


class Engine(Protocol):
    """What reads record files, and runs Narwhals expressions on them."""

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
            The columns, as text but for Parquet; `FILE`; and `DAMAGED`, null but for rows that could not be read.
        """
        ...

    def parse_time(self, frame: nw.LazyFrame[Any], column: str, into: str) -> nw.LazyFrame[Any]:
        """Add the time that a column of text holds, in UTC; null where it holds none."""
        ...

    def code(self, frame: nw.LazyFrame[Any], column: str, into: str) -> nw.LazyFrame[Any]:
        """Add what stands for a column of text: equal, in order and null as the text is, and quick to compare."""
        ...

    def table(self, table: pa.Table) -> nw.LazyFrame[Any]:
        """Hand a small table over."""
        ...

    def keep(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Compute a frame once, for several queries."""
        ...

    def collect(self, frame: nw.LazyFrame[Any]) -> pa.Table:
        """Compute a frame and return it; it must be small.

        Raises
        ------
        TaxonomyError
            In one line, whatever the engine says.
        """
        ...

    def close(self) -> None:
        """Let go of what is kept, and of the engine."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def open_engine(name: EngineName = "duckdb", *, master: str | None = None, memory_limit: str | None = None) -> Engine:
    """Open an engine.

    Parameters
    ----------
    name : {"duckdb", "spark"}
    master : str, optional
        Spark's master; ``local[*]`` by default.
    memory_limit : str, optional
        What DuckDB may take, such as ``4GB``; it spills to disk beyond. By default 80% of the machine's memory.

    Raises
    ------
    TaxonomyError
        If the engine's package is missing, or an option is not for it.
    """
    check_installed()
    if name == "duckdb":
        from taxonomy.mentions.duckdb_engine import DuckDBEngine

        if master is not None:
            raise TaxonomyError("--master goes with --engine spark")
        return DuckDBEngine(memory_limit)
    if memory_limit is not None:
        raise TaxonomyError("--memory-limit goes with --engine duckdb; Spark's memory is set where the cluster is")
    if find_spec("pyspark") is None:
        raise TaxonomyError("--engine spark needs PySpark; run: pip install 'value-taxonomy[spark]'")
    from taxonomy.mentions.spark_engine import SparkEngine

    return SparkEngine(master or "local[*]")


def check_installed() -> None:
    """Refuse to go on without the packages that records need.

    Raises
    ------
    TaxonomyError
    """
    missing = [name for name in ("duckdb", "narwhals", "statsmodels") if find_spec(name) is None]
    if missing:
        raise TaxonomyError(f"records need {', '.join(missing)}; run: pip install 'value-taxonomy[mentions]'")
