"""Records in two periods."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import narwhals as nw

from taxonomy.errors import InputError
from taxonomy.mentions.columns import CONVERSATION
from taxonomy.mentions.placed import Placed


def split_at(placed: Placed, when: datetime) -> tuple[Placed, Placed]:
    """Part mentions by the time of their conversations.

    Parameters
    ----------
    placed : Placed
    when : datetime
        The first moment of the later period; UTC where it has no time zone.

    Returns
    -------
    tuple of Placed
        Those before, and those from then on; what has no time is in neither. `strings`, `mentions` and `unmapped` stay
        those of both.

    Raises
    ------
    InputError
        If one of the periods has no conversation.
    """
    moment = when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when
    time = nw.col("timestamp")
    before, after = _part(placed, time < nw.lit(moment)), _part(placed, time >= nw.lit(moment))
    for part, name in ((before, "before"), (after, "from")):
        counted = part.records.engine.collect(part.records.conversations.select(nw.len().alias("n")))
        if not counted["n"][0].as_py():
            raise InputError(
                f"no conversation is {name} {when:%Y-%m-%d %H:%M}",
                column="timestamp",
                remedy="split at a time between the first and the last",
            )
    return before, after


def find_middle(placed: Placed) -> datetime | None:
    """Return the time halfway between the first and the last conversation, None where no two times are known."""
    times = placed.records.conversations.select(
        nw.col("timestamp").min().alias("first"), nw.col("timestamp").max().alias("last")
    )
    span = placed.records.engine.collect(times).to_pylist()[0]
    first, last = span["first"], span["last"]
    if first is None or first == last:
        return None
    halfway: datetime = first + (last - first) / 2
    return halfway.replace(hour=0, minute=0, second=0, microsecond=0) if (last - first).days > 1 else halfway


def _part(placed: Placed, condition: nw.Expr) -> Placed:
    engine = placed.records.engine
    conversations = engine.keep(placed.records.conversations.filter(condition))
    mentions = placed.records.mentions.join(conversations, on="conversation_id", how="semi")
    return replace(
        placed,
        records=replace(placed.records, conversations=conversations, mentions=mentions),
        frame=engine.keep(placed.frame.join(conversations, on=CONVERSATION, how="semi")),
    )
