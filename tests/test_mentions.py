"""Records of mentions: what is read, what is rejected, and what is counted."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.errors import InputError, TaxonomyError
from taxonomy.mentions.columns import CONVERSATION, USER
from taxonomy.mentions.disclosure import INTERNAL
from taxonomy.mentions.duckdb_engine import DuckDBEngine
from taxonomy.mentions.engines import open_engine
from taxonomy.mentions.placed import count_cells, count_conversations, count_nodes
from taxonomy.mentions.placing import place
from taxonomy.mentions.records import Records, open_records
from taxonomy.mentions.sources import Source
from taxonomy.mentions.strings import count_strings
from taxonomy.values.text_files import CsvLayout
from tests.conftest import examples
from tests.mention_records import FAULTS, TREE, figures, many, mention, write_rows


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine() as opened:
        yield opened


def known(records: Records) -> list[dict[str, Any]]:
    """Return what is known of each conversation, with its id."""
    return records.engine.collect(
        records.conversations.select(
            "conversation_id", *[name for name in records.conversations.columns if name != "conversation_id"]
        )
    ).to_pylist()


# -- reading ---------------------------------------------------------------------------------------------------


def test_every_format_gives_the_same_figures(engine: DuckDBEngine, tmp_path: Path) -> None:
    mentions, conversations = many(60)
    found = []
    for suffix in (".parquet", ".csv", ".jsonl"):
        folder = tmp_path / suffix[1:]
        folder.mkdir()
        write_rows(folder / f"mentions{suffix}", mentions)
        write_rows(folder / f"conversations{suffix}", conversations)
        records = open_records([folder], engine=engine)
        assert (records.rows, len(records.rejected)) == ({"mentions": len(mentions), "conversations": 60}, 0)
        assert (records.contexts, records.users_known) == (("task",), True)
        found.append(figures(records))
    assert found[0] == found[1] == found[2]
    everything, _, nodes, *_ = found[0]
    assert everything == [{"conversations": 60, "users": 7}]
    by_label = {TREE.node(row["node"]).label: (row["conversations"], row["mentions"]) for row in nodes}
    assert by_label == {
        "honesty": (60, 60), "care": (30, 60), "thrift": (6, 6),
        "A": (60, 60), "B": (30, 60), "C": (6, 6), "P": (60, 60), "Q": (36, 66),
    }  # fmt: skip


def test_files_folders_and_globs_add_up_whatever_their_columns(engine: DuckDBEngine, tmp_path: Path) -> None:
    write_rows(tmp_path / "one.csv", [mention("a", "care", model="m1"), mention("b", "care", model="m2")])
    write_rows(tmp_path / "two.jsonl", [mention("b", "care", user_id="u"), mention("c", "thrift", explicit=True)])
    (tmp_path / "parts.parquet").mkdir()
    write_rows(tmp_path / "parts.parquet" / "part-0.parquet", [mention("d", "honesty")])
    (tmp_path / "notes.txt").write_text("not a record")
    for paths in (
        [tmp_path / "*.csv", tmp_path / "two.jsonl", tmp_path / "parts.parquet"],
        [tmp_path / "**" / "*.*l", tmp_path],
    ):
        wanted = {"honesty": 1, "care": 3, "thrift": 1} if paths[0].name == "*.csv" else {"care": 3, "thrift": 1}
        records = open_records(paths, engine=engine)
        counts = count_nodes(place(records, TREE, side="ai"), levels=[0])
        assert {TREE.node(row["node"]).label: row["mentions"] for row in counts.to_dict("records")} == wanted
    assert count_conversations(records, ["model"]).to_dict("list") == {
        "model": ["m1", "m2"],
        "conversations": [1, 1],
        "users": [0, 1],
    }


def test_what_is_known_of_a_conversation(engine: DuckDBEngine, tmp_path: Path) -> None:
    mentions = [
        mention("own row", "care", model="said by a mention", timestamp="2025-03-02T01:00:00+02:00"),
        mention("agreed", "care", model="m", user_id="u", timestamp="2025-03-02T01:00:00+02:00"),
        mention("agreed", "thrift", model="m", user_id=None, timestamp="2025-03-01"),
        mention("torn", "care", model="m"),
        mention("torn", "care", model="n"),
    ]
    write_rows(tmp_path / "mentions.csv", mentions)
    alone = known(open_records([tmp_path / "mentions.csv"], engine=engine))
    found = {row["conversation_id"]: (row["model"], row[USER] is not None, str(row["timestamp"])) for row in alone}
    assert found == {
        "own row": ("said by a mention", False, "2025-03-01 23:00:00"),
        "agreed": ("m", True, "2025-03-01 00:00:00"),
        "torn": (None, False, "None"),
    }
    write_rows(tmp_path / "conversations.csv", [{"conversation_id": "own row", "model": "own", "tone": "dry"}])
    records = open_records([tmp_path], engine=engine)
    found = {row["conversation_id"]: (row["model"], row["tone"]) for row in known(records)}
    assert found == {"own row": ("own", "dry"), "agreed": (None, None), "torn": (None, None)}
    assert records.contexts == ("model", "tone")


def test_codes_differ_as_ids_do(engine: DuckDBEngine, tmp_path: Path) -> None:
    names = ["b", "a", "B", "é", "10", "9", "a b"]
    users = ["u2", "u1", None, "u2", None, "u10", "u1"]
    rows = [mention(name, "care", user_id=user) for name, user in zip(names, users, strict=True)]
    write_rows(tmp_path / "m.jsonl", rows)
    records = open_records([tmp_path], engine=engine)
    assert len({row[CONVERSATION] for row in known(records)}) == len(names)
    codes = {row["conversation_id"]: row[USER] for row in known(records)}
    assert (codes["a"], codes["b"], codes["B"]) == (codes["a b"], codes["é"], codes["10"])
    assert codes["B"] is None
    assert len(set(codes.values())) == 4
    named = engine.collect(records.named(records.with_users(records.mentions)))
    assert sorted(named["conversation_id"].to_pylist()) == sorted(names)


# -- malformed rows --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAULTS)
def test_malformed_rows_are_counted_and_kept_with_a_reason(engine: DuckDBEngine, tmp_path: Path, name: str) -> None:
    text, reasons = FAULTS[name]
    (tmp_path / name).write_text(text)
    if name.startswith("conversations"):
        write_rows(tmp_path / "good.csv", [mention("x0", "care")])
    records = open_records([tmp_path], engine=engine, max_rejected=0.5)
    assert dict(records.rejected["reason"].value_counts()) == reasons
    assert set(records.rejected["file"]) == {name}
    kind = name.partition(".")[0]
    kept = records.mentions if kind == "mentions" else records.conversations
    assert records.rows[kind] == len(engine.collect(kept)) + len(records.rejected)
    for row in records.rejected.to_dict("records"):
        assert row["reason"] == "not readable" or json.loads(row["row"])
    with pytest.raises(
        InputError, match=rf"malformed: {sum(reasons.values())} of {records.rows[kind]} rows of {kind} "
    ):
        open_records([tmp_path], engine=engine, max_rejected=sum(reasons.values()) / records.rows[kind] - 0.001)


def test_a_column_of_the_wrong_type_is_malformed(engine: DuckDBEngine, tmp_path: Path) -> None:
    write_rows(tmp_path / "m.parquet", [mention("a", "care", explicit=0.5), mention("b", "care", explicit=1.0)])
    with pytest.raises(InputError, match="1 explicit is none of true, false, yes, no, 1, 0"):
        open_records([tmp_path], engine=engine)


# -- placing and counting --------------------------------------------------------------------------------------


def test_strings_find_their_node_by_any_spelling_and_the_rest_is_counted(engine: DuckDBEngine, tmp_path: Path) -> None:
    texts = ["Honesty", "- honesty.", "TRUTHFULNESS", "care", "wit", "wit", "n/a"]
    write_rows(tmp_path / "m.csv", [mention(str(i), text) for i, text in enumerate(texts)])
    placed = place(open_records([tmp_path], engine=engine), TREE, side="ai")
    assert (placed.strings, placed.mentions, placed.unmapped) == (6, 7, {"wit": 2, "n/a": 1})
    found = count_nodes(placed, levels=[0]).to_dict("records")
    assert {TREE.node(row["node"]).label: row["mentions"] for row in found} == {"honesty": 3, "care": 1}
    with pytest.raises(InputError, match="no mention is of the human side"):
        place(placed.records, TREE, side="human")


NAMES = st.sampled_from(["honesty", "truthfulness", "care", "thrift", "wit"])
MENTIONS = st.tuples(
    st.sampled_from("abcd"), st.sampled_from(["ai", "human"]), NAMES, st.sampled_from([True, False, None])
)
CONVERSATIONS = st.fixed_dictionaries(
    {name: st.tuples(st.sampled_from(["x", "y", None]), st.sampled_from(["u", "v", None])) for name in "abc"}
)


@examples(6, all=40)
@given(st.lists(MENTIONS, min_size=1, max_size=30), CONVERSATIONS)
def test_cells_are_what_counting_by_hand_gives(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str, bool | None]],
    said: dict[str, tuple[str, str]],
) -> None:
    folder = tmp_path_factory.mktemp("records")
    write_rows(folder / "m.jsonl", [mention(*row[:1], row[2], row[1], explicit=row[3]) for row in rows])
    write_rows(
        folder / "c.jsonl", [{"conversation_id": name, "task": t, "user_id": u} for name, (t, u) in said.items()]
    )
    users: dict[tuple[str, str], set[str]] = defaultdict(set)
    inside: dict[tuple[str, str], set[str]] = defaultdict(set)
    mentions: dict[tuple[str, str], int] = defaultdict(int)
    for name, side, value, _ in rows:
        task, user = said.get(name, (None, None))
        if side == "ai" and value != "wit" and task is not None:
            for node in TREE.path(TREE.node(value)):
                inside[node.id, task].add(name)
                mentions[node.id, task] += 1
                users[node.id, task] |= {user} - {None}
    with DuckDBEngine() as engine:
        records = open_records([folder], engine=engine)
        if not any(side == "ai" and value != "wit" for _, side, value, _ in rows):
            return
        found = count_nodes(place(records, TREE, side="ai"), ["task"]).to_dict("records")
        known = records.users_known
    assert known == any(user for _, user in said.values())
    assert {(row["node"], row["task"]): (row["conversations"], row["mentions"], row.get("users")) for row in found} == {
        key: (len(inside[key]), mentions[key], len(users[key]) if known else None) for key in inside
    }


def test_a_column_that_is_not_there(engine: DuckDBEngine, tmp_path: Path) -> None:
    write_rows(tmp_path / "m.csv", [mention("a", "care")])
    placed = place(open_records([tmp_path], engine=engine), TREE, side="ai")
    with pytest.raises(InputError, match="column 'mood': there is no such column in the records; give one of level_0"):
        count_cells(placed, ["mood"])


def test_strings_of_few_conversations_or_users_are_suppressed(engine: DuckDBEngine, tmp_path: Path) -> None:
    rows = [mention(f"c{i}", "care", user_id=f"u{i}") for i in range(15)]
    rows += [mention(f"c{i}", "thrift", user_id=f"u{i}") for i in range(14)]
    rows += [mention(f"d{i}", "honesty", user_id=f"u{i % 4}") for i in range(40)]
    write_rows(tmp_path / "m.csv", rows)
    records = open_records([tmp_path], engine=engine)
    found = count_strings(records)
    assert found.table.to_dict("list") == {"value": ["care"], "count": [15], "conversations": [15]}
    assert (found.suppressed, found.suppressed_mentions) == (2, 54)
    everything = count_strings(records, disclosure=INTERNAL)
    assert everything.table["value"].tolist() == ["honesty", "care", "thrift"]


# -- the engine ------------------------------------------------------------------------------------------------


def test_nothing_is_installed_or_loaded_from_outside(engine: DuckDBEngine) -> None:
    query = "SELECT name, value FROM duckdb_settings() WHERE name LIKE 'auto%known_extensions'"
    assert dict(engine._connection.sql(query).fetchall()) == {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    with pytest.raises(InputError):
        engine.read(Source("mentions", ".parquet", (), CsvLayout(), False, ("s3://bucket/mentions.parquet",)))


def test_what_outgrows_the_memory_spills_to_a_folder_that_is_removed(tmp_path: Path) -> None:
    count = 400_000
    path = tmp_path / "m.parquet"
    ids = [f"a conversation whose id is long enough to take some room {number}" for number in range(count)]
    pd.DataFrame({"conversation_id": ids, "side": "ai", "value": "care"}).to_parquet(path)
    with DuckDBEngine("90MB") as engine:
        placed = place(open_records([path], engine=engine), TREE, side="ai")
        spilled = sum(file.stat().st_size for file in Path(engine._spill.name).iterdir())
        assert count_cells(placed, []).to_dict("list") == {"conversations": [count], "mentions": [count]}
        folder = Path(engine._spill.name)
    assert spilled > 1_000_000
    assert not folder.exists()
    with DuckDBEngine("1MB") as engine, pytest.raises(TaxonomyError, match=r"out of memory: .*raise `memory_limit`$"):
        place(open_records([path], engine=engine), TREE, side="ai")


def test_an_engine_that_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TaxonomyError, match=r"`memory_limit` is 'lots': .*give one such as 4GB$"):
        open_engine("duckdb", memory_limit="lots")
    with pytest.raises(TaxonomyError, match="`master` is for Spark, and `engine` is duckdb"):
        open_engine("duckdb", master="local[*]")
    with pytest.raises(TaxonomyError, match="`memory_limit` is for DuckDB, and `engine` is spark"):
        open_engine("spark", memory_limit="1GB")
    monkeypatch.setattr("taxonomy.mentions.engines.find_spec", lambda name: None if name == "pyspark" else object())
    with pytest.raises(TaxonomyError, match=re.escape("pip install 'value-taxonomy[spark]'")):
        open_engine("spark")
    monkeypatch.setattr("taxonomy.mentions.engines.find_spec", lambda name: None)
    with pytest.raises(TaxonomyError, match=re.escape("pip install 'value-taxonomy[mentions]'")):
        open_engine("duckdb")
