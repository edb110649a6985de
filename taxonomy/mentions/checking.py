"""Rows as they are read, each with the number of the first reason to reject it."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw

from taxonomy.mentions.columns import DAMAGED, FILE, MENTION, RESPONSE_TYPES
from taxonomy.mentions.forms import explode_values, name_columns, plain_cells, side, truth
from taxonomy.mentions.query_engine import Engine, Frame
from taxonomy.mentions.sources import Source

# Columns that are added: the time, whether the mention is explicit, the reason to reject the row, a number for what the
# row holds, whether nothing is said of a value, and whether the side is the AI's.
TIME, EXPLICIT, REASON, ROW, AI = "__time", "__explicit", "__reason", "__row", "__ai"
_MISSING = "__missing"
ADDED = (TIME, EXPLICIT, REASON, ROW, AI, _MISSING)
# Why a row is rejected; rows hold the number.
REASONS = (
    "not readable",
    "no conversation_id",
    "no side",
    "side is neither ai nor human",
    "no value",
    "explicit is none of true, false, yes, no, 1, 0",
    "timestamp is not a time: give ISO 8601, RFC 2822 or the seconds since 1970",
    "response_type is not one of the seven",
    "conversation_id stands in several rows",
)
SEVERAL = len(REASONS) - 1


def read_rows(engine: Engine, source: Source) -> Frame:
    """Return the rows of files by the names of columns that we know, with a number for what each row holds."""
    frame = name_columns(engine.read(source))
    frame = engine.hash_rows(frame, [name for name in frame.columns if name not in (FILE, DAMAGED)], ROW)
    return plain_cells(engine, frame, is_typed=source.suffix == ".parquet")


def _with(engine: Engine, frame: Frame, names: Sequence[str]) -> Frame:
    """Return the columns asked for, null where there is none, and the time that `timestamp` holds."""
    there = set(frame.columns)
    nothing = nw.lit(None, dtype=nw.String)
    named = [nw.col(name) if name in there else nothing.alias(name) for name in (*names, FILE, DAMAGED, ROW)]
    frame = engine.parse_time(frame.select(named), "timestamp", TIME)
    if frame.collect_schema()["timestamp"] == nw.String:
        return frame
    return frame.with_columns(nw.col("timestamp").cast(nw.String))


def check_mentions(engine: Engine, frame: Frame) -> Frame:
    """Return the columns of mentions, a row for each value, with `REASON`."""
    frame = explode_values(_with(engine, frame, MENTION), _MISSING)
    frame = frame.with_columns(
        side("side").alias(AI), truth("explicit", frame.collect_schema()["explicit"]).alias(EXPLICIT)
    )
    return frame.with_columns(
        nw.col("explicit").cast(nw.String),
        _first_of(
            [
                ~nw.col(DAMAGED).is_null(),
                nw.col("conversation_id").is_null(),
                nw.col("side").is_null(),
                nw.col(AI).is_null(),
                nw.col(_MISSING),
                ~nw.col("explicit").is_null() & nw.col(EXPLICIT).is_null(),
                ~nw.col("timestamp").is_null() & nw.col(TIME).is_null(),
            ]
        ),
    )


def check_conversations(engine: Engine, frame: Frame, own: Sequence[str]) -> Frame:
    """Return the columns `own` of conversations, with `REASON`."""
    frame = _with(engine, frame, sorted({"conversation_id", "timestamp", *own}))
    frame = frame.with_columns(nw.col("response_type").str.to_lowercase().str.replace_all("_", " ", literal=True))
    if "explicit" in own:
        frame = frame.with_columns(nw.col("explicit").cast(nw.String))
    none = nw.lit(False)
    return frame.with_columns(
        _first_of(
            [
                ~nw.col(DAMAGED).is_null(),
                nw.col("conversation_id").is_null(),
                *[none] * 4,
                ~nw.col("timestamp").is_null() & nw.col(TIME).is_null(),
                ~nw.col("response_type").is_null() & ~nw.col("response_type").is_in(RESPONSE_TYPES),
            ]
        )
    )


def _first_of(faults: Sequence[nw.Expr]) -> nw.Expr:
    """Return the number of the first reason that applies, null where none does."""
    reason: nw.Expr = nw.lit(None, dtype=nw.Int8)
    for number, fault in reversed(list(enumerate(faults))):
        reason = nw.when(fault).then(nw.lit(number, dtype=nw.Int8)).otherwise(reason)
    return reason.alias(REASON)
