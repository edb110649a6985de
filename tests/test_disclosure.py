"""Attacks on what leaves: nothing that is suppressed follows from all tables of a report, nor from two reports."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import taxonomy
from taxonomy.errors import InputError
from taxonomy.mentions.disclosure import PUBLIC
from taxonomy.mentions.linked_cells import Cells
from taxonomy.mentions.suppression import suppress_together
from tests.conftest import ROOT, Run, examples
from tests.mention_records import mention, write_rows
from tests.test_privacy import LEAST, attack, equations
from tests.test_report import save_records, save_tree
from tests.trees import make_tree

RECORDS = ROOT / "fixtures" / "mentions"
SPLIT = "2025-01-20"
# The columns by which conversations are split, and the table that has each.
CONTEXTS = {"task": "context-task", "language": "context-language", "model": "models"}

Keys = dict[tuple[Any, ...], float]


def read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Read what a report left, as an attacker has it."""
    return {path.stem: pd.read_csv(path, keep_default_na=False, na_values=[""]) for path in folder.glob("*.csv")}


def known_counts(tables: dict[str, pd.DataFrame], total: float) -> Keys:
    """Return all counts of conversations that the tables tell, also those that only their shares tell."""
    known: Keys = {(): total}
    for row in tables["frequency-ai"].to_dict("records"):
        known["node", row["node"]] = row["conversations"]
    for column, name in CONTEXTS.items():
        for row in tables[name].to_dict("records"):
            category = row.get("category", row.get("model"))
            cell, share = row["conversations"], row["share"]
            known["node", row["node"], column, category] = cell
            known[column, category] = round(cell / share)
            if "expected" in row:
                known["node", row["node"]] = round(row["expected"] * total / known[column, category])
            else:
                others = row["others_share"] * (total - known[column, category])
                known["node", row["node"]] = round(cell + others)
    for row in tables["drift"].to_dict("records"):
        known["node", row["node"], "period", "before"] = row["before"]
        known["node", row["node"], "period", "after"] = row["after"]
    return known


def true_counts(rows: pd.DataFrame, conversations: pd.DataFrame) -> Keys:
    """Count every cell from rows of a conversation and a node, in another way than the code under test does."""
    true: Keys = {(): len(conversations)}
    joined = rows.merge(conversations, on="conversation_id").drop_duplicates(["conversation_id", "node"])
    for node, count in joined["node"].value_counts().items():
        true["node", str(node)] = count
    for column in (*CONTEXTS, "period"):
        for category, count in conversations[column].value_counts().items():
            true[column, str(category)] = count
        for key, count in joined.groupby(["node", column]).size().to_dict().items():
            true["node", key[0], column, key[1]] = count
    return true


def find_determined(known: Keys, true: Keys) -> Keys:
    """Return the cells that are not known and follow from those that are: each node is a system of its own."""
    followed: Keys = {}
    nodes = {key[1] for key in true if len(key) > 1 and key[0] == "node"}
    for node in [None, *sorted(nodes)]:
        own: tuple[str, ...] = () if node is None else ("node", node)
        cells = [key for key in true if key[: len(own)] == own and len(key) in (len(own), len(own) + 2)]
        cells = [key for key in cells if node is not None or key[:1] != ("node",)]
        unknown = [key for key in cells if key not in known]
        sums = []
        for column in (*CONTEXTS, "period"):
            parts = {key for key in cells if len(key) > len(own) and key[-2] == column}
            sums.append([float(key in parts) - float(key == own) for key in unknown])
        system = np.array(sums)
        if not unknown:
            continue
        # A cell follows where no vector of the null space moves it.
        _, singular, right = np.linalg.svd(system)
        null = right[int((singular > 1e-9).sum()) :]
        followed |= {
            key: true[key] for place, key in enumerate(unknown) if not np.abs(null[:, place]).max(initial=0) > 1e-9
        }
    return followed


@pytest.fixture(scope="module")
def tree(example_build: Path) -> taxonomy.Taxonomy:
    return taxonomy.load(example_build / "taxonomy.json")


