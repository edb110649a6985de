"""Records and value files in the forms that people and libraries write them: the same content, the same figures."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
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

import taxonomy
from taxonomy.errors import InputError
from taxonomy.mentions.columns import CONVERSATION, USER, VALUE, Side
from taxonomy.mentions.duckdb_engine import DuckDBEngine
from taxonomy.mentions.opening import RecordsWarning
from taxonomy.mentions.records import Records, open_records
from taxonomy.values import read_values
from tests.conftest import ROOT, Run, examples
from tests.mention_records import TREE, mention, write_rows

CASES = ROOT.parent / "shared" / "cases"
HEADER = "conversation_id,side,value\n"


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine() as opened:
        yield opened


Read = Callable[..., Records]


@pytest.fixture
def read(engine: DuckDBEngine, tmp_path: Path) -> Read:
    """Write files of the names and contents given, and open them."""

    def opened(files: dict[str, str | bytes], **options: Any) -> Records:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return open_records([tmp_path], engine=engine, **options)

    return opened


def strings(records: Records, side: Side = "ai") -> dict[str, int]:
    return dict(records.strings_of(side))


def times(records: Records) -> set[str]:
    return {str(row["timestamp"]) for row in records.engine.collect(records.conversations).to_pylist()}


# -- ids -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mentions", "conversations"),
    [
        ("1,ai,care\n2,ai,care\n", "1.0\n2.0\n"),
        ("1.0,ai,care\n2.0,ai,care\n", "1\n2\n"),
        (" 1.0 ,ai,care\n2.0,ai,care\n", "1\n2\n"),
    ],
)
def test_an_integer_and_the_whole_float_are_one_id(read: Read, mentions: str, conversations: str) -> None:
    records = read({"m.csv": HEADER + mentions, "c.csv": "conversation_id\n" + conversations})
    assert (records.met, records.notices()) == (2, [])


def test_a_column_with_other_ids_is_left_as_it_is(read: Read) -> None:
    records = read({"m.csv": HEADER + "1.0,ai,care\nv2,ai,care\n1,ai,care\n"})
    assert {row["conversation_id"] for row in records.engine.collect(records.conversations).to_pylist()} == {
        "1.0",
        "v2",
        "1",
    }


def test_contexts_are_one_whatever_their_case(read: Read) -> None:
    records = read(
        {
            "m.csv": HEADER + "1,ai,care\n2,ai,care\n3,ai,care\n",
            "c.csv": "conversation_id,Team\n1,x\n",
            "d.csv": "conversation_id,team\n2,y\n",
            "e.jsonl": '{"conversation_id": 3, "TEAM": "z"}\n',
        }
    )
    rows = records.engine.collect(records.conversations).to_pylist()
    assert (records.contexts, {row["TEAM"] for row in rows}) == (("TEAM",), {"x", "y", "z"})


def test_numbers_of_json_and_parquet_are_ids(read: Read, tmp_path: Path) -> None:
    pd.DataFrame({"conversation_id": [1.0, 2.0, None], "task": "t"}).to_parquet(tmp_path / "c.parquet")
    rows = [
        '{"conversation_id": 1, "side": "ai", "value": "care"}',
        '{"conversation_id": 2.0, "side": "ai", "value": "x"}',
    ]
    records = read({"m.jsonl": "\n".join(rows)}, max_rejected=0.5)
    assert (records.met, len(records.rejected)) == (2, 1)


def test_ids_that_do_not_meet_are_said(tmp_path: Path) -> None:
    write_rows(tmp_path / "m.csv", [mention("a", "care"), mention("b", "care")])
    write_rows(tmp_path / "c.csv", [{"conversation_id": name, "task": "t"} for name in ("A", "B", "a", "d", "e")])
    with pytest.warns(
        RecordsWarning, match=r"only 1 of 5 rows of conversations has a mention; see that both"
    ) as raised:
        taxonomy.open_mentions(tmp_path, TREE).close()
    assert len(raised) == 1
    assert raised[0].filename == __file__
    write_rows(tmp_path / "whole.csv", [mention("a", "care")])
    with taxonomy.open_mentions(tmp_path / "whole.csv", TREE) as mentions:
        with pytest.warns(RecordsWarning, match="only 1 of 5 rows") as raised:
            mentions.open_baseline([tmp_path / "m.csv", tmp_path / "c.csv"])
        assert raised[0].filename == __file__


def test_it_is_said_on_the_command_line(run: Run, tmp_path: Path) -> None:
    write_rows(tmp_path / "m.csv", [mention("a", "care"), mention("a", "care")])
    write_rows(tmp_path / "c.csv", [{"conversation_id": name} for name in "ABC"])
    TREE.write(tmp_path / "tree.json")
    asked = ("analyze", "frequency", tmp_path / "m.csv", tmp_path / "c.csv", "--taxonomy", tmp_path / "tree.json")
    done = run(*asked, "--internal")
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert lines[0] == "Warning: 1 row of mentions repeats another row exactly, and is counted"
    assert lines[1].startswith("Warning: only 0 of 3 rows of conversations have a mention; ")
    assert "Warning" not in run(*asked, "--internal", "--quiet").stderr


# -- repeats, and files named twice ------------------------------------------------------------------------------


def test_exact_repeats_are_counted_and_said(read: Read) -> None:
    records = read(
        {
            "m.csv": HEADER + "a,ai,care\n" * 3 + "a,human,care\nb,ai,care\n",
            "c.csv": "conversation_id,task\na,t\na,t\nb,t\n",
        }
    )
    assert records.repeats == {"mentions": 2, "conversations": 1}
    assert strings(records) == {"care": 4}
    assert len(records.engine.collect(records.conversations)) == 2
    assert records.notices() == [
        "2 rows of mentions repeat another row exactly, and are counted",
        "1 row of conversations repeats another row exactly, and is left out",
    ]


def test_rows_that_differ_in_any_column_are_no_repeats(read: Read) -> None:
    records = read({"m.csv": "conversation_id,side,value,turn\na,ai,care,1\na,ai,care,2\n"})
    assert (records.repeats["mentions"], strings(records)) == (0, {"care": 2})


def test_a_file_is_read_once_whatever_leads_to_it(engine: DuckDBEngine, tmp_path: Path) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    path = write_rows(folder / "m.csv", [mention("a", "care")])
    (tmp_path / "link.csv").symlink_to(path)
    os.link(path, tmp_path / "hard.csv")
    paths = [path, folder, folder / ".." / "records" / "m.csv", tmp_path / "link.csv", tmp_path / "hard.csv"]
    assert strings(open_records(paths, engine=engine)) == {"care": 1}


@pytest.mark.parametrize("name", ["a*b", "a?b", "a[1]b", "a{x}b", "side=ai", "a'b", "a b%20"])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_names_are_literal(engine: DuckDBEngine, tmp_path: Path, name: str, suffix: str) -> None:
    for other in (name, "aXb", "a1b"):
        (tmp_path / other).mkdir()
        write_rows(tmp_path / f"{other}{suffix}", [mention(other, "care")])
        write_rows(tmp_path / other / f"m{suffix}", [mention(other, "care")])
    assert strings(open_records([tmp_path / f"{name}{suffix}"], engine=engine)) == {"care": 1}
    assert strings(open_records([tmp_path / name], engine=engine)) == {"care": 1}


def test_our_own_rejected_rows_are_left_out_by_whatever_they_are_named(run: Run, tmp_path: Path) -> None:
    write_rows(tmp_path / "m.parquet", [mention(f"c{n}", "care") for n in range(300)] + [mention("x", "care", "robot")])
    for _ in range(2):
        files = sorted(tmp_path.glob("*.parquet"))
        done = run("mentions", "count", *files, "--side", "ai", "--out", tmp_path / "v.csv")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "rejected.parquet").is_file()


# -- lists -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "files",
    [
        {"m.jsonl": '{"conversation_id": "a", "side": "ai", "value": ["care", "open, honest"]}\n'},
        {"m.json": '[{"conversation_id": "a", "side": "ai", "value": ["care", " open, honest ", "", null]}]'},
        {"m.csv": HEADER + 'a,ai,"[""care"", ""open, honest""]"\n'},
        {"m.csv": HEADER + "a,ai,\"['care', 'open, honest']\"\n"},
        {"m.jsonl": json.dumps({"conversation_id": "a", "side": "ai", "value": '["care", "open, honest"]'})},
    ],
)
def test_a_list_of_values_is_a_mention_each(read: Read, files: dict[str, str]) -> None:
    assert strings(read(files)) == {"care": 1, "open, honest": 1}


def test_a_typed_list_is_a_mention_each(read: Read, tmp_path: Path) -> None:
    rows = {"conversation_id": ["a", "b", "c"], "side": "ai", "value": [["care", "open, honest"], [], None]}
    pd.DataFrame(rows).to_parquet(tmp_path / "m.parquet")
    records = read({}, max_rejected=0.5)
    assert strings(records) == {"care": 1, "open, honest": 1}
    # An empty list says that there is no value; nothing at all says nothing.
    assert len(records.engine.collect(records.conversations)) == 2
    assert records.rejected["reason"].tolist() == ["no value"]


def test_a_malformed_row_is_one_whatever_it_lists(read: Read) -> None:
    listed = "\"['care', 'thrift']\""
    records = read({"m.csv": HEADER + f"a,ai,{listed}\nb,robot,{listed}\n"}, max_rejected=0.4)
    assert (records.rows["mentions"], len(records.rejected), strings(records)) == (3, 1, {"care": 1, "thrift": 1})


def test_what_only_looks_like_a_list_is_a_string(read: Read) -> None:
    assert strings(read({"m.csv": HEADER + "a,ai,[care\nb,ai,[not a list]\nc,ai,[1]\n"})) == {
        "[care": 1,
        "[not a list]": 1,
        "[1]": 1,
    }


# -- times, sides and truth values ------------------------------------------------------------------------------

NOON = "2025-01-20 12:00:00"
SECONDS = int(datetime(2025, 1, 20, 12, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    "written",
    [
        NOON,
        "2025-01-20T12:00:00Z",
        "2025-01-20T13:00:00+01:00",
        "2025-01-20 12:00:00.000000000Z",
        f"{SECONDS}",
        f"{SECONDS}.0",
        f"{SECONDS}000",
        f"{SECONDS}000000",
        f"{SECONDS}000000000",
        '"Mon, 20 Jan 2025 12:00:00 +0000"',
        '"Mon, 20 Jan 2025 12:00:00 GMT"',
        "20 Jan 2025 07:00 -0500",
    ],
)
def test_times_in_the_forms_of_logs(read: Read, written: str) -> None:
    assert times(read({"m.csv": f"conversation_id,side,value,timestamp\na,ai,care,{written}\n"})) == {NOON}


@pytest.mark.parametrize(
    "written", ["yesterday", "20.01.2025", "1", "2025", "infinity", "epoch", "99999999999999999999"]
)
def test_what_is_no_time_says_which_form_is_wanted(read: Read, written: str) -> None:
    with pytest.raises(
        InputError, match="1 timestamp is not a time: give ISO 8601, RFC 2822 or the seconds since 1970"
    ):
        read({"m.csv": f"conversation_id,side,value,timestamp\na,ai,care,{written}\n"})


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.to_datetime([NOON])),
        pd.Series(pd.to_datetime([NOON]).tz_localize("UTC").tz_convert("Asia/Tokyo")),
        pd.Series([SECONDS]),
        pd.Series([float(SECONDS) * 1000]),
        pd.Series([NOON]),
    ],
)
def test_typed_times_are_used_as_they_are(read: Read, tmp_path: Path, column: pd.Series[Any]) -> None:
    frame = pd.DataFrame({"conversation_id": ["a"], "side": "ai", "value": "care", "timestamp": column})
    frame.to_parquet(tmp_path / "m.parquet")
    assert times(read({})) == {NOON}


def test_sides_and_truth_values_as_people_write_them(read: Read) -> None:
    rows = "A,Assistant,care,1.0\nb,AI,care,no\nc,USER,care,Yes\nd,human,care,0\ne,user,care,FALSE\nf,ai,care,\n"
    records = read({"m.csv": "Conversation_ID,Side,VALUE,Explicit\n" + rows})
    found = records.engine.collect(records.mentions).to_pylist()
    assert sorted((row["ai"], str(row["explicit"])) for row in found) == [
        (False, "False"), (False, "False"), (False, "True"), (True, "False"), (True, "None"), (True, "True"),
    ]  # fmt: skip


# -- files -----------------------------------------------------------------------------------------------------

ROWS = [("a", "ai", "care"), ("b", "ai", "open; honest"), ("c", "human", "thrift")]
PLAIN = HEADER + "".join(",".join(row) + "\n" for row in ROWS)
JSON = [dict(zip(("conversation_id", "side", "value"), row, strict=True)) for row in ROWS]
FILES: dict[str, str | bytes] = {
    "m.csv": PLAIN,
    "bom.csv": "\ufeff" + PLAIN,
    "crlf.csv": PLAIN.replace("\n", "\r\n"),
    "mixed.csv": PLAIN.replace("\n", "\r\n", 2),
    "other.csv": PLAIN.replace("care\n", "care\r\n"),
    "cr.csv": PLAIN.replace("\n", "\r"),
    "quoted.csv": PLAIN.replace("care\n", '"care"\r\n'),
    "semicolon.csv": PLAIN.replace("open; honest", '"open; honest"').replace(",", ";"),
    "sep.csv": "sep=;\n" + PLAIN.replace("open; honest", '"open; honest"').replace(",", ";"),
    "bar.csv": PLAIN.replace(",", "|"),
    "m.tsv": PLAIN.replace(",", "\t"),
    "m.csv.gz": gzip.compress(PLAIN.encode()),
    "mixed.csv.gz": gzip.compress(PLAIN.replace("\n", "\r\n", 2).encode()),
    "m.jsonl": "\n".join(map(json.dumps, JSON)),
    "cr.jsonl": "\r".join(map(json.dumps, JSON)),
    "m.ndjson": "\n\n".join(map(json.dumps, JSON)),
    "m.ndjson.gz": gzip.compress("\n".join(map(json.dumps, JSON)).encode()),
    "m.json": json.dumps(JSON, indent=2),
    "lines.json": "\n".join(map(json.dumps, JSON)),
    "m.json.gz": gzip.compress(json.dumps(JSON).encode()),
    "keys.jsonl": "\n".join(json.dumps({name.title(): cell for name, cell in row.items()}) for row in JSON),
}


@pytest.mark.parametrize("name", FILES)
def test_files_as_people_have_them(read: Read, tmp_path: Path, name: str) -> None:
    records = read({name: FILES[name]})
    assert len(records.rejected) == 0
    assert (strings(records), strings(records, "human")) == ({"care": 1, "open; honest": 1}, {"thrift": 1})
    # What is built reads the same files.
    assert read_values(tmp_path / name).labels == ("care", "open; honest", "thrift")


def test_rows_that_cannot_be_read_are_rejected_one_by_one(read: Read) -> None:
    good = "".join(f"{n},ai,care\n" for n in range(50))
    line = '{"conversation_id": "a", "side": "ai", "value": "care"}\n'
    records = read(
        {
            "nul.csv": HEADER + good + "x,ai,ca\0re\n",
            "long.csv": HEADER + good + f"x,ai,{'long ' * 500_000}\ny,ai,care\n",
            "nul.jsonl": line * 50 + line.replace("care", "ca\\u0000re") + line.replace("care", "ca\0re"),
        },
        max_rejected=0.1,
    )
    assert dict(records.rejected["reason"].value_counts()) == {"not readable": 4}
    assert strings(records) == {"care": 151}


def test_damaged_lines_and_items_of_json_are_rejected_together(read: Read) -> None:
    line = '{"conversation_id": "a", "side": "ai", "value": "care"}'
    records = read({"m.jsonl": f"{line}\nbroken\n", "m.json": f'[{line}, "item"]'}, max_rejected=0.5)
    assert sorted(records.rejected["row"]) == ['"item"', "broken"]


def test_a_long_cell_is_one_rejected_value(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text(f"value,count\n{'x' * 200_000},1\ncare,2\n")
    values = read_values(tmp_path / "v.csv")
    assert (values.labels, [rejection.reason for rejection in values.rejected]) == (("care",), ["too long"])


def test_a_damaged_gzip_file_is_one_line(read: Read, tmp_path: Path) -> None:
    damaged = gzip.compress(PLAIN.encode() * 100)[:-20]
    with pytest.raises(InputError, match=r"m\.csv\.gz: the file cannot be decompressed"):
        read({"m.csv.gz": damaged})
    with pytest.raises(InputError, match=r"m\.csv\.gz: the file cannot be decompressed"):
        read_values(tmp_path / "m.csv.gz")
    (tmp_path / "m.csv.gz").unlink()
    with pytest.raises(InputError, match=r"other\.jsonl\.gz: the file cannot be decompressed"):
        read({"other.jsonl.gz": b"not compressed"})


def test_other_files_of_a_folder_are_passed_over(read: Read) -> None:
    records = read({"m.csv": PLAIN, "settings.json": '{"a": 1}', "list.json": "[1, 2]", "notes.txt": "x"})
    assert strings(records) == {"care": 1, "open; honest": 1}


# -- values to build from ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("v.csv", "Value;Count\nhonesty;1,5\nkindness;2\n"),
        ("v.csv", "sep=;\r\nvalue;count\r\nhonesty;1.5\r\nkindness;2\r\n"),
        ("v.json", '[{"value": "honesty", "count": 1.5}, {"value": "kindness", "count": 2}]'),
        ("v.ndjson", '{"VALUE": "honesty", "count": 1.5}\n{"VALUE": "kindness", "count": 2}\n'),
        ("v.tsv.gz", gzip.compress(b"value\tcount\nhonesty\t1.5\nkindness\t2\n", mtime=0)),
    ],
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


# -- cases that failed once ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cases() -> Path:
    if not CASES.is_dir():
        pytest.skip("the cases are not beside this checkout")
    return CASES


def test_the_cases_of_records(cases: Path, run: Run, tmp_path: Path) -> None:
    TREE.write(tmp_path / "tree.json")
    count = ("--side", "ai", "--out", tmp_path / "v.csv", "--min-conversations", 1, "--min-users", 1)
    done = run("mentions", "count", cases / "list_value.jsonl", *count)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "v.csv").read_text() == "value,count,conversations\nhonesty,2,2\nkindness,2,2\n"
    done = run("mentions", "count", cases / "mixed_newlines.csv", *count)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "v.csv").read_text() == "value,count,conversations\nx,1,1\ny,1,1\n"
    for name in ("epoch_seconds.csv", "upper_case_headers.csv"):
        done = run("mentions", "count", cases / name, *count)
        assert (done.returncode, done.stderr) == (0, "")
    files = (cases / "floatid_mentions.csv", cases / "floatid_conversations.csv")
    done = run("analyze", "frequency", *files, "--taxonomy", tmp_path / "tree.json", "--internal", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    top = [row for row in answer["tables"]["nodes"] if row["level"] == 2]
    assert answer["figures"]["conversations"] == 2
    assert [(row["conversations"], row["conversation_share"]) for row in top] == [(2, 1.0)]


def test_the_cases_of_value_files(cases: Path) -> None:
    for name in ("semicolon.csv", "excel_sep.csv"):
        values = read_values(cases / name)
        assert (values.labels, values.weights.tolist()) == (("honesty", "kindness"), [12.0, 7.0])


# -- whatever wrote it ---------------------------------------------------------------------------------------------

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


def content_of(records: Records) -> list[list[str]]:
    """Return all that figures are counted from, with the first conversation of a user instead of its code."""
    mentions = records.named(records.mentions.join(records.values, on=VALUE, how="inner").drop(VALUE))
    rows, conversations = (records.engine.collect(frame).to_pylist() for frame in (mentions, records.conversations))
    first: dict[Any, str] = {None: ""}
    for row in sorted(conversations, key=lambda row: row["conversation_id"]):
        row["user"] = first.setdefault(row.pop(USER), row["conversation_id"])
        del row[CONVERSATION]
    return [sorted(str(sorted(row.items())) for row in table) for table in (rows, conversations)]


@pytest.mark.hypothesis
@examples(10, all=100)
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
