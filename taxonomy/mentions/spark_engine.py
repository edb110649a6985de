"""Spark, for records that one machine can't hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

import narwhals as nw

from embeddings.spark import spark_session
from taxonomy.errors import InputError
from taxonomy.mentions.columns import DAMAGED, FILE

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField

    from taxonomy.mentions.sources import Source

Result = TypeVar("Result")

# RFC 2822, without the name of the day, and with the zone as a number.
_MAIL_TIMES = ("d MMM yyyy HH:mm:ss Z", "d MMM yyyy HH:mm Z")
# What stands for other characters in a path.
_PATTERN = re.compile(r"[\\*?\[\]{}]")


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

    def read(self, source: Source) -> nw.LazyFrame[Any]:
        """Read files of one format; see `Engine`."""
        return _lazy(_run(lambda: self._read(source)))

    def _read(self, source: Source) -> DataFrame:
        from pyspark.sql import functions as F
        from pyspark.sql.types import ArrayType, StringType, StructField, StructType

        files = [_PATTERN.sub(r"\\\g<0>", file) for file in source.files]
        reader = self._session.read
        if source.suffix == ".parquet":
            frame = reader.parquet(*files).withColumn(DAMAGED, F.lit(None).cast("string"))
        elif source.suffix == ".csv":
            frame = self._read_csv(source, files)
        else:
            lines = reader.option("primitivesAsString", True).option("columnNameOfCorruptRecord", DAMAGED)
            lines = lines.option("multiLine", source.suffix == ".json")
            found = [field for field in lines.json(files).schema.fields if field.name != DAMAGED]
            texts = [
                StructField(field.name, ArrayType(StringType()) if _is_list(field) else StringType()) for field in found
            ]
            frame = lines.schema(StructType([*texts, StructField(DAMAGED, StringType())])).json(files)
        return frame.withColumn(FILE, F.col("_metadata.file_path"))

    def _read_csv(self, source: Source, files: list[str]) -> DataFrame:
        from pyspark.sql import functions as F
        from pyspark.sql.types import StringType, StructField, StructType

        schema = StructType([StructField(name, StringType()) for name in (*source.columns, DAMAGED)])
        skipped = source.layout.skipped
        frame = self._session.read.schema(schema).csv(
            files,
            sep=source.layout.delimiter,
            header=not skipped,
            multiLine=True,
            quote='"',
            escape='"',
            columnNameOfCorruptRecord=DAMAGED,
            # Left to itself, Spark takes the first line end for that of all; a carriage return is space to it then.
            lineSep="\n",
            ignoreTrailingWhiteSpace=True,
        )
        if not skipped:
            return frame
        # Spark takes the first line for the header; here it is `sep=;`, and the header a row.
        first = F.col(source.columns[0])
        is_header = F.lower(F.trim(first)) == source.columns[0].lower()
        return frame.filter(~F.coalesce(is_header | first.startswith("sep="), F.lit(False)))

    def parse_time(self, frame: nw.LazyFrame[Any], column: str, into: str) -> nw.LazyFrame[Any]:
        """Add the time that a column holds; see `Engine`."""
        from pyspark.sql import functions as F
        from pyspark.sql.types import NumericType, StringType

        native: DataFrame = frame.to_native()
        cell, kind = F.col(column), native.schema[column].dataType
        if isinstance(kind, StringType):
            number = F.when(cell.rlike(r"^[0-9]{9,19}(\.[0-9]*)?$"), cell.cast("double"))
            zone = F.regexp_replace(F.regexp_replace(cell, "^[A-Za-z]{3}, *", ""), " *(GMT|UTC|UT|Z)$", " +0000")
            mail = [F.try_to_timestamp(zone, F.lit(pattern)) for pattern in _MAIL_TIMES]
            iso = F.when(cell.rlike("^[0-9]{4}-"), cell.try_cast("timestamp"))
            time = F.coalesce(_since_1970(number), iso, *mail)
        elif isinstance(kind, NumericType):
            time = _since_1970(cell.cast("double"))
        else:
            time = cell
        return _lazy(native.withColumn(into, time.cast("timestamp_ntz")))

    def hash_rows(self, frame: nw.LazyFrame[Any], columns: Sequence[str], into: str) -> nw.LazyFrame[Any]:
        """Add a number that is the same in rows with the same cells; see `Engine`."""
        from pyspark.sql import functions as F

        native: DataFrame = frame.to_native()
        return _lazy(native.withColumn(into, F.xxhash64(*(F.col(f"`{name}`") for name in columns))))

    def code(self, frame: nw.LazyFrame[Any], column: str, into: str) -> nw.LazyFrame[Any]:
        """Add a column of text as its own code; see `Engine`."""
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


def _is_list(field: StructField) -> bool:
    return bool(field.dataType.typeName() == "array")


def _since_1970(number: Column) -> Column:
    """Return the time that a number of seconds, or of parts of them, is; null where it is none of these years."""
    from pyspark.sql import functions as F

    time = F.lit(None).cast("timestamp")
    for unit in (1, 1e3, 1e6, 1e9):
        within = (number >= 1e8 * unit) & (number < 1e11 * unit)
        time = F.when(within, F.timestamp_micros((number * (1e6 / unit)).cast("long"))).otherwise(time)
    return time


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
