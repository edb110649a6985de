"""Where value strings belong in a taxonomy, found on a Spark cluster: from Parquet to Parquet.

Which spellings are of one value depends on the other spellings there are. All that may be of one value have one
family, and a family comes to one task as a whole, so that the code that merges and places in one process gives the same
there.
"""

from __future__ import annotations

import functools
import math
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, Any, get_args

from embeddings.errors import EmbeddingError
from taxonomy.errors import InputError, OutputError, check_type
from taxonomy.model import Node, Taxonomy, values_by_spelling
from taxonomy.placement.assigned import Assignment, Status, assigned_cells, rejected_cells
from taxonomy.placement.assignments import find_assignments
from taxonomy.placement.places import Place, Places, check_levels
from taxonomy.quality.vectors import model_name, unstored_encoder
from taxonomy.spark_calls import check_pyspark, run_spark
from taxonomy.values import SpellingIndex
from taxonomy.values.cells import Columns
from taxonomy.values.gathering import Strings
from taxonomy.values.spellings import family_key, merge_spellings

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark import Broadcast
    from pyspark.sql import DataFrame, SparkSession

_FOUND = "family long, text string, reason string, weight double, n long"
_PLACED = "value string, status string, id string, path string, confidence double, runner_up string, unknown boolean"
# Rows that leave a worker at once.
_ROWS = 10_000


@dataclass(frozen=True)
class SparkAssigned:
    """How many strings belong where.

    Attributes
    ----------
    counts : dict of str to int
        How many strings have each status, and how many were rejected, as in `Assigned`.
    unknown_words : int
        How many new strings hold words that the embedding model does not know.
    """

    counts: dict[str, int]
    unknown_words: int


@dataclass(frozen=True)
class _Sent:
    """What every worker is sent once."""

    tree: Taxonomy
    known: SpellingIndex[Node]
    places: Places
    model: str
    runtime: str
    weights_sha256: str
    min_confidence: float

    def place(self, texts: Sequence[str]) -> list[Place]:
        from embeddings.spark import worker_encoder

        encoder = worker_encoder(self.model, self.runtime)
        if encoder.weights_sha256 != self.weights_sha256:
            raise EmbeddingError(
                f"the model {self.model!r} on a worker has sha256 {encoder.weights_sha256[:12]}..., and here "
                f"{self.weights_sha256[:12]}...; install the same on all machines"
            )
        return self.places.place(texts, encoder)


def assign_on_spark(  # noqa: PLR0913 - the public call: what the command line takes, one option each
    values: str,
    tree: Taxonomy,
    out: str,
    *,
    master: str,
    model: str | None = None,
    min_confidence: float = 0.0,
    value_column: str | None = None,
    weight_column: str | None = None,
) -> SparkAssigned:
    """Find where value strings belong in a taxonomy, on a Spark cluster: see `assign`, which finds the same.

    The rows written are those of `Assigned.to_frame` but for ``row``, in no order: one for each cleaned spelling, and
    one for each string that is rejected. ``confidence`` is a number, null where there is none. Unlike `assign` it
    takes a table without a single value, and does not ask whether the weights add up to 0.

    Parameters
    ----------
    values : str
        A Parquet file, or a folder of them: any path or URL that Spark reads.
    tree : Taxonomy
    out : str
        The Parquet folder to write. It is complete when it holds the file ``_SUCCESS``.
    master : str
        Such as ``local[*]`` or ``spark://host:7077``; a session of it that is running is used, and left running. This
        package and the model must be on every worker, which embeds on its CPUs.
    model, min_confidence, value_column, weight_column
        As for `assign`.

    Returns
    -------
    SparkAssigned

    Raises
    ------
    InputError
        If the values can't be read, or the taxonomy has one level or was built with another model.
    OutputError
        If `out` is there.
    TaxonomyError
        If PySpark is missing.
    embeddings.EmbeddingError
        If the model is not there, or Spark can't be started.
    """
    check_pyspark()
    check_type(tree, Taxonomy, "tree", "give a Taxonomy, as taxonomy.read returns it")
    check_levels(tree)
    from embeddings.devices import CPU, FP32, using_device
    from embeddings.spark import spark_session
    from embeddings.stored import StoredEncoder

    with using_device(CPU, FP32):
        encoder = unstored_encoder(tree, model)
    session, is_own = spark_session(master)
    try:
        run_spark(lambda: _check_absent(session, out))
        rows, columns = run_spark(lambda: _read(session, values, value_column, weight_column))
        sent = _Sent(
            tree,
            values_by_spelling(tree.leaves),
            Places(tree, StoredEncoder(encoder)),
            model_name(tree, model),
            encoder.runtime,
            encoder.weights_sha256,
            min_confidence,
        )
        return run_spark(lambda: _write(session, rows, columns, sent, out))
    finally:
        if is_own:
            session.stop()


def _read(
    session: SparkSession, path: str, value_column: str | None, weight_column: str | None
) -> tuple[DataFrame, Columns]:
    """Return the cells of values and weights, and the names of their columns."""
    from pyspark.sql import functions as F
    from pyspark.sql.types import ArrayType, NumericType, StringType

    frame = session.read.parquet(path)
    columns = Columns.choose(frame.columns, value_column, weight_column, path=path)
    kind = frame.schema[columns.value].dataType
    if not isinstance(kind.elementType if isinstance(kind, ArrayType) else kind, StringType):
        problem = f"the column is of {kind.simpleString()}"
        raise InputError(problem, path=path, column=columns.value, remedy="give strings, or lists of them")
    if columns.weight is not None and not isinstance(frame.schema[columns.weight].dataType, NumericType):
        problem = f"the column is of {frame.schema[columns.weight].dataType.simpleString()}"
        raise InputError(problem, path=path, column=columns.weight, remedy="give numbers of 0 or more")
    wanted = {"text": columns.value, "weight": columns.weight}
    cells = [F.col(f"`{name.replace('`', '``')}`").alias(cell) for cell, name in wanted.items() if name is not None]
    return frame.select(*cells), columns


