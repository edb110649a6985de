"""The same content in files of any format, whatever library wrote them: the same figures."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.mentions.duckdb_engine import DuckDBEngine
from taxonomy.mentions.records import open_records
from tests.conftest import examples
from tests.mention_records import content_of, write_rows


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine() as opened:
        yield opened


Table = dict[str, list[Any]]
Write = Callable[[Table, Path], None]


def by_pandas(table: Table, path: Path) -> None:
    frame = pd.DataFrame(table)
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    elif path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_json(path, orient="records", lines=path.suffix == ".jsonl", date_format="iso")


def by_polars(table: Table, path: Path) -> None:
    frame = pl.DataFrame(table, strict=False)
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    elif path.suffix == ".csv":
        frame.write_csv(path)
    elif path.suffix == ".jsonl":
        frame.write_ndjson(path)
    else:
        frame.write_json(path)


def by_pyarrow(table: Table, path: Path) -> None:
    made = pa.table(table)
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(made, path)
    elif path.suffix == ".csv":
        pyarrow.csv.write_csv(made, path)
    else:
        # It writes no JSON.
        by_polars(table, path)


def by_duckdb(table: Table, path: Path) -> None:
    made = pa.table(table)
    kind = {".parquet": "PARQUET", ".csv": "CSV, HEADER", ".jsonl": "JSON", ".json": "JSON, ARRAY true"}[path.suffix]
    with duckdb.connect() as connection:
        connection.register("made", made)
        connection.execute(f"COPY (SELECT * FROM made) TO '{path}' (FORMAT {kind})")


WRITERS = [by_pandas, by_polars, by_pyarrow, by_duckdb]
VALUES = ["honesty", "care", "Care", "thrift", 'so, "quoted"', "línea\nnueva", "truthfulness"]
cell_times = st.none() | st.datetimes(datetime(2024, 1, 1), datetime(2026, 1, 1)).map(
    lambda t: t.replace(microsecond=0)
)
conversation_rows = st.fixed_dictionaries(
    {
        "response_type": st.sampled_from(["reframing", "no values", None]),
        "task": st.sampled_from(["advice", "code", None]),
        "user_id": st.none() | st.integers(1, 4),
        "timestamp": cell_times,
    }
)
mention_rows = st.fixed_dictionaries(
    {
        "conversation_id": st.integers(1, 6),
        "side": st.sampled_from(["ai", "human"]),
        "value": st.sampled_from(VALUES),
        "explicit": st.none() | st.booleans(),
    }
)


@st.composite
def contents(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    mentions = draw(st.lists(mention_rows, min_size=1, max_size=12))
    sides = [{**mentions[0], "side": side, "value": "care"} for side in ("ai", "human")]
    conversations = [{"conversation_id": n, **draw(conversation_rows)} for n in range(1, 7)]
    return [*mentions, *sides], conversations


def columns(rows: Sequence[dict[str, Any]]) -> Table:
    return {name: [row[name] for row in rows] for name in rows[0]}


@pytest.mark.hypothesis
@examples(5)
@given(
    contents(),
    st.lists(
        st.tuples(st.sampled_from(WRITERS), st.sampled_from([".parquet", ".csv", ".jsonl", ".json"])),
        min_size=3,
        max_size=3,
    ),
    st.randoms(use_true_random=False),
    st.integers(0, 12),
)
def test_whatever_wrote_the_same_content_the_figures_are_the_same(
    engine: DuckDBEngine,
    content: tuple[list[dict[str, Any]], list[dict[str, Any]]],
    writers: list[tuple[Write, str]],
    shuffle: Any,
    at: int,
) -> None:
    mentions, conversations = content
    folders = [Path(tempfile.mkdtemp()) for _ in range(2)]
    try:
        write_rows(folders[0] / "m.jsonl", mentions)
        write_rows(
            folders[0] / "c.jsonl",
            [{**row, "timestamp": row["timestamp"] and str(row["timestamp"])} for row in conversations],
        )
        shuffle.shuffle(mentions)
        shuffle.shuffle(conversations)
        parts = [part for part in (mentions[:at], mentions[at:]) if part]
        for number, (rows, (write, suffix)) in enumerate(zip([*parts, conversations], writers, strict=False)):
            write(columns(rows), folders[1] / f"part-{number}{suffix}")
        found = []
        for folder in folders:
            records = open_records([folder], engine=engine)
            assert len(records.rejected) == 0, (folder, records.rejected.to_dict("records"))
            found.append((records.rows, content_of(records)))
        assert found[0] == found[1], [(write.__name__, suffix) for write, suffix in writers]
    finally:
        for folder in folders:
            shutil.rmtree(folder)
