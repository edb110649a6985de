"""Records and value files in the forms that people and libraries write them: the same content, the same figures."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import taxonomy
from taxonomy.errors import InputError
from taxonomy.mentions.columns import Side
from taxonomy.mentions.duckdb_engine import DuckDBEngine
from taxonomy.mentions.opening import RecordsWarning
from taxonomy.mentions.records import Records, open_records
from taxonomy.values import read_values
from tests.conftest import Run
from tests.mention_records import TREE, mention, write_rows

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


def times(records: Records) -> list[str]:
    return [str(row["timestamp"]) for row in records.engine.collect(records.conversations).to_pylist()]


# -- ids -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mentions", "conversations"),
    [
        ("1,ai,care\n2,ai,care\n", "1.0\n2.0\n"),
        pytest.param("1.0,ai,care\n2.0,ai,care\n", "1\n2\n", marks=pytest.mark.slow),
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
    _, *lines = done.stderr.splitlines()
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


ODD = ["a*b", "a?b", "a[1]b", "a{x}b", "side=ai", "a'b", "a b%20"]
# What the odd names would find, were they patterns.
FOUND = ["aXb", "a1b"]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_names_are_literal(engine: DuckDBEngine, tmp_path: Path, suffix: str) -> None:
    for name in (*ODD, *FOUND):
        (tmp_path / name).mkdir()
        write_rows(tmp_path / f"{name}{suffix}", [mention(name, name)])
        write_rows(tmp_path / name / f"m{suffix}", [mention(name, f"in {name}")])
    files = [tmp_path / f"{name}{suffix}" for name in ODD]
    assert strings(open_records(files, engine=engine)) == dict.fromkeys(ODD, 1)
    folders = [tmp_path / name for name in ODD]
    assert strings(open_records(folders, engine=engine)) == dict.fromkeys([f"in {name}" for name in ODD], 1)


def test_our_own_rejected_rows_are_left_out_by_whatever_they_are_named(run: Run, tmp_path: Path) -> None:
    write_rows(tmp_path / "m.parquet", [mention(f"c{n}", "care") for n in range(300)] + [mention("x", "care", "robot")])
    for _ in range(2):
        files = sorted(tmp_path.glob("*.parquet"))
        done = run("mentions", "count", *files, "--side", "ai", "--out", tmp_path / "v.csv")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "rejected.parquet").is_file()


# -- lists -----------------------------------------------------------------------------------------------------


def test_a_list_of_values_is_a_mention_each(read: Read) -> None:
    records = read(
        {
            "lists.jsonl": '{"conversation_id": "a", "side": "ai", "value": ["care 1", "open, honest 1"]}\n',
            "m.json": '[{"conversation_id": "a", "side": "ai", "value": ["care 2", " open, honest 2 ", "", null]}]',
            "m.csv": HEADER + 'a,ai,"[""care 3"", ""open, honest 3""]"\n' + "a,ai,\"['care 4', 'open, honest 4']\"\n",
        }
    )
    assert strings(records) == {f"{text} {n}": 1 for text in ("care", "open, honest") for n in range(1, 5)}


def test_a_list_written_as_a_text_of_json_is_a_mention_each(read: Read) -> None:
    row = {"conversation_id": "a", "side": "ai", "value": '["care", "open, honest"]'}
    assert strings(read({"m.jsonl": json.dumps(row)})) == {"care": 1, "open, honest": 1}


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


NOONS = [
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
]
NO_TIMES = ["yesterday", "20.01.2025", "1", "2025", "infinity", "epoch", "99999999999999999999"]


def timed(written: list[str]) -> str:
    """Return mentions, each of a conversation of its own, at the times as they are written."""
    rows = (f"{number},ai,care,{time}\n" for number, time in enumerate(written))
    return "conversation_id,side,value,timestamp\n" + "".join(rows)


def test_times_in_the_forms_of_logs(read: Read) -> None:
    assert times(read({"m.csv": timed(NOONS)})) == [NOON] * len(NOONS)


def test_what_is_no_time_says_which_form_is_wanted(read: Read) -> None:
    wanted = "timestamp is not a time: give ISO 8601, RFC 2822 or the seconds since 1970"
    with pytest.raises(InputError, match=f"7 {wanted}"):
        read({"m.csv": timed(NO_TIMES)})
    records = read({"m.csv": timed([*NO_TIMES, NOON])}, max_rejected=0.9)
    assert records.rejected["reason"].tolist() == [wanted] * 7
    assert {json.loads(row)["timestamp"] for row in records.rejected["row"]} == set(NO_TIMES)


def test_typed_times_are_used_as_they_are(read: Read, tmp_path: Path) -> None:
    columns = [
        pd.Series(pd.to_datetime([NOON])),
        pd.Series(pd.to_datetime([NOON]).tz_localize("UTC").tz_convert("Asia/Tokyo")),
        pd.Series([SECONDS]),
        pd.Series([float(SECONDS) * 1000]),
        pd.Series([NOON]),
    ]
    for number, column in enumerate(columns):
        frame = pd.DataFrame({"conversation_id": [f"c{number}"], "side": "ai", "value": "care", "timestamp": column})
        frame.to_parquet(tmp_path / f"{number}.parquet")
    assert times(read({})) == [NOON] * len(columns)


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


def test_files_as_people_have_them(read: Read, tmp_path: Path) -> None:
    records = read(FILES)
    assert len(records.rejected) == 0
    n = len(FILES)
    assert (strings(records), strings(records, "human")) == ({"care": n, "open": n, "honest": n}, {"thrift": n})


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
    assert strings(records) == {"care": 1, "open": 1, "honest": 1}


# -- cases that failed once ----------------------------------------------------------------------------------------


def test_the_cases_of_records(cases: Path, engine: DuckDBEngine, run: Run, tmp_path: Path) -> None:
    TREE.write(tmp_path / "tree.json")
    count = ("--side", "ai", "--out", tmp_path / "v.csv", "--min-conversations", 1, "--min-users", 1)
    done = run("mentions", "count", cases / "list_value.jsonl", *count)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "v.csv").read_text() == "value,count,conversations\nhonesty,2,2\nkindness,2,2\n"
    assert strings(open_records([cases / "mixed_newlines.csv"], engine=engine)) == {"x": 1, "y": 1}
    for name in ("epoch_seconds.csv", "upper_case_headers.csv"):
        records = open_records([cases / name], engine=engine)
        assert (len(records.rejected), records.notices()) == (0, [])
    files = (cases / "floatid_mentions.csv", cases / "floatid_conversations.csv")
    done = run("analyze", "frequency", *files, "--taxonomy", tmp_path / "tree.json", "--internal", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    top = [row for row in answer["tables"]["nodes"] if row["level"] == 2]
    assert answer["figures"]["conversations"] == 2
    assert [(row["conversations"], row["conversation_share"]) for row in top] == [(2, 1.0)]
