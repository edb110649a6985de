"""Charts of result tables."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd

from taxonomy.english.plurals import pluralize
from taxonomy.english.words import sentence_case
from taxonomy.mentions.columns import RESPONSE_TYPES, Side
from taxonomy.report.parts import Chart, Row


def chart_shares(
    title: str,
    of: str,
    rows: pd.DataFrame,
    prefix: str = "",
    *,
    label: str = "label",
    unit: Literal["conversations", "mentions"] = "conversations",
    side: Side = "ai",
) -> Chart:
    """Chart shares with their intervals, whose columns begin with a prefix."""
    bars = [Row(row[label], row[f"{prefix}share"], row[f"{prefix}low"], row[f"{prefix}high"]) for row in rows_of(rows)]
    return Chart(title, of, f"share of {unit}", bars, side=side)


def order_by_type(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the seven types in their order, without the rows of support and resistance as a whole."""
    types = rows[rows["response"].isin(RESPONSE_TYPES)]
    return types.sort_values("response", key=lambda names: names.map(RESPONSE_TYPES.index))


def chart_pairs(title: str, rows: pd.DataFrame, column: str) -> Chart:
    """Chart shares of a category's conversations, and those expected by chance."""
    bars = [
        Row(
            row["label"],
            row["share"],
            row["low"],
            row["high"],
            mark=row["share"] * row["expected"] / row["conversations"],
            note=row["category"] if column else "",
        )
        for row in rows_of(rows)
    ]
    return Chart(title, "value", "share of conversations", bars, mark="by chance")


def rows_of(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table by the names of their cells."""
    return [{str(name): cell for name, cell in row.items()} for row in rows.to_dict("records")]


def title_of(level: str) -> str:
    """Return the name of a level as a heading, in the plural."""
    return sentence_case(pluralize(level))
