"""Which engines there are, and how one is opened."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, get_args

from taxonomy.errors import InputError, TaxonomyError, check_type

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
        What DuckDB may take, such as ``8GB``; it spills to disk beyond. ``3GB`` by default.

    Raises
    ------
    TaxonomyError
        If the engine's package is missing, or an option is not for it.
    InputError
        If there is no such engine.
    """
    check_installed()
    if name not in ENGINES:
        raise InputError(f"`engine` is {name!r}", remedy=f"give {' or '.join(ENGINES)}")
    for parameter, value in (("master", master), ("memory_limit", memory_limit)):
        check_type(value, (str, type(None)), parameter, "give a text")
    if name == "duckdb":
        from taxonomy.mentions.duckdb_engine import DuckDBEngine

        if master is not None:
            raise TaxonomyError("`master` is for Spark, and `engine` is duckdb", remedy="give spark, or no master")
        return DuckDBEngine(memory_limit)
    if memory_limit is not None:
        problem = "`memory_limit` is for DuckDB, and `engine` is spark"
        raise TaxonomyError(problem, remedy="set Spark's memory where the cluster is")
    if find_spec("pyspark") is None:
        raise TaxonomyError("`engine` is spark, which needs PySpark", remedy="run: pip install 'value-taxonomy[spark]'")
    from taxonomy.mentions.spark_engine import SparkEngine

    return SparkEngine(master or "local[*]")


def check_installed() -> None:
    """Raise an error where a package is missing that records of mentions need.

    Raises
    ------
    TaxonomyError
    """
    missing = [name for name in ("duckdb", "narwhals", "statsmodels") if find_spec(name) is None]
    if missing:
        remedy = "run: pip install 'value-taxonomy[mentions]'"
        raise TaxonomyError(f"records of mentions need {', '.join(missing)}", remedy=remedy)
