"""Cells in the forms that people and libraries write them, each turned into one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import narwhals as nw

from taxonomy.mentions.columns import DAMAGED, FILE, IDS, SIDES_BY_NAME, column_of
from taxonomy.mentions.query_engine import Engine, Frame
from taxonomy.values.residue import MARKS, split_values

TRUE, FALSE = ("true", "1", "1.0", "yes"), ("false", "0", "0.0", "no")
# Above it, a float is not every whole number.
_WHOLE_FLOATS = 2.0**53
# What a list without values stands for.
_NOTHING: Sequence[str | None] = (None,)


def name_columns(frame: Frame) -> Frame:
    """Return the rows with the columns by the names that they are known by."""
    return _renamed(frame, {name: column_of(name) for name in frame.columns})


def name_alike(frames: Sequence[Frame]) -> list[Frame]:
    """Return frames with one name for the columns whose names differ in case alone: the first in the alphabet."""
    first = {name.lower(): name for name in sorted({name for frame in frames for name in frame.columns}, reverse=True)}
    return [_renamed(frame, {name: first[name.lower()] for name in frame.columns}) for frame in frames]


def _renamed(frame: Frame, names: Mapping[str, str]) -> Frame:
    """Return rows with all their columns by other names."""
    # Each step has a price of its own, however few the rows are.
    if all(name == other for name, other in names.items()):
        return frame
    return frame.select(nw.col(name).alias(other) for name, other in names.items())


def plain_cells(engine: Engine, frame: Frame, *, is_typed: bool) -> Frame:
    """Return rows whose cells are text without space around it, but for times, truth values and lists of values.

    Parameters
    ----------
    engine : Engine
    frame : LazyFrame
    is_typed : bool
        Whether the format has types. An id that is a whole float is written as the integer; in a format without types,
        where all ids of a file end in ".0": so pandas writes integers where one is missing.
    """
    schema = frame.collect_schema()
    is_text = {name: schema[name] == nw.String for name in schema}
    names = [
        name
        for name in schema
        if name not in (FILE, DAMAGED)
        and (is_text[name] if name in ("timestamp", "explicit") else not isinstance(schema[name], nw.List))
    ]
    frame = frame.with_columns(_plain(name, schema[name]) for name in names)
    ids = [] if is_typed else [name for name in IDS if is_text.get(name)]
    return _whole_ids(engine, frame, ids) if ids else frame


def _plain(name: str, dtype: nw.dtypes.DType) -> nw.Expr:
    column = nw.col(name)
    if dtype.is_float() and name in IDS:
        whole = (column == column.round(0)) & (column.abs() < _WHOLE_FLOATS)
        number = nw.when(whole).then(column).otherwise(nw.lit(0)).cast(nw.Int64).cast(nw.String)
        text = nw.when(whole).then(number).otherwise(column.cast(nw.String))
        return nw.when(~column.is_nan()).then(text).alias(name)
    return _stripped(column if dtype == nw.String else column.cast(nw.String)).alias(name)


def _stripped(text: nw.Expr) -> nw.Expr:
    """Return text without space around it, null where nothing is left."""
    # Looking at both ends first takes a fifth of the time.
    has_space = (text.str.slice(0, 1) <= " ") | (text.str.slice(-1) <= " ")
    stripped = text.str.strip_chars()
    return nw.when(has_space).then(nw.when(stripped != "").then(stripped)).otherwise(text)


def _whole_ids(engine: Engine, frame: Frame, names: Sequence[str]) -> Frame:
    """Return rows with ids as integers, in the files where all that are there end in ".0"."""
    whole = [
        nw.when(~nw.col(name).is_null()).then(nw.col(name).str.contains(r"^-?\d+\.0$").cast(nw.Int8)).alias(name)
        for name in names
    ]
    by_file = engine.collect(frame.select(FILE, *whole).group_by(FILE).agg(nw.col(*names).min())).to_pylist()
    files = {name: [row[FILE] for row in by_file if row[name]] for name in names}
    integers = {name: nw.col(name).str.replace_all(r"\.0$", "") for name in names if files[name]}
    if not integers:
        return frame
    return frame.with_columns(
        nw.when(nw.col(FILE).is_in(files[name])).then(integer).otherwise(nw.col(name)).alias(name)
        for name, integer in integers.items()
    )


def side(name: str) -> nw.Expr:
    """Return whether a cell names the AI's side; null where it names none."""
    said = nw.col(name).str.to_lowercase()
    ai = [word for word, one in SIDES_BY_NAME.items() if one == "ai"]
    return nw.when(said.is_in(list(SIDES_BY_NAME))).then(said.is_in(ai))


def truth(name: str, dtype: nw.dtypes.DType) -> nw.Expr:
    """Return whether a cell says yes; null where it says neither yes nor no."""
    column = nw.col(name)
    if dtype == nw.Boolean:
        return column
    if dtype.is_numeric():
        return nw.when((column == 1) | (column == 0)).then(column == 1)
    said = column.str.to_lowercase()
    return nw.when(said.is_in([*TRUE, *FALSE])).then(said.is_in(TRUE))


def explode_values(frame: Frame, missing: str) -> Frame:
    """Return a row for each value of a list, and in a column `missing` where there is neither a value nor a list."""
    frame = frame.with_columns(nw.col("value").is_null().alias(missing))
    if not isinstance(frame.collect_schema()["value"], nw.List):
        return frame
    return frame.explode("value").with_columns(_stripped(nw.col("value").cast(nw.String)).alias("value"))


def explode_texts(engine: Engine, values: Frame) -> Frame | None:
    """Return the values that each text stands for, where some list several: see `split_values`.

    Parameters
    ----------
    engine : Engine
    values : LazyFrame
        Distinct texts, in the column `value`.

    Returns
    -------
    LazyFrame or None
        With the column `item`: a row for each value of a list, or one without it; the text itself where it is no list.
        None where no text is a list.
    """
    value = nw.col("value")
    texts = engine.collect(values.filter(value.str.contains(MARKS)).select("value"))["value"].to_pylist()
    lists = {text: parts for text in texts if (parts := split_values(text)) != [text]}
    if not lists:
        return None
    import pyarrow as pa

    pairs = [(text, item) for text, items in lists.items() for item in (items or _NOTHING)]
    table = pa.table({"value": [text for text, _ in pairs], "item": pa.array([item for _, item in pairs], pa.string())})
    split = engine.table(table)
    others = values.join(split, on="value", how="anti").with_columns(item=nw.col("value"))
    exploded = values.join(split, on="value", how="inner")
    return nw.concat([others, exploded.select(others.columns)])
