from __future__ import annotations

import io
import pickle
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taxonomy.errors import InputError
from taxonomy.values import Rejection, ValueSet, read_values


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def pairs(values: ValueSet) -> dict[str, float]:
    return {value.label: value.weight for value in values.values}


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("v.csv", ["value,count", '"care, warmth",3', "honesté,0.5"]),
        ("v.CSV", ["id, count ,value", '7,3,"care, warmth"', "8,0.5,honesté"]),
        ("v.tsv", ["value\tcount", "care, warmth\t3", "honesté\t0.5"]),
        ("v.jsonl", ['{"value": "care, warmth", "count": 3}', '{"count": 0.5, "value": "honest\\u00e9"}']),
    ],
)
def test_files_with_weights(file: Any, name: str, lines: list[str], end: str, bom: bytes) -> None:
    values = read_values(file(name, bom + (end.join(lines) + end).encode()))
    assert pairs(values) == {"care, warmth": 3.0, "honesté": 0.5}
    assert (values.weight_unit, values.weight_column, values.rows) == ("mentions", "count", 2)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("v.txt", "care\nhonesty\r\n\ncare"),
        ("v.txt", "care\rhonesty\r\rcare"),
        ("v.csv", "value\ncare\nhonesty\n\ncare\n"),
        ("v.csv", "value,note\ncare,x\nhonesty,\n,\ncare,y\n"),
        ("v.jsonl", '"care"\n"honesty"\n \n"care"\n'),
        ("v.jsonl", '{"value": "care"}\n{"value": "honesty"}\n{"value": null}\n{"value": "care"}\n'),
    ],
)
def test_files_without_weights_count_strings(file: Any, name: str, content: str) -> None:
    values = read_values(file(name, content))
    assert pairs(values) == {"care": 2.0, "honesty": 1.0}
    assert (values.weight_unit, values.weight_column) == ("strings", None)
    assert values.rejected == (Rejection(3, "", "empty"),)
    assert (values.rows, values.repeats) == (4, 1)


def test_a_blank_line_among_weights_is_a_rejected_row(file: Any) -> None:
    values = read_values(file("v.csv", "value,count\n\ncare,1\n,\n"))
    assert [(r.row, r.reason) for r in values.rejected] == [(1, "empty"), (3, "empty")]
    values = read_values(file("v.jsonl", '\n{"value": "care", "count": 1}\n'))
    assert [(r.row, r.reason) for r in values.rejected] == [(1, "empty")]


def test_a_quoted_line_break_separates_values(file: Any) -> None:
    assert read_values(file("v.csv", 'value\n"intellectual\nhonesty"\n')).labels == ("honesty", "intellectual")


@pytest.mark.parametrize(
    ("header", "column", "unit"),
    [
        ("value,pct_convos", "pct_convos", "pct_convos"),
        ("value,mentions", "mentions", "mentions"),
        ("pct_convos,value,count", "count", "mentions"),
        ("value,other", None, "strings"),
    ],
)
def test_the_usual_weight_columns(file: Any, header: str, column: str | None, unit: str) -> None:
    cells = {"value": "care", "pct_convos": "0.5", "mentions": "2", "count": "3", "other": "x"}
    values = read_values(file("v.csv", f"{header}\n{','.join(cells[name] for name in header.split(','))}\n"))
    assert (values.weight_column, values.weight_unit) == (column, unit)


def test_named_columns(file: Any) -> None:
    path = file("v.csv", "name,value,count,n\ncare,x,1,7\n")
    values = read_values(path, value_column="name", weight_column="n")
    assert pairs(values) == {"care": 7.0}
    assert (values.weight_column, values.weight_unit) == ("n", "mentions")


