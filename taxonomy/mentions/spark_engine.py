"""Spark, for records that one machine can't hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

import narwhals as nw

from embeddings.spark import spark_session
from taxonomy.errors import InputError
from taxonomy.mentions.columns import DAMAGED, FILE

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

Result = TypeVar("Result")


class SparkEngine:
    """A Spark session: the one that is running, or a new one, which is stopped with the engine.

    Parameters
    ----------
    master : str
        Such as ``local[*]`` or ``spark://host:7077``.
    """

    def __init__(self, master: str) -> None:
        self._session, self._is_own = spark_session(master)
        self._kept: list[DataFrame] = []
        self.is_open = True

    def read(self, files: Sequence[str], suffix: str, header: Sequence[str]) -> nw.LazyFrame[Any]:
        """Read files of one format; see `Engine`."""
        return _lazy(_run(lambda: self._read(list(files), suffix, header)))

    def _read(self, files: list[str], suffix: str, header: Sequence[str]) -> DataFrame:
        from pyspark.sql import functions as F
        from pyspark.sql.types import StringType, StructField, StructType

        reader = self._session.read
        if suffix == ".parquet":
            frame = reader.parquet(*files).withColumn(DAMAGED, F.lit(None).cast("string"))
        elif suffix == ".csv":
            schema = StructType([StructField(name, StringType()) for name in (*header, DAMAGED)])
            frame = reader.schema(schema).csv(
                files, header=True, multiLine=True, quote='"', escape='"', columnNameOfCorruptRecord=DAMAGED
            )
        else:
            lines = reader.option("primitivesAsString", True).option("columnNameOfCorruptRecord", DAMAGED)
            found = [name for name in lines.json(files).schema.fieldNames() if name != DAMAGED]
            schema = StructType([StructField(name, StringType()) for name in (*found, DAMAGED)])
            frame = reader.schema(schema).json(files, columnNameOfCorruptRecord=DAMAGED)
        return frame.withColumn(FILE, F.col("_metadata.file_path"))

    def parse_time(self, frame: nw.LazyFrame[Any], column: str, into: str) -> nw.LazyFrame[Any]:
        """Add the time that a column of text holds; see `Engine`."""
        from pyspark.sql import functions as F

        native: DataFrame = frame.to_native()
        return _lazy(native.withColumn(into, F.col(column).try_cast("timestamp").cast("timestamp_ntz")))

    def code(self, frame: nw.LazyFrame[Any], column: str, into: str) -> nw.LazyFrame[Any]:
        """Add a column of text as its own code, since ranking all rows would be the work of one machine."""
        return frame.with_columns(nw.col(column).alias(into))

    def table(self, table: pa.Table) -> nw.LazyFrame[Any]:
        """Return a small table as a frame."""
        return _lazy(self._session.createDataFrame(table))

    def keep(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Compute a frame once, for several queries."""
        native: DataFrame = frame.to_native()
        self._kept.append(native.persist())
        return _lazy(native)

    def collect(self, frame: nw.LazyFrame[Any]) -> pa.Table:
        """Compute a frame and return it; see `Engine`."""
        return _run(lambda: frame.collect("pyarrow").to_native())

    def close(self) -> None:
        """Free what is kept, and stop the session if it was started here."""
        self.is_open = False
        while self._kept:
            self._kept.pop().unpersist()
        if self._is_own:
            self._session.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _lazy(native: DataFrame) -> nw.LazyFrame[Any]:
    frame: nw.LazyFrame[Any] = nw.from_native(native)
    return frame


def _run(work: Callable[[], Result]) -> Result:
    """Run a Spark call; re-raise its errors as one-line InputErrors."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        return work()
    except (PySparkException, Py4JError) as error:
        raise InputError(
            f"Spark: {str(error).strip().splitlines()[0]}", remedy="repair what it names, or ask who runs the cluster"
        ) from error
