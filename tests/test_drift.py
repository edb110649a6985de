"""What rose and fell is found, the figures are those of statsmodels, and suppressed cells stay suppressed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from taxonomy.cli import main
from taxonomy.mentions.disclosure import INTERNAL
from taxonomy.mentions.opening import open_mentions
from taxonomy.questions.drift import Drift, compare_proportions, detect_drift
from tests.trees import make_tree

# Of each value, the share of conversations before and after.
RATES = {
    "steady one": (0.3, 0.3),
    "steady two": (0.1, 0.1),
    "rising": (0.05, 0.12),
    "falling": (0.12, 0.05),
    "new": (0.0, 0.1),
    "rare": (0.003, 0.0015),
    "filler one": (0.1, 0.1),
    "filler two": (0.15, 0.15),
    "seldom": (0.006, 0.008),
    "filler three": (0.08, 0.08),
    "<script>alert(1)</script>": (0.2, 0.2),
}
SIZE = 4000
TREE = make_tree(list(RATES), [0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3], [0, 0, 1, 1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same records as one folder, and as two."""
    made = tmp_path_factory.mktemp("drift")
    mentions, conversations = [], []
    for i in range(SIZE):
        later = i % 2
        place_in_period = i // 2
        name = f"conv-{i:05}"
        for value, rates in RATES.items():
            # Each in its share of a period, spread over it.
            share = rates[later]
            if int((place_in_period + 1) * share) > int(place_in_period * share):
                mentions.append({"conversation_id": name, "side": "ai", "value": value})
        # So that every conversation has a mention.
        mentions.append({"conversation_id": name, "side": "human", "value": "seldom"})
        time = datetime(2025, 1, 1 + 10 * later, tzinfo=UTC) + timedelta(minutes=place_in_period)
        conversations.append({"conversation_id": name, "user_id": f"user-{i % 300}", "timestamp": time.isoformat()})
    said, known = pd.DataFrame(mentions), pd.DataFrame(conversations)
    for sub in ("all", "before", "after"):
        (made / sub).mkdir()
    said.to_parquet(made / "all" / "m.parquet")
    known.to_parquet(made / "all" / "c.parquet")
    for later, sub in enumerate(("before", "after")):
        ids = set(known["conversation_id"][later::2])
        said[said["conversation_id"].isin(ids)].to_parquet(made / sub / "m.parquet")
        known[later::2].to_parquet(made / sub / "c.parquet")
    TREE.write(made / "tree.json")
    return made


@pytest.fixture(scope="module")
def found(folder: Path) -> Iterator[Drift]:
    with open_mentions(folder / "all", TREE) as mentions:
        yield detect_drift(*mentions.ai.split_at("2025-01-08"))


def row(found: Drift, label: str) -> pd.Series:
    return found.table.set_index("label").loc[label]


def invoke(folder: Path, *arguments: object) -> Result:
    command = ["analyze", "drift", *arguments, "--taxonomy", folder / "tree.json"]
    return CliRunner().invoke(main, [str(one) for one in command])


def test_what_was_planted_is_found_with_its_sign(found: Drift) -> None:
    assert (found.before, found.after) == (2000, 2000)
    changes = dict(zip(found.table["label"], found.table["change"], strict=True))
    assert changes["rising"] == "rose"
    assert changes["falling"] == "fell"
    assert changes["steady one"] == changes["steady two"] == changes["<script>alert(1)</script>"] == ""
    rising = row(found, "rising")
    assert (rising["before"], rising["after"]) == (100, 240)
    assert rising["difference"] == pytest.approx(0.07)
    assert rising["difference_low"] < 0.07 < rising["difference_high"]
    assert rising["ratio"] == pytest.approx(2.4)
    assert rising["ratio_low"] < 2.4 < rising["ratio_high"]


def test_a_node_that_is_rare_in_one_period_is_suppressed_in_both(found: Drift) -> None:
    labels = set(found.table["label"])
    assert not labels & {"new", "rare", "seldom"}
    assert found.suppressed == len(TREE.nodes) - len(found.table)
    assert (found.table[["before", "after"]] >= 15).all(axis=None)
    # With "new" alone suppressed below its parent, the parent less "rare" would disclose it.
    parent = TREE.parent("new")
    assert parent is not None
    shown = {node.label for node in TREE.children(parent)} & labels
    assert parent.label not in labels or len(TREE.children(parent)) - len(shown) != 1


