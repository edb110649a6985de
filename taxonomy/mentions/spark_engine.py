"""Spark, for records that one machine can't hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import narwhals as nw

from embeddings.spark import spark_session
from taxonomy.mentions.columns import DAMAGED, FILE, IDS, column_of
from taxonomy.spark_calls import run_spark

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

    from taxonomy.mentions.sources import Source

# RFC 2822, without the name of the day, and with the zone as a number.
_MAIL_TIMES = ("d MMM yyyy HH:mm:ss Z", "d MMM yyyy HH:mm Z")
# Spark takes more for JSON than JSON is.
_STRICT = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}
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
        return _lazy(run_spark(lambda: self._read(source)))

    def _read(self, source: Source) -> DataFrame:
        from pyspark.sql import functions as F

        files = [_PATTERN.sub(r"\\\g<0>", file) for file in source.files]
        if source.suffix in (".jsonl", ".json"):
            return self._read_json(source, files)
        if source.suffix == ".csv":
            frame = self._read_csv(source, files)
        else:
            frame = self._session.read.parquet(*files).withColumn(DAMAGED, F.lit(None).cast("string"))
        return frame.withColumn(FILE, F.col("_metadata.file_path"))

    def _read_json(self, source: Source, files: list[str]) -> DataFrame:
        """Read objects as maps, since Spark's own columns can't differ in case alone."""
        from pyspark.sql import functions as F

        is_array = source.suffix == ".json"
        texts = self._session.read.text(files, wholetext=is_array).withColumn(FILE, F.col("_metadata.file_path"))
        line = F.regexp_replace("value", "^\ufeff", "")
        if is_array:
            line = F.explode_outer(F.from_json(line, "array<string>", _STRICT))
        lines = texts.select(FILE, line.alias("line"))
        if not is_array:
            lines = lines.filter(F.trim("line") != "")
        has_nul = F.col("line").contains("\0") | F.col("line").contains("\\u0000")
        parsed = F.when(~has_nul, F.from_json("line", "map<string,string>", _STRICT))
        objects = lines.withColumn("object", parsed)
        has_list = F.max(F.col("cell").startswith("[")).alias("has_list")
        keys = objects.select(F.explode("object").alias("key", "cell")).groupBy("key").agg(has_list).collect()
        spellings: dict[str, list[str]] = {}
        for row in sorted(keys):
            spellings.setdefault(column_of(row.key).lower(), []).append(row.key)
        has_lists = any(row.has_list for row in keys if column_of(row.key) == "value")
        members = []
        for name, same in spellings.items():
            form = _list_cell if name == "value" and has_lists else _id_cell if name in IDS else _cell
            members.append(F.coalesce(*map(form, same)).alias(column_of(same[0])))
        damaged = F.when(F.col("object").isNull(), F.coalesce("line", F.lit("not one JSON array")))
        return objects.select(*members, FILE, damaged.alias(DAMAGED))

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
            lineSep=source.layout.line_end,
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
        return run_spark(lambda: frame.collect("pyarrow").to_native())

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


def _cell(key: str) -> Column:
    """Return a member of `object` as text."""
    from pyspark.sql import functions as F

    return F.col("object").getItem(key)


def _id_cell(key: str) -> Column:
    """Return a member of `object` as text, a whole float as the integer."""
    from pyspark.sql import functions as F

    # A map of texts doesn't tell 2.0 from "2.0".
    member = F.try_variant_get(F.try_parse_json("line"), f"$['{key}']", "variant")
    is_float = F.schema_of_variant(member).rlike("^(DECIMAL|DOUBLE)")
    looks_whole = _cell(key).rlike(r"\.0+$")
    return F.when(looks_whole & is_float, F.regexp_replace(_cell(key), r"\.0+$", "")).otherwise(_cell(key))


def _list_cell(key: str) -> Column:
    """Return a member of `object` as a list of texts."""
    from pyspark.sql import functions as F

    many = F.when(_cell(key).startswith("["), F.from_json(_cell(key), "array<string>", _STRICT))
    return F.coalesce(many, F.when(_cell(key).isNotNull(), F.array(_cell(key))))


def _since_1970(number: Column) -> Column:
    """Return the time that a number of seconds, or of parts of them, is; null where it is none of these years."""
    from pyspark.sql import functions as F

    time = F.lit(None).cast("timestamp")
    for unit in (1, 1e3, 1e6, 1e9):
        within = (number >= 1e8 * unit) & (number < 1e11 * unit)
        time = F.when(within, F.timestamp_micros((number * (1e6 / unit)).cast("long"))).otherwise(time)
    return time
