"""Value files in the forms that people and libraries write them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from taxonomy.values import read_values
from tests.test_forms import FILES


@pytest.mark.parametrize("name", FILES)
def test_what_is_built_reads_the_same_files(tmp_path: Path, name: str) -> None:
    content = FILES[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert read_values(tmp_path / name).labels == ("care", "honest", "open", "thrift")


def test_a_long_cell_is_one_rejected_value(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text(f"value,count\n{'x' * 200_000},1\ncare,2\n")
    values = read_values(tmp_path / "v.csv")
    assert (values.labels, [rejection.reason for rejection in values.rejected]) == (("care",), ["too long"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("v.csv", "Value;Count\nhonesty;1,5\nkindness;2\n"),
        ("v.csv", "sep=;\r\nvalue;count\r\nhonesty;1.5\r\nkindness;2\r\n"),
        ("v.json", '[{"value": "honesty", "count": 1.5}, {"value": "kindness", "count": 2}]'),
        ("v.ndjson", '{"VALUE": "honesty", "count": 1.5}\n{"VALUE": "kindness", "count": 2}\n'),
        ("v.tsv.gz", gzip.compress(b"value\tcount\nhonesty\t1.5\nkindness\t2\n")),
    ],
    # A compressed file holds its time, and workers must know the tests by the same names.
    ids=["semicolon", "sep", "array", "lines", "compressed"],
)
def test_value_files_take_the_same_shapes(tmp_path: Path, name: str, content: str | bytes) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    values = read_values(tmp_path / name)
    assert (values.labels, values.weights.tolist(), values.weight_unit) == (
        ("honesty", "kindness"), [1.5, 2.0], "mentions",
    )  # fmt: skip


def test_a_list_of_values_is_a_row_each(tmp_path: Path) -> None:
    (tmp_path / "v.jsonl").write_text(
        '{"value": ["honesty", "kindness"], "count": 2}\n{"value": "honesty", "count": 1}\n'
    )
    pd.DataFrame({"value": [["honesty", "kindness"], ["honesty"]], "count": [2, 1]}).to_parquet(tmp_path / "v.parquet")
    for name in ("v.jsonl", "v.parquet"):
        values = read_values(tmp_path / name)
        assert (values.labels, values.weights.tolist(), values.rows) == (("honesty", "kindness"), [3.0, 2.0], 3)


def test_the_cases_of_value_files(cases: Path) -> None:
    for name in ("semicolon.csv", "excel_sep.csv"):
        values = read_values(cases / name)
        assert (values.labels, values.weights.tolist()) == (("honesty", "kindness"), [12.0, 7.0])
