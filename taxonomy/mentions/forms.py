"""Cells in the forms that people and libraries write them, each turned into one form."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw

from taxonomy.mentions.columns import DAMAGED, FILE, SIDES_BY_NAME, column_of

if TYPE_CHECKING:
    from taxonomy.mentions.query_engine import Engine

Frame = nw.LazyFrame[Any]
TRUE, FALSE = ("true", "1", "1.0", "yes"), ("false", "0", "0.0", "no")
IDS = ("conversation_id", "user_id")
# Above it, a float is not every whole number.
_WHOLE_FLOATS = 2.0**53


def name_columns(frame: Frame) -> Frame:
    """Return the rows with the columns by the names that they are known by."""
    return frame.rename({name: column_of(name) for name in frame.columns if column_of(name) != name})


def plain_cells(engine: Engine, frame: Frame) -> Frame:
    """Return rows whose cells are text without space around it, but for times, truth values and lists of values.

    A whole float that is an id is written as the integer, and so are the ids of a text column of a file where all end
    in ".0": so pandas writes integers where one is missing.
    """
    schema = frame.collect_schema()
    names = [name for name in schema if name not in (FILE, DAMAGED, "timestamp", "explicit")]
    is_text = {name: schema[name] == nw.String for name in schema}
    frame = frame.with_columns(_plain(name, schema[name]) for name in names if not isinstance(schema[name], nw.List))
    for name in ("timestamp", "explicit"):
        if is_text.get(name):
            frame = frame.with_columns(_plain(name, schema[name]))
    for name in (name for name in IDS if is_text.get(name)):
        frame = _whole_ids(engine, frame, name)
    return frame


def _plain(name: str, dtype: nw.dtypes.DType) -> nw.Expr:
    column = nw.col(name)
    if dtype.is_float() and name in IDS:
        whole = (column == column.round(0)) & (column.abs() < _WHOLE_FLOATS)
        number = nw.when(whole).then(column).otherwise(nw.lit(0)).cast(nw.Int64).cast(nw.String)
        text = nw.when(whole).then(number).otherwise(column.cast(nw.String))
        return nw.when(~column.is_nan()).then(text).alias(name)
    text = (column if dtype == nw.String else column.cast(nw.String)).str.strip_chars()
    return nw.when(text != "").then(text).alias(name)


def _whole_ids(engine: Engine, frame: Frame, name: str) -> Frame:
    there = frame.filter(~nw.col(name).is_null())
    whole = there.select(FILE, whole=nw.when(nw.col(name).str.contains(r"^-?\d+\.0$")).then(1).otherwise(0))
    by_file = engine.collect(whole.group_by(FILE).agg(nw.col("whole").min())).to_pylist()
    files = [row[FILE] for row in by_file if row["whole"]]
    if not files:
        return frame
    integer = nw.col(name).str.replace_all(r"\.0$", "")
    return frame.with_columns(nw.when(nw.col(FILE).is_in(files)).then(integer).otherwise(nw.col(name)).alias(name))


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


def explode_values(engine: Engine, frame: Frame, missing: str) -> Frame:
    """Return a row for each value of a list, and say in a column `missing` where there is neither a value nor a list.

    A list may also be written as text: as JSON or Python write it.
    """
    frame = frame.with_columns(nw.col("value").is_null().alias(missing))
    if isinstance(frame.collect_schema()["value"], nw.List):
        text = nw.col("value").cast(nw.String).str.strip_chars()
        return frame.explode("value").with_columns(nw.when(text != "").then(text).alias("value"))
    looks_so = nw.col("value").str.starts_with("[") & nw.col("value").str.ends_with("]")
    texts = engine.collect(frame.filter(looks_so).select("value").unique())["value"].to_pylist()
    lists = {text: values for text in texts if (values := _list_in(text)) is not None}
    if not lists:
        return frame
    import pyarrow as pa

    # A row without values stays: it says that its conversation has none.
    pairs = [(text, value) for text, values in lists.items() for value in values or [None]]
    table = pa.table(
        {"value": [text for text, _ in pairs], "__item": pa.array([value for _, value in pairs], pa.string())}
    )
    items = engine.table(table)
    others = frame.join(items.select("value").unique(), on="value", how="anti")
    exploded = frame.join(items, on="value", how="inner").drop("value").rename({"__item": "value"})
    return nw.concat([others, exploded.select(others.columns)])


def _list_in(text: str) -> Sequence[str] | None:
    """Return the strings of a list that is written as text, without the blank ones."""
    for parse in (json.loads, ast.literal_eval):
        try:
            items = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(items, list) and all(isinstance(item, str) for item in items):
            return [item.strip() for item in items if item.strip()]
    return None
