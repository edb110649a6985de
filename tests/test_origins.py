"""Records say which model and prompts extracted them: what two say of two is not counted together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("duckdb", reason="the extra mentions is not installed")

import taxonomy
from taxonomy.mentions.opening import RecordsWarning
from tests.conftest import Run
from tests.trees import make_tree

TREE = make_tree(["honesty", "kindness"], [0, 0], names=[["Care"]])
ONE = {
    "digest": "1" * 64,
    "model": "openai/one",
    "language": "English",
    "prompts": {"ai_values": "a"},
    "combined": False,
}


def write(path: Path, described: Any, *, kind: str = "mentions", id: str = "c") -> Path:
    """Write records; `described` is JSON, or bytes as they are, or None for nothing."""
    columns = {"conversation_id": [f"{id}{number}" for number in range(20)]}
    if kind == "mentions":
        columns |= {"side": ["ai"] * 20, "value": ["honesty", "kindness"] * 10}
    else:
        columns |= {"task": ["writing"] * 20}
    said = described if isinstance(described, bytes) else json.dumps(described).encode()
    metadata = {} if described is None else {b"value_taxonomy_extraction": said}
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), path)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    TREE.write(tmp_path / "taxonomy.json")
    return tmp_path / "taxonomy.json"


def test_what_extracted_the_values_is_said(run: Run, tree: Path, tmp_path: Path) -> None:
    records = write(tmp_path / "m.parquet", ONE), write(tmp_path / "c.parquet", ONE, kind="conversations")
    said = "Extracted by openai/one (extraction 11111111, values in English)"
    with taxonomy.open_mentions(records, TREE) as mentions:
        assert (mentions.origins, mentions.notices) == (said, ())
    done = run("analyze", "frequency", *records, "--taxonomy", tree)
    assert (done.returncode, done.stderr) == (0, f"{said}\n")
    assert run("analyze", "frequency", *records, "--taxonomy", tree, "--quiet").stderr == ""
    done = run("report", *records, "--taxonomy", tree, "--out", tmp_path / "r.html", "--markdown")
    assert done.returncode == 0, done.stderr
    for name in ("r.html", "r.md"):
        assert "Extracted by openai/one" in (tmp_path / name).read_text(encoding="utf-8").replace("\\", "")


@pytest.mark.parametrize("kind", ["mentions", pytest.param("conversations", marks=pytest.mark.slow)])
def test_records_of_two_extractions_are_refused_unless_forced(run: Run, tree: Path, tmp_path: Path, kind: str) -> None:
    other = {**ONE, "digest": "2" * 64, "model": "openai/two", "combined": True}
    id = "d" if kind == "mentions" else "c"
    records = write(tmp_path / "a.parquet", ONE), write(tmp_path / "b.parquet", other, kind=kind, id=id)
    differ = "these files are of two extractions, which differ in the model, one question or four"
    with pytest.raises(taxonomy.InputError, match=differ) as raised:
        taxonomy.open_mentions(records, TREE)
    assert all(str(path) in str(raised.value) for path in records)
    for command in (
        ("analyze", "frequency", *records, "--taxonomy", tree),
        ("report", *records, "--taxonomy", tree, "--out", tmp_path / "r.html"),
        ("mentions", "count", *records, "--side", "ai", "--out", tmp_path / "c.csv"),
    ):
        done = run(*command)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
        assert differ in done.stderr
        done = run(*command, "--force")
        assert done.returncode == 0, done.stderr
        assert "Warning: the records are of 2 extractions, whose figures can't be compared" in done.stderr
    with (
        pytest.warns(RecordsWarning, match="2 extractions"),
        taxonomy.open_mentions(records, TREE, mixed=True) as mentions,
    ):
        assert mentions.origins.count("Extracted by") == 2


def test_a_baseline_of_another_extraction_is_refused(tmp_path: Path) -> None:
    later = write(tmp_path / "later.parquet", ONE)
    earlier = write(tmp_path / "earlier.parquet", {**ONE, "digest": "2" * 64, "prompts": {"ai_values": "b"}})
    with (
        taxonomy.open_mentions(later, TREE) as mentions,
        pytest.raises(taxonomy.InputError, match="which differ in the prompts"),
    ):
        mentions.open_baseline(earlier)
    with taxonomy.open_mentions(later, TREE, mixed=True) as mentions:
        assert taxonomy.detect_drift(mentions.open_baseline(earlier).ai, mentions.ai) is not None


def test_periods_of_two_extractions_are_refused_however_they_are_opened(tmp_path: Path) -> None:
    later = write(tmp_path / "later.parquet", ONE)
    earlier = write(tmp_path / "earlier.parquet", {**ONE, "digest": "2" * 64, "language": "German"})
    with (
        taxonomy.open_mentions(later, TREE) as one,
        taxonomy.open_mentions(earlier, TREE) as other,
        pytest.raises(taxonomy.InputError, match="which differ in the language of values"),
    ):
        taxonomy.detect_drift(other.ai, one.ai)


def test_one_extraction_with_two_source_models_is_no_mixture(tmp_path: Path) -> None:
    table = pq.read_table(write(tmp_path / "m.parquet", ONE))
    models = pa.array(["a", "b"] * 10)
    pq.write_table(
        table.append_column("model", models).replace_schema_metadata(table.schema.metadata), tmp_path / "m.parquet"
    )
    with taxonomy.open_mentions(tmp_path / "m.parquet", TREE) as mentions:
        assert mentions.notices == ()


# -- records that don't say ------------------------------------------------------------------------------------


def test_records_that_say_nothing_are_taken_with_a_line(run: Run, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("conversation_id,side,value\n" + "c,ai,honesty\n", encoding="utf-8")
    done = run("analyze", "frequency", tmp_path / "m.csv", "--taxonomy", tree, "--internal")
    assert done.returncode == 0
    assert done.stderr.startswith("The records do not say which model and prompts extracted them\n")
    with taxonomy.open_mentions(tmp_path / "m.csv", TREE) as mentions:
        assert mentions.notices == ()


def test_where_some_say_it_and_others_do_not_that_is_a_notice(tmp_path: Path) -> None:
    records = write(tmp_path / "a.parquet", ONE), write(tmp_path / "b.parquet", None, id="d")
    with (
        pytest.warns(RecordsWarning, match="1 of 2 files does not say which model and prompts extracted the values"),
        taxonomy.open_mentions(records, TREE) as mentions,
    ):
        assert mentions.origins.startswith("Extracted by openai/one")


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"digest": 5}',
        b"[" * 100_000,
        json.dumps({**ONE, "more": "x" * 200_000}).encode(),
    ],
    ids=range(9),
)
def test_damaged_metadata_says_nothing(tmp_path: Path, said: bytes) -> None:
    with taxonomy.open_mentions(write(tmp_path / "m.parquet", said), TREE) as mentions:
        assert mentions.origins == "The records do not say which model and prompts extracted them"


def test_hostile_metadata_reaches_a_terminal_and_a_page_escaped(run: Run, tree: Path, tmp_path: Path) -> None:
    hostile = {**ONE, "model": "<script>alert(1)</script>\x1b[2J\n" + "y" * 5000, "language": ["x"]}
    records = write(tmp_path / "m.parquet", hostile)
    done = run("report", records, "--taxonomy", tree, "--out", tmp_path / "r.html")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stderr
    assert len(done.stderr.splitlines()[0]) < 400
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
