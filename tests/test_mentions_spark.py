"""Spark gives what DuckDB gives, and its workers the vectors of this process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import taxonomy
from embeddings import load_encoder
from embeddings.errors import EmbeddingError
from taxonomy.cli import main
from taxonomy.errors import InputError
from taxonomy.mentions.disclosure import Disclosure
from taxonomy.mentions.engines import EngineName, open_engine
from taxonomy.mentions.query_engine import Engine
from taxonomy.mentions.records import open_records
from taxonomy.mentions.sources import Source
from taxonomy.mentions.strings import count_strings
from taxonomy.values.text_files import CsvLayout
from tests.conftest import FIXTURE, ROOT, running_spark
from tests.mention_records import FAULTS, TREE, content_of, figures, many, write_rows
from tests.test_forms import FILES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [
    pytest.mark.skipif(find_spec("pyspark") is None, reason="PySpark is not installed: value-taxonomy[spark]"),
    pytest.mark.skipif(shutil.which("java") is None and "JAVA_HOME" not in os.environ, reason="there is no Java"),
]

# Executors of their own, as on a cluster: two, with one core and 1 GB each.
MASTER = "local-cluster[2,1,1024]"
RECORDS = ROOT / "fixtures" / "mentions"
QUESTIONS = [
    "frequency",
    "context --by model",
    "context --by human-value",
    "responses",
    "mirroring",
    "models",
    "principles",
    "anomalies --split-at 2025-01-20 --watch deception --alerts 400",
    "drift --split-at 2025-01-20",
]


@pytest.fixture(scope="module")
def session(cache: Path) -> Iterator[SparkSession]:
    with running_spark(MASTER) as started:
        yield started


@pytest.fixture(scope="module")
def tree_path(example_build: Path) -> Path:
    return example_build / "taxonomy.json"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records in all three formats, some rows malformed."""
    made = tmp_path_factory.mktemp("records")
    mentions, conversations = many(60)
    write_rows(made / "first.parquet", mentions[:50])
    write_rows(made / "second.jsonl", mentions[50:])
    write_rows(made / "conversations.parquet", conversations)
    for name, (text, _) in FAULTS.items():
        (made / f"malformed-{name}").write_text(text)
    return made


