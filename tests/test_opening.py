"""Mentions opened from Python: what is placed when, what is closed, and which arguments are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from taxonomy.errors import InputError, LookupFailedError, OutputError, TaxonomyError
from taxonomy.mentions.disclosure import INTERNAL, Disclosure
from taxonomy.mentions.opening import Mentions, open_mentions
from taxonomy.mentions.times import parse_time
from taxonomy.model import Taxonomy
from taxonomy.questions.anomalies import find_anomalies
from taxonomy.questions.compared_models import compare_models
from taxonomy.questions.contexts import compare_contexts
from taxonomy.questions.drift import detect_drift
from taxonomy.questions.frequency import measure_frequency
from taxonomy.questions.mirroring import measure_mirroring
from taxonomy.questions.principles import measure_principles
from taxonomy.questions.responses import describe_responses
from taxonomy.report.sections import QUESTIONS
from taxonomy.report.writing import write_report
from tests.mention_records import TREE, many, mention, write_rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("records")
    mentions, conversations = many(600)
    for number, row in enumerate(conversations):
        row["model"] = ("one", "two")[number // 2 % 2]
    write_rows(made / "m.parquet", mentions)
    write_rows(made / "c.parquet", conversations)
    return made


@pytest.fixture(scope="module")
def mentions(folder: Path) -> Iterator[Mentions]:
    with open_mentions(folder, TREE) as opened:
        yield opened


def test_sides_are_placed_when_asked_for(folder: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    with open_mentions(folder, TREE, progress=lambda *step: steps.append(step)) as mentions:
        assert steps == [("reading", 0, 1), ("reading", 1, 1)]
        assert mentions.sides == ("ai", "human")
        ai = mentions.ai
        assert steps[2:] == [("counting", 0, 1), ("counting", 1, 1)]
        assert mentions.ai is ai
        assert (ai.side, ai.mentions, ai.strings, ai.unmapped) == ("ai", 1260, 4, {})
        assert repr(ai) == f"PlacedMentions(side='ai', tree={TREE!r}, mentions=1260, strings=4)"
        assert mentions.human.mentions == 300
        assert mentions.rejected.empty
        assert repr(mentions) == "<Mentions: 1,560 rows of mentions, 600 rows of conversations>"


def test_a_path_is_one_or_several(folder: Path) -> None:
    counts = set()
    for paths in (str(folder), folder, [folder / "m.parquet", str(folder / "c.parquet")], (str(folder / "*.parquet"),)):
        with open_mentions(paths, TREE) as mentions:
            counts.add(measure_frequency(mentions.ai).conversations)
    assert counts == {600}


def test_a_side_without_mentions_is_an_error_only_when_asked_for(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "m.csv", [mention(f"c{i}", "care") for i in range(30)])
    with open_mentions(path, TREE) as mentions:
        assert mentions.sides == ("ai",)
        assert measure_frequency(mentions.ai).mentions == 30
        with pytest.raises(InputError, match="no mention is of the human side; give records of it"):
            _ = mentions.human


def test_unmapped_and_rejected_rows(tmp_path: Path) -> None:
    rows = [mention(f"c{i}", text) for i, text in enumerate(["care"] * 30 + ["wit"] * 2)]
    path = write_rows(tmp_path / "m.csv", [*rows, mention("x", "care", side="robot")])
    with pytest.raises(InputError, match=r"malformed: 1 of 33 rows of mentions .* raise `max_rejected` above 0.01"):
        open_mentions(path, TREE)
    with open_mentions(path, TREE, max_rejected=0.5) as mentions:
        assert mentions.ai.unmapped == {"wit": 2}
        assert mentions.rejected["reason"].tolist() == ["side is neither ai nor human"]


def test_the_human_side_can_have_a_taxonomy_of_its_own(folder: Path) -> None:
    nodes = [
        node.model_copy(update={"id": f"h{node.id}", "parent": node.parent and f"h{node.parent}"})
        for node in TREE.nodes
    ]
    other = Taxonomy.from_nodes(nodes, id="human", weight_unit="strings")
    with open_mentions(folder, TREE, human_tree=other) as mentions:
        assert (mentions.ai.tree.id, mentions.human.tree.id) == ("small", "human")
        with pytest.raises(InputError, match="have no node in common; give one for both"):
            measure_mirroring(mentions.ai, mentions.human)


def test_a_baseline_has_records_of_its_own(folder: Path) -> None:
    with open_mentions(folder, TREE) as mentions:
        earlier = mentions.open_baseline(folder / "m.parquet")
        found = find_anomalies(earlier.ai, mentions.ai, alerts_per_10000=100, disclosure=INTERNAL)
        assert (found.baseline.conversations, found.conversations) == (600, 600)
        # Opened on an engine of its own, the figures are the same.
        with open_mentions(folder / "m.parquet", TREE) as apart:
            again = find_anomalies(apart.ai, mentions.ai, alerts_per_10000=100, disclosure=INTERNAL)
        assert again.table.equals(found.table)
    with open_mentions(folder, TREE, assign=True) as growing, pytest.raises(InputError, match="without `assign`"):
        growing.open_baseline(folder)


def test_what_is_closed_says_so(folder: Path) -> None:
    with open_mentions(folder, TREE) as mentions:
        ai = mentions.ai
    with pytest.raises(InputError, match="these mentions are closed; ask them inside the with block"):
        _ = mentions.human
    with pytest.raises(InputError, match="these mentions are closed; ask them inside the with block"):
        measure_frequency(ai)
    mentions.close()


def test_a_split_takes_dates_in_any_form(mentions: Mentions) -> None:
    east = timezone(timedelta(hours=3))
    days: list[Any] = [
        "2025-01-11", "2025-01-11T00:00:00", "2025-01-11T03:00:00+03:00", date(2025, 1, 11), datetime(2025, 1, 11),
        datetime(2025, 1, 11, tzinfo=UTC), datetime(2025, 1, 11, 3, tzinfo=east),
    ]  # fmt: skip
    assert {parse_time(day, "when") for day in days} == {datetime(2025, 1, 11)}
    sizes = {
        tuple(measure_frequency(part).conversations for part in mentions.ai.split_at(day)) for day in (days[0], days[3])
    }
    assert len(sizes) == 1
    assert sum(next(iter(sizes))) == 600


# -- arguments that are refused ----------------------------------------------------------------------------------------

AI, HUMAN = "ai", "human"
Call = Callable[[Mentions, Path], object]
WRONG: dict[str, tuple[Call, str]] = {
    "tree": (lambda m, p: open_mentions("x.csv", "tree.json"), "`tree` is a str; give a Taxonomy, such as"),
    "human_tree": (lambda m, p: open_mentions("x.csv", TREE, human_tree=3), "`human_tree` is an int; give a Taxonomy"),
    "paths": (lambda m, p: open_mentions(7, TREE), "`paths` is an int; give a file, a folder or a glob"),
    "a path": (lambda m, p: open_mentions(["x.csv", None], TREE), "`paths` is a NoneType; give a file"),
    "no paths": (lambda m, p: open_mentions([], TREE), "`paths` is empty; give a file"),
    "max_rejected": (lambda m, p: open_mentions("x", TREE, max_rejected=2), "`max_rejected` is 2; give a share from"),
    "no share": (lambda m, p: open_mentions("x", TREE, max_rejected="1%"), "`max_rejected` is a str; give a share"),
    "engine": (lambda m, p: open_mentions("x", TREE, engine="dask"), "`engine` is 'dask'; give duckdb or spark"),
    "model": (lambda m, p: open_mentions("x", TREE, model=3), "`model` is an int; give the name of an embedding"),
    "a tree for mentions": (lambda m, p: measure_frequency(TREE), "`mentions` is a Taxonomy; give placed mentions"),
    "all mentions": (
        lambda m, p: describe_responses(m),
        "`ai` is a Mentions; give placed mentions, such as mentions.ai",
    ),
    "the other side": (lambda m, p: describe_responses(m.human), "`ai` is of the human side; give mentions.ai"),
    "sides swapped": (lambda m, p: measure_mirroring(m.human, m.ai), "`ai` is of the human side; give mentions.ai"),
    "one side twice": (lambda m, p: measure_mirroring(m.ai, m.ai), "`human` is of the ai side; give mentions.human"),
    "by": (lambda m, p: compare_contexts(m.ai, by=3), "`by` is an int; give a column of conversations"),
    "by the AI": (lambda m, p: compare_contexts(m.ai, by=m.ai), "`by` is of the ai side; give mentions.human"),
    "no such column": (
        lambda m, p: compare_contexts(m.ai, "tsk"),
        "`by` is 'tsk', which is not a column of the conversations; did you mean 'task'? give one of response_type,",
    ),
    "control": (lambda m, p: compare_models(m.ai, control="mood"), "`control` is 'mood', which is not a column"),
    "disclosure": (lambda m, p: measure_frequency(m.ai, disclosure="all"), "`disclosure` is a str; give a Disclosure"),
    "thresholds": (lambda m, p: Disclosure(min_users=-1), "`min_users` is -1; give a whole number from 0"),
    "principles": (lambda m, p: measure_principles(m.ai, 3), "`principles` is an int; give a file in TOML, or a"),
    "no principles": (lambda m, p: measure_principles(m.ai, {}), "`principles` is empty; give at least one"),
    "no list of nodes": (lambda m, p: measure_principles(m.ai, {"A": "care"}), "`principles` has 'A': 'care'; give"),
    "no list": (lambda m, p: measure_principles(m.ai, {"A": 3}), "`principles` has 'A': 3; give lists of labels"),
    "a blank node": (lambda m, p: measure_principles(m.ai, {"A": [" "]}), "`principles` has 'A': [' ']; give lists of"),
    "no file": (lambda m, p: measure_principles(m.ai, "no.toml"), "no.toml: cannot be read"),
    "two sides": (lambda m, p: detect_drift(m.ai, m.human), "`earlier` is of the ai side, `later` of the human side"),
    "when": (lambda m, p: m.ai.split_at("soon"), "`when` is 'soon', which is not a time; give a date such as"),
    "no time": (lambda m, p: m.ai.split_at(2025), "`when` is an int; give a date such as 2025-01-20"),
    "watch": (lambda m, p: find_anomalies(m.ai, m.ai, watch="care"), "`watch` is a str; give a list of ids, labels"),
    "a watched node": (lambda m, p: find_anomalies(m.ai, m.ai, watch=[3]), "`watch` is an int; give a list of ids"),
    "alerts": (lambda m, p: find_anomalies(m.ai, m.ai, alerts_per_10000=0), "`alerts_per_10000` is 0; give a number"),
    "report": (
        lambda m, p: write_report(m.ai, p / "r.html"),
        "`mentions` is a PlacedMentions; give what open_mentions",
    ),
    "report's day": (
        lambda m, p: write_report(m, p / "r.html", split_at="x"),
        "`split_at` is 'x', which is not a time",
    ),
    "out": (lambda m, p: write_report(m, 3), "`out` is an int; give the path of the page"),
}


@pytest.mark.parametrize(("call", "problem"), WRONG.values(), ids=WRONG)
def test_a_wrong_argument_is_named(mentions: Mentions, tmp_path: Path, call: Call, problem: str) -> None:
    with pytest.raises(InputError) as raised:
        call(mentions, tmp_path)
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_two_taxonomies_are_not_compared(mentions: Mentions, folder: Path) -> None:
    other = Taxonomy.from_nodes([node for node in TREE.nodes if node.label != "candour"], id="x", weight_unit="strings")
    with open_mentions(folder, other) as others:
        with pytest.raises(InputError, match="`baseline` and `mentions` are in two taxonomies"):
            find_anomalies(others.ai, mentions.ai)
        with pytest.raises(InputError, match="`human` was opened apart from `ai`"):
            measure_mirroring(mentions.ai, others.human)


def test_errors_have_their_parts(mentions: Mentions, tmp_path: Path) -> None:
    with pytest.raises(OutputError) as written:
        write_report(mentions, tmp_path / "r.pdf")
    assert written.value.path == str(tmp_path / "r.pdf")
    assert written.value.remedy == "end the name in .html, and ask for `markdown` to have a text, too"
    with pytest.raises(LookupFailedError, match="no node"):
        find_anomalies(mentions.ai, mentions.ai, watch=["dominance"])
    with pytest.raises(TaxonomyError, match="`master` is for Spark") as engine:
        open_mentions("x.csv", TREE, master="local[1]")
    assert engine.value.remedy == "give spark, or no master"


# -- answers -----------------------------------------------------------------------------------------------------------


def test_principles_are_a_file_or_a_mapping(mentions: Mentions, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("[[principle]]\nkey = 'a'\nname = 'A'\nnodes = ['P']\n")
    given = ({"A": ["P"]}, tmp_path / "p.toml", str(tmp_path / "p.toml"))
    tables = [measure_principles(mentions.ai, principles).table for principles in given]
    assert tables[0]["principle"].tolist() == ["A", "none of them"]
    assert all(table.equals(tables[0]) for table in tables)


def test_a_report_says_what_was_written(mentions: Mentions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    titles = ("Which principles values serve", "Which conversations are unusual", "What changed")
    monkeypatch.setattr("taxonomy.report.answering.QUESTIONS", {title: QUESTIONS[title] for title in titles})
    steps: list[tuple[int, int]] = []
    report = write_report(
        mentions, str(tmp_path / "r.html"), watch=["care"], principles={"A": ["P"]}, split_at=date(2025, 1, 15),
        markdown=True, progress=lambda *step: steps.append(step),
    )  # fmt: skip
    assert report.paths == (tmp_path / "r-tables", tmp_path / "r.md", tmp_path / "r.html")
    assert all(path.exists() for path in report.paths)
    assert repr(report) == f"<Report: 3 questions answered, {tmp_path / 'r.html'}>"
    assert steps == [(done, 3) for done in range(4)]
    assert "From 2025-01-15 on, " in (tmp_path / "r.md").read_text()


def test_where_nothing_is_disclosed_every_question_says_so(tmp_path: Path) -> None:
    mentions, conversations = many(6)
    for number, row in enumerate(conversations):
        row["model"] = ("one", "two")[number % 2]
    write_rows(tmp_path / "m.parquet", mentions)
    write_rows(tmp_path / "c.parquet", conversations)
    with open_mentions(tmp_path, TREE) as opened:
        for by in ("task", opened.human):
            contexts = compare_contexts(opened.ai, by=by)
            assert (len(contexts.associations), len(contexts.variation)) == (0, 0)
            assert contexts.suppressed > 0
        assert "cv_by_chance" in compare_contexts(opened.ai, by="task").variation
        report = write_report(opened, tmp_path / "report.html")
    assert report.suppressed > 0