def _check_absent(session: SparkSession, out: str) -> None:
    """Raise an OutputError if there is something at a path, which Spark would say after all is computed."""
    from pyspark.errors import AnalysisException

    try:
        session.read.format("binaryFile").load(out)
    except AnalysisException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            return
        raise
    raise OutputError("it is there already", path=out, remedy="remove it, or name another folder")


def _write(session: SparkSession, rows: DataFrame, columns: Columns, sent: _Sent, out: str) -> SparkAssigned:
    """Write where the values of rows belong, and return how many there are."""
    from pyspark.sql import Observation
    from pyspark.sql import functions as F

    found = rows.mapInArrow(functools.partial(_found_strings, columns), _FOUND)
    distinct = found.groupBy("family", "text", "reason", "weight").agg(F.sum("n").alias("n"))
    # A number of partitions that is named stays: a megabyte of strings, which Spark would leave in one, takes minutes.
    tasks = int(session.conf.get("spark.sql.shuffle.partitions") or 1)
    families = distinct.repartition(tasks, "family").sortWithinPartitions("family")
    shared = session.sparkContext.broadcast(sent)
    placed = families.mapInArrow(functools.partial(_placed_families, shared), _PLACED)
    statuses = get_args(Status)
    counted = [F.count_if(F.col("status") == status).alias(status) for status in statuses]
    counted += [F.count_if(F.col("status").startswith("rejected")).alias("rejected")]
    observed = Observation()
    try:
        placed.observe(observed, *counted, F.count_if("unknown").alias("unknown")).drop("unknown").write.parquet(out)
    finally:
        shared.unpersist()
    counts = observed.get
    return SparkAssigned({status: counts[status] for status in (*statuses, "rejected")}, counts["unknown"])


def _found_strings(columns: Columns, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the cleaned spellings of rows and the strings that are rejected, with their weights and how often."""
    for batch in batches:
        cells = batch.column(0).to_pylist()
        weights = repeat(1.0) if columns.weight is None else batch.column(1).to_pylist()
        strings = Strings()
        try:
            for text, weight in columns.checked(zip(cells, weights, strict=False), None):
                strings.add_row(0, text, weight)
        except InputError as error:
            # It is that of the batch.
            error.row = None
            raise
        rows: list[tuple[Any, ...]] = [
            (zlib.crc32(family_key(spelling).encode()), spelling, None, weight, n)
            for spelling, first in strings.first.items()
            for weight, n in Counter((first, *strings.repeated.get(spelling, ()))).items()
        ]
        rejected = Counter((one.value, one.reason) for one in strings.rejected)
        rows += [(zlib.crc32(text.encode()), text, reason, 0.0, n) for (text, reason), n in rejected.items()]
        yield from _record_batches(rows, _FOUND)


def _placed_families(shared: Broadcast[_Sent], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield where strings belong, which come by family."""
    rows: list[tuple[int, str, float, int]] = []
    for batch in batches:
        is_value = batch.column("reason").is_null()
        yield from _rejected(batch.filter(batch.column("reason").is_valid()))
        values = batch.filter(is_value).select(["family", "text", "weight", "n"])
        rows += zip(*(column.to_pylist() for column in values.columns), strict=True)
        # More of the last family may come.
        end = len(rows)
        while end and rows[end - 1][0] == rows[-1][0]:
            end -= 1
        yield from _placed(shared.value, rows[:end])
        del rows[:end]
    yield from _placed(shared.value, rows)


def _rejected(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    columns = (batch.column(name).to_pylist() for name in ("text", "reason", "n"))
    rows = (
        repeat((*rejected_cells(text, reason)[:4], None, "", False), n)
        for text, reason, n in zip(*columns, strict=True)
    )
    yield from _record_batches(chain.from_iterable(rows), _PLACED)


def _placed(sent: _Sent, rows: Sequence[tuple[int, str, float, int]]) -> Iterator[pa.RecordBatch]:
    weights: dict[str, list[float]] = {}
    for _, text, weight, n in rows:
        # Powers of two, so that they add up to the same bits as `n` weights.
        weights.setdefault(text, []).extend(math.ldexp(weight, k) for k in range(n.bit_length()) if n >> k & 1)
    first = {text: own[0] for text, own in weights.items()}
    repeated = {text: array("d", own[1:]) for text, own in weights.items() if len(own) > 1}
    placed = find_assignments(merge_spellings(first, repeated), sent.known, sent.place, sent.min_confidence)
    yield from _record_batches((_placed_row(sent.tree, one) for one in placed), _PLACED)


def _placed_row(tree: Taxonomy, assignment: Assignment) -> tuple[Any, ...]:
    text, status, id, path, confidence, runner_up = assigned_cells(tree, assignment)
    return text, status, id, path, float(confidence) if confidence else None, runner_up, assignment.unknown_words


def _record_batches(rows: Iterable[tuple[Any, ...]], schema: str) -> Iterator[pa.RecordBatch]:
    """Yield rows as Arrow batches of a bounded size."""
    import pyarrow as pa

    kinds = {"long": pa.int64(), "string": pa.string(), "double": pa.float64(), "boolean": pa.bool_()}
    fields = [field.split() for field in schema.split(", ")]
    left = iter(rows)
    while part := list(islice(left, _ROWS)):
        arrays = [
            pa.array(column, kinds[kind]) for column, (_, kind) in zip(zip(*part, strict=True), fields, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(arrays, [name for name, _ in fields])
