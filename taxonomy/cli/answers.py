"""How the answers of analyses leave: as a file, as JSON, or as tables in the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from taxonomy.cli.records import Analysing

if TYPE_CHECKING:
    import pandas as pd

Format = Callable[[Any], str]
Columns = dict[str, Format]
# Rows of a table in the terminal; all are in --out.
_SHOWN = 12


def whole(number: Any) -> str:
    """Write a count."""
    return f"{int(number):,}"


def percent(share: Any) -> str:
    """Write a share."""
    return f"{share:.2%}"


def figure(number: Any) -> str:
    """Write a statistic."""
    return f"{number:.2f}"


def p_value(number: Any) -> str:
    """Write a p-value."""
    return "<0.001" if number < 0.001 else f"{number:.3f}"


def check_out(analysis: Analysing) -> None:
    """Refuse a path that can't be written, before the work that leads to it."""
    from taxonomy.mentions.tables import check_table_path

    if analysis.out is not None:
        check_table_path(analysis.out)


def answer(analysis: Analysing, tables: Mapping[str, pd.DataFrame], shown: Mapping[str, Columns], hidden: int) -> None:
    """Write and print what was found.

    Parameters
    ----------
    analysis : Analysing
    tables : mapping of str to DataFrame
        By name; the first goes to --out, JSON has all.
    shown : mapping of str to mapping of str to callable
        Of each table in the terminal, its columns and how they are written; its rows must be in their order.
    hidden : int
        Cells that were not told.
    """
    from taxonomy.mentions.tables import write_table

    if analysis.out is not None:
        write_table(analysis.marked(next(iter(tables.values()))), analysis.out)
    if analysis.as_json:
        # By way of its JSON, what is missing is null.
        rows = {
            name: json.loads(table.to_json(orient="records", double_precision=15)) for name, table in tables.items()
        }
        click.echo(json.dumps({**rows, "hidden": hidden, "internal": analysis.internal}, indent=1, ensure_ascii=False))
        return
    if analysis.quiet:
        return
    for name, columns in shown.items():
        _print(name, tables[name], columns)
    if analysis.internal:
        click.echo("Rare cells are told: this is for use within")
    else:
        click.echo(f"{hidden:,} cells are hidden: too few conversations or users, or next to one that is")
    if analysis.out is not None:
        click.echo(f"Written to {analysis.out}")


def _print(name: str, table: pd.DataFrame, columns: Columns) -> None:
    import pandas as pd
    from rich.table import Table
    from rich.text import Text

    from taxonomy.cli.screen import console, plain

    screen = console()
    drawn = Table(box=None, pad_edge=False, title=name, title_justify="left")
    for column, form in columns.items():
        drawn.add_column(column.replace("_", " "), justify="left" if form is str else "right")
    for row in table.head(_SHOWN).to_dict("records"):
        cells = ("" if pd.isna(row[column]) else form(row[column]) for column, form in columns.items())
        drawn.add_row(*(Text(plain(cell)) for cell in cells))
    screen.print(drawn)
    if len(table) > _SHOWN:
        screen.print(f"... and {len(table) - _SHOWN:,} more")
    screen.print()
