"""How odd it is, by a baseline, that a value is said: at all, in its context, and beside the others.

Each oddness becomes bits: minus log2 of the share of the baseline that is as odd. What a baseline conversation says of
itself is left out when it is looked up (leave one out), so that a baseline is not less odd than what comes after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taxonomy.errors import InputError
from taxonomy.mentions.columns import CONVERSATION
from taxonomy.mentions.placed import Placed

if TYPE_CHECKING:
    from taxonomy.mentions.records import Frame
    from taxonomy.model import Taxonomy

Kind = Literal["watch", "rare", "context", "company"]
KINDS: tuple[Kind, ...] = ("watch", "rare", "context", "company")
# Bits are added up as whole numbers, for which order does not matter.
PER_BIT = 100
# With fewer expected, never together says nothing: the upper end of the interval reaches 1.
ENOUGH = 2.5

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Lookup:
    """The oddness of everything of one kind that can be said.

    Attributes
    ----------
    keys : tuple of str
        The columns that name a thing.
    table : DataFrame
        The keys; ``observed`` in how many baseline conversations, and ``expected``, where that is looked at; ``new``,
        the bits of one more conversation, and ``own``, those of one that is among the observed; both times `PER_BIT`.
    """

    keys: tuple[str, ...]
    table: pd.DataFrame


@dataclass(frozen=True)
class Baseline:
    """What is known of conversations that are taken for ordinary.

    Attributes
    ----------
    placed : Placed
    conversations : int
        Those with a value.
    contexts : tuple of str
        The columns of conversations that are looked at.
    nodes : DataFrame
        ``level_0``, each value, and ``node``: the finest node at or above it that is common enough.
    watched : DataFrame
        ``level_0`` and ``node``: the values below each node of the watch list.
    lookups : mapping of str to Lookup
        By kind.
    """

    placed: Placed
    conversations: int
    contexts: tuple[str, ...]
    nodes: pd.DataFrame
    watched: pd.DataFrame
    lookups: Mapping[Kind, Lookup]


def learn_baseline(placed: Placed, *, watch: Sequence[str] = ()) -> Baseline:
    """Learn from conversations that are taken for ordinary; a few odd ones among them do no harm.

    Parameters
    ----------
    placed : Placed
    watch : sequence of str
        Ids of nodes to look out for.

    Raises
    ------
    InputError
        If there is none.

    Notes
    -----
    A value is as rare as the share of mentions whose value was said in as few conversations, the estimate of Good
    (1953) for one never said. At odds with a context, or with another value, is a pair that comes together less often
    than by chance: the upper end of the 95% credible interval of observed over expected, shrunk by a half (the
    information component of Norén, Hopstadius and Bate, Statistical Methods in Medical Research 22, 2013), is below 1.
    Values too rare for that are taken by the cluster, group or domain that they belong to.
    """
    contexts = (*placed.records.contexts, "response_type")
    values = _count(placed, values_of(placed), ["level_0"])
    known = placed.records.engine.collect(placed.frame.select(nw.col(CONVERSATION).n_unique()))
    size = int(known.column(0)[0].as_py())
    if not size:
        raise InputError(
            f"no conversation of the baseline has a value of the {placed.side} side", remedy="give more records"
        )
    nodes = _common_nodes(placed, np.sqrt(ENOUGH * size))
    watched = _watched(placed.tree, watch)
    draft = Baseline(placed, size, contexts, nodes, watched, {})
    seen = _count(placed, units_of(draft, placed, "watch"), ["node"])
    beside = _count(placed, units_of(draft, placed, "company"), ["node", "other"])
    where = _count(placed, units_of(draft, placed, "context"), ["node", "column", "category"])
    lookups: dict[Kind, Lookup] = {
        "watch": _look_watch(watched, seen, size),
        "rare": _look_rare(placed.tree, values),
        "context": _look_context(where),
        "company": _look_company(beside),
    }
    return Baseline(placed, size, contexts, nodes, watched, lookups)


def values_of(placed: Placed) -> Frame:
    """Return each conversation with each of its values once."""
    return placed.frame.select(CONVERSATION, "level_0").unique()


def units_of(baseline: Baseline, placed: Placed, kind: Kind) -> Frame:
    """Return what of one kind each conversation holds, by the keys of its lookup.

    Returns
    -------
    LazyFrame
        ``__conversation``, the keys, and ``size``: how many such things its conversation holds.
    """
    engine = placed.records.engine
    found = values_of(placed)
    if kind == "watch":
        watched = engine.table(to_arrow(baseline.watched))
        one = found.join(watched, on="level_0", how="inner").select(CONVERSATION, "node").unique()
        # A watch list is looked at whatever else is said.
        return one.with_columns(size=nw.lit(1))
    if kind == "rare":
        return found.with_columns(size=nw.len().over(CONVERSATION))
    nodes = found.join(engine.table(to_arrow(baseline.nodes)), on="level_0", how="inner")
    nodes = nodes.select(CONVERSATION, "node").unique()
    if kind == "company":
        pairs = nodes.join(nodes.rename({"node": "other"}), on=CONVERSATION, how="inner")
        pairs = pairs.filter(nw.col("node") < nw.col("other"))
        return pairs.with_columns(size=nw.len().over(CONVERSATION))
    conversations = placed.records.conversations
    there = [column for column in baseline.contexts if column in conversations.columns]
    within = nodes.join(conversations.select(CONVERSATION, *there), on=CONVERSATION, how="inner")
    parts = [
        within.select(CONVERSATION, "node", column=nw.lit(column), category=nw.col(column)).filter(
            ~nw.col("category").is_null()
        )
        for column in there
    ]
    return nw.concat(parts).with_columns(size=nw.len().over(CONVERSATION))


def score_conversations(baseline: Baseline, placed: Placed, *, own: bool) -> Frame:
    """Add up, for each conversation, the bits of what is odd in it.

    Parameters
    ----------
    baseline : Baseline
    placed : Placed
        The conversations to score.
    own : bool
        Whether these are the baseline's.

    Returns
    -------
    LazyFrame
        ``__conversation``, ``kind`` and ``score``, bits times `PER_BIT`, where it is above zero. Of n things in a
        conversation, the oddest is expected to be as odd as one in n; each counts with what it has beyond that.
    """
    parts = [
        count_bits(baseline, placed, kind, own=own)
        .group_by(CONVERSATION)
        .agg(score=nw.col("gain").sum().cast(nw.Int64))
        .select(CONVERSATION, "score", kind=nw.lit(kind))
        for kind in KINDS
    ]
    return nw.concat(parts)


def count_bits(baseline: Baseline, placed: Placed, kind: Kind, *, own: bool) -> Frame:
    """Return what counts in `score_conversations`.

    Returns
    -------
    LazyFrame
        ``__conversation``, the keys of the kind, and ``gain``, bits times `PER_BIT`.
    """
    lookup = baseline.lookups[kind]
    column = "own" if own else "new"
    table = lookup.table.loc[lookup.table[column] > 0, [*lookup.keys, column]].rename(columns={column: "bits"})
    looked_up = units_of(baseline, placed, kind).join(
        placed.records.engine.table(to_arrow(table)), on=list(lookup.keys), how="inner"
    )
    expected = nw.col("size").cast(nw.Float64).log(2) * PER_BIT
    gain = (nw.col("bits") - expected).round().cast(nw.Int64)
    return looked_up.with_columns(gain=gain).filter(nw.col("gain") > 0).select(CONVERSATION, *lookup.keys, "gain")


def _count(placed: Placed, frame: Frame, keys: list[str]) -> pd.DataFrame:
    """Return in how many conversations each thing is."""
    counted = placed.records.engine.collect(frame.group_by(*keys).agg(observed=nw.len()))
    table: pd.DataFrame = counted.to_pandas()
    return table.sort_values(keys, ignore_index=True)


def _common_nodes(placed: Placed, least: float) -> pd.DataFrame:
    """Return for each value the finest node at or above it that is in at least `least` conversations, or the top."""
    tree = placed.tree
    common: set[str] = {node.id for node in tree.top}
    for level in tree.levels[:-1]:
        name = f"level_{level.level}"
        found = _count(placed, placed.frame.select(CONVERSATION, name).unique(), [name])
        common |= set(found.loc[found["observed"] >= least, name])
    finest = [next(step.id for step in reversed(tree.path(value)) if step.id in common) for value in tree.leaves]
    return pd.DataFrame({"level_0": [value.id for value in tree.leaves], "node": finest})


def _watched(tree: Taxonomy, watch: Sequence[str]) -> pd.DataFrame:
    pairs = [(value.id, key) for key in watch for value in tree.values(key)]
    return pd.DataFrame(pairs, columns=["level_0", "node"], dtype=object)


def _look_watch(watched: pd.DataFrame, seen: pd.DataFrame, size: int) -> Lookup:
    table = pd.DataFrame({"node": watched["node"].unique()}, dtype=object).merge(seen, on="node", how="left")
    observed = table["observed"].fillna(0).to_numpy(dtype=float)
    share = {"new": (1 + observed) / (1 + size), "own": np.maximum(observed, 1) / size}
    return Lookup(
        ("node",),
        table.assign(observed=observed.astype(int), **{name: _whole(-np.log2(part)) for name, part in share.items()}),
    )


def _look_rare(tree: Taxonomy, seen: pd.DataFrame) -> Lookup:
    """Take every value of the taxonomy, also one that the baseline never says."""
    values = pd.DataFrame({"level_0": [value.id for value in tree.leaves]})
    table = values.merge(seen, on="level_0", how="left")
    observed = table["observed"].fillna(0).to_numpy(dtype=float)
    new, own = _tail_bits(-observed, -(observed - 1), observed)
    return Lookup(("level_0",), table.assign(observed=observed.astype(int), new=new, own=own))


def _look_context(seen: pd.DataFrame) -> Lookup:
    """Take every node in every category, also where the two never come together."""
    parts = []
    for column, found in seen.groupby("column"):
        counts = found.pivot(index="node", columns="category", values="observed").fillna(0.0)
        rows, columns = counts.sum(axis=1).to_numpy(), counts.sum(axis=0).to_numpy()
        expected = np.outer(rows, columns) / rows.sum()
        names = {"node": np.repeat(counts.index, len(columns)), "category": np.tile(counts.columns, len(rows))}
        table = pd.DataFrame({**names, "observed": counts.to_numpy().ravel(), "expected": expected.ravel()})
        parts.append(table.assign(column=column))
    if not parts:
        empty = pd.DataFrame(columns=["node", "column", "category"], dtype=object)
        return _at_odds(("node", "column", "category"), empty.assign(observed=0.0, expected=0.0))
    return _at_odds(("node", "column", "category"), pd.concat(parts, ignore_index=True))


def _look_company(seen: pd.DataFrame) -> Lookup:
    """Take every two nodes that could be expected together; a value in long conversations has more company."""
    names = pd.Index(sorted({*seen["node"], *seen["other"]}), dtype=object)
    first, second = names.get_indexer(seen["node"]), names.get_indexer(seen["other"])
    weight = seen["observed"].to_numpy(dtype=float)
    pairs = np.zeros((len(names), len(names)))
    pairs[first, second] = weight
    company = pairs.sum(axis=0) + pairs.sum(axis=1)
    expected = np.outer(company, company) / max(company.sum(), 1.0)
    one, other = np.nonzero(np.triu((expected > 0) & ((expected >= ENOUGH - 0.5) | (pairs > 0)), k=1))
    table = pd.DataFrame(
        {"node": names[one], "other": names[other], "observed": pairs[one, other], "expected": expected[one, other]}
    )
    return _at_odds(("node", "other"), table)


def _at_odds(keys: tuple[str, ...], table: pd.DataFrame) -> Lookup:
    """Look up pairs by how surely they come together less often than expected."""
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
    """Return the bits of oddness by its share of the baseline, where each own oddness was said `weights` times."""
    order = np.argsort(own, kind="stable")
    ranked, said = own[order], np.append(np.cumsum(weights[order][::-1])[::-1], 0.0)
    total = weights.sum()

    def of(oddness: Counts) -> NDArray[np.int64]:
        as_odd = said[np.searchsorted(ranked, oddness, side="left")]
        return _whole(-np.log2((1 + as_odd) / (1 + total)))

    return of(new), of(own)


def _whole(found: Counts) -> NDArray[np.int64]:
    return np.rint(found * PER_BIT).astype(np.int64)


def to_arrow(table: pd.DataFrame) -> Any:
    """Return a table of names and whole numbers as Arrow's, for an engine."""
    import pyarrow as pa

    # A column of names is one of text, also where there are none.
    fields = [
        (name, pa.int64() if pd.api.types.is_integer_dtype(table[name]) else pa.string()) for name in table.columns
    ]
    return pa.Table.from_pandas(table, schema=pa.schema(fields), preserve_index=False)
