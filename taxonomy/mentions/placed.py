"""Mentions on the nodes of a taxonomy, and counts of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import narwhals as nw

from taxonomy.errors import InputError
from taxonomy.mentions.columns import CONVERSATION, USER, VALUE, Side
from taxonomy.mentions.query_engine import Frame, distinct
from taxonomy.mentions.records import Records
from taxonomy.mentions.times import parse_time
from taxonomy.model import Taxonomy

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

HUMAN = "human_"


@dataclass(frozen=True, repr=False, eq=False)
class PlacedMentions:
    """The mentions of one side, each on the node of its value; see `taxonomy.open_mentions`.

    Attributes
    ----------
    side : {"ai", "human"}
    tree : Taxonomy
    strings, mentions : int
        Distinct strings of this side, and its mentions, also those that the taxonomy does not have.
    unmapped : Counter of str
        Mentions by string of those that the taxonomy does not have; no question counts them. Internal use only: there
        are rare strings in it.
    records : Records
        What all sides have in common: the conversations, and the engine that counts.
    frame : LazyFrame
        One row for each conversation, value and explicitness: ``__conversation`` and ``__user``, which are codes;
        ``level_0`` (id of the value), ``level_1``, ... (ids of its nodes above), ``explicit``, and ``mentions``, how
        many.
    """

    side: Side
    tree: Taxonomy
    strings: int
    mentions: int
    unmapped: Counter[str]
    records: Records
    frame: Frame

    def __repr__(self) -> str:
        return (
            f"PlacedMentions(side={self.side!r}, tree={self.tree!r}, mentions={self.mentions}, strings={self.strings})"
        )

    @cached_property
    def labels(self) -> dict[str, str]:
        """The label of each node, by id."""
        return {node.id: node.label for node in self.tree.nodes}

    @cached_property
    def counts(self) -> pd.DataFrame:
        """The counts of every node: ``level``, ``node``, ``conversations``, ``mentions``, and ``users`` where known.

        Internal use only: rare nodes are in it.
        """
        return _count_nodes(self, (), [level.level for level in self.tree.levels])

    def split_at(self, when: str | date | datetime) -> tuple[PlacedMentions, PlacedMentions]:
        """Split the mentions by the time of their conversations.

        Parameters
        ----------
        when : str, date or datetime
            The first moment of the later period, such as ``"2025-01-20"``; UTC where it has no time zone.

        Returns
        -------
        tuple of PlacedMentions
            Those before, and those from then on; what has no time is in neither. `strings`, `mentions` and `unmapped`
            stay those of both.

        Raises
        ------
        InputError
            If it is not a time, or one of the periods has no conversation.

        Examples
        --------
        >>> earlier, later = mentions.ai.split_at("2025-01-20")  # doctest: +SKIP
        """
        self.records.check_open()
        moment = parse_time(when, "when")
        time = nw.col("timestamp")
        before, after = self._select(time < nw.lit(moment)), self._select(time >= nw.lit(moment))
        for part, name in ((before, "before"), (after, "from")):
            counted = self.records.engine.collect(part.records.conversations.select(nw.len().alias("n")))
            if not counted["n"][0].as_py():
                raise InputError(
                    f"no conversation is {name} {moment:%Y-%m-%d %H:%M}",
                    column="timestamp",
                    remedy="split at a time between the first and the last",
                )
        return before, after

    def find_middle(self) -> datetime | None:
        """Return the time halfway between the first and the last conversation, None where no two times are known.

        Of periods longer than a day it is the midnight before.
        """
        self.records.check_open()
        times = self.records.conversations.select(
            nw.col("timestamp").min().alias("first"), nw.col("timestamp").max().alias("last")
        )
        span = self.records.engine.collect(times).to_pylist()[0]
        first, last = span["first"], span["last"]
        if first is None or first == last:
            return None
        halfway: datetime = first + (last - first) / 2
        return halfway.replace(hour=0, minute=0, second=0, microsecond=0) if (last - first).days > 1 else halfway

    def _select(self, condition: nw.Expr) -> PlacedMentions:
        """Return what is of the conversations that meet a condition."""
        return self._keep(self.records.conversations.filter(condition))

    def among(self, conversations: pa.Table) -> PlacedMentions:
        """Return what is of some conversations, whose codes are the column `CONVERSATION`."""
        wanted = self.records.engine.table(conversations)
        kept = self._keep(self.records.conversations.join(wanted, on=CONVERSATION, how="semi"))
        counts = kept.records.strings_of(self.side)
        unmapped = Counter({string: count for string, count in counts.items() if string in self.unmapped})
        return replace(kept, strings=len(counts), mentions=counts.total(), unmapped=unmapped)

    def _keep(self, conversations: Frame) -> PlacedMentions:
        engine = self.records.engine
        conversations = engine.keep(conversations)
        mentions = self.records.mentions.join(conversations, on=CONVERSATION, how="semi")
        return replace(
            self,
            records=replace(self.records, conversations=conversations, mentions=mentions),
            frame=engine.keep(self.frame.join(conversations, on=CONVERSATION, how="semi")),
        )


def count_cells(placed: PlacedMentions, by: Sequence[str], *, frame: Frame | None = None) -> pd.DataFrame:
    """Count conversations, mentions and users in every cell of a cross-tabulation.

    Parameters
    ----------
    placed : PlacedMentions
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
    InputError
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


