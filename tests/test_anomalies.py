"""Planted anomalies come back, alerts are as many as asked for, and no output is about one conversation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import gamma

from taxonomy.cli import main
from taxonomy.errors import InputError, LookupFailedError
from taxonomy.mentions.opening import open_mentions
from taxonomy.mentions.placed import PlacedMentions
from taxonomy.model import Taxonomy
from taxonomy.questions.anomalies import Anomalies, find_anomalies
from taxonomy.questions.baseline import KINDS, shortfall
from taxonomy.questions.recall import measure_recall
from taxonomy.questions.watch_list import find_watched, read_watch_list
from tests.trees import make_tree

COMMON = [f"common {i}" for i in range(24)]
RARE = [f"rare {i}" for i in range(40)]
AT_HOME = ["debugging", "tracing"]
CAMPS = [["bold", "daring", "free"], ["strict", "tidy", "careful"]]
WATCHED = ["deceit", "cruelty"]
VALUES = [*COMMON, *RARE, *AT_HOME, *CAMPS[0], *CAMPS[1], *WATCHED]
TASKS = ["code", "essay", "advice", "travel"]
SIZE = 9000
START = 6000
N_PLANTED = 8


def make_records(folder: Path) -> tuple[Taxonomy, dict[str, list[str]]]:
    """Invent conversations; the last third holds some of each kind of anomaly."""
    rng = np.random.default_rng(7)
    weights = 1 / np.arange(1, len(COMMON) + 1)
    task = rng.integers(0, len(TASKS), SIZE)
    camp = rng.random(SIZE)
    said: list[set[str]] = [
        set(rng.choice(COMMON, rng.integers(1, 6), replace=False, p=weights / weights.sum())) for _ in range(SIZE)
    ]
    for i in range(SIZE):
        if task[i] == 0:
            said[i] |= {value for value in AT_HOME if rng.random() < 0.4}
        for number in (0, 1):
            if number * 0.15 <= camp[i] < (number + 1) * 0.15:
                said[i] |= set(rng.choice(CAMPS[number], 2, replace=False))
        if rng.random() < 0.02:
            said[i].add(RARE[rng.integers(len(RARE))])
    # Not where they are at home, and in neither camp.
    plain = rng.permutation(np.flatnonzero((task != 0) & (camp > 0.3) & (np.arange(SIZE) >= START)))
    groups = dict(zip(KINDS, plain[: 4 * N_PLANTED].reshape(4, N_PLANTED), strict=True))
    for i in groups["watch"]:
        said[i].add(WATCHED[i % 2])
    for i in groups["rare"]:
        said[i] |= set(rng.choice(RARE, 3, replace=False))
    for i in groups["context"]:
        said[i] |= set(AT_HOME)
    for i in groups["co-occurrence"]:
        said[i] |= {*CAMPS[0][:2], CAMPS[1][0]}
    names = [f"conv-{i:05}" for i in range(SIZE)]
    pairs = [(names[i], value) for i in range(SIZE) for value in sorted(said[i])]
    mentions = pd.DataFrame(pairs, columns=["conversation_id", "value"]).assign(side="ai")
    mentions.to_parquet(folder / "mentions.parquet")
    times = np.where(np.arange(SIZE) < START, "2025-01-10T12:00:00", "2025-01-20T12:00:00")
    users = [f"user-{i % 700:03}" for i in range(SIZE)]
    pd.DataFrame(
        {"conversation_id": names, "task": np.array(TASKS)[task], "user_id": users, "timestamp": times}
    ).to_parquet(folder / "conversations.parquet")
    parents = [i % 8 for i in range(len(VALUES))]
    tree = make_tree(VALUES, parents, [0, 0, 0, 0, 1, 1, 1, 1])
    return tree, {kind: [names[i] for i in group] for kind, group in groups.items()}


@dataclass(frozen=True)
class World:
    folder: Path
    tree: Taxonomy
    planted: dict[str, list[str]]
    earlier: PlacedMentions
    later: PlacedMentions
    found: Anomalies


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("anomalies")
    (folder / "records").mkdir()
    tree, planted = make_records(folder / "records")
    tree.write(folder / "tree.json")
    (folder / "known.json").write_text(json.dumps(planted))
    with open_mentions(folder / "records", tree) as mentions:
        earlier, later = mentions.ai.split_at("2025-01-15")
        found = find_anomalies(earlier, later, watch=WATCHED)
        yield World(folder, tree, planted, earlier, later, found)


def invoke(world: World, *arguments: object) -> Result:
    command = ["analyze", "anomalies", world.folder / "records", "--taxonomy", world.folder / "tree.json"]
    return CliRunner().invoke(main, [str(one) for one in (*command, *arguments)])


SPLIT = ("--split-at", "2025-01-15")
WATCH = ("--watch", "deceit", "--watch", "cruelty")


# -- what is found ---------------------------------------------------------------------------------------------------


def test_planted_anomalies_come_back_and_rarity_alone_misses_most(world: World) -> None:
    scored = measure_recall(world.found, world.later, world.planted).set_index("name")
    assert (scored["known"] == [N_PLANTED] * 4 + [4 * N_PLANTED]).all()
    assert (scored["recall"] >= 0.8).all(), scored
    assert scored.loc["any", "plain_recall"] < scored.loc["any", "recall"]
    hits = scored.loc["any", "found"]
    assert scored.loc["any", "precision"] == hits / len(world.found.alerts)


def test_a_reason_names_what_was_planted(world: World) -> None:
    alerts = world.found.alerts.set_index("conversation_id")
    planted = {"watch": WATCHED, "rare": RARE, "context": AT_HOME, "co-occurrence": [*CAMPS[0], *CAMPS[1]]}
    for kind, names in world.planted.items():
        for name in set(names) & set(alerts.index):
            reasons = [reason for reason in alerts.loc[name, "reasons"] if reason.kind == kind]
            assert reasons, name
            assert set(reasons[0].labels) & set(planted[kind])
            assert reasons == sorted(reasons, key=lambda one: -one.bits)
    unusual = next(one for one in alerts.loc[world.planted["context"][0], "reasons"] if one.kind == "context")
    assert (unusual.column, unusual.observed) == ("task", 0)
    assert str(unusual).startswith(f"unusual in its context: {unusual.labels[0]!r} where task is ")
    assert re.search(r", in no baseline conversation, [\d.]+ expected by chance$", str(unusual))


def test_alerts_are_ranked_by_chance(world: World) -> None:
    alerts = world.found.alerts
    assert alerts["rank"].tolist() == list(range(1, len(alerts) + 1))
    assert alerts["chance"].is_monotonic_increasing
    assert alerts["conversation_id"].is_unique
    assert alerts["chance"].between(0, 0.01, inclusive="right").all()


@pytest.mark.parametrize("asked", [30.0, 100.0, 300.0])
def test_conversations_like_the_baseline_give_as_many_alerts_as_asked_for(world: World, asked: float) -> None:
    found = find_anomalies(world.earlier, world.later, alerts_per_10000=asked)
    others = set(found.alerts["conversation_id"]) - {one for group in world.planted.values() for one in group}
    expected = asked / 10_000 * found.conversations
    # Five standard deviations of a count, and of the threshold that half as many more set.
    assert abs(len(others) - expected) < 5 * np.sqrt(expected * 1.5)


def test_a_conversation_of_the_baseline_is_scored_by_all_others(world: World) -> None:
    # Its values have the surprisal that they would have later.
    table = world.found.baseline.lookups["rare"].table
    assert (table["own"] >= table["new"]).all()
    once = table[table["observed"] == 1]
    assert len(once)
    never = table.loc[table["observed"] == 0, "new"]
    assert (once["own"] == never.iloc[0]).all()


@given(st.integers(0, 500), st.floats(0.01, 500))
def test_a_shortfall_is_the_upper_end_of_the_interval(observed: int, expected: float) -> None:
    found = float(shortfall(np.array([observed], float), np.array([expected]))[0])
    upper = gamma.ppf(0.975, observed + 0.5, scale=1 / (expected + 0.5))
    assert found == pytest.approx(max(-np.log2(upper), 0), abs=1e-9)
    assert found >= float(shortfall(np.array([observed + 1], float), np.array([expected]))[0])
    if observed >= expected:
        assert found == 0


# -- watch lists -----------------------------------------------------------------------------------------------------


def test_a_watch_list_takes_ids_labels_and_paths(world: World, tmp_path: Path) -> None:
    node = world.tree.node("deceit")
    path = " > ".join(step.label for step in world.tree.path(node))
    (tmp_path / "watch.toml").write_text(f'watch = ["Deceit", "{node.id}", "{path}", "n1x0 > {COMMON[0]}"]')
    found = find_watched(world.tree, read_watch_list(tmp_path / "watch.toml"))
    assert found == (node.id, world.tree.node(COMMON[0]).id)


def test_watching_a_node_watches_all_below(world: World) -> None:
    found = find_anomalies(world.earlier, world.later, watch=[world.tree.parent("deceit").id])  # type: ignore[union-attr]
    watched = found.baseline.watched
    assert set(watched["level_0"]) == {node.id for node in world.tree.values(world.tree.parent("deceit").id)}  # type: ignore[union-attr]


def test_names_of_a_watch_list_must_be_of_one_node(world: World) -> None:
    with pytest.raises(LookupFailedError, match="no node 'dominance'"):
        find_watched(world.tree, ["dominance"])
    with pytest.raises(LookupFailedError, match="no node has the path 'n1x1 > deceit > more'"):
        find_watched(world.tree, ["n1x1 > deceit > more"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('watch = "deceit"', "watch must be a list of texts"),
        ("watch = [1]", "watch must be a list of texts"),
        ("watch = []", "watch must be a list of texts"),
        ("", "watch is missing; write watch = "),
        ('watch = ["a"]\nwatched = ["b"]', "unknown entry 'watched'"),
        ("watch = [", "not TOML"),
    ],
)
def test_a_watch_list_that_is_none(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "w.toml").write_text(text)
    with pytest.raises(InputError, match=problem):
        read_watch_list(tmp_path / "w.toml")


# -- privacy ---------------------------------------------------------------------------------------------------------


def test_disclosed_counts_are_of_many(world: World) -> None:
    table = world.found.table
    assert (table["conversations"] >= 15).all()
    assert world.found.suppressed > 0
    # The one planted value of which there are few is in no row.
    assert not set(table["label"].dropna()) & set(WATCHED)


def test_no_output_has_ids_unless_internal(world: World, tmp_path: Path) -> None:
    printed = invoke(world, *SPLIT, *WATCH, "--out", tmp_path / "t.csv").output
    as_json = invoke(world, *SPLIT, *WATCH, "--json").stdout
    assert set(json.loads(as_json)["tables"]) == {"reasons"}
    for text in (printed, as_json, (tmp_path / "t.csv").read_text()):
        assert "conv-" not in text
        assert "user-" not in text
        assert "deceit" not in text
    assert "Suppressed: " in printed


def test_internal_alerts_have_ids_and_say_so(world: World, tmp_path: Path) -> None:
    texts = []
    for name in ("one.jsonl", "two.jsonl"):
        done = invoke(world, *SPLIT, *WATCH, "--internal", "--alert-file", tmp_path / name)
        assert done.exit_code == 0, done.output
        texts.append((tmp_path / name).read_bytes())
    assert texts[0] == texts[1]
    lines = [json.loads(line) for line in texts[0].decode().splitlines()]
    assert [line["conversation_id"] for line in lines] == world.found.alerts["conversation_id"].tolist()
    assert {line["internal"] for line in lines} == {True}
    assert {"rank", "chance", "kinds", "reasons"} < set(lines[0])
    assert "user-" not in texts[0].decode()
    assert "internal use only" in done.stderr


def test_known_anomalies_are_scored(world: World) -> None:
    done = invoke(world, *SPLIT, *WATCH, "--internal", "--known", world.folder / "known.json")
    assert done.exit_code == 0, done.output
    assert "recall by rarity alone" in done.output
    assert any(line.split()[:2] == ["any", str(4 * N_PLANTED)] for line in done.output.splitlines())


def test_records_of_earlier_times_are_a_baseline(world: World) -> None:
    # The same records as their own baseline.
    done = invoke(world, "--baseline", world.folder / "records", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["figures"]["baseline"] == SIZE


# -- wrong uses ------------------------------------------------------------------------------------------------------

WRONG = {
    "neither": ([], "give either --baseline"),
    "both": ([*SPLIT, "--baseline", "x.csv"], "give either --baseline"),
    "no such baseline": (["--baseline", "no-such.csv"], "no-such.csv: there is no such file"),
    "too early": (["--split-at", "2024-01-01"], "no conversation is before 2024-01-01"),
    "too late": (["--split-at", "2026-01-01"], "no conversation is from 2026-01-01"),
    "no day": (["--split-at", "yesterday"], "'yesterday' does not match"),
    "too few alerts": (
        [*SPLIT, "--alerts", "0.5"],
        "an alert rate of 0.5 in 10,000 is too low for a baseline of 6,000 conversations; give",
    ),
    "alerts without ids": ([*SPLIT, "--alert-file", "a.jsonl"], "add --internal"),
    "known without ids": ([*SPLIT, "--known", "k.json"], "add --internal"),
    "unknown node": ([*SPLIT, "--watch", "dominance"], "no node 'dominance'"),
    "no watch list": ([*SPLIT, "--watch-list", "no.toml"], "no.toml: cannot be read"),
    "no known": ([*SPLIT, "--internal", "--known", "no.json"], "no.json: cannot be read"),
    "no people": ([*SPLIT, "--side", "human"], "no mention is of the human side"),
    "assign": (["--baseline", "x.csv", "--assign"], "--assign goes with --split-at"),
    "no table": ([*SPLIT, "--out", "t.xlsx"], "not a format of a table"),
}


@pytest.mark.parametrize(("arguments", "problem"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_one_line(world: World, arguments: list[str], problem: str) -> None:
    done = invoke(world, *arguments)
    assert done.exit_code == 2
    error = done.output.rstrip("\n").splitlines()[-1]
    assert error.startswith("Error: ")
    assert problem in error


@pytest.mark.parametrize("text", ["[1]", '{"a": "b"}', '{"a": [1]}', "{"])
def test_known_anomalies_that_are_no_lists(world: World, tmp_path: Path, text: str) -> None:
    (tmp_path / "k.json").write_text(text)
    done = invoke(world, *SPLIT, "--internal", "--known", tmp_path / "k.json")
    assert (done.exit_code, 'give {"name"' in done.output) == (2, True)


def test_records_without_times_cannot_be_split(tmp_path: Path) -> None:
    tree = make_tree(["honesty", "care"], [0, 0], [0])
    rows = [{"conversation_id": f"c{i}", "side": "ai", "value": "care"} for i in range(20)]
    pd.DataFrame(rows).to_csv(tmp_path / "m.csv", index=False)
    with open_mentions(tmp_path / "m.csv", tree) as mentions:
        assert mentions.ai.find_middle() is None
        with pytest.raises(InputError, match="no conversation is before"):
            mentions.ai.split_at("2025-01-01")
        # With no contexts, values and their pairs are scored alone.
        found = find_anomalies(mentions.ai, mentions.ai, alerts_per_10000=5000)
        assert len(found.alerts) == 0