def test_the_same_rows_and_strings(cache: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What runs once is not worth compiling twice.
    monkeypatch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")

    def found(engine: Engine) -> tuple[object, ...]:
        with engine:
            records = open_records([folder / "first.parquet"], engine=engine)
            strings = count_strings(records, disclosure=Disclosure(min_users=0))
            return records.rows, records.contexts, strings.table.to_dict("records")

    # In one process: executors of their own take three times as long to start.
    with open_engine("spark", master="local[2]") as spark:
        with pytest.raises(InputError) as raised:
            spark.read(Source("mentions", ".parquet", (), CsvLayout(), False, (str(tmp_path / "nothing.parquet"),)))
        assert "nothing.parquet" in str(raised.value)
        assert "\n" not in str(raised.value)
        with pytest.raises(EmbeddingError, match=r"a Spark session of local\[2\] is running"):
            open_engine("spark", master=MASTER)
        assert found(open_engine("spark", master="local[2]")) == found(open_engine("duckdb"))


@pytest.mark.slow
def test_the_same_rejected_rows(session: SparkSession, folder: Path) -> None:
    def found(engine: Engine) -> tuple[object, ...]:
        with engine:
            records = open_records([folder], engine=engine, max_rejected=0.3)
            strings = count_strings(records, disclosure=Disclosure(min_users=0))
            rejected = records.rejected.drop(columns="row").to_dict("records")
            return rejected, records.rows, records.contexts, strings.table.to_dict("records")

    assert found(open_engine("spark", master=MASTER)) == found(open_engine("duckdb"))


@pytest.mark.slow
def test_the_same_figures(session: SparkSession, folder: Path) -> None:
    def found(engine: Engine) -> object:
        with engine:
            return figures(open_records([folder], engine=engine, max_rejected=0.3))

    assert found(open_engine("spark", master=MASTER)) == found(open_engine("duckdb"))


@pytest.mark.slow
def test_the_same_bytes_on_the_command_line(session: SparkSession, folder: Path, tmp_path: Path) -> None:
    TREE.write(tmp_path / "tree.json")
    written = []
    for options in (["--engine", "duckdb"], ["--engine", "spark", "--master", MASTER]):
        out = tmp_path / options[1] / "frequency.csv"
        out.parent.mkdir()
        arguments = ["analyze", "frequency", folder, "--taxonomy", tmp_path / "tree.json", "--out", out]
        done = CliRunner().invoke(main, [*map(str, arguments), *options, "--max-rejected", "0.3"])
        assert done.exit_code == 0, done.output
        written.append(out.read_bytes())
    assert written[0] == written[1]
    assert written[0].count(b"\n") > 4


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_the_same_content_of_files_as_people_have_them(session: SparkSession, name: str, tmp_path: Path) -> None:
    (tmp_path / "a*b").mkdir()
    path, content = tmp_path / "a*b" / name, FILES[name]
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert content_by("spark", path) == content_by("duckdb", path)


@pytest.mark.slow
def test_the_same_content_of_cells_as_people_write_them(session: SparkSession, tmp_path: Path) -> None:
    rows = [
        '1.0,Assistant,care,1.0,"Mon, 20 Jan 2025 12:00:00 GMT"',
        "2.0,USER,care,no,1767225600",
        "3.0,ai,\"['care', 'thrift']\",Yes,1767225600000",
        "4.0,ai,[],,2025-01-20",
        "4.0,ai,[],,2025-01-20",
    ]
    (tmp_path / "m.csv").write_text("\n".join(["Conversation_ID,Side,VALUE,Explicit,Timestamp", *rows]))
    objects = [
        '{"conversation_id": 1, "side": "ai", "value": "care"}',
        '{"conversation_id": 2.0, "Side": "ai", "Value": ["care", null, " x ", ""], "explicit": true}',
        """{"Conversation_id": "5.0", "side": "ai", "VALUE": "['care', 'thrift']", "explicit": null}""",
        '{"conversation_id": 6, "side": "ai", "value": "ca\\u0000re"}',
        "{'conversation_id': 6}",
        '["care"]',
    ]
    (tmp_path / "m.jsonl").write_text("\n".join(objects))
    (tmp_path / "m.json").write_text("[" + ",".join(objects[:3]) + "]")
    (tmp_path / "d.csv").write_text("conversation_id,Team\n3,x\n")
    (tmp_path / "e.csv").write_text("conversation_id,team\n4,y\n")
    frame = pd.DataFrame({"conversation_id": [1.0, 2.0], "task": ["t", " u "], "timestamp": [1767225600, None]})
    frame.to_parquet(tmp_path / "c.parquet")
    lists = pd.DataFrame({"conversation_id": [1, 2], "side": "ai", "value": [["care", " x "], []], "explicit": [1, 0]})
    lists.to_parquet(tmp_path / "lists.parquet")
    assert content_by("spark", tmp_path) == content_by("duckdb", tmp_path)


def content_by(engine: EngineName, path: Path) -> object:
    with open_engine(engine, master=MASTER if engine == "spark" else None) as opened:
        records = open_records([path], engine=opened, max_rejected=0.5)
        said = [[row.replace("datetime.datetime", "") for row in rows] for rows in content_of(records)]
        return said, records.rows, records.repeats, records.met, records.rejected["reason"].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_same_answers(session: SparkSession, tree_path: Path, question: str, tmp_path: Path) -> None:
    written = []
    for options in (["--engine", "duckdb"], ["--engine", "spark", "--master", MASTER]):
        out = tmp_path / options[1] / "answer.csv"
        out.parent.mkdir()
        arguments = [*question.split(), RECORDS, "--taxonomy", tree_path, "--out", out, "--json"]
        done = CliRunner().invoke(main, ["analyze", *map(str, arguments), *options])
        assert done.exit_code == 0, done.output
        written.append((done.stdout, out.read_bytes()))
    assert written[0] == written[1]
    assert written[0][1].count(b"\n") > 1


@pytest.mark.slow
def test_vectors_and_trees_are_those_of_this_process(session: SparkSession, cache: Path, tmp_path: Path) -> None:
    from embeddings.spark import SparkEncoder

    lines = FIXTURE.read_text(encoding="utf-8").splitlines(keepends=True)[:41]
    (tmp_path / "v.csv").write_text("".join(lines), encoding="utf-8")
    trees = []
    for options in ([], ["--spark-master", MASTER]):
        arguments = ["build", str(tmp_path / "v.csv"), "--out", str(tmp_path / f"b{len(options)}"), "--quiet"]
        done = CliRunner().invoke(main, [*arguments, *options])
        assert done.exit_code == 0, done.output
        trees.append(taxonomy.load(tmp_path / f"b{len(options)}" / "taxonomy.json"))
    assert [node.parent for node in trees[0].nodes] == [node.parent for node in trees[1].nodes]
    strings = trees[0].values(trees[0].top[0])
    texts = [node.label for node in strings]
    spread, here = SparkEncoder("minilm", session), load_encoder("minilm")
    assert np.abs(spread.encode(texts) - here.encode(texts)).max() < 1e-5
    assert spread.encode([]).shape == (0, here.dimension)
    assert spread.digest != here.digest