@pytest.fixture(scope="module")
def rows(tree: taxonomy.Taxonomy) -> pd.DataFrame:
    """A conversation and a node that the AI expressed in it."""
    mentions = pd.read_parquet(RECORDS / "mentions.parquet")
    mentions = mentions[mentions["side"] == "ai"]
    parts = []
    for value, of_value in mentions.groupby("value"):
        if value in tree:
            path = tree.path(tree.node(str(value), level=0))
            parts += [of_value[["conversation_id"]].assign(node=node.id) for node in path]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def conversations() -> pd.DataFrame:
    table = pd.read_parquet(RECORDS / "conversations.parquet")
    time = pd.to_datetime(table["timestamp"], utc=True)
    table["period"] = np.where(time < pd.Timestamp(SPLIT, tz="UTC"), "before", "after")
    table.loc[time.isna(), "period"] = "no time"
    return table.fillna(dict.fromkeys(CONTEXTS, "not known"))


@pytest.fixture(scope="module")
def report(tree: taxonomy.Taxonomy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on the fixture."""
    out = tmp_path_factory.mktemp("report") / "report.html"
    with taxonomy.open_mentions(RECORDS, tree) as mentions:
        taxonomy.write_report(mentions, out, split_at=SPLIT, markdown=True)
    return out


def test_nothing_follows_from_all_tables_of_a_report(
    report: Path, rows: pd.DataFrame, conversations: pd.DataFrame
) -> None:
    tables = read_tables(report.with_name("report-tables"))
    true = true_counts(rows, conversations)
    known = known_counts(tables, len(conversations))
    assert {key: true[key] for key in known} == known
    assert min(known.values()) >= LEAST
    assert len(known) > 500
    assert find_determined(known, true) == {}
    # The attack finds what is there to be found.
    weaker = {key: count for key, count in true.items() if count >= LEAST}
    assert any(count < LEAST for count in find_determined(weaker, true).values())


def test_the_page_and_the_markdown_tell_no_more_than_the_tables(report: Path, tree: taxonomy.Taxonomy) -> None:
    tables = read_tables(report.with_name("report-tables"))
    disclosed = {str(label) for table in tables.values() if "label" in table for label in table["label"].dropna()}
    suppressed = {node.label for node in tree.nodes} - disclosed
    assert suppressed
    markdown = report.with_suffix(".md").read_text(encoding="utf-8")
    cells = {cell.strip() for line in markdown.splitlines() if line.startswith("|") for cell in line.split("|")}
    assert cells & disclosed
    assert not cells & suppressed
    page = report.read_text(encoding="utf-8")
    assert not [label for label in suppressed if f">{label}<" in page]


def test_mentions_add_up_to_nothing_that_is_suppressed(
    report: Path, tree: taxonomy.Taxonomy, rows: pd.DataFrame
) -> None:
    table = read_tables(report.with_name("report-tables"))["frequency-ai"]
    shown = set(table["node"])
    counts = rows.groupby("node")["conversation_id"].nunique()
    for node in tree.inner:
        children = [child.id for child in tree.children(node) if child.id in counts]
        missing = [child for child in children if child not in shown]
        if node.id in shown and missing:
            assert len(missing) > 1
            assert counts[missing].sum() >= LEAST


def test_the_same_cell_has_one_fate_in_every_table(report: Path) -> None:
    tables = read_tables(report.with_name("report-tables"))
    frequency = set(tables["frequency-ai"]["node"])
    for name in ("context-task", "context-language", "context-human-value", "responses-values", "models", "drift"):
        assert set(tables[name]["node"]) <= frequency, name


@examples(10, 50)
@given(st.lists(st.integers(0, 2), min_size=3, max_size=5), st.data())
def test_nothing_follows_from_linked_tables(groups: list[int], data: st.DataObject) -> None:
    parents = {f"v{place}": f"g{group}" for place, group in enumerate(groups)}
    sizes = st.integers(0, 6) | st.integers(10, 40)
    joint: dict[tuple[str | None, str | None, str | None], int] = {}
    for place in range(len(groups)):
        for task in ("t0", "t1"):
            for model in ("m0", "m1"):
                count = data.draw(sizes)
                for node in (f"v{place}", parents[f"v{place}"], None):
                    for key in ((node, task, None), (node, None, model), (node, None, None)):
                        joint[key] = joint.get(key, 0) + count
    table = pd.DataFrame(list(joint), columns=["node", "task", "model"]).assign(conversations=list(joint.values()))
    table = table[table["conversations"] > 0].reset_index(drop=True)
    if table.empty:
        return
    split = [
        (table["task"].isna() & table["model"].isna(), {"node": "ai"}),
        (table["model"].isna(), {"node": "ai", "task": "task"}),
        (table["task"].isna(), {"node": "ai", "model": "model"}),
    ]
    tables = [Cells(table[rows], by, {"node": parents}) for rows, by in split]
    left = [disclosed.table for disclosed in suppress_together(tables, disclosure=PUBLIC)]
    shown = pd.concat(left)
    shown = shown[~shown.index.duplicated()]
    assert (shown["conversations"] >= LEAST).all()
    # One cell has one fate.
    for (rows, _), disclosed in zip(split, left, strict=True):
        assert set(disclosed.index) == set(table.index[rows]) & set(shown.index)
    for cell, (low, high) in attack(table, shown, ["node", "task", "model"], parents).items():
        assert low < high, table.loc[cell]
    unknown = ~table.index.isin(shown.index)
    system = equations(table, ["node", "task", "model"], parents)[:, unknown]
    _, singular, right = np.linalg.svd(system)
    null = right[int((singular > 1e-9).sum()) :]
    assert not unknown.any() or (np.abs(null).max(axis=0) > 1e-9).all()


def test_counts_of_one_side_and_of_both_cannot_be_subtracted(run: Run, tmp_path: Path) -> None:
    counts: dict[str, dict[str, int]] = {}
    for side in ("ai", "human", "both"):
        done = run("mentions", "count", RECORDS, "--side", side, "--out", tmp_path / f"{side}.parquet")
        assert done.returncode == 0, done.stderr
        table = pd.read_parquet(tmp_path / f"{side}.parquet")
        counts[side] = dict(zip(table["value"], table["count"], strict=True))
    mentions = pd.read_parquet(RECORDS / "mentions.parquet")
    true = mentions.groupby(["value", "side"]).size().unstack(fill_value=0)
    for value in counts["both"]:
        hidden = [side for side in ("ai", "human") if value not in counts[side] and true.loc[value, side]]
        # Of one that is hidden alone, a subtraction gives the count.
        assert len(hidden) != 1, value
    assert len(counts["ai"]) > len(counts["both"]) > 50


# -- two releases ------------------------------------------------------------------------------------------------


def release(folder: Path, name: str, conversations: list[str], previous: Path | None = None) -> Any:
    """Report on conversations, each with values by its first letter."""
    tree = make_tree(["honesty", "candour", "care", "thrift"], [0, 0, 1, 1], [0, 1], names=[["A", "B"], ["P", "Q"]])
    values = {"h": ["honesty"], "c": ["candour"], "k": ["care"], "t": ["thrift", "honesty"]}
    rows = [mention(one, value) for one in conversations for value in values[one[0]]]
    about = [
        {"conversation_id": one, "user_id": f"u{one}", "task": ("debugging", "advice")[int(one[1:]) % 2]}
        for one in conversations
    ]
    records = folder / f"{name}-records"
    records.mkdir()
    write_rows(records / "mentions.csv", rows)
    write_rows(records / "conversations.csv", about)
    with taxonomy.open_mentions(records, tree) as mentions:
        return taxonomy.write_report(mentions, folder / f"{name}.html", previous_release=previous)


def counts_of(folder: Path, name: str, report: Any) -> dict[tuple[str, ...], int]:
    tables = read_tables(folder / f"{name}-tables")
    total = int(report.facts["conversations"].replace(",", ""))
    counts: dict[tuple[str, ...], int] = {(): total}
    for row in tables["frequency-ai"].to_dict("records"):
        counts[(row["node"],)] = row["conversations"]
    for row in tables["context-task"].to_dict("records"):
        counts[row["node"], row["category"]] = row["conversations"]
        counts["", row["category"]] = round(row["conversations"] / row["share"])
    return counts


BASE = [f"{letter}{number}" for letter, size in {"h": 90, "c": 60, "k": 70, "t": 40}.items() for number in range(size)]
CHANGES = {
    "one more": ([*BASE, "c1001"], True),
    "14 more": (BASE + [f"c{1000 + n}" for n in range(14)], True),
    "16 more": (BASE + [f"c{1000 + n}" for n in range(16)], False),
    "40 more of one and three of another": (
        BASE + [f"h{1000 + n}" for n in range(40)] + [f"k{1000 + n}" for n in range(3)],
        False,
    ),
    "60 more in both tasks": (BASE + [f"{'hk'[n % 2]}{1000 + n}" for n in range(60)], False),
    "one taken away": (BASE[1:], None),
    "30 taken away of one": (BASE[30:], False),
    "30 taken away of one and two of another": (BASE[30:-2], False),
    "20 taken away and 22 more": (BASE[20:] + [f"c{1000 + n}" for n in range(22)], None),
}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The folder of a first release, which tests leave as it is, and its report."""
    folder = tmp_path_factory.mktemp("first")
    return folder, release(folder, "first", BASE)


@pytest.mark.parametrize(("later", "held"), CHANGES.values(), ids=CHANGES)
def test_no_small_change_follows_from_two_releases(
    first: tuple[Path, Any], later: list[str], held: bool | None, tmp_path: Path
) -> None:
    folder, report = first
    previous = folder / "first-tables"
    if held is None:
        # Whoever takes a few conversations away can't publish a report that says so.
        with pytest.raises(InputError, match="since the previous release"):
            release(tmp_path, "second", later, previous)
        assert not (tmp_path / "second.html").exists()
        return
    second = release(tmp_path, "second", later, previous)
    assert bool(second.notices) == held
    before, after = counts_of(folder, "first", report), counts_of(tmp_path, "second", second)
    both = before.keys() & after.keys()
    assert () in both
    changes = {key: after[key] - before[key] for key in both}
    assert not {key: change for key, change in changes.items() if 0 < abs(change) < LEAST}
    if held:
        assert (after, second.facts) == (before, report.facts)
    # What the shown categories leave of a node changed by nothing, or by many.
    for node in {key[0] for key in both if key}:
        own = {key for key in both if len(key) == 2 and key[0] == node}
        if (
            own
            == {key for key in before if len(key) == 2 and key[0] == node}
            == {key for key in after if len(key) == 2 and key[0] == node}
            and (node,) in both
        ):
            rest = changes[(node,)] - sum(changes[key] for key in own)
            assert rest == 0 or abs(rest) >= LEAST


def test_without_the_last_release_a_subtraction_tells(first: tuple[Path, Any], tmp_path: Path) -> None:
    second = release(tmp_path, "second", [*BASE, "c1001"])
    before, after = counts_of(first[0], "first", first[1]), counts_of(tmp_path, "second", second)
    assert 1 in {after[key] - before[key] for key in before.keys() & after.keys()}


@pytest.mark.parametrize("damage", ["gone", "cut", "another"])
def test_a_private_file_that_is_not_one_is_one_line(first: tuple[Path, Any], damage: str, tmp_path: Path) -> None:
    shutil.copytree(first[0], tmp_path, dirs_exist_ok=True)
    private = tmp_path / "first-tables.private.parquet"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    if damage == "gone":
        private.unlink()
    elif damage == "cut":
        private.write_bytes(private.read_bytes()[:100])
    else:
        pd.DataFrame({"key": ["x"]}).to_parquet(private)
    tree = make_tree(["honesty"], [0], names=[["A"]])
    records = write_rows(tmp_path / "m.csv", [mention("c1", "honesty")])
    with taxonomy.open_mentions(records, tree) as mentions, pytest.raises(InputError) as raised:
        taxonomy.write_report(mentions, tmp_path / "x.html", previous_release=tmp_path / "first-tables")
    assert (raised.value.path, "\n" in str(raised.value)) == (str(private), False)
    assert not (tmp_path / "x.html").exists()


# -- internal output ---------------------------------------------------------------------------------------------


@pytest.fixture
def internal(run: Run, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """All files that internal commands write."""
    folder = tmp_path_factory.mktemp("internal")
    records = save_records(folder / "records")
    by_tree = (records, "--taxonomy", save_tree(folder / "tree.json"), "--internal")
    commands = [
        ("mentions", "count", records, "--side", "ai", "--internal", "--out", tmp_path / "counts.csv"),
        ("analyze", "frequency", *by_tree, "--out", tmp_path / "frequency.parquet"),
        (
            "analyze",
            "anomalies",
            *by_tree,
            "--watch",
            "rare one",
            "--split-at",
            SPLIT,
            "--alert-file",
            tmp_path / "alerts.jsonl",
            "--json",
        ),
        ("report", *by_tree, "--markdown", "--out", tmp_path / "report.html", "--quiet"),
    ]
    (tmp_path / "counts.csv").write_text("what was there may be read by all")
    for command in commands:
        done = run(*command)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("internal use only") == 1, command
    return [path for path in tmp_path.rglob("*") if path.is_file()]


def test_internal_files_are_private_and_say_so(internal: list[Path]) -> None:
    assert len(internal) > 20
    assert {stat.S_IMODE(path.stat().st_mode) for path in internal} == {0o600}
    for path in internal:
        if path.suffix in (".html", ".md", ".jsonl", ".csv"):
            assert "internal" in path.read_text(encoding="utf-8"), path
    assert not [path for path in internal if "private" in path.name]
