"""Charts of result tables."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd

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
    found = [Row(row[label], row[f"{prefix}share"], row[f"{prefix}low"], row[f"{prefix}high"]) for row in rows_of(rows)]
    return Chart(title, of, f"share of {unit}", found, side=side)


def order_by_type(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the seven types in their order; support and resistance as a whole are not among them."""
    found = rows[rows["response"].isin(RESPONSE_TYPES)]
    return found.sort_values("response", key=lambda names: names.map(RESPONSE_TYPES.index))


def chart_pairs(title: str, rows: pd.DataFrame, column: str) -> Chart:
    """Chart shares of a category's conversations, and those to be expected."""
    found = [
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
    return Chart(title, "value", "share of conversations", found, mark="by chance")


def rows_of(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table by the names of their cells."""
    return [{str(name): cell for name, cell in row.items()} for row in rows.to_dict("records")]


def pluralize(name: str) -> str:
    """Return the name of a level as a heading."""
    return f"{name[:1].upper()}{name[1:]}s"
