"""Spark places strings where one process places them."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import taxonomy
from embeddings.errors import EmbeddingError
from taxonomy.errors import InputError, OutputError, TaxonomyError
from taxonomy.formats.csv import number_text
from taxonomy.model import Taxonomy
from taxonomy.placement import assign, assign_on_spark
from taxonomy.quality.vectors import unstored_encoder
from tests.conftest import FIXTURE, Run, running_spark
from tests.trees import make_tree

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [
    pytest.mark.usefixtures("cache"),
    pytest.mark.skipif(find_spec("pyspark") is None, reason="PySpark is not installed: value-taxonomy[spark]"),
    pytest.mark.skipif(shutil.which("java") is None and "JAVA_HOME" not in os.environ, reason="there is no Java"),
]
MASTER = "local[2]"
MIXED = [
    *[
        "hope",
        "hopes",
        "warm kindness",
        "Warm-Kindness",
        "warmkindness",
        "Honesty",
        "honesties",
        "boundary",
        "Boundaries",
    ],
    *["in action", "in-actions", "inactions", "inaction", "public goods", "public good", "wishes", "wish", "goods"],
    *["honesty; deep listening", '["care", "thrift"]', "honesty; none", "- steady patience.", "<value>candor</value>"],
    *["n/a", "", "  ", "I cannot determine the value", "12", "Honesty is key to all of us.", "long " * 40],
    *["Verständlichkeit", "誠実", "Aufrichtigkeit im Gespräch", "sincérité"],
]


@pytest.fixture(scope="module")
def session(cache: Path) -> Iterator[SparkSession]:
    with running_spark(MASTER) as started:
        # Several batches a task, so that families are cut by the ends of batches.
        started.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "150")
        yield started


@pytest.fixture(scope="module")
def tree(small_build: Path) -> Taxonomy:
    return taxonomy.load(small_build / "taxonomy.json")


def mixed(n: int) -> pd.DataFrame:
    """Return n rows: known and new strings, lists and what is rejected, in several spellings, with weights."""
    draw = random.Random(7)
    known = pd.read_csv(FIXTURE, keep_default_na=False)["value"].tolist()
    forms = ["{}", "{}", "{}s", "- {}", "{}.", "**{}**"]
    texts = [text for text in MIXED for _ in range(2)]
    while len(texts) < n:
        first, second = draw.sample(known, 2)
        made = draw.choice([first, first.title(), f"{first} {second}", f"{first}; {second}", f"{first} in practice"])
        text = draw.choice(forms).format(made)
        texts += [text] * draw.choice([1, 1, 3])
    draw.shuffle(texts)
    weights = [draw.choice([1.0, 1.0, 0.1, 0.2, 0.3, draw.random()]) for _ in texts]
    return pd.DataFrame({"value": texts[:n], "count": weights[:n]})


def write_parts(frame: pd.DataFrame, folder: Path) -> str:
    """Write rows in another order as a folder of three files."""
    folder.mkdir()
    shuffled = frame.sample(frac=1, random_state=1)
    for number in range(3):
        shuffled[number::3].to_parquet(folder / f"{number}.parquet", index=False)
    return str(folder)


def cells(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return sorted(frame.astype(str).itertuples(index=False, name=None))


def read_cells(out: Path) -> list[tuple[Any, ...]]:
    frame = pd.read_parquet(out)
    assert frame["confidence"].dtype == float
    texts = ["" if pd.isna(confidence) else number_text(confidence) for confidence in frame["confidence"]]
    return cells(frame.assign(confidence=texts))


@pytest.mark.parametrize(
    ("build", "n"), [("small_build", 100), pytest.param("example_build", 2000, marks=pytest.mark.slow)]
)
@pytest.mark.usefixtures("session")
def test_the_same_places(build: str, n: int, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    tree, frame = taxonomy.load(request.getfixturevalue(build) / "taxonomy.json"), mixed(n)
    assigned = assign(frame, tree, min_confidence=0.55)
    spread = assign_on_spark(
        write_parts(frame, tmp_path / "values"), tree, str(tmp_path / "out"), master=MASTER, min_confidence=0.55
    )
    assert min(assigned.counts.values()) > 0
    assert assigned.unknown_words > 0
    assert (spread.counts, spread.unknown_words) == (assigned.counts, assigned.unknown_words)
    assert read_cells(tmp_path / "out") == cells(assigned.to_frame().drop(columns="row"))
    assert (tmp_path / "out" / "_SUCCESS").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("session")
def test_lists_and_columns_of_other_names(tree: Taxonomy, tmp_path: Path) -> None:
    lists = [["hope", "n/a", None], [], None, ["deep listening", "deep listenings"]]
    frame = pd.DataFrame({"a.text": lists, "n": [3, 1, 2, 5]})
    frame.to_parquet(tmp_path / "values.parquet")
    columns = {"value_column": "a.text", "weight_column": "n"}
    spread = assign_on_spark(str(tmp_path / "values.parquet"), tree, str(tmp_path / "out"), master=MASTER, **columns)
    assigned = assign(tmp_path / "values.parquet", tree, **columns)
    assert spread.counts == assigned.counts == {"value": 1, "alias": 0, "placed": 2, "unplaced": 0, "rejected": 3}
    assert read_cells(tmp_path / "out") == cells(assigned.to_frame().drop(columns="row"))


@pytest.mark.slow
@pytest.mark.usefixtures("session")
def test_a_tree_without_examples(tmp_path: Path) -> None:
    tree = make_tree(["honesty", "candor", "kindness", "warmth"], [0, 0, 1, 1])
    pd.DataFrame({"value": ["truthfulness", "Honesty"]}).to_parquet(tmp_path / "values.parquet")
    assign_on_spark(str(tmp_path / "values.parquet"), tree, str(tmp_path / "out"), master=MASTER)
    here = assign(["truthfulness", "Honesty"], tree)
    assert read_cells(tmp_path / "out") == cells(here.to_frame().drop(columns="row"))


@pytest.mark.slow
@pytest.mark.usefixtures("session")
def test_bad_input_is_one_line(tree: Taxonomy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {
        "good": {"value": ["warm kindness"]},
        "numbers": {"value": [1, 2]},
        "negative": {"value": ["care", "warm care"], "count": [1.0, -2.0]},
        "missing": {"value": ["care", "warm care"], "count": [1.0, None]},
        "texts": {"value": ["care"], "count": ["3"]},
    }
    for name, table in tables.items():
        pd.DataFrame(table).to_parquet(tmp_path / f"{name}.parquet")
    (tmp_path / "text.parquet").write_text("value\ncare\n")
    (tmp_path / "there").mkdir()

    def said(name: str, kind: type[Exception] = InputError, out: str = "out", **options: Any) -> str:
        with pytest.raises(kind) as raised:
            assign_on_spark(str(tmp_path / f"{name}.parquet"), tree, str(tmp_path / out), master=MASTER, **options)
        assert "\n" not in str(raised.value)
        return str(raised.value)

    assert said("good", value_column="text").endswith("there is no such column; give one of 'value' as `value_column`")
    assert "the column is of bigint; give strings" in said("numbers")
    assert "column 'count': the column is of string; give numbers" in said("texts")
    assert said("negative").startswith("column 'count': the weight -2.0 is negative; ")
    assert said("missing").startswith("column 'count': the weight ")
    assert "Could not read footer" in said("text")
    assert "Path does not exist" in said("nothing")
    # It is refused before anything is computed.
    assert "it is there already; remove it" in said("negative", OutputError, out="there")
    other = unstored_encoder(tree)
    monkeypatch.setattr(other, "weights_sha256", "0" * 64)
    monkeypatch.setattr("taxonomy.placement.spark_placement.unstored_encoder", lambda tree, model: other)
    assert "on a worker has sha256 53aa51172d14..., and here 000000000000" in said("good", EmbeddingError)


@pytest.mark.slow
@pytest.mark.usefixtures("session")
def test_the_command_prints_the_counts(small_build: Path, run: Run, tmp_path: Path) -> None:
    values = write_parts(mixed(100), tmp_path / "values")
    mixed(100).to_parquet(tmp_path / "values.parquet")
    words = ["--taxonomy", small_build / "taxonomy.json", "--out"]
    here = run("assign", tmp_path / "values.parquet", *words, tmp_path / "placed.csv")
    there = run("assign", values, *words, tmp_path / "placed", "--spark-master", MASTER)
    assert there.returncode == 0, there.stderr
    assert there.stdout.replace("/placed", "/placed.csv") == here.stdout


def test_a_tree_of_one_level_is_refused() -> None:
    with pytest.raises(InputError, match="the taxonomy has one level"):
        assign_on_spark("values.parquet", make_tree(["honesty"]), "out", master=MASTER)


def test_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch, run: Run, small_build: Path) -> None:
    monkeypatch.setattr("taxonomy.spark_calls.find_spec", lambda name: None)
    with pytest.raises(TaxonomyError, match=r"pip install 'value-taxonomy\[spark\]'"):
        assign_on_spark("values.parquet", make_tree(["honesty"]), "out", master=MASTER)
    words = ["assign", "v.parquet", "--taxonomy", small_build / "taxonomy.json", "--spark-master", MASTER]
    done = run(*words, "--out", "placed")
    assert (done.returncode, "value-taxonomy[spark]" in done.stderr) == (2, True)
    done = run(*words, "--out", "placed", "--update", "next.json")
    assert (done.returncode, "goes without --spark-master" in done.stderr) == (2, True)
