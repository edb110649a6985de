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
from taxonomy.mentions.checking import (
    ADDED,
    AI,
    EXPLICIT,
    REASON,
    REASONS,
    ROW,
    SEVERAL,
    TIME,
    check_conversations,
    check_mentions,
    read_rows,
)
from taxonomy.mentions.columns import (
    CONVERSATION,
    DAMAGED,
    FILE,
    OF_CONVERSATION,
    SIDES,
    USER,
    VALUE,
    Kind,
    Side,
)
from taxonomy.mentions.forms import explode_texts, name_alike
from taxonomy.mentions.origins import Origins, find_origins
from taxonomy.mentions.query_engine import Engine, Frame, distinct
from taxonomy.mentions.rejected import COLUMNS, MAX_REJECTED
from taxonomy.mentions.sources import find_sources

if TYPE_CHECKING:
    import pandas as pd

# The code of a text before its lists are split.
_LIST = "__list"
# A number for what a mention holds.
_MENTION = "__mention"
# What is done with one row that repeats another, and with several.
_OF_REPEATS: dict[Kind, tuple[str, str]] = {
    "mentions": ("is counted", "are counted"),
    "conversations": ("is left out", "are left out"),
}
# Under this share of conversation rows with a mention, the ids of the two kinds are likely to differ.
_MET = 0.5


@dataclass(frozen=True)
class Records:
    """Mentions and conversations that are well-formed, kept by their engine.

    Attributes
    ----------
    engine : Engine
        What the frames live on.
    mentions : LazyFrame
        One row a mention: the codes `CONVERSATION` and `VALUE`, ``ai`` (whether it is the AI's), ``explicit`` (boolean,
        null where not known).
    conversations : LazyFrame
        One row a conversation that has a mention or a row of its own: ``conversation_id``, ``response_type``,
        ``timestamp`` (UTC), the contexts, null where not known, and the codes `CONVERSATION` and `USER`, see
        `Engine.code`.
    values : LazyFrame
        ``value`` by `VALUE`.
    contexts : tuple of str
        The context columns of `conversations`: ``model``, ``task``, ``language`` and others that its rows have.
    users_known : bool
        Whether any conversation says its user.
    rows : mapping of str to int
        Rows that were read, by kind; a list of values is a row each.
    repeats : mapping of str to int
        Rows that are exact repeats of others, by kind. Those of mentions are counted, those of conversations are not.
    origins : Origins
        What the files say of how their values were extracted.
    met : int or None
        Rows of conversations that have a mention; None where there are no rows of conversations.
    rejected : DataFrame
        Rows that were rejected: kind, file, reason, and the row itself, as text. It holds ids.
    """

    engine: Engine
    mentions: Frame
    conversations: Frame
    values: Frame
    contexts: tuple[str, ...]
    users_known: bool
    rows: Mapping[Kind, int]
    repeats: Mapping[Kind, int]
    origins: Origins
    met: int | None
    rejected: pd.DataFrame

    def check_open(self) -> None:
        """Raise an InputError if the engine is closed."""
        if not self.engine.is_open:
            raise InputError("these mentions are closed", remedy="ask them inside the with block that opened them")

    def sides(self) -> list[Side]:
        """Return the sides that have mentions."""
        self.check_open()
        present = self.engine.collect(distinct(self.mentions, "ai"))["ai"].to_pylist()
        return [side for side in SIDES if (side == "ai") in present]

    def of_side(self, side: Side) -> Frame:
        """Return the mentions of one side."""
        return self.mentions.filter(nw.col("ai") == (side == "ai"))

    def strings_of(self, side: Side) -> Counter[str]:
        """Return the mentions of each distinct string of one side."""
        counted = self.of_side(side).group_by(VALUE).agg(n=nw.len()).join(self.values, on=VALUE, how="inner")
        table = self.engine.collect(counted.select("value", "n"))
        return Counter(dict(sorted(zip(table["value"].to_pylist(), table["n"].to_pylist(), strict=True))))

    def with_users(self, frame: Frame) -> Frame:
        """Return rows with the code of their conversation's user."""
        return frame.join(self.conversations.select(CONVERSATION, USER), on=CONVERSATION, how="inner")

    def named(self, frame: Frame) -> Frame:
        """Return rows with the id of their conversation instead of its code."""
        ids = self.conversations.select(CONVERSATION, "conversation_id")
        return frame.join(ids, on=CONVERSATION, how="inner").drop(CONVERSATION)

    def ids_of(self, codes: pd.Series[Any]) -> dict[Any, str]:
        """Return the ids of a few conversations, by their codes."""
        import pyarrow as pa

        wanted = self.engine.table(pa.table({CONVERSATION: pa.array(codes)}))
        ids = self.conversations.select(CONVERSATION, "conversation_id").join(wanted, on=CONVERSATION, how="semi")
        return {row[CONVERSATION]: row["conversation_id"] for row in self.engine.collect(ids).to_pylist()}

    def notices(self) -> list[str]:
        """Return what whoever reads these records must know before trusting the figures."""
        said = self.origins.notices()
        for kind, (one, several) in _OF_REPEATS.items():
            if repeats := self.repeats.get(kind, 0):
                verbs = ("repeats", one) if repeats == 1 else ("repeat", several)
                said.append(f"{count_of(repeats, 'row')} of {kind} {verbs[0]} another row exactly, and {verbs[1]}")
        rows = self.rows.get("conversations", 0) - self.repeats.get("conversations", 0)
        if self.met is not None and self.met < _MET * rows:
            verb = "has" if self.met == 1 else "have"
            problem = f"only {self.met:,} of {count_of(rows, 'row')} of conversations {verb} a mention"
            said.append(f"{problem}; see that both kinds of files write conversation_id alike")
        return said


