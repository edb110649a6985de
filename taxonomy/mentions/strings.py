"""The strings that were mentioned, as `build` reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw

from taxonomy.errors import InputError
from taxonomy.mentions.columns import CONVERSATION, SIDES, USER, VALUE, Side
from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.mentions.linked_cells import Cells
from taxonomy.mentions.query_engine import Frame
from taxonomy.mentions.records import Records
from taxonomy.mentions.suppression import suppress_together

if TYPE_CHECKING:
    import pandas as pd

_BOTH = "both"


@dataclass(frozen=True)
class Strings:
    """Strings and how often they were mentioned.

    Attributes
    ----------
    table : DataFrame
        ``value``; ``count``, its mentions; ``conversations``; most mentions first.
    suppressed, suppressed_mentions : int
        Strings with too few conversations or users, and those that would give them away; and their mentions.
    """

    table: pd.DataFrame
    suppressed: int
    suppressed_mentions: int


def count_strings(records: Records, *, sides: Sequence[Side] = SIDES, disclosure: Disclosure = PUBLIC) -> Strings:
    """Count the mentions of each string.

    Parameters
    ----------
    records : Records
    sides : sequence of {"ai", "human"}
        Whose mentions to count, together.
    disclosure : Disclosure
        The least that a string is disclosed from.

    Raises
    ------
    InputError
        If there is no mention of these sides.
    """
    counts = _count_by_side(records)
    wanted = _BOTH if set(sides) == set(SIDES) else sides[0]
    of_sides = counts[counts["side"] == wanted].dropna(subset="value")
    if of_sides.empty:
        raise InputError(f"no mention is of the {' or '.join(sides)} side", remedy="give records of it")
    # Whatever is asked for, all that can be: the strings of one side follow from those of both and of the other.
    by = {"value": "string", "side": "side"}
    trees = {"side": {str(side): _BOTH for side in SIDES}}
    # A common string of one side that is rare on the other is disclosed of that side, and not of both.
    cells = Cells(counts, by, trees, totals_first=frozenset({_BOTH}))
    [disclosed] = suppress_together([cells], disclosure=disclosure)
    table = disclosed.table[disclosed.table["side"] == wanted].dropna(subset="value")
    table = table.rename(columns={"mentions": "count"})[["value", "count", "conversations"]]
    table = table.sort_values(["count", "value"], ascending=[False, True], ignore_index=True)
    return Strings(table, len(of_sides) - len(table), int(of_sides["mentions"].sum() - table["count"].sum()))


def _count_by_side(records: Records) -> pd.DataFrame:
    """Count each string of each side and of both, with the totals, so that none can be worked out from them."""
    import pandas as pd

    collect = records.engine.collect
    wide = collect(records.values).to_pandas().merge(collect(_mentions(records)).to_pandas(), on=VALUE)
    kinds = ["mentions", "conversations"]
    if records.users_known:
        # By themselves: users and conversations in one grouping take twice the time of both.
        wide = wide.merge(collect(_users(records)).to_pandas(), on=VALUE, how="left").fillna(0)
        kinds.append("users")
    wide = wide.drop(columns=VALUE)
    table = pd.wide_to_long(wide, kinds, i="value", j="side", sep="_", suffix=r"\w+").astype(int).reset_index()
    table = table[table["mentions"] > 0].sort_values(["value", "side"])
    return pd.concat([table, table.groupby("side", as_index=False).sum(numeric_only=True)], ignore_index=True)


def _mentions(records: Records) -> Frame:
    """Count the mentions and conversations of each value, of each side and both."""
    both = nw.len().cast(nw.Int64).alias(f"mentions_{_BOTH}")
    rows = records.mentions.group_by(VALUE, CONVERSATION).agg(_count_where(nw.col("ai"), "mentions_ai"), both)
    rows = rows.with_columns(mentions_human=nw.col(f"mentions_{_BOTH}") - nw.col("mentions_ai"))
    sides = (_BOTH, *SIDES)
    totals = [nw.col(f"mentions_{side}").sum().cast(nw.Int64) for side in sides]
    counts = [_count_where(nw.col(f"mentions_{side}") > 0, f"conversations_{side}") for side in sides]
    return rows.group_by(VALUE).agg(*totals, *counts)


def _users(records: Records) -> Frame:
    """Count the users of each value, of each side and both."""
    rows = records.with_users(records.mentions).filter(~nw.col(USER).is_null())
    rows = rows.group_by(VALUE, USER).agg(ai=nw.col("ai").any(), human=(~nw.col("ai")).any())
    both = nw.len().cast(nw.Int64).alias(f"users_{_BOTH}")
    return rows.group_by(VALUE).agg(both, *(_count_where(nw.col(side), f"users_{side}") for side in SIDES))


def _count_where(condition: nw.Expr, name: str) -> nw.Expr:
    return nw.when(condition).then(nw.lit(1)).count().cast(nw.Int64).alias(name)
