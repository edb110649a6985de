"""Nodes crossed with contexts: how many conversations have both, as far as that is disclosed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taxonomy.mentions.columns import CONVERSATION, USER
from taxonomy.mentions.disclosure import Disclosure
from taxonomy.mentions.linked_cells import Cells
from taxonomy.mentions.placed import (
    HUMAN,
    PlacedMentions,
    count_cells,
    count_conversations,
    count_nodes,
    count_rows,
    pair_sides,
    parents_of,
)
from taxonomy.mentions.query_engine import Frame
from taxonomy.mentions.records import Records
from taxonomy.mentions.statistics import (
    LOW_EXPECTED,
    adjusted_residuals,
    chi_square,
    correct_p_values,
    exact_p_values,
    expected_counts,
    wilson_interval,
)
from taxonomy.questions.asking import Asking

# Conversations whose context is not known are a category, so that the categories add up to all conversations.
UNKNOWN = "not known"
_REST = "\0the rest"


@dataclass(frozen=True)
class Crossing:
    """Conversations by node and category; everything in it is disclosed.

    Attributes
    ----------
    cells : DataFrame
        ``level``, ``node``, ``category``, ``conversations``, and ``users`` where known.
    nodes : DataFrame
        ``level``, ``node``, ``conversations`` of each node over all categories.
    categories : Series
        All conversations of each category, by name.
    total : int
        All conversations.
    suppressed : int
        Cells and totals that are not disclosed.
    groups : frozenset of str
        Categories that others are part of.
    overlapping : bool
        Whether a conversation can be of several categories.
    """

    cells: pd.DataFrame
    nodes: pd.DataFrame
    categories: pd.Series[int]
    total: int
    suppressed: int
    groups: frozenset[str] = frozenset()
    overlapping: bool = False


def cross(
    placed: PlacedMentions,
    column: str,
    *,
    groups: Mapping[str, str] | None = None,
) -> Asking[Crossing]:
    """Cross the nodes of every level with a column of conversations.

    Parameters
    ----------
    placed : PlacedMentions
    column : str
        A context of its records, such as ``task``, or ``response_type``.
    groups : mapping of str to str, optional
        Categories that are counted together, too: the name of the group of each.
    """
    records = placed.records
    of = nw.col(column).fill_null(UNKNOWN)
    contexts = records.conversations.select(CONVERSATION, USER, category=of, group=_group(of, groups or {}))
    tables = [count_conversations(records), *_count(records, contexts, [], contexts, bool(groups))]
    for level in placed.tree.levels:
        name = f"level_{level.level}"
        counted = _count(records, placed.frame, [name], contexts, bool(groups))
        parts = [part.rename(columns={name: "node"}) for part in counted]
        tables += [count_nodes(placed, levels=[level.level]), *(part.assign(level=level.level) for part in parts)]
    cells = pd.concat(tables, ignore_index=True).drop(columns="mentions")
    trees = {"node": parents_of(placed.tree), "category": groups or {}}
    [disclosed] = yield [Cells(cells, {"node": placed.side, "category": column}, trees)]
    crossing = _make_crossing(disclosed.table, disclosed.suppressed, int(tables[0]["conversations"].max()))
    return replace(crossing, groups=frozenset((groups or {}).values()))


def cross_human(ai: PlacedMentions, human: PlacedMentions, *, level: int, disclosure: Disclosure) -> Asking[Crossing]:
    """Cross the AI's nodes of one level with people's nodes of the same level, which are the categories.

    Parameters
    ----------
    ai, human : PlacedMentions
        Of the same records.
    level : int
    disclosure : Disclosure
        Of rarer pairs only the sums are kept.

    Notes
    -----
    A conversation can hold several human values, so the categories overlap.
    """
    column = f"level_{level}"
    pairs = count_cells(ai, [column, f"{HUMAN}{column}"], frame=pair_sides(ai, human, level=level))
    pairs = pairs.drop(columns="mentions").rename(columns={column: "node", f"{HUMAN}{column}": "category"})
    # Of the many rare pairs only what they add up to in each row and column matters.
    common = pairs[pairs["conversations"] >= disclosure.min_conversations]
    nodes = count_nodes(ai, levels=[level]).drop(columns=["level", "mentions"])
    categories = count_nodes(human, levels=[level]).drop(columns=["level", "mentions"])
    categories = categories.rename(columns={"node": "category"})
    everything = count_conversations(ai.records)
    rests = [
        _rest_of(nodes, common, "node").assign(category=_REST),
        _rest_of(categories, common, "category").assign(node=_REST),
    ]
    table = pd.concat([common, nodes, categories, everything, *rests], ignore_index=True)
    [suppressed] = yield [Cells(table, {"node": "ai", "category": "human"})]
    disclosed = suppressed.table
    kept = disclosed[(disclosed["node"] != _REST) & (disclosed["category"] != _REST)]
    n_shown = int(kept["node"].notna().mul(kept["category"].notna()).sum())
    crossing = _make_crossing(kept.assign(level=level), 0, int(everything["conversations"].iloc[0]))
    return replace(crossing, suppressed=len(pairs) - n_shown, overlapping=True)


def find_associations(
    crossing: Crossing, labels: Mapping[str, str], *, category_labels: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Find which nodes go with which categories, and how surely.

    Parameters
    ----------
    crossing : Crossing
    labels : mapping of str to str
        Of the nodes, by id.
    category_labels : mapping of str to str, optional
        Of categories that are ids.

    Returns
    -------
    DataFrame
        See `taxonomy.questions.contexts.Contexts`.

    Notes
    -----
    ``p`` is exact, since for the rare values of a long tail the normal approximation of the residual finds too much.
    All figures follow from what is disclosed.
    """
    sizes = crossing.categories
    whole = crossing.nodes.set_index("node")["conversations"]
    table = crossing.cells
    table = table[table["category"].isin(sizes.index) & table["node"].isin(whole.index)]
    count, row = table["conversations"].to_numpy(), table["node"].map(whole).to_numpy()
    column = table["category"].map(sizes).to_numpy(dtype=np.int64)
    low, high = wilson_interval(count, column)
    associations = pd.DataFrame(
        {
            "level": table["level"].astype(int),
            "node": table["node"],
            "label": table["node"].map(labels),
            "category": table["category"].map(lambda name: (category_labels or {}).get(name, name)),
            "conversations": count,
            "share": count / column,
            "low": low,
            "high": high,
            "expected": expected_counts(row, column, crossing.total),
            "residual": adjusted_residuals(count, row, column, crossing.total),
            "p": exact_p_values(count, row, column, crossing.total),
        }
    )
    levels = [part for _, part in associations.groupby("level")] or [associations]
    associations = pd.concat([_correct(part, crossing) for part in levels])
    if not crossing.overlapping:
        associations = associations.merge(_test_nodes(crossing), on="node", how="left")
    order = ["level", "p", "residual", "label", "category"]
    return associations.sort_values(order, ascending=[False, True, False, True, True], ignore_index=True)