def open_records(
    paths: Sequence[str | Path], *, engine: Engine, max_rejected: float = MAX_REJECTED, mixed: bool = False
) -> Records:
    """Open records of mentions, and check every row.

    Parameters
    ----------
    paths : sequence of str or Path
        Files, folders and globs; see `taxonomy.open_mentions`.
    engine : Engine
    max_rejected : float
        The share of malformed rows, of each kind, up to which the rest is taken.
    mixed : bool
        Whether the files may be of several extractions.

    Returns
    -------
    Records
        What the row of a conversation says takes precedence over what its mentions say. Where only mentions say it, and
        disagree, it is not known; of times, the first counts.

    Raises
    ------
    InputError
        If there is nothing to read, too much of it is malformed, or it is of several extractions.
    """
    frames: dict[Kind, list[Frame]] = {"mentions": [], "conversations": []}
    sources = find_sources(paths)
    origins = find_origins([file for source in sources for file in source.files], mixed=mixed)
    origins.check_one()
    for source in sources:
        frames[source.kind].append(read_rows(engine, source))
    frames["conversations"] = name_alike(frames["conversations"])
    names = {kind: {name for frame in read for name in frame.columns} for kind, read in frames.items()}
    own = sorted({*names["conversations"], "response_type"} - {FILE, DAMAGED, ROW, "conversation_id"})
    from_mentions = [name for name in OF_CONVERSATION if name in names["mentions"] - names["conversations"]]

    checked: dict[Kind, Frame] = {"mentions": nw.concat([check_mentions(engine, one) for one in frames["mentions"]])}
    if frames["conversations"]:
        checked["conversations"] = nw.concat([check_conversations(engine, one, own) for one in frames["conversations"]])
    # Read and checked once, as codes, and without the columns that only rejected rows need.
    needed: dict[Kind, list[str]] = {
        "mentions": [VALUE, AI, EXPLICIT],
        "conversations": ["conversation_id", *_with_time(own)],
    }
    checked = {kind: engine.code(frame, "conversation_id", CONVERSATION) for kind, frame in checked.items()}
    checked["mentions"] = engine.code(checked["mentions"], "value", VALUE)
    kept = {
        kind: engine.keep(frame.select(CONVERSATION, *needed[kind], ROW, REASON)) for kind, frame in checked.items()
    }
    kept["mentions"], values = _split_lists(engine, kept["mentions"], checked["mentions"])
    several = _several(engine, kept)
    rows, rejected = _reject(engine, kept, checked, several, max_rejected)
    valid = {kind: frame.filter(nw.col(REASON).is_null()) for kind, frame in kept.items()}
    repeats: dict[Kind, int] = {"mentions": _count_repeats(engine, valid["mentions"])}
    if "conversations" in valid:
        repeats["conversations"] = several.repeats if several is not None else 0
    if several is not None:
        valid["conversations"] = valid["conversations"].join(several.bad, on=CONVERSATION, how="anti").drop(ROW)
        if several.repeats:
            valid["conversations"] = distinct(valid["conversations"], *valid["conversations"].columns)
    said = _said_by_mentions(checked["mentions"], from_mentions)
    conversations, met = _conversations(engine, valid, checked["mentions"], own, said)
    with_user = conversations.select((~nw.col(USER).is_null()).any().alias("known"))
    known = {*own, *from_mentions}
    mentions = valid["mentions"].filter(~nw.col(VALUE).is_null())
    return Records(
        engine=engine,
        mentions=mentions.select(CONVERSATION, VALUE, ai=nw.col(AI), explicit=nw.col(EXPLICIT)),
        conversations=conversations,
        values=values,
        contexts=tuple(
            [name for name in ("model", "task", "language") if name in known]
            + [name for name in own if name not in ("response_type", *OF_CONVERSATION)]
        ),
        users_known=bool(engine.collect(with_user)["known"][0].as_py()),
        rows=rows,
        repeats=repeats,
        origins=origins,
        met=met,
        rejected=rejected,
    )