def write_parquet(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_parquet(tmp_path: Path) -> None:
    texts = pa.array(["care", "Care", None, "honesty"]).dictionary_encode()
    weights = [Decimal("0.5"), Decimal("1.0"), Decimal("0.0"), Decimal("2.0")]
    columns = {"n.o": [1, 2, 3, 4], "value": texts, "pct_convos": weights}
    values = read_values(write_parquet(tmp_path / "v.parquet", columns, row_group_size=2))
    assert pairs(values) == {"Care": 1.5, "honesty": 2.0}
    assert values.rejected == (Rejection(3, "", "empty"),)
    assert values.weight_unit == "pct_convos"


def test_data_frame() -> None:
    frame = pd.DataFrame({"value": ["care", None, "- care."], "count": [1, 2, 3], 7: 0}, index=[5, 5, 5])
    values = read_values(frame)
    assert pairs(values) == {"care": 4.0}
    assert values.rejected == (Rejection(2, "", "empty"),)
    assert read_values(frame, weight_column="count").sha256 == values.sha256
    assert read_values(frame.astype({"value": "category"})).sha256 == values.sha256


def test_strings_and_mappings() -> None:
    assert pairs(read_values(text for text in ["care", "care"])) == {"care": 2.0}
    assert read_values({"care": 1}).weight_unit == "mentions"
    assert read_values(pd.Series(["care"])).weight_unit == "strings"
    assert ValueSet.from_records([("care", 1)], weight_unit="pct_convos").weight_unit == "pct_convos"


@pytest.mark.parametrize(
    ("content", "labels", "unit"),
    [
        (b"care\nhonesty, truth\n", ("care", "honesty, truth"), "strings"),
        (b'"care"\nhonesty\n', ("care", "honesty"), "strings"),
        (b"\xef\xbb\xbfvalue,count\ncare,2\n", ("care",), "mentions"),
        (b'"value"\t"count"\r\ncare\t2\r\n', ("care",), "mentions"),
        (b'{"value": "care", "count": 2}\n', ("care",), "mentions"),
    ],
)
def test_standard_input(content: bytes, labels: tuple[str, ...], unit: str) -> None:
    values = ValueSet.from_file("-", stdin=io.BytesIO(content))
    assert (values.labels, values.weight_unit) == (labels, unit)


def test_standard_input_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"care\n")))
    assert read_values(Path("-")).labels == ("care",)