def test_without_thresholds_all_are_disclosed_but_those_of_one_period(folder: Path) -> None:
    with open_mentions(folder / "all", TREE) as mentions:
        found = detect_drift(*mentions.ai.split_at("2025-01-08"), disclosure=INTERNAL)
    assert {"rare", "seldom"} <= set(found.table["label"])
    assert "new" not in set(found.table["label"])
    assert row(found, "rare")["rough"]
    assert not row(found, "rising")["rough"]


def test_figures_are_those_of_statsmodels(found: Drift) -> None:
    for one in found.table.itertuples():
        counts, sizes = [one.after, one.before], [found.after, found.before]
        z, p = proportions_ztest(counts, sizes)
        assert one.z == pytest.approx(z, abs=1e-9)
        assert one.p == pytest.approx(p, abs=1e-9)
        low, high = confint_proportions_2indep(one.after, found.after, one.before, found.before, method="newcomb")
        assert (one.difference_low, one.difference_high) == pytest.approx((low, high), abs=1e-9)
    # Benjamini and Hochberg, written out.
    p = np.sort(found.table["p"].to_numpy())
    steps = p * len(p) / np.arange(1, len(p) + 1)
    expected = np.minimum.accumulate(steps[::-1])[::-1].clip(max=1)
    assert np.sort(found.table["q"].to_numpy()) == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 50), st.integers(0, 50))
def test_two_proportions_never_fail(count: int, other: int) -> None:
    z, p = compare_proportions(np.array([count]), 50, np.array([other]), 50)
    assert 0 <= p[0] <= 1
    assert np.sign(z[0]) == np.sign(count - other)
    if 0 < count + other < 100:
        assert (z[0], p[0]) == pytest.approx(proportions_ztest([count, other], [50, 50]), abs=1e-12)


def test_two_folders_give_what_a_split_gives(folder: Path, tmp_path: Path) -> None:
    split = invoke(folder, folder / "all", "--split-at", "2025-01-08", "--out", tmp_path / "a.csv")
    apart = invoke(folder, folder / "after", "--baseline", folder / "before", "--out", tmp_path / "b.csv")
    assert (split.exit_code, apart.exit_code) == (0, 0), split.output + apart.output
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    for text in (split.output, apart.output, (tmp_path / "a.csv").read_text()):
        assert "conv-" not in text
        assert "user-" not in text
    assert "2,000 conversations before, 2,000 after" in split.output
    assert "Suppressed: " in split.output


def test_json_and_internal(folder: Path, tmp_path: Path) -> None:
    done = invoke(folder, folder / "all", "--split-at", "2025-01-08", "--json", "--internal")
    answer = json.loads(done.stdout)
    assert answer["internal"] is True
    assert "rare" in {node["label"] for node in answer["tables"]["nodes"]}
    done = invoke(folder, folder / "all", "--split-at", "2025-01-08", "--internal", "--out", tmp_path / "d.parquet")
    assert "internal use only" in done.stderr
    assert pd.read_parquet(tmp_path / "d.parquet")["internal"].all()


def test_a_moment_with_a_time_zone_is_that_moment(folder: Path) -> None:
    with open_mentions(folder / "all", TREE) as mentions:
        east = timezone(timedelta(hours=3))
        parts = mentions.ai.split_at(datetime(2025, 1, 11, 3, tzinfo=east))
        assert detect_drift(*parts).before == 2000
        assert mentions.ai.find_middle() == datetime(2025, 1, 6)


def test_malformed_rows_of_the_baseline_are_rejected(folder: Path, tmp_path: Path) -> None:
    rows = "".join(f"c{i},ai,rising\n" for i in range(200)) + "x,robot,rising\n"
    (tmp_path / "old.csv").write_text("conversation_id,side,value\n" + rows)
    done = invoke(folder, folder / "after", "--baseline", tmp_path / "old.csv", "--out", tmp_path / "d.csv")
    assert done.exit_code == 0, done.output
    assert "1 of mentions: side is neither ai nor human" in done.output
    assert len(pd.read_parquet(tmp_path / "rejected.parquet")) == 1