@dataclass(frozen=True)
class _Several:
    """Conversations with several rows: those whose rows differ, how many rows they have, and repeats of the others."""

    bad: Frame
    bad_rows: int
    repeats: int


def _several(engine: Engine, kept: Mapping[Kind, Frame]) -> _Several | None:
    """Find the conversations that have several rows: which of them is right is not known, unless they are the same."""
    if "conversations" not in kept:
        return None
    valid = kept["conversations"].filter(nw.col(REASON).is_null())
    several = engine.keep(valid.group_by(CONVERSATION).agg(n=nw.len()).filter(nw.col("n") > 1))
    if not _count(engine, several):
        return None
    kinds = distinct(valid.join(several, on=CONVERSATION, how="inner"), CONVERSATION, "n", ROW)
    counted = engine.keep(kinds.group_by(CONVERSATION).agg(nw.col("n").min(), kinds=nw.len()))
    same, bad = (counted.filter(condition) for condition in (nw.col("kinds") == 1, nw.col("kinds") > 1))

    def total(frame: Frame, column: nw.Expr) -> int:
        return int(engine.collect(frame.select(column.sum().alias("n")))["n"][0].as_py() or 0)

    return _Several(bad.select(CONVERSATION), total(bad, nw.col("n")), total(same, nw.col("n") - 1))


def _split_lists(engine: Engine, kept: Frame, mentions: Frame) -> tuple[Frame, Frame]:
    """Return mentions with a row for each value of a list that is written as text, and the text of each code."""
    values = engine.keep(distinct(mentions.filter(~nw.col(VALUE).is_null()), VALUE, "value"))
    items = explode_texts(engine, values.rename({VALUE: _LIST}))
    if items is None:
        return kept, values
    coded = engine.keep(engine.code(items.select(_LIST, "item"), "item", VALUE))
    known = distinct(coded.filter(~nw.col(VALUE).is_null()), VALUE, "item").rename({"item": "value"})
    # A malformed row is one, whatever it lists.
    valid, rest = (kept.filter(condition) for condition in (nw.col(REASON).is_null(), ~nw.col(REASON).is_null()))
    split = valid.rename({VALUE: _LIST}).join(coded.select(_LIST, VALUE), on=_LIST, how="left").select(kept.columns)
    return engine.keep(nw.concat([split, rest])), engine.keep(known)


def _count_repeats(engine: Engine, mentions: Frame) -> int:
    """Return how many rows of mentions are exact repeats of others."""
    # A row that lists several values has several mentions. One number for both is what fits in the memory.
    numbered = engine.hash_rows(mentions.select(ROW, VALUE), (ROW, VALUE), _MENTION)
    return _count(engine, mentions) - _count(engine, distinct(numbered, _MENTION))


def _reject(
    engine: Engine,
    kept: Mapping[Kind, Frame],
    checked: Mapping[Kind, Frame],
    several: _Several | None,
    max_rejected: float,
) -> tuple[dict[Kind, int], pd.DataFrame]:
    """Count the rows of each kind, and return those that are rejected."""
    import pandas as pd

    rows: dict[Kind, int] = {}
    parts = []
    for kind, frame in kept.items():
        counted = engine.collect(frame.group_by(REASON).agg(n=nw.len())).to_pylist()
        rows[kind] = sum(row["n"] for row in counted)
        faults = {row[REASON]: row["n"] for row in counted if row[REASON] is not None}
        if kind == "conversations" and several is not None and several.bad_rows:
            faults[SEVERAL] = several.bad_rows
        if not rows[kind] and kind == "mentions":
            raise InputError("there are no mentions", remedy="give at least one row")
        if sum(faults.values()) > max_rejected * rows[kind]:
            listed = ", ".join(f"{count:,} {REASONS[number]}" for number, count in sorted(faults.items()))
            problem = f"malformed: {sum(faults.values()):,} of {count_of(rows[kind], 'row')} of {kind} ({listed})"
            raise InputError(problem, remedy=f"repair them, or raise `max_rejected` above {max_rejected:g}")
        if faults.keys() - {SEVERAL}:
            parts.append(_rejected_rows(engine, kind, checked[kind].filter(~nw.col(REASON).is_null())))
        if SEVERAL in faults and several is not None:
            sound = checked[kind].filter(nw.col(REASON).is_null())
            again = sound.join(several.bad, on=CONVERSATION, how="semi")
            parts.append(_rejected_rows(engine, kind, again.with_columns(nw.lit(SEVERAL).alias(REASON))))
    none = pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})
    rejected = pd.concat(parts, ignore_index=True) if parts else none
    return rows, rejected.sort_values(list(COLUMNS), ignore_index=True)


