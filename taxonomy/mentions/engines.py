"""Which engines there are, and how one is opened."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, get_args

from taxonomy.errors import TaxonomyError

if TYPE_CHECKING:
    from taxonomy.mentions.query_engine import Engine

EngineName = Literal["duckdb", "spark"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


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