def count_nodes(placed: PlacedMentions, by: Sequence[str] = (), *, levels: Sequence[int] | None = None) -> pd.DataFrame:
    """Count conversations, mentions and users by node at every level, and by other columns.

    Parameters
    ----------
    placed : PlacedMentions
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


def _count_nodes(placed: PlacedMentions, by: Sequence[str], levels: Sequence[int]) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for level in levels:
        part = count_cells(placed, [f"level_{level}", *by]).rename(columns={f"level_{level}": "node"})
        part.insert(0, "level", level)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def pair_sides(ai: PlacedMentions, human: PlacedMentions, *, level: int) -> Frame:
    """Return the pairs of an AI node and a human node that occur in one conversation.

    Parameters
    ----------
    ai, human : PlacedMentions
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
    left = distinct(ai.frame, CONVERSATION, USER, node)
    right = distinct(human.frame, CONVERSATION, node).rename({node: f"{HUMAN}{node}"})
    return left.join(right, on=CONVERSATION, how="inner").with_columns(mentions=nw.lit(1))


def count_rows(records: Records, frame: Frame, by: Sequence[str], *, contexts: Frame | None = None) -> pd.DataFrame:
    """Count the cells of any rows that name their conversation; see `count_cells`.

    Parameters
    ----------
    records : Records
    frame : LazyFrame
        Has `CONVERSATION`, and ``mentions`` where those are to be added up.
    by : sequence of str
        Columns of `frame` and of conversations.
    contexts : LazyFrame, optional
        One row a conversation, instead of `records.conversations`.

    Raises
    ------
    InputError
        If there is no such column.
    """
    conversations = records.conversations if contexts is None else contexts
    own = frame.columns
    there = [name for name in conversations.columns if name not in own]
    missing = [name for name in by if name not in own and name not in there]
    if missing:
        codes = (CONVERSATION, USER, VALUE)
        known = ", ".join(name for name in [*own, *there] if name not in (*codes, "mentions"))
        raise InputError("there is no such column in the records", column=missing[0], remedy=f"give one of {known}")
    keys = [name for name in (*by, USER) if name in own]
    joined = [name for name in there if name in by or (name == USER and records.users_known)]
    totals = [nw.col("mentions").sum().cast(nw.Int64)] if "mentions" in own else []
    counts = [nw.len().cast(nw.Int64).alias("conversations"), *totals]
    # In steps, which take half of the memory of counting distinct ones at once.
    rows = frame.group_by(*keys, CONVERSATION).agg(*totals)
    if joined:
        rows = rows.join(conversations.select(CONVERSATION, *joined), on=CONVERSATION, how="left")
    if by:
        rows = rows.filter(*(~nw.col(name).is_null() for name in by))
    if records.users_known:
        # A conversation has one user, and is counted with that.
        rows = rows.group_by(*by, USER).agg(*counts)
        users = nw.col(USER).count().cast(nw.Int64).alias("users")
        counts = [nw.col("conversations").sum().cast(nw.Int64), *totals, users]
    counted = rows.group_by(*by).agg(*counts) if by else rows.select(*counts)
    table: pd.DataFrame = records.engine.collect(counted).to_pandas()
    return table.sort_values(list(by), ignore_index=True) if by else table


def parents_of(tree: Taxonomy) -> dict[str, str]:
    """Return the parent of each node below the top, by id, as `suppress` asks for them."""
    return {node.id: node.parent for node in tree.nodes if node.parent is not None}