def _rejected_rows(engine: Engine, kind: Kind, frame: Frame) -> pd.DataFrame:
    import pandas as pd

    frame = frame.select(REASON, *(name for name in frame.columns if name not in (*ADDED, CONVERSATION, VALUE)))
    rejected = []
    for row in engine.collect(frame).to_pylist():
        file, damaged, reason = (row.pop(name) for name in (FILE, DAMAGED, REASON))
        cells = {name: cell for name, cell in row.items() if cell is not None}
        rejected.append(
            (kind, Path(file).name, REASONS[reason], damaged or json.dumps(cells, ensure_ascii=False, default=str))
        )
    return pd.DataFrame(rejected, columns=list(COLUMNS))


def _said_by_mentions(mentions: Frame, names: Sequence[str]) -> Frame | None:
    """Return what all mentions of a conversation say of it, where they agree; of times, the first."""
    if not names:
        return None
    texts = [name for name in names if name != "timestamp"]
    lows = [nw.col(name).min() for name in texts]
    highs = [nw.col(name).max().alias(f"{name}_max") for name in texts]
    times = [nw.col(TIME).min().alias("timestamp")] if "timestamp" in names else []
    valid = mentions.filter(nw.col(REASON).is_null()).select(CONVERSATION, TIME, *texts)
    agreed = [nw.when(nw.col(name) == nw.col(f"{name}_max")).then(nw.col(name)).alias(name) for name in texts]
    by_code = valid.group_by(CONVERSATION).agg(*lows, *highs, *times)
    return by_code.select(CONVERSATION, *agreed, *(["timestamp"] if times else []))


def _conversations(
    engine: Engine, valid: Mapping[Kind, Frame], mentions: Frame, own: Sequence[str], said: Frame | None
) -> tuple[Frame, int | None]:
    """Return one row a conversation, with what its own row says, or else its mentions; and own rows with a mention."""
    mentioned = engine.keep(distinct(valid["mentions"], CONVERSATION))
    # The ids are not among what is kept of mentions.
    ids = mentions.select(CONVERSATION, "conversation_id")
    met = None
    if "conversations" in valid:
        cells = [nw.col(TIME).alias(name) if name == "timestamp" else nw.col(name) for name in own]
        rows = valid["conversations"].select("conversation_id", CONVERSATION, *cells)
        others = engine.keep(mentioned.join(rows.select(CONVERSATION), on=CONVERSATION, how="anti"))
        without = _count(engine, others)
        # A conversation has one row.
        met = _count(engine, mentioned) - without
        every = rows
        if without:
            named = distinct(ids.join(others, on=CONVERSATION, how="semi"), *ids.columns)
            every = nw.concat([rows, named.with_columns(_nothing(name) for name in own).select(rows.columns)])
    else:
        every = (
            ids.join(mentioned, on=CONVERSATION, how="semi").group_by(CONVERSATION).agg(nw.col("conversation_id").min())
        )
    if said is not None:
        every = every.join(said, on=CONVERSATION, how="left")
    absent = [name for name in ("response_type", "user_id", "timestamp") if name not in every.columns]
    every = engine.code(every.with_columns(_nothing(name) for name in absent), "user_id", USER)
    return engine.keep(every.drop("user_id")), met


def _count(engine: Engine, frame: Frame) -> int:
    return int(engine.collect(frame.select(n=nw.len()))["n"][0].as_py())


def _with_time(columns: Iterable[str]) -> list[str]:
    """Return the columns, with that of the time instead of that of its text."""
    return [TIME if name == "timestamp" else name for name in columns]


def _nothing(name: str) -> nw.Expr:
    return nw.lit(None, dtype=nw.Datetime("us") if name == "timestamp" else nw.String).alias(name)
