"""The surprisal, by a baseline, of the values of a conversation: at all, in its context, and beside each other.

Surprisal is minus log2 of the share of the baseline that is as unusual, in bits. A baseline conversation is scored by
all others (leave one out), so that the baseline is not less surprising than what comes after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taxonomy.errors import InputError
from taxonomy.mentions.columns import CONVERSATION
from taxonomy.mentions.placed import PlacedMentions
from taxonomy.mentions.query_engine import distinct

if TYPE_CHECKING:
    from taxonomy.mentions.query_engine import Frame
    from taxonomy.model import Taxonomy

Kind = Literal["watch", "rare", "context", "co-occurrence"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# Bits are added up as whole numbers, for which order does not matter.
PER_BIT = 100
# With fewer expected, a pair that never occurs is not unusual: the upper end of the interval reaches 1.
ENOUGH = 2.5

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Lookup:
    """The surprisal of everything of one kind that can occur in a conversation: a value, or a pair.

    Attributes
    ----------
    keys : tuple of str
        The columns that name it.
    table : DataFrame
        The keys; ``observed``, in how many baseline conversations; ``expected``, of pairs; ``new``, the surprisal in
        one more conversation, and ``own``, that in one of those observed; both in bits times `PER_BIT`.
    """

    keys: tuple[str, ...]
    table: pd.DataFrame


@dataclass(frozen=True)
class Baseline:
    """What is known of the baseline conversations.

    Attributes
    ----------
    placed : PlacedMentions
    conversations : int
        How many have a value.
    contexts : tuple of str
        The columns of conversations that are taken as contexts.
    nodes : DataFrame
        ``level_0``, each value, and ``node``: the finest node at or above it that is common enough.
    watched : DataFrame
        ``level_0`` and ``node``: the values below each node of the watch list.
    lookups : mapping of str to Lookup
        By kind.
    """

    placed: PlacedMentions
    conversations: int
    contexts: tuple[str, ...]
    nodes: pd.DataFrame
    watched: pd.DataFrame
    lookups: Mapping[Kind, Lookup]


def learn_baseline(placed: PlacedMentions, *, watch: Sequence[str] = ()) -> Baseline:
    """Learn from baseline conversations; a few anomalous ones among them do no harm.

    Parameters
    ----------
    placed : PlacedMentions
    watch : sequence of str
        Ids of nodes to look out for.

    Raises
    ------
    InputError
        If no conversation has a value.

    Notes
    -----
    A value is as rare as the share of mentions whose value was expressed in as few conversations, the estimate of Good
    (1953) for one never expressed. A value is unusual in a context, or beside another value, if the two occur together
    less often than by chance: the upper end of the 95% credible interval of observed over expected, shrunk by a half
    (the information component of Norén, Hopstadius and Bate, Statistical Methods in Medical Research 22, 2013), is
    below 1.
    Values too rare for that are replaced by the cluster, group or domain that they belong to.
    """
    contexts = (*placed.records.contexts, "response_type")
    values = _count(placed, values_of(placed), ["level_0"])
    size = count_with_value(placed)
    if not size:
        raise InputError(
            f"no conversation of the baseline has a value of the {placed.side} side", remedy="give more records"
        )
    nodes = _common_nodes(placed, np.sqrt(ENOUGH * size))
    watched = _watched(placed.tree, watch)
    draft = Baseline(placed, size, contexts, nodes, watched, {})
    seen = _count(placed, units_of(draft, placed, "watch"), ["node"])
    beside = _count(placed, units_of(draft, placed, "co-occurrence"), ["node", "other"])
    where = _count(placed, units_of(draft, placed, "context"), ["node", "column", "category"])
    lookups: dict[Kind, Lookup] = {
        "watch": _look_up_watched(watched, seen, size),
        "rare": _look_up_rare(placed.tree, values),
        "context": _look_up_contexts(where),
        "co-occurrence": _look_up_pairs(beside),
    }
    return Baseline(placed, size, contexts, nodes, watched, lookups)


def count_with_value(placed: PlacedMentions) -> int:
    """Return how many conversations have a value."""
    counted = placed.records.engine.collect(placed.frame.select(nw.col(CONVERSATION).n_unique()))
    return int(counted.column(0)[0].as_py())


def values_of(placed: PlacedMentions) -> Frame:
    """Return each conversation with each of its values once."""
    return distinct(placed.frame, CONVERSATION, "level_0")


def units_of(baseline: Baseline, placed: PlacedMentions, kind: Kind) -> Frame:
    """Return what of one kind occurs in each conversation, by the keys of its lookup.

    Returns
    -------
    LazyFrame
        ``__conversation`` and the keys.
    """
    if kind == "rare":
        return values_of(placed)
    # A table that is made after a query is built has DuckDB plan all of its steps again.
    listed = placed.records.engine.table(to_arrow(baseline.watched if kind == "watch" else baseline.nodes))
    nodes = distinct(values_of(placed).join(listed, on="level_0", how="inner"), CONVERSATION, "node")
    if kind == "watch":
        return nodes
    if kind == "co-occurrence":
        pairs = nodes.join(nodes.rename({"node": "other"}), on=CONVERSATION, how="inner")
        return pairs.filter(nw.col("node") < nw.col("other"))
    conversations = placed.records.conversations
    there = [column for column in baseline.contexts if column in conversations.columns]
    within = nodes.join(conversations.select(CONVERSATION, *there), on=CONVERSATION, how="inner")
    parts = [
        within.select(CONVERSATION, "node", column=nw.lit(column), category=nw.col(column)).filter(
            ~nw.col("category").is_null()
        )
        for column in there
    ]
    return nw.concat(parts)


def score_conversations(baseline: Baseline, placed: PlacedMentions, *, own: bool) -> Frame:
    """Add up, for each conversation, the surprisal of what is unusual in it.

    Parameters
    ----------
    baseline : Baseline
    placed : PlacedMentions
        The conversations to score.
    own : bool
        Whether these are the baseline's.

    Returns
    -------
    LazyFrame
        ``__conversation``, ``kind`` and ``score``, bits times `PER_BIT`, where it is above zero. Of n values or pairs
        in a conversation, the most unusual is expected to be one in n; each counts with its surprisal beyond that.
    """
    parts = [
        count_bits(baseline, placed, kind, own=own)
        .group_by(CONVERSATION)
        .agg(score=nw.col("gain").sum().cast(nw.Int64))
        .select(CONVERSATION, "score", kind=nw.lit(kind))
        for kind in KINDS
    ]
    return nw.concat(parts)


def count_bits(baseline: Baseline, placed: PlacedMentions, kind: Kind, *, own: bool) -> Frame:
    """Return the surprisal that counts in `score_conversations`.

    Returns
    -------
    LazyFrame
        ``__conversation``, the keys of the kind, and ``gain``, bits times `PER_BIT`.
    """
    lookup = baseline.lookups[kind]
    column = "own" if own else "new"
    table = lookup.table.loc[lookup.table[column] > 0, [*lookup.keys, column]].rename(columns={column: "bits"})
    bits = placed.records.engine.table(to_arrow(table))
    units = units_of(baseline, placed, kind)
    looked_up = units.join(bits, on=list(lookup.keys), how="inner")
    if kind == "watch":
        # A node on the watch list counts in full, whatever else is expressed.
        looked_up = looked_up.with_columns(size=nw.lit(1))
    else:
        # How many of this kind there are in a conversation; a window takes longer.
        sizes = units.group_by(CONVERSATION).agg(size=nw.len())
        looked_up = looked_up.join(sizes, on=CONVERSATION, how="inner")
    expected = nw.col("size").cast(nw.Float64).log(2) * PER_BIT
    gain = (nw.col("bits") - expected).round().cast(nw.Int64)
    return looked_up.with_columns(gain=gain).filter(nw.col("gain") > 0).select(CONVERSATION, *lookup.keys, "gain")


def _count(placed: PlacedMentions, frame: Frame, keys: list[str]) -> pd.DataFrame:
    """Return in how many conversations each combination of keys occurs."""
    counted = placed.records.engine.collect(frame.group_by(*keys).agg(observed=nw.len()))
    table: pd.DataFrame = counted.to_pandas()
    return table.sort_values(keys, ignore_index=True)


def _common_nodes(placed: PlacedMentions, least: float) -> pd.DataFrame:
    """Return for each value the finest node at or above it that is in at least `least` conversations, or the top."""
    tree = placed.tree
    common: set[str] = {node.id for node in tree.top}
    for level in tree.levels[:-1]:
        name = f"level_{level.level}"
        counted = _count(placed, distinct(placed.frame, CONVERSATION, name), [name])
        common |= set(counted.loc[counted["observed"] >= least, name])
    finest = [next(step.id for step in reversed(tree.path(value)) if step.id in common) for value in tree.leaves]
    return pd.DataFrame({"level_0": [value.id for value in tree.leaves], "node": finest})


def _watched(tree: Taxonomy, watch: Sequence[str]) -> pd.DataFrame:
    pairs = [(value.id, key) for key in watch for value in tree.values(key)]
    return pd.DataFrame(pairs, columns=["level_0", "node"], dtype=object)


def _look_up_watched(watched: pd.DataFrame, seen: pd.DataFrame, size: int) -> Lookup:
    table = pd.DataFrame({"node": watched["node"].unique()}, dtype=object).merge(seen, on="node", how="left")
    observed = table["observed"].fillna(0).to_numpy(dtype=float)
    share = {"new": (1 + observed) / (1 + size), "own": np.maximum(observed, 1) / size}
    return Lookup(
        ("node",),
        table.assign(
            observed=observed.astype(int), **{name: _to_whole(-np.log2(part)) for name, part in share.items()}
        ),
    )


def _look_up_rare(tree: Taxonomy, seen: pd.DataFrame) -> Lookup:
    """Take every value of the taxonomy, also one that the baseline does not have."""
    values = pd.DataFrame({"level_0": [value.id for value in tree.leaves]})
    table = values.merge(seen, on="level_0", how="left")
    observed = table["observed"].fillna(0).to_numpy(dtype=float)
    new, own = _tail_bits(-observed, -(observed - 1), observed)
    return Lookup(("level_0",), table.assign(observed=observed.astype(int), new=new, own=own))


def _look_up_contexts(seen: pd.DataFrame) -> Lookup:
    """Take every node in every category, also where the two never occur together."""
    parts = []
    for column, of_column in seen.groupby("column"):
        counts = of_column.pivot(index="node", columns="category", values="observed").fillna(0.0)
        rows, columns = counts.sum(axis=1).to_numpy(), counts.sum(axis=0).to_numpy()
        expected = np.outer(rows, columns) / rows.sum()
        names = {"node": np.repeat(counts.index, len(columns)), "category": np.tile(counts.columns, len(rows))}
        table = pd.DataFrame({**names, "observed": counts.to_numpy().ravel(), "expected": expected.ravel()})
        parts.append(table.assign(column=column))
    if not parts:
        empty = pd.DataFrame(columns=["node", "column", "category"], dtype=object)
        return _look_up(("node", "column", "category"), empty.assign(observed=0.0, expected=0.0))
    return _look_up(("node", "column", "category"), pd.concat(parts, ignore_index=True))


def _look_up_pairs(seen: pd.DataFrame) -> Lookup:
    """Take every two nodes that could be expected together; values of long conversations are in more pairs."""
    names = pd.Index(sorted({*seen["node"], *seen["other"]}), dtype=object)
    first, second = names.get_indexer(seen["node"]), names.get_indexer(seen["other"])
    weight = seen["observed"].to_numpy(dtype=float)
    pairs = np.zeros((len(names), len(names)))
    pairs[first, second] = weight
    degrees = pairs.sum(axis=0) + pairs.sum(axis=1)
    expected = np.outer(degrees, degrees) / max(degrees.sum(), 1.0)
    rows, columns = np.nonzero(np.triu((expected > 0) & ((expected >= ENOUGH - 0.5) | (pairs > 0)), k=1))
    table = pd.DataFrame(
        {
            "node": names[rows],
            "other": names[columns],
            "observed": pairs[rows, columns],
            "expected": expected[rows, columns],
        }
    )
    return _look_up(("node", "other"), table)


def _look_up(keys: tuple[str, ...], table: pd.DataFrame) -> Lookup:
    """Score pairs by how surely they occur less often than expected."""
    observed, expected = table["observed"].to_numpy(dtype=float), table["expected"].to_numpy(dtype=float)
    new, own = _tail_bits(shortfall(observed, expected), shortfall(np.maximum(observed - 1, 0), expected), observed)
    return Lookup(keys, table.assign(new=new, own=own))


def shortfall(observed: Counts, expected: Counts) -> Counts:
    """Return how surely a count is below the expected one.

    Parameters
    ----------
    observed, expected : ndarray
        Of the same shape.

    Returns
    -------
    ndarray
        Minus log2 of the upper end of the 95% credible interval of their ratio, Gamma(observed + 1/2, expected + 1/2);
        zero where that reaches 1.
    """
    from scipy.special import gammaincinv

    upper = gammaincinv(observed + 0.5, 0.975) / (expected + 0.5)
    return np.maximum(-np.log2(upper), 0.0)


def _tail_bits(new: Counts, own: Counts, weights: Counts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the surprisal of new statistics, and of those of the baseline, which occur `weights` times each."""
    order = np.argsort(own, kind="stable")
    ranked, above = own[order], np.append(np.cumsum(weights[order][::-1])[::-1], 0.0)
    total = weights.sum()

    def surprisal(statistic: Counts) -> NDArray[np.int64]:
        as_high = above[np.searchsorted(ranked, statistic, side="left")]
        return _to_whole(-np.log2((1 + as_high) / (1 + total)))

    return surprisal(new), surprisal(own)


def _to_whole(bits: Counts) -> NDArray[np.int64]:
    return np.rint(bits * PER_BIT).astype(np.int64)


def to_arrow(table: pd.DataFrame) -> Any:
    """Return a table of names and whole numbers as Arrow's, for an engine."""
    import pyarrow as pa

    # A column of names is one of text, also where there are none.
    fields = [
        (name, pa.int64() if pd.api.types.is_integer_dtype(table[name]) else pa.string()) for name in table.columns
    ]
    return pa.Table.from_pandas(table, schema=pa.schema(fields), preserve_index=False)