def spread_counts(
    crossing: Crossing, level: int
) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return the counts of a level as an array, with estimates for the cells that are suppressed.

    Returns
    -------
    list of str
        Nodes.
    ndarray of shape (n_nodes, n_categories)
        Conversations; in suppressed cells, what is left of the node's conversations, in proportion to the sizes of
        the categories.
    ndarray of shape (n_categories,)
        Conversations of each category.
    ndarray of shape (n_nodes, n_categories)
        Where a cell is disclosed.
    """
    nodes = crossing.nodes[crossing.nodes["level"] == level]
    own = crossing.cells[crossing.cells["level"] == level]
    rows = pd.Index(nodes["node"])
    categories = crossing.categories[~crossing.categories.index.isin(list(crossing.groups))]
    columns = categories.index
    own = own[own["node"].isin(rows) & own["category"].isin(columns)]
    counts = np.zeros((len(rows), len(columns)))
    disclosed = np.zeros(counts.shape, dtype=bool)
    where = rows.get_indexer(pd.Index(own["node"])), columns.get_indexer(pd.Index(own["category"]))
    counts[where], disclosed[where] = own["conversations"], True
    sizes = np.asarray(categories, dtype=np.float64)
    left = np.maximum(nodes["conversations"].to_numpy() - counts.sum(axis=1), 0)
    # Some of it belongs to categories that are suppressed themselves.
    suppressed = ~disclosed * sizes
    unnamed = max(crossing.total - sizes.sum(), 0)
    counts += suppressed * (left / np.maximum(suppressed.sum(axis=1) + unnamed, 1))[:, None]
    return list(rows), counts, sizes, disclosed


def _correct(associations: pd.DataFrame, crossing: Crossing) -> pd.DataFrame:
    """Add corrected p-values of one level; suppressed cells count as tests that found nothing."""
    level = associations["level"].iloc[0] if len(associations) else 0
    tests = int((crossing.nodes["level"] == level).sum()) * len(crossing.categories)
    n_cells = len(associations)
    padded = np.ones(max(tests, n_cells))
    padded[:n_cells] = associations["p"]
    return associations.assign(
        p_bonferroni=correct_p_values(padded, "bonferroni")[:n_cells],
        p_fdr=correct_p_values(padded, "fdr_bh")[:n_cells],
    )


def _test_nodes(crossing: Crossing) -> pd.DataFrame:
    """Test each node against all categories, suppressed ones taken as one."""
    rows = []
    for level in sorted(crossing.nodes["level"].unique()):
        nodes, counts, sizes, disclosed = spread_counts(crossing, level)
        whole = crossing.nodes.set_index("node")["conversations"]
        for node, row, shown in zip(nodes, counts, disclosed, strict=True):
            count = whole[node]
            inside = np.append(row[shown], count - row[shown].sum())
            size = np.append(sizes[shown], crossing.total - sizes[shown].sum())
            inside, size = inside[size > 0], size[size > 0]
            # A node that is in all conversations goes with nothing.
            statistic, p, v = chi_square([inside, size - inside]) if count < crossing.total else (0.0, 1.0, 0.0)
            least = min(count, crossing.total - count) * size.min() / crossing.total
            rows.append((node, statistic, p, v, least < LOW_EXPECTED))
    return pd.DataFrame(rows, columns=["node", "chi_square", "node_p", "cramers_v", "low_expected"])


def _make_crossing(table: pd.DataFrame, suppressed: int, total: int) -> Crossing:
    is_node, is_category = table["node"].notna(), table["category"].notna()
    whole = table[is_category & ~is_node].sort_values("category")
    return Crossing(
        cells=table[is_node & is_category].reset_index(drop=True),
        nodes=table[is_node & ~is_category].drop(columns="category").reset_index(drop=True),
        categories=pd.Series(whole["conversations"].to_numpy(), index=pd.Index(whole["category"])),
        total=total,
        suppressed=suppressed,
    )


def _group(of: nw.Expr, groups: Mapping[str, str]) -> nw.Expr:
    grouped: nw.Expr = nw.lit(None, dtype=nw.String)
    for group in sorted(set(groups.values())):
        members = [name for name, of_group in groups.items() if of_group == group]
        grouped = nw.when(of.is_in(members)).then(nw.lit(group)).otherwise(grouped)
    return grouped


def _count(records: Records, frame: Frame, nodes: list[str], contexts: Frame, has_groups: bool) -> list[pd.DataFrame]:
    """Count by node and category, and by node and group."""
    tables = [count_rows(records, frame, [*nodes, "category"], contexts=contexts)]
    if has_groups:
        grouped = count_rows(records, frame, [*nodes, "group"], contexts=contexts)
        tables.append(grouped.rename(columns={"group": "category"}))
    return tables


def _rest_of(whole: pd.DataFrame, common: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return what the pairs that are common leave of the conversations of each node, where they leave any."""
    left = whole.set_index(column)["conversations"] - common.groupby(column)["conversations"].sum()
    left = left.fillna(whole.set_index(column)["conversations"])
    return left[left > 0].rename_axis(column).reset_index(name="conversations")