def test_a_named_column_makes_standard_input_a_table() -> None:
    values = ValueSet.from_file("-", value_column="name", stdin=io.BytesIO(b"name,n\ncare,2\n"))
    assert values.labels == ("care",)


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("v.xlsx", "x", ["'.xlsx'", ".csv", ".parquet"]),
        ("values", "x", ["no suffix", ".csv"]),
        ("v.csv", "", ["empty"]),
        ("v.csv", b"\xef\xbb\xbf", ["empty"]),
        ("v.txt", "", ["empty"]),
        ("v.jsonl", "", ["empty"]),
        ("v.csv", "value,count\n", ["no rows"]),
        ("v.csv", "name,n\ncare,1\n", ["line 1", "'value'", "'name', 'n'", "`value_column`"]),
        ("v.csv", "\nvalue\ncare\n", ["line 1", "'value'"]),
        ("v.csv", "value,value\ncare,x\n", ["line 1", "'value'", "twice"]),
        ("v.csv", "value,count\ncare,1\nhonesty,lots\n", ["line 3", "'count'", "'lots' is not a number"]),
        ("v.csv", "value,count\ncare,\n", ["line 2", "'count'", "missing"]),
        ("v.csv", "value,count\ncare,-1\n", ["line 2", "'count'", "'-1' is negative"]),
        ("v.csv", "value,count\ncare,NaN\n", ["line 2", "'count'", "'NaN' is not a number"]),
        ("v.csv", "value,count\ncare,1e999\n", ["line 2", "'count'", "'1e999' is infinite"]),
        ("v.csv", "value,count\ncare,0\nhonesty,0\n", ["'count'", "every weight is 0"]),
        ("v.csv", "value,count\ncare,1e308\ncare,1e308\n", ["add up to infinity"]),
        ("v.csv", "value,count\ncare,1\nhonesty, truth,2\n", ["line 3", "3 cells", "2", "quote"]),
        ("v.csv", "value,count\ncare\n", ["line 2", "1 cell", "2"]),
        ("v.csv", 'value,count\n"a\nb",1\n"c\nd",x\n', ["line 4", "'x'"]),
        ("v.csv", 'value\ncare\n"honesty\ntruth\n', ["line 3", "not CSV"]),
        ("v.csv", 'value\n"care"x\n', ["line 2", "not CSV"]),
        ("v.csv", "value\n" + "x" * 200_000 + "\n", ["no row holds a value", "1 too long"]),
        ("v.csv", b"value\ncare\nhonest\xe9\n", ["line 3", "byte 7", "0xe9", "UTF-8"]),
        ("v.txt", b"\xff\xfec\x00a\x00", ["line 1", "byte 1", "UTF-8"]),
        ("v.txt", b"care\nhon\x00esty\n", ["line 2", "byte 4", "NUL"]),
        ("v.txt", "none\n\n", ["no row holds a value", "1 placeholder", "1 empty"]),
        ("v.jsonl", "\n\n", ["no row holds a value", "2 empty"]),
        ("v.jsonl", '{"value": "care"}\n' * 6 + "{value}\n", ["line 7", "not JSON"]),
        ("v.jsonl", "[" * 100_000, ["not one JSON array"]),
        ("v.jsonl", '{"value": "care", "value": "x"}\n', ["line 1", "twice"]),
        ("v.jsonl", '"care"\n[1]\n', ["line 2", "[1]", "neither"]),
        ("v.jsonl", '"care"\nnull\n', ["line 2", "None", "neither"]),
        ("v.jsonl", '"care"\n{"value": "x"}\n', ["line 2", "not a string"]),
        ("v.jsonl", '{"value": "care"}\n"x"\n', ["line 2", "'value'"]),
        ("v.jsonl", '{"name": "care"}\n', ["line 1", "'value'", "'name'"]),
        ("v.jsonl", '{"value": "care"}\n{"name": "x"}\n', ["line 2", "'value'"]),
        ("v.jsonl", '{"value": "care"}\n{"value": 7}\n', ["line 2", "'value'", "7 is not a string"]),
        ("v.jsonl", '{"value": "care"}\n{"value": "\\ud800"}\n', ["line 2", "'value'", "surrogate"]),
        ("v.jsonl", '{"value": "care", "count": "3"}\n', ["line 1", "'count'", "'3' is not a number"]),
        ("v.jsonl", '{"value": "care", "count": true}\n', ["line 1", "'count'", "not a number"]),
        ("v.jsonl", '{"value": "care", "count": NaN}\n', ["line 1", "'count'", "not a number"]),
        ("v.jsonl", '{"value": "care", "count": -Infinity}\n', ["line 1", "'count'", "negative"]),
        ("v.jsonl", f'{{"value": "care", "count": 1{"0" * 400}}}\n', ["line 1", "'count'", "infinite"]),
        ("v.jsonl", '{"value": "care", "count": 1}\n{"value": "x"}\n', ["line 2", "'count'", "missing"]),
        ("v.jsonl", '{"value": "care"}\n{"value": "x", "count": 1}\n', ["line 2", "'count'", "weight"]),
        ("v.parquet", "value,count\n", ["not Parquet"]),
        ("v.parquet", "", ["not Parquet"]),
    ],
)
def test_a_fault_in_a_file_is_named(file: Any, name: str, content: str | bytes, parts: list[str]) -> None:
    path = file(name, content)
    with pytest.raises(InputError) as caught:
        read_values(path)
    message = str(caught.value)
    assert message.startswith(f"{path}")
    assert [part for part in parts if part not in message] == []
    assert message.isprintable()
    assert caught.value.remedy
    assert len(message) < len(str(path)) + 350


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_values(tmp_path / "none.csv")
    with pytest.raises(InputError, match="a folder"):
        read_values(tmp_path)
    with pytest.raises(InputError, match="cannot be opened"):
        read_values(tmp_path / "a\0b.csv")


def test_faults_on_standard_input_name_it() -> None:
    with pytest.raises(InputError, match=r"^stdin, line 2, column 'count': .*; "):
        ValueSet.from_file("-", stdin=io.BytesIO(b"value,count\ncare,x\n"))


def test_unknown_columns_are_named_with_those_there(file: Any) -> None:
    path = file("v.csv", "value,count\ncare,1\n")
    with pytest.raises(InputError, match=r"column 'n': .*'value', 'count'.*`weight_column`"):
        read_values(path, weight_column="n")
    with pytest.raises(InputError, match=r"column 'name': .*'value', 'count'.*`value_column`"):
        read_values(path, value_column="name")
    for source in (file("v.txt", "care\n"), file("v.jsonl", '"care"\n'), ["care"], {"care": 1.0}):
        with pytest.raises(InputError, match="no columns"):
            read_values(source, weight_column="count")


