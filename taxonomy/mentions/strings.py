"""The strings that were mentioned, as `build` reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw

from taxonomy.errors import InputError
from taxonomy.mentions.columns import CONVERSATION, SIDES, VALUE, Side
from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.mentions.placed import count_rows
from taxonomy.mentions.records import Records
from taxonomy.mentions.suppression import suppress

if TYPE_CHECKING:
    import pandas as pd


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
    mentions = records.mentions if set(sides) == set(SIDES) else nw.concat([records.of_side(side) for side in sides])
    by_code = count_rows(records, mentions.select(CONVERSATION, VALUE, mentions=nw.lit(1)), [VALUE])
    if by_code.empty:
        raise InputError(f"no mention is of the {' or '.join(sides)} side", remedy="give records of it")
    counts = records.engine.collect(records.values).to_pandas().merge(by_code, on=VALUE).drop(columns=VALUE)
    counts = counts.sort_values("value", ignore_index=True)
    # With their total, so that no single string can be worked out from it.
    total = counts[["conversations", "mentions"]].sum().to_frame().T.assign(value=None)
    if "users" in counts:
        total["users"] = counts["users"].sum()
    import pandas as pd

    disclosed = suppress(
        pd.concat([counts, total], ignore_index=True),
        by=["value"],
        disclosure=disclosure,
    ).table.dropna(subset="value")
    table = disclosed.rename(columns={"mentions": "count"})[["value", "count", "conversations"]]
    table = table.sort_values(["count", "value"], ascending=[False, True], ignore_index=True)
    return Strings(table, len(counts) - len(table), int(counts["mentions"].sum() - table["count"].sum()))
