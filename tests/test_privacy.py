"""Suppression, and an attack on it: what is disclosed must not give away what is suppressed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from taxonomy.errors import InputError
from taxonomy.mentions.disclosure import INTERNAL, PUBLIC, Disclosure
from taxonomy.mentions.suppression import suppress

LEAST = 15


def cube(cells: Mapping[tuple[str, ...], int], by: list[str]) -> pd.DataFrame:
    """Return cells with all of their totals."""
    sums: dict[tuple[str | None, ...], int] = {}
    for key, count in cells.items():
        for kept in itertools.product([True, False], repeat=len(by)):
            total = tuple(part if keep else None for part, keep in zip(key, kept, strict=True))
            sums[total] = sums.get(total, 0) + count
    table = pd.DataFrame(list(sums), columns=by)
    return table.assign(conversations=list(sums.values()), users=list(sums.values()))


def equations(table: pd.DataFrame, by: list[str], parents: Mapping[str, str]) -> np.ndarray:
    """Return what an attacker knows, one row a sum, written apart from the code under test."""
    keys = [tuple(None if pd.isna(part) else part for part in key) for key in table[by].to_numpy(dtype=object)]
    rows = []
    for total_index, total in enumerate(keys):
        for place in range(len(by)):
            row = np.zeros(len(keys))
            for index, key in enumerate(keys):
                same = key[:place] == total[:place] and key[place + 1 :] == total[place + 1 :]
                if same and key[place] is not None and parents.get(key[place]) == total[place]:
                    row[index] = 1
            if row.any():
                row[total_index] -= 1
                rows.append(row)
    return np.array(rows)


def attack(
    table: pd.DataFrame, left: pd.DataFrame, by: list[str], parents: Mapping[str, str]
) -> dict[int, tuple[int, int]]:
    """Return the least and the most that each cell that is too small can be, given what is left."""
    counts = table["conversations"].to_numpy(dtype=float)
    known = table.index.isin(left.index)
    sums = equations(table, by, parents)
    bounds = Bounds(np.where(known, counts, 0), np.where(known, counts, np.inf))
    constraint = LinearConstraint(sums, 0, 0)
    found = {}
    for cell in np.flatnonzero(~known & (counts < LEAST)):
        goal = np.zeros(len(counts))
        goal[cell] = 1
        ends = []
        for sign in (1, -1):
            solved = milp(sign * goal, constraints=constraint, bounds=bounds, integrality=np.ones(len(counts)))
            # An unbounded problem has no solution, and a cell without bound is not given away.
            ends.append(sign * round(solved.fun) if solved.x is not None else 10**9)
        found[int(cell)] = (ends[0], ends[1])
    return found


def check(table: pd.DataFrame, by: list[str], parents: Mapping[str, str]) -> None:
    done = suppress(table, by=by, trees={by[0]: parents}, disclosure=Disclosure(min_conversations=LEAST))
    assert (done.table["conversations"] >= LEAST).all()
    assert done.suppressed == len(table) - len(done.table)
    for cell, (low, high) in attack(table, done.table, by, parents).items():
        assert low < high, table.loc[cell]


sizes = st.integers(0, 6) | st.integers(10, 40)


@settings(max_examples=15)
@given(st.integers(2, 4), st.integers(2, 4), st.data())
def test_two_margins(rows: int, columns: int, data: st.DataObject) -> None:
    drawn = {(f"r{i}", f"c{j}"): data.draw(sizes) for i in range(rows) for j in range(columns)}
    cells = {key: count for key, count in drawn.items() if count}
    if cells:
        check(cube(cells, ["row", "column"]), ["row", "column"], {})


@settings(max_examples=15)
@given(st.lists(st.integers(0, 3), min_size=3, max_size=6), st.integers(1, 3), st.data())
def test_a_tree_by_a_context(groups: list[int], contexts: int, data: st.DataObject) -> None:
    parents = {f"v{i}": f"g{group}" for i, group in enumerate(groups)}
    parents |= {f"g{group}": f"d{group % 2}" for group in groups}
    counts: dict[tuple[str, str], int] = {}
    for i in range(len(groups)):
        for j in range(contexts):
            count = data.draw(sizes)
            node: str | None = f"v{i}"
            while node and count:
                counts[node, f"c{j}"] = counts.get((node, f"c{j}"), 0) + count
                node = parents.get(node)
    if not counts:
        return
    table = pd.DataFrame(list(counts), columns=["node", "context"]).assign(conversations=list(counts.values()))
    totals = table.groupby("node", as_index=False)["conversations"].sum().assign(context=None)
    table = pd.concat([table, totals], ignore_index=True)
    check(table, ["node", "context"], parents)


def test_the_attack_succeeds_where_nothing_else_is_suppressed() -> None:
    table = cube({("a", "x"): 3, ("a", "y"): 30, ("b", "x"): 40, ("b", "y"): 50}, ["row", "column"])
    left = table[table["conversations"] >= LEAST]
    found = attack(table, left, ["row", "column"], {})
    assert list(found.values()) == [(3, 3)]


def test_a_bridge_between_two_rings_is_not_given_away() -> None:
    # Each row and column has two suppressed cells or none, yet the one that links the two rings follows from totals.
    ring = {(r, c) for r, c in itertools.product("ab", "wx")} | {(r, c) for r, c in itertools.product("cd", "yz")}
    bridge = ("b", "y")
    cells = {key: 8 if key in ring else 60 for key in itertools.product("abcd", "wxyz")} | {bridge: 9}
    table = cube(cells, ["row", "column"])
    check(table, ["row", "column"], {})


def test_one_user_is_not_enough() -> None:
    table = pd.DataFrame({"node": ["a", "b", "c", None], "conversations": [40, 50, 60, 150], "users": [1, 30, 40, 70]})
    done = suppress(table, by=["node"])
    # `a` has one user; `b` would be left as the only one to subtract.
    assert done.table["node"].tolist()[:1] == ["c"]
    assert (done.suppressed, done.complementary) == (2, 1)


def test_users_that_are_not_known_hide_nothing() -> None:
    table = pd.DataFrame({"node": ["a"], "conversations": [15], "users": [float("nan")]})
    assert suppress(table, by=["node"]).suppressed == 0
    assert suppress(table.drop(columns="users"), by=["node"]).suppressed == 0
    assert suppress(table.assign(conversations=14), by=["node"]).suppressed == 1


def test_the_rest_is_large_enough_itself() -> None:
    # Two small cells add up to five, which a subtraction would tell.
    table = cube({("a",): 2, ("b",): 3, ("c",): 40, ("d",): 90}, ["node"])
    done = suppress(table, by=["node"])
    assert done.table["conversations"].tolist() == [135, 90]


def test_a_limit_of_one_hides_nothing() -> None:
    table = cube({("a",): 1, ("b",): 40}, ["node"])
    done = suppress(table, by=["node"], disclosure=Disclosure(1, 1))
    pd.testing.assert_frame_equal(done.table, table)


def test_thresholds_are_one_value_that_is_checked() -> None:
    assert (PUBLIC.min_conversations, PUBLIC.min_users) == (15, 5)
    assert Disclosure() == PUBLIC
    assert [one.is_internal for one in (PUBLIC, INTERNAL, Disclosure(1, 1), Disclosure(0, 5))] == [
        False, True, False, False,
    ]  # fmt: skip
    wrong: list[Any] = [-1, 1.5, "15", True, None]
    for least in wrong:
        with pytest.raises(InputError, match=r"^`min_(conversations|users)` is .*; give a whole number from 0$"):
            Disclosure(least)
        with pytest.raises(InputError, match=r"^`min_(conversations|users)` is .*; give a whole number from 0$"):
            Disclosure(min_users=least)


def test_internal_use_hides_not_even_what_no_known_user_said() -> None:
    table = pd.DataFrame({"node": ["a", None], "conversations": [1, 30], "users": [0, 9]})
    assert suppress(table, by=["node"], disclosure=INTERNAL).suppressed == 0
    assert suppress(table, by=["node"], disclosure=Disclosure(1, 1)).suppressed > 0


def test_the_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    cells = {(f"r{i}", f"c{j}"): int(rng.geometric(0.03)) for i in range(12) for j in range(6)}
    table = cube(cells, ["row", "column"])
    mixed = table.sample(frac=1, random_state=1)
    assert set(suppress(mixed, by=["row", "column"]).table.index) == set(
        suppress(table, by=["row", "column"]).table.index
    )


def test_an_empty_table() -> None:
    table = pd.DataFrame({"node": pd.Series(dtype=object), "conversations": pd.Series(dtype=int)})
    assert suppress(table, by=["node"]).suppressed == 0


@pytest.mark.parametrize("hide", ["task", "model"])
def test_totals_are_suppressed_alike_in_every_table(hide: str) -> None:
    # A node's total must not be suppressed in one table and disclosed in another.
    parents = {f"v{i}": f"g{i // 4}" for i in range(20)}
    rng = np.random.default_rng(5)
    counts = {f"v{i}": int(rng.geometric(0.02)) for i in range(20)}
    for i in range(5):
        counts[f"g{i}"] = sum(counts[f"v{4 * i + j}"] for j in range(4))
    totals = pd.DataFrame({"node": list(counts), "conversations": list(counts.values())})
    alone = suppress(totals, by=["node"], trees={"node": parents})
    first = totals.assign(conversations=totals["conversations"] // 2, context="x")
    second = totals.assign(conversations=totals["conversations"] - totals["conversations"] // 2, context="y")
    table = pd.concat([totals.assign(context=None), first, second], ignore_index=True).query("conversations > 0")
    if hide == "model":
        table["context"] = table["context"].map({"x": "p", "y": "q"})
    both = suppress(table, by=["node", "context"], trees={"node": parents})
    shown = both.table[both.table["context"].isna()]["node"]
    assert sorted(shown) == sorted(alone.table["node"])