@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        ({"name": ["care"]}, ["'value'", "'name'"]),
        ({"value": [1]}, ["row 1", "'value'", "1 is not a string"]),
        ({"value": ["care", b"x"]}, ["row 2", "'value'", "not a string"]),
        ({"value": ["care", "x"], "count": [1.0, None]}, ["row 2", "'count'", "missing"]),
        ({"value": ["care", "x"], "count": [1.0, -2.0]}, ["row 2", "'count'", "negative"]),
        ({"value": ["care"], "count": ["1"]}, ["row 1", "'count'", "not a number"]),
        ({"value": ["care"], "count": [float("inf")]}, ["row 1", "'count'", "infinite"]),
        ({"value": [], "count": []}, ["no rows"]),
    ],
)
def test_faults_in_tables_name_the_row(tmp_path: Path, columns: dict[str, Any], parts: list[str]) -> None:
    sources: list[Path | pd.DataFrame] = [pd.DataFrame(columns)]
    if b"x" not in columns.get("value", []):
        sources.append(write_parquet(tmp_path / "v.parquet", columns))
    for source in sources:
        with pytest.raises(InputError) as caught:
            read_values(source)
        assert [part for part in parts if part not in str(caught.value)] == []


def test_a_truncated_parquet_file(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "v.parquet", {"value": ["care"] * 1000})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="not Parquet"):
        read_values(path)


def test_two_columns_of_one_name() -> None:
    with pytest.raises(InputError, match=r"column 'value': .*twice"):
        read_values(pd.DataFrame([["care", "x"]], columns=["value", "value"]))


@pytest.mark.parametrize("source", [b"values.csv", 7, None])
def test_what_is_no_source(source: Any) -> None:
    with pytest.raises(InputError, match=f"a {type(source).__name__}; give the path of a file, strings"):
        read_values(source)


@pytest.mark.parametrize(
    ("records", "parts"),
    [
        ([], ["no rows"]),
        ([("care", 1), "ab"], ["row 2", "'ab'", "not a pair"]),
        ([("care", 1), (7, 1)], ["row 2", "7 is not a string"]),
        ([("\udcff", 1)], ["row 1", "surrogate"]),
        ([("care", float("nan"))], ["row 1", "not a number"]),
        ([("care", None)], ["row 1", "missing"]),
        ([("care", -1)], ["row 1", "negative"]),
        ([("none", 1), ("-", 1)], ["no row holds a value (2 placeholder)"]),
    ],
)
def test_faults_in_records_name_the_row(records: Any, parts: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        ValueSet.from_records(records)
    assert [part for part in parts if part not in str(caught.value)] == []


def test_an_error_is_one_printable_line_and_survives_a_process_boundary() -> None:
    error = InputError("bad \x1b[31m\ncell", path="a\nb.csv", line=3, column="count", remedy="mend it")
    assert str(error) == r"a\nb.csv, line 3, column 'count': bad \x1b[31m\ncell; mend it"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_large_file_gives_the_same_whatever_its_order(tmp_path: Path) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    rows = [f"x{letters[i % 26]}{letters[i % 11]} {letters[i % 7]},{i % 100 / 10}\n" for i in range(200_000)]
    digests = set()
    for seed in range(2):
        random.Random(seed).shuffle(rows)
        path = tmp_path / f"{seed}.csv"
        path.write_text("value,pct_convos\n" + "".join(rows), encoding="utf-8")
        values = read_values(path)
        assert values.rows == 200_000 == len(values) + values.repeats
        digests.add(values.sha256)
    assert len(digests) == 1


def test_the_published_strings(published: Path) -> None:
    values = read_values(published / "values_frequencies.csv")
    aliases = sum(len(value.aliases) for value in values.values)
    assert (values.rows, len(values), aliases, values.repeats) == (3307, 3272, 35, 0)
    assert (values.rejected, values.weight_unit) == ((), "pct_convos")
