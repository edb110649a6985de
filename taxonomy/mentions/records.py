"""Records of value mentions and of conversations; malformed rows are rejected with a reason."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from taxonomy.english.plurals import count_of
from taxonomy.errors import InputError
from taxonomy.mentions.columns import (
    CONVERSATION,
    DAMAGED,
    FILE,
    MENTION,
    OF_CONVERSATION,
    RESPONSE_TYPES,
    SIDES,
    USER,
    Kind,
    Side,
)
from taxonomy.mentions.query_engine import Engine
from taxonomy.mentions.rejected import COLUMNS, MAX_REJECTED
from taxonomy.mentions.sources import Source, find_sources

if TYPE_CHECKING:
    import pandas as pd

_TIME, _EXPLICIT, _REASON, _ROWS = "__time", "__explicit", "__reason", "__rows"
Frame = nw.LazyFrame[Any]


@dataclass(frozen=True)
class Records:
    """Mentions and conversations that are well-formed, kept by their engine.

    Attributes
    ----------
    engine : Engine
        What the frames live on.
    mentions : LazyFrame
        One row a mention: ``conversation_id``, ``side``, ``value``, ``explicit`` (boolean, null where not known).
    conversations : LazyFrame
        One row a conversation that has a mention or a row of its own: ``conversation_id``, ``response_type``,
        ``user_id``, ``timestamp`` (UTC) and the contexts; null where not known. `CONVERSATION` and `USER` stand for the
        ids, see `Engine.code`.
    contexts : tuple of str
        The context columns of `conversations`: ``model``, ``task``, ``language`` and others that its rows have.
    users_known : bool
        Whether any conversation says its user.
    rows : mapping of str to int
        Rows that were read, by kind.
    rejected : DataFrame
        Rows that were rejected: kind, file, reason, and the row itself, as text. It holds ids.
    """

    engine: Engine
    mentions: Frame
    conversations: Frame
    contexts: tuple[str, ...]
    users_known: bool
    rows: Mapping[Kind, int]
    rejected: pd.DataFrame

    def check_open(self) -> None:
        """Raise an InputError if the engine is closed."""
        if not self.engine.is_open:
            raise InputError("these mentions are closed", remedy="ask them inside the with block that opened them")

    def sides(self) -> list[Side]:
        """Return the sides that have mentions."""
        self.check_open()
        present = self.engine.collect(self.mentions.select("side").unique())["side"].to_pylist()
        return [side for side in SIDES if side in present]

    def of_side(self, side: Side) -> Frame:
        """Return the mentions of one side."""
        return self.mentions.filter(nw.col("side") == side)

    def strings_of(self, side: Side) -> Counter[str]:
        """Return the mentions of each distinct string of one side."""
        counted = self.engine.collect(self.of_side(side).group_by("value").agg(n=nw.len()))
        return Counter(dict(sorted(zip(counted["value"].to_pylist(), counted["n"].to_pylist(), strict=True))))

    def coded(self, frame: Frame) -> Frame:
        """Return rows with the codes of their conversation and its user instead of the id."""
        codes = self.conversations.select("conversation_id", CONVERSATION, USER)
        return frame.join(codes, on="conversation_id", how="inner").drop("conversation_id")

    def named(self, frame: Frame) -> Frame:
        """Return rows with the id of their conversation instead of its code."""
        ids = self.conversations.select(CONVERSATION, "conversation_id")
        return frame.join(ids, on=CONVERSATION, how="inner").drop(CONVERSATION)


def open_records(paths: Sequence[str | Path], *, engine: Engine, max_rejected: float = MAX_REJECTED) -> Records:
    """Open records of mentions, and check every row.

    Parameters
    ----------
    paths : sequence of str or Path
        Files, folders and globs of .parquet, .csv and .jsonl. A file with a column ``value`` holds mentions
        (``conversation_id``, ``side``, ``value``; ``explicit``, ``model``, ``task``, ``user_id``, ``language``,
        ``timestamp`` where known), any other holds conversations (``conversation_id``, ``response_type``, and the
        columns of their context).
    engine : Engine
    max_rejected : float
        The share of malformed rows, of each kind, up to which the rest is taken.

    Returns
    -------
    Records
        What the row of a conversation says takes precedence over what its mentions say. Where only mentions say it, and
        disagree, it is not known; of times, the first counts.

    Raises
    ------
    InputError
        If there is nothing to read, or too much of it is malformed.
    """
    sources = find_sources(paths)
    mentions = [_read(engine, source) for source in sources if source.kind == "mentions"]
    conversations = [_read(engine, source) for source in sources if source.kind == "conversations"]
    on_mentions = {name for frame in mentions for name in frame.columns}
    on_conversations = {name for frame in conversations for name in frame.columns} - {FILE, DAMAGED, "conversation_id"}
    own = sorted({*on_conversations, "response_type"})
    from_mentions = [name for name in OF_CONVERSATION if name in on_mentions - on_conversations]

    checked: dict[Kind, Frame] = {"mentions": nw.concat([_check_mentions(engine, frame) for frame in mentions])}
    if conversations:
        checked["conversations"] = _refuse_repeats(
            nw.concat([_check_conversations(engine, frame, own) for frame in conversations])
        )
    # Read and checked once, without the columns that only rejected rows need.
    needed: dict[Kind, set[str]] = {
        "mentions": {"conversation_id", "side", "value", _EXPLICIT, *_with_time(from_mentions)},
        "conversations": {"conversation_id", *_with_time(own)},
    }
    kept = {kind: engine.keep(frame.select(*sorted(needed[kind]), _REASON)) for kind, frame in checked.items()}
    rows, rejected = _reject(engine, kept, checked, max_rejected)
    valid = {kind: frame.filter(nw.col(_REASON).is_null()) for kind, frame in kept.items()}
    known = {*own, *from_mentions}
    all_conversations = _conversations(valid["mentions"], valid.get("conversations"), own, from_mentions)
    coded = engine.code(engine.code(all_conversations, "conversation_id", CONVERSATION), "user_id", USER)
    kept_conversations = engine.keep(coded)
    with_user = kept_conversations.select((~nw.col("user_id").is_null()).any().alias("known"))
    return Records(
        engine=engine,
        mentions=valid["mentions"].select("conversation_id", "side", "value", explicit=nw.col(_EXPLICIT)),
        conversations=kept_conversations,
        contexts=tuple(
            [name for name in ("model", "task", "language") if name in known]
            + [name for name in own if name not in ("response_type", *OF_CONVERSATION)]
        ),
        users_known=bool(engine.collect(with_user)["known"][0].as_py()),
        rows=rows,
        rejected=rejected,
    )


def _read(engine: Engine, source: Source) -> Frame:
    """Return the rows of files, every cell as text without space around it; what is blank is null."""
    frame = engine.read(source.files, source.suffix, source.columns)
    names = [name for name in frame.columns if name not in (FILE, DAMAGED)]
    frame = frame.with_columns(nw.col(name).cast(nw.String).str.strip_chars() for name in names)
    return frame.with_columns(nw.when(nw.col(name) != "").then(nw.col(name)) for name in names)


def _with(engine: Engine, frame: Frame, names: Sequence[str]) -> Frame:
    """Return the columns asked for, null where there is none, and the time that `timestamp` holds."""
    there = set(frame.columns)
    nothing = nw.lit(None, dtype=nw.String)
    named = [nw.col(name) if name in there else nothing.alias(name) for name in (*names, FILE, DAMAGED)]
    return engine.parse_time(frame.select(named), "timestamp", _TIME)


def _check_mentions(engine: Engine, frame: Frame) -> Frame:
    frame = _with(engine, frame, MENTION)
    explicit = nw.col("explicit").str.to_lowercase()
    frame = frame.with_columns(
        nw.col("side").str.to_lowercase(),
        nw.when(explicit.is_in(["true", "1", "false", "0"])).then(explicit.is_in(["true", "1"])).alias(_EXPLICIT),
    )
    return frame.with_columns(
        _first_of(
            {
                "not readable": ~nw.col(DAMAGED).is_null(),
                "no conversation_id": nw.col("conversation_id").is_null(),
                "no side": nw.col("side").is_null(),
                "side is neither ai nor human": ~nw.col("side").is_in(SIDES),
                "no value": nw.col("value").is_null(),
                "explicit is neither true nor false": ~nw.col("explicit").is_null() & nw.col(_EXPLICIT).is_null(),
                "timestamp is not a time": ~nw.col("timestamp").is_null() & nw.col(_TIME).is_null(),
            }
        )
    )


def _check_conversations(engine: Engine, frame: Frame, own: Sequence[str]) -> Frame:
    frame = _with(engine, frame, sorted({"conversation_id", "timestamp", *own}))
    frame = frame.with_columns(nw.col("response_type").str.to_lowercase().str.replace_all("_", " ", literal=True))
    return frame.with_columns(
        _first_of(
            {
                "not readable": ~nw.col(DAMAGED).is_null(),
                "no conversation_id": nw.col("conversation_id").is_null(),
                "response_type is not one of the seven": ~nw.col("response_type").is_null()
                & ~nw.col("response_type").is_in(RESPONSE_TYPES),
                "timestamp is not a time": ~nw.col("timestamp").is_null() & nw.col(_TIME).is_null(),
            }
        )
    )


def _refuse_repeats(frame: Frame) -> Frame:
    """Reject every row of a conversation that has several: which of them is right is not known."""
    frame = frame.with_columns(nw.len().over("conversation_id").alias(_ROWS))
    repeated = nw.col(_REASON).is_null() & (nw.col(_ROWS) > 1)
    reason = nw.when(repeated).then(nw.lit("conversation_id stands in several rows")).otherwise(nw.col(_REASON))
    return frame.with_columns(reason.alias(_REASON)).drop(_ROWS)


def _first_of(faults: Mapping[str, nw.Expr]) -> nw.Expr:
    """Return the first reason that applies, null where none does."""
    reason: nw.Expr = nw.lit(None, dtype=nw.String)
    for text, fault in reversed(list(faults.items())):
        reason = nw.when(fault).then(nw.lit(text)).otherwise(reason)
    return reason.alias(_REASON)


def _reject(
    engine: Engine, kept: Mapping[Kind, Frame], checked: Mapping[Kind, Frame], max_rejected: float
) -> tuple[dict[Kind, int], pd.DataFrame]:
    """Count the rows of each kind, and return those that are rejected."""
    import pandas as pd

    rows: dict[Kind, int] = {}
    parts = []
    for kind, frame in kept.items():
        counted = engine.collect(frame.group_by(_REASON).agg(n=nw.len()).sort(_REASON)).to_pylist()
        rows[kind] = sum(row["n"] for row in counted)
        faults = {row[_REASON]: row["n"] for row in counted if row[_REASON] is not None}
        if not rows[kind] and kind == "mentions":
            raise InputError("there are no mentions", remedy="give at least one row")
        if sum(faults.values()) > max_rejected * rows[kind]:
            listed = ", ".join(f"{count:,} {reason}" for reason, count in faults.items())
            problem = f"malformed: {sum(faults.values()):,} of {count_of(rows[kind], 'row')} of {kind} ({listed})"
            raise InputError(problem, remedy=f"repair them, or raise `max_rejected` above {max_rejected:g}")
        if faults:
            parts.append(_rejected_rows(engine, kind, checked[kind]))
    none = pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})
    return rows, pd.concat(parts, ignore_index=True) if parts else none


def _rejected_rows(engine: Engine, kind: Kind, frame: Frame) -> pd.DataFrame:
    import pandas as pd

    frame = frame.filter(~nw.col(_REASON).is_null())
    frame = frame.select(name for name in frame.columns if name not in (_TIME, _EXPLICIT))
    rejected = []
    for row in engine.collect(frame).to_pylist():
        file, damaged, reason = (row.pop(name) for name in (FILE, DAMAGED, _REASON))
        cells = {name: cell for name, cell in row.items() if cell is not None}
        rejected.append((kind, Path(file).name, reason, damaged or json.dumps(cells, ensure_ascii=False)))
    return pd.DataFrame(sorted(rejected), columns=list(COLUMNS))


def _conversations(
    mentions: Frame, conversations: Frame | None, own: Sequence[str], from_mentions: Sequence[str]
) -> Frame:
    """Return one row a conversation, with what its own row says, or else what all of its mentions say."""
    texts = [name for name in from_mentions if name != "timestamp"]
    lows = [nw.col(name).min() for name in texts]
    highs = [nw.col(name).max().alias(f"{name}_max") for name in texts]
    times = [nw.col(_TIME).min().alias("timestamp")] if "timestamp" in from_mentions else []
    agreeing = mentions.group_by("conversation_id").agg(*lows, *highs, *times)
    agreed = [nw.when(nw.col(name) == nw.col(f"{name}_max")).then(nw.col(name)).alias(name) for name in texts]
    agreeing = agreeing.select("conversation_id", *agreed, *(["timestamp"] if times else []))
    if conversations is not None:
        if "timestamp" in own:
            conversations = conversations.rename({_TIME: "timestamp"})
        rows = conversations.select("conversation_id", *own)
        others = mentions.select("conversation_id").join(rows, on="conversation_id", how="anti").unique()
        rows = nw.concat([rows, others.with_columns(_nothing(name) for name in own)])
        agreeing = rows.join(agreeing, on="conversation_id", how="left") if from_mentions else rows
    absent = [name for name in ("response_type", "user_id", "timestamp") if name not in agreeing.columns]
    return agreeing.with_columns(_nothing(name) for name in absent)


def _with_time(columns: Iterable[str]) -> set[str]:
    """Return the columns, with that of the time instead of that of its text."""
    return {_TIME if name == "timestamp" else name for name in columns}


def _nothing(name: str) -> nw.Expr:
    return nw.lit(None, dtype=nw.Datetime("us") if name == "timestamp" else nw.String).alias(name)
