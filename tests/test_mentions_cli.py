"""`mentions count` and `analyze frequency` as a user runs them."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import taxonomy
from taxonomy.cli import main
from taxonomy.cli.analyze import QUESTIONS
from taxonomy.values import read_values
from tests.conftest import FIXTURE, Run
from tests.mention_records import TREE, many, mention, write_rows

# Records that no extraction of ours wrote.
SILENT = "The records do not say which model and prompts extracted them\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("records")
    mentions, conversations = many(200)
    write_rows(made / "mentions.parquet", mentions)
    write_rows(made / "conversations.csv", conversations)
    TREE.write(made.parent / "tree.json")
    return made


@pytest.fixture(scope="module")
def tree(folder: Path) -> Path:
    return folder.parent / "tree.json"


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# -- mentions count --------------------------------------------------------------------------------------------


def test_counted_strings_are_what_build_reads(run_process: Run, folder: Path, tmp_path: Path) -> None:
    done = run_process("mentions", "count", folder, "--side", "ai", "--out", tmp_path / "v.csv")
    assert (done.returncode, done.stderr) == (0, SILENT)
    assert "4 strings, 420 mentions" in done.stdout
    assert "Suppressed: 0 strings with 0 mentions, " in done.stdout
    assert rows(tmp_path / "v.csv") == [
        {"value": "honesty", "count": "200", "conversations": "200"},
        {"value": "Care", "count": "100", "conversations": "100"},
        {"value": "care", "count": "100", "conversations": "100"},
        {"value": "thrift", "count": "20", "conversations": "20"},
    ]
    done = invoke("mentions", "count", folder, "--side", "human", "--internal", "--out", tmp_path / "h.csv")
    assert "internal use only" in done.stderr
    assert rows(tmp_path / "h.csv") == [
        {"value": "truthfulness", "count": "100", "conversations": "100", "internal": "True"}
    ]
    values = read_values(tmp_path / "h.csv")
    assert [(value.label, value.weight) for value in values.values] == [("truthfulness", 100.0)]
    assert values.weight_unit == "mentions"


def test_suppressed_strings_are_counted_and_formulas_are_text(folder: Path, tmp_path: Path) -> None:
    texts = ["=cmd('calc')|x"] * 30 + ["rare"] * 14 + ["seldom"] * 3
    write_rows(tmp_path / "m.jsonl", [mention(f"c{i}", text) for i, text in enumerate(texts)])
    done = invoke("mentions", "count", tmp_path, "--side", "both", "--out", tmp_path / "v.csv")
    assert done.exit_code == 0, done.output
    expected = "2 strings with 17 mentions, from fewer than 15 conversations, or to protect such strings"
    assert f"Suppressed: {expected}\n" in done.output
    assert (tmp_path / "v.csv").read_text() == "value,count,conversations\n'=cmd('calc')|x,30,30\n"
    assert (
        invoke("mentions", "count", tmp_path / "m.jsonl", "--side", "ai", "--out", tmp_path / "v.parquet").exit_code
        == 0
    )
    assert pd.read_parquet(tmp_path / "v.parquet")["value"].tolist() == ["=cmd('calc')|x"]


def test_one_string_is_not_counted_in_the_plural(tmp_path: Path) -> None:
    texts = ["care"] * 30 + ["rare"]
    write_rows(tmp_path / "m.jsonl", [mention(f"c{i}", text) for i, text in enumerate(texts)])
    done = invoke(
        "mentions", "count", tmp_path / "m.jsonl", "--side", "ai", "--out", tmp_path / "v.csv", "--min-users", 1
    )
    assert done.stdout.splitlines()[0] == "0 strings, 0 mentions"
    write_rows(tmp_path / "m.jsonl", [mention(f"c{i}", text) for i, text in enumerate([*texts, *["wit"] * 20])])
    done = invoke(
        "mentions", "count", tmp_path / "m.jsonl", "--side", "ai", "--out", tmp_path / "v.csv", "--min-users", 1
    )
    assert done.stdout.splitlines()[0] == "1 string, 30 mentions"
    # "wit" is in 20 conversations: it is suppressed since "rare" would follow from it and the total.
    reason = "from fewer than 15 conversations, or to protect such strings"
    assert done.stdout.splitlines()[1] == f"Suppressed: 2 strings with 21 mentions, {reason}"


# -- analyze frequency -----------------------------------------------------------------------------------------


def test_shares_of_conversations_and_of_mentions(run: Run, folder: Path, tree: Path, tmp_path: Path) -> None:
    out, updated = tmp_path / "f.csv", tmp_path / "t.json"
    done = run("analyze", "frequency", folder, "--taxonomy", tree, "--out", out, "--update", updated)
    assert (done.returncode, done.stderr) == (0, SILENT)
    assert re.search(r"^0 +care +100 +50\.00% +43\.14% to 56\.86% +200 +47\.62%$", done.stdout, re.MULTILINE)
    found = {(row["side"], row["label"]): row for row in rows(out)}
    assert [key for key in found if key[0] == "human"] == [("human", "P"), ("human", "A"), ("human", "honesty")]
    q, thrift = found["ai", "Q"], found["ai", "thrift"]
    # Shares of conversations do not add up over children, mentions do.
    assert (q["conversations"], q["mentions"], float(q["conversation_share"])) == ("120", "220", 0.6)
    # Wilson's interval of 20 of 200, by its formula.
    z, n, p = 1.959963984540054, 200, 0.1
    middle, half = (p + z * z / 2 / n), z * (p * (1 - p) / n + z * z / 4 / n / n) ** 0.5
    assert float(thrift["conversation_low"]) == pytest.approx((middle - half) / (1 + z * z / n), abs=1e-12)
    assert float(thrift["conversation_high"]) == pytest.approx((middle + half) / (1 + z * z / n), abs=1e-12)
    assert float(thrift["mention_share"]) == pytest.approx(20 / 420)
    node = taxonomy.load(updated).node("thrift")
    assert node.conversations is not None
    assert (node.conversations.count, node.conversations.total) == (20, 200)
    assert node.conversations.low == round(float(thrift["conversation_low"]), 6)
    assert taxonomy.load(updated).node("candour").conversations is None


def test_a_suppressed_node_is_in_no_output(folder: Path, tree: Path, tmp_path: Path) -> None:
    asked = ("analyze", "frequency", folder, "--taxonomy", tree, "--side", "ai", "--min-conversations", 30)
    done = invoke(*asked, "--json", "--update", tmp_path / "t.json", "--out", tmp_path / "f.csv")
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    (side,) = answer["tables"]["sides"]
    assert (answer["figures"]["conversations"], side["values"], answer["suppressed"], answer["internal"]) == (
        200,
        3,
        4,
        False,
    )
    # Thrift is suppressed with its cluster, and the other cluster of its domain, which can be read, carries the rest.
    labels = {row["label"] for row in answer["tables"]["nodes"]}
    assert labels == {row["label"] for row in rows(tmp_path / "f.csv")} == {"P", "Q", "A", "honesty"}
    assert {node.label for node in taxonomy.load(tmp_path / "t.json").nodes if node.conversations} == labels
    everything = json.loads(invoke(*asked, "--json", "--internal").stdout)
    assert (everything["suppressed"], everything["internal"], len(everything["tables"]["nodes"])) == (0, True, 8)


def test_each_side_can_have_a_taxonomy_of_its_own_and_what_is_in_none_is_said(
    folder: Path, tree: Path, tmp_path: Path
) -> None:
    nodes = [
        node.model_copy(update={"id": f"h{node.id}", "parent": node.parent and f"h{node.parent}"})
        for node in TREE.nodes
    ]
    other = taxonomy.Taxonomy.from_nodes(nodes, id="human", weight_unit="strings")
    other.write(tmp_path / "human.json")
    write_rows(tmp_path / "m.jsonl", [mention(f"x{i}", "wit", side="human") for i in range(50)])
    arguments = ("--taxonomy", tree, "--human-taxonomy", tmp_path / "human.json", "--json")
    done = invoke("analyze", "frequency", folder, tmp_path / "m.jsonl", *arguments)
    assert done.stderr == f"{SILENT}human: not in the taxonomy human: 1 of 2 strings (33.3% of mentions)\n"
    answer = json.loads(done.stdout)
    assert answer["sides"] == ["ai", "human"]
    assert {(row["side"], row["node"][0]) for row in answer["tables"]["nodes"]} == {
        ("ai", "0"), ("ai", "1"), ("ai", "2"), ("human", "h"),
    }  # fmt: skip
    assert [(row["side"], row["mentions"]) for row in answer["tables"]["sides"]] == [("ai", 420), ("human", 100)]


def test_strings_can_be_placed_first(small_build: Path, tmp_path: Path) -> None:
    tree = taxonomy.load(small_build / "taxonomy.json")
    known = next(node for node in tree.nodes if node.level == 0).label
    new = rows(FIXTURE)[300]["value"]
    write_rows(tmp_path / "m.csv", [mention(f"c{i}", value) for i in range(20) for value in (known, new)])
    arguments = ("analyze", "frequency", tmp_path / "m.csv", "--taxonomy", small_build / "taxonomy.json", "--json")
    (side,) = json.loads(invoke(*arguments).stdout)["tables"]["sides"]
    assert (side["mentions"], side["values"]) == (20, 1)
    done = invoke(*arguments, "--assign", "--update", tmp_path / "t.json")
    assert done.exit_code == 0, done.output
    (side,) = json.loads(done.stdout)["tables"]["sides"]
    assert (side["mentions"], side["values"]) == (40, 2)
    assert [node.id for node in taxonomy.load(tmp_path / "t.json").nodes] == [node.id for node in tree.nodes]


# -- what goes wrong -------------------------------------------------------------------------------------------


def test_malformed_rows_are_beside_the_output(folder: Path, tree: Path, tmp_path: Path) -> None:
    write_rows(tmp_path / "m.csv", [mention("a", "care", side="robot"), mention("b", "care", side="system")])
    asked = ("analyze", "frequency", folder, tmp_path / "m.csv", "--taxonomy", tree, "--out", tmp_path / "f.csv")
    done = invoke(*asked)
    assert done.exit_code == 0, done.output
    assert f"2 of mentions: side is neither ai nor human) are in {tmp_path / 'rejected.parquet'}" in done.stderr
    found = pd.read_parquet(tmp_path / "rejected.parquet")
    assert list(found.columns) == ["kind", "file", "reason", "row"]
    assert json.loads(found["row"][1])["side"] == "system"
    done = invoke(*asked, "--max-rejected", "0.001")
    assert done.exit_code == 2
    problem = "malformed: 2 of 522 rows of mentions (2 side is neither ai nor human)"
    assert f"{problem}; repair them, or raise --max-rejected above 0.001\n" in done.stderr


@pytest.fixture
def malformed(tmp_path: Path) -> Path:
    """A few rows of records, one of them malformed."""
    path = tmp_path / "records" / "m.csv"
    path.parent.mkdir()
    write_rows(path, [*(mention(f"c{i}", "care") for i in range(200)), mention("x", "care", side="robot")])
    return path


@pytest.mark.parametrize("options", [[], ["--json"], ["--quiet"]])
def test_a_command_that_prints_leaves_no_file(
    malformed: Path, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = invoke("analyze", "frequency", "records", "--taxonomy", tree, *options)
    assert done.exit_code == 0, done.output
    said = "" if "--quiet" in options else SILENT
    assert done.stderr == f"{said}Rejected rows: 1 of mentions: side is neither ai nor human; keep them with --out\n"
    assert sorted(tmp_path.rglob("*")) == before


def test_rejected_rows_of_a_baseline_leave_no_file_either(
    malformed: Path, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = invoke("analyze", "drift", malformed, "--baseline", malformed, "--taxonomy", tree)
    assert done.exit_code == 0, done.output
    assert "Rejected rows: 2 of mentions: side is neither ai nor human; keep them with --out\n" in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("command", ["analyze", "mentions", "report"])
def test_another_file_of_that_name_is_not_overwritten(
    malformed: Path, tree: Path, tmp_path: Path, command: str
) -> None:
    arguments: dict[str, list[object]] = {
        "analyze": ["analyze", "frequency", malformed, "--taxonomy", tree, "--out", tmp_path / "f.csv"],
        "mentions": ["mentions", "count", malformed, "--side", "ai", "--out", tmp_path / "f.csv"],
        "report": ["report", malformed, "--taxonomy", tree, "--out", tmp_path / "f.html"],
    }
    other = tmp_path / "rejected.parquet"
    more = {name: ["x"] for name in ("kind", "file", "reason", "row", "price")}
    for text in ("my own notes", "", more):
        if isinstance(text, str):
            other.write_text(text)
        else:
            pd.DataFrame(text).to_parquet(other)
        content = other.read_bytes()
        done = invoke(*arguments[command])
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr.splitlines()[-1].startswith(f"Error: {other}: ")
        assert "this file is another, and is not overwritten" in done.stderr
        assert other.read_bytes() == content
        assert not list(tmp_path.glob("f*"))


def test_rejected_rows_of_an_earlier_run_are_replaced(malformed: Path, tree: Path, tmp_path: Path) -> None:
    asked = ("analyze", "frequency", malformed, "--taxonomy", tree, "--out", tmp_path / "f.csv")
    for sides in (["robot"], ["robot", "crowd"]):
        rows = [mention(f"y{side}", "care", side=side) for side in sides]
        write_rows(malformed, [*(mention(f"c{i}", "care") for i in range(400)), *rows])
        done = invoke(*asked)
        assert done.exit_code == 0, done.output
        found = pd.read_parquet(tmp_path / "rejected.parquet")["row"]
        assert {json.loads(row)["side"] for row in found} == set(sides)


def test_rejected_rows_among_records_are_left_out_and_other_records_of_that_name_are_read(
    malformed: Path, tree: Path
) -> None:
    folder = malformed.parent
    asked = ("analyze", "frequency", "--taxonomy", tree, "--side", "ai", "--json")
    done = invoke(*asked, folder, "--out", folder.parent / "f.csv")
    (folder.parent / "rejected.parquet").rename(folder / "rejected.parquet")
    for files in (folder, folder / "*.*"):
        again = invoke(*asked, files)
        assert (again.exit_code, again.stdout) == (0, done.stdout), again.output
    write_rows(folder / "rejected.parquet", [mention(f"z{i}", "thrift") for i in range(50)])
    answer = json.loads(invoke(*asked, folder).stdout)
    assert answer["figures"]["conversations"] == 250


WRONG = {
    "no such file": (["nothing.csv"], [], r"nothing\.csv: there is no such file"),
    "no record file": (["notes.txt"], [], r"notes\.txt: the suffix '\.txt' is not a known one"),
    "no mentions": (["only.csv"], [], r"only\.csv: no file has a column 'value'"),
    "no side": (["bare.csv"], [], r"bare\.csv, column 'side': there is no such column"),
    "no parquet": (["false.parquet"], [], r"false\.parquet: the file is not Parquet"),
    "no value of the taxonomy": (["other.csv"], [], r"no value of the ai side is in the taxonomy 'small'"),
    "no side of these": (["other.csv"], ["--side", "human"], r"no mention is of the human side"),
    "no table": (["other.csv"], ["--out", "f.xlsx"], r"f\.xlsx: '\.xlsx' is not a format of a table"),
    "no engine": (["other.csv"], ["--engine", "dask"], r"'dask' is not one of the choices; choose from duckdb, spark"),
    "no memory": (["other.csv"], ["--memory-limit", "lots"], r"--memory-limit is 'lots': .*; give one such as 4GB"),
    "no cluster": (["other.csv"], ["--master", "local[2]"], r"--master is for Spark, and --engine is duckdb"),
}


@pytest.mark.parametrize(("files", "options", "problem"), WRONG.values(), ids=WRONG)
def test_what_a_user_does_wrong_is_one_line(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: list[str], options: list[str], problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("x")
    Path("false.parquet").write_text("x")
    Path("only.csv").write_text("conversation_id,task\na,b\n")
    Path("bare.csv").write_text("conversation_id,value\na,b\n")
    write_rows(Path("other.csv"), [mention("a", "wit")])
    done = invoke("analyze", "frequency", *files, "--taxonomy", tree, *options)
    assert done.exit_code == 2, done.output
    assert re.search(problem, done.stderr.splitlines()[-1]), done.stderr
    assert done.stdout == ""


def test_a_missing_extra_is_named(folder: Path, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taxonomy.mentions.engines.find_spec", lambda name: None)
    done = invoke("analyze", "frequency", folder, "--taxonomy", tree)
    assert (done.exit_code, "pip install 'value-taxonomy[mentions]'" in done.stderr) == (2, True)


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_question_has_help_with_an_example(name: str) -> None:
    done = invoke("analyze", name, "--help")
    assert done.exit_code == 0
    assert re.search(rf"^  Example:\n    value-taxonomy analyze {name} ", done.output, re.MULTILINE)
    analyze = main.get_command(click.Context(main), "analyze")
    assert isinstance(analyze, click.Group)
    command = analyze.get_command(click.Context(analyze), name)
    assert command is not None
    assert all(option.help for option in command.params if isinstance(option, click.Option))
