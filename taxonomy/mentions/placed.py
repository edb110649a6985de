"""Mentions on the nodes of a taxonomy, and counts of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import narwhals as nw

from embeddings.progress import Progress
from taxonomy.errors import InputError, TaxonomyError
from taxonomy.mentions.columns import CONVERSATION, USER, Side
from taxonomy.mentions.records import Frame, Records
from taxonomy.model import Taxonomy
from taxonomy.placement import assign, values_by_key
from taxonomy.values import ValueSet, canonical_key

if TYPE_CHECKING:
    import pandas as pd

HUMAN = "human_"


@dataclass(frozen=True)
class Placed:
    """The mentions of one side whose strings are values or aliases of a taxonomy.

    Attributes
    ----------
    records : Records
    tree : Taxonomy
    side : {"ai", "human"}
    frame : LazyFrame
        One row for each conversation, value and explicitness: the codes `CONVERSATION` and `USER`, ``level_0`` (id of
        the value), ``level_1``, ... (ids of its nodes above), ``explicit``, and ``mentions``, how many.
    strings, mentions : int
        Distinct strings of this side, and its mentions.
    unmapped : Counter of str
        Mentions by string of those that the taxonomy does not have. For use within: rare strings are in it.
    """

    records: Records
    tree: Taxonomy
    side: Side
    frame: Frame
    strings: int
    mentions: int
    unmapped: Counter[str]

    @cached_property
    def labels(self) -> dict[str, str]:
        """The label of each node, by id."""
        return {node.id: node.label for node in self.tree.nodes}

    @cached_property
    def counts(self) -> pd.DataFrame:
        """The counts of every node, which most questions ask for; see `count_nodes`."""
        return _count_nodes(self, (), [level.level for level in self.tree.levels])


def place(records: Records, tree: Taxonomy, *, side: Side) -> Placed:
    """Find the node of each mention of one side, by canonical string or alias.

    Parameters
    ----------
    records : Records
    tree : Taxonomy
        See `grow` for one that takes every string.
    side : {"ai", "human"}

    Raises
    ------
    InputError
        If no string of this side is a value of the taxonomy.
    """
    import pyarrow as pa

    engine = records.engine
    counts = records.strings_of(side)
    known = values_by_key(tree)
    owners = {text: known.get(canonical_key(text)) for text in counts}
    paths = {text: [step.id for step in reversed(tree.path(node))] for text, node in owners.items() if node is not None}
    if not paths:
        if not counts:
            raise InputError(
                f"no mention is of the {side} side", remedy="give records of it, or ask for the other side"
            )
        problem = f"no value of the {side} side is in the taxonomy {tree.id!r}"
        raise InputError(problem, remedy="give the taxonomy of these values, or place them first with --assign")
    levels = [f"level_{level.level}" for level in tree.levels]
    columns = {"value": list(paths)} | {name: [path[i] for path in paths.values()] for i, name in enumerate(levels)}
    dictionary = engine.table(pa.table(columns))
    frame = (
        records.coded(records.of_side(side).join(dictionary, on="value", how="inner"))
        .group_by(CONVERSATION, USER, *levels, "explicit")
        .agg(mentions=nw.len())
    )
    return Placed(
        records=records,
        tree=tree,
        side=side,
        frame=engine.keep(frame),
        strings=len(counts),
        mentions=counts.total(),
        unmapped=Counter({text: n for text, n in counts.items() if text not in paths}),
    )


def grow(
    records: Records,
    tree: Taxonomy,
    *,
    side: Side,
    model: str | None = None,
    progress: Progress | None = None,
) -> Taxonomy:
    """Return a taxonomy that takes in the strings of one side that it did not have, as `placement.assign` places them.

    Parameters
    ----------
    records : Records
    tree : Taxonomy
    side : {"ai", "human"}
    model : str, optional
        As for `taxonomy.placement.assign`.
    progress : callable, optional
        Told (strings embedded, strings in all).

    Returns
    -------
    Taxonomy
        For use within: its new values may be rare. Strings that are no value stay outside.
    """
    counts = records.strings_of(side)
    values = ValueSet.from_records((text, float(n)) for text, n in counts.items())
    return assign(values, tree, model=model, progress=progress).tree


def count_cells(placed: Placed, by: Sequence[str], *, frame: Frame | None = None) -> pd.DataFrame:
    """Count conversations, mentions and users in every cell of a cross-tabulation.

    Parameters
    ----------
    placed : Placed
    by : sequence of str
        Columns of `placed.frame` (``level_1``, ``explicit``) and of conversations (``task``, ``response_type``). Rows
        where one of them is not known are in no cell. Nothing at all gives the total in one row.
    frame : LazyFrame, optional
        Counted instead of `placed.frame`: some rows of it, or those of `pair_sides`.

    Returns
    -------
    DataFrame
        The columns `by`, sorted; ``conversations`` (distinct), ``mentions``, and ``users`` (distinct) where users are
        known. It holds rare cells: see `taxonomy.mentions.suppression`.

    Raises
    ------
    TaxonomyError
        If there is no such column.
    """
    return count_rows(placed.records, placed.frame if frame is None else frame, by)


def count_conversations(records: Records, by: Sequence[str] = ()) -> pd.DataFrame:
    """Count all conversations, whether or not a value was mentioned in them, as `count_cells` does.

    Parameters
    ----------
    records : Records
    by : sequence of str
        Columns of conversations.

    Returns
    -------
    DataFrame
        The columns `by`, sorted; ``conversations``; and ``users`` where users are known.
    """
    return count_rows(records, records.conversations.select(CONVERSATION, USER), by)


def count_nodes(placed: Placed, by: Sequence[str] = (), *, levels: Sequence[int] | None = None) -> pd.DataFrame:
    """Count conversations, mentions and users by node at every level, and by other columns.

    Parameters
    ----------
    placed : Placed
    by : sequence of str
        As for `count_cells`.
    levels : sequence of int, optional
        Only these.

    Returns
    -------
    DataFrame
        ``level``, ``node`` (its id), the columns `by`, and the counts of `count_cells`. The mentions of a node are the
        sum over its children; its conversations and users are not.
    """
    wanted = [level.level for level in placed.tree.levels] if levels is None else levels
    if by:
        return _count_nodes(placed, by, wanted)
    return placed.counts[placed.counts["level"].isin(wanted)].reset_index(drop=True)


def _count_nodes(placed: Placed, by: Sequence[str], levels: Sequence[int]) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for level in levels:
        part = count_cells(placed, [f"level_{level}", *by]).rename(columns={f"level_{level}": "node"})
        part.insert(0, "level", level)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def pair_sides(ai: Placed, human: Placed, *, level: int) -> Frame:
    """Return the pairs of an AI node and a human node that occur in one conversation.

    Parameters
    ----------
    ai, human : Placed
        Of the same records.
    level : int
        Of both nodes.

    Returns
    -------
    LazyFrame
        Distinct `CONVERSATION` and `USER`, ``level_L`` (the AI's) and ``human_level_L``, and ``mentions``, which is 1 a
        pair. Count it with ``count_cells(ai, by, frame=...)``.
    """
    node = f"level_{level}"
    left = ai.frame.select(CONVERSATION, USER, node).unique()
    right = human.frame.select(CONVERSATION, nw.col(node).alias(f"{HUMAN}{node}")).unique()
    return left.join(right, on=CONVERSATION, how="inner").with_columns(mentions=nw.lit(1))


def count_rows(records: Records, frame: Frame, by: Sequence[str]) -> pd.DataFrame:
    """Count the cells of any rows that name their conversation; see `count_cells`.

    Parameters
    ----------
    records : Records
    frame : LazyFrame
        Has `CONVERSATION`, and ``mentions`` where those are to be added up.
    by : sequence of str
        Columns of `frame` and of conversations.

    Raises
    ------
    TaxonomyError
        If there is no such column.
    """
    own = frame.columns
    there = [name for name in records.conversations.columns if name not in own]
    missing = [name for name in by if name not in own and name not in there]
    if missing:
        ids = ("conversation_id", "user_id", CONVERSATION, USER)
        known = ", ".join(name for name in [*own, *there] if name not in (*ids, "mentions"))
        raise TaxonomyError(f"there is no column {missing[0]!r} in the records; there are {known}")
    joined = [name for name in there if name in by or (name == USER and records.users_known)]
    if joined:
        frame = frame.join(records.conversations.select(CONVERSATION, *joined), on=CONVERSATION, how="left")
    for name in by:
        frame = frame.filter(~nw.col(name).is_null())
    counts = [nw.col(CONVERSATION).n_unique().alias("conversations")]
    if "mentions" in own:
        counts.append(nw.col("mentions").sum().cast(nw.Int64))
    if records.users_known:
        # Narwhals counts null as one more.
        unknown = nw.col(USER).is_null().any().cast(nw.Int64)
        counts.append((nw.col(USER).n_unique() - unknown).alias("users"))
    counted = frame.group_by(*by).agg(*counts) if by else frame.select(*counts)
    table: pd.DataFrame = records.engine.collect(counted).to_pandas()
    return table.sort_values(list(by), ignore_index=True) if by else table


def parents_of(tree: Taxonomy) -> dict[str, str]:
    """Return the parent of each node below the top, by id, as `suppress` asks for them."""
    return {node.id: node.parent for node in tree.nodes if node.parent is not None}
