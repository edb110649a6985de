"""How answers are written: to a file, as JSON, or as lines and tables in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from taxonomy.english.plurals import count_of

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from taxonomy.cli.record_options import Analysis
    from taxonomy.mentions.disclosure import Disclosure
    from taxonomy.questions.answer import Answer

Format = Callable[..., str]
format_percent: Format = "{:.2%}".format
format_figure: Format = "{:.2f}".format


def format_whole(number: float) -> str:
    """Write a count."""
    return f"{int(number):,}"


def format_p(number: float) -> str:
    """Write a p-value."""
    return "<0.001" if number < 0.001 else f"{number:.3f}"


@dataclass(frozen=True)
class Column:
    """A column in the terminal: how its cells are written, of which columns of a table, and its heading.

    A column whose format is `str` holds text, and is aligned left.
    """

    form: Format
    cells: tuple[str, ...]
    heading: str

    @property
    def is_text(self) -> bool:
        """Whether it holds text."""
        return self.form is str

    def write(self, row: Mapping[Any, Any]) -> str:
        """Return the cell of a row, empty where something is missing."""
        import pandas as pd

        cells = [row[name] for name in self.cells]
        return "" if any(pd.isna(cell) for cell in cells) else self.form(*cells)


def column(form: Format, *cells: str, heading: str | None = None) -> Column:
    """Return a column with the name of its first cell for a heading, unless one is given."""
    return Column(form, cells, cells[0].replace("_", " ") if heading is None else heading)


def interval(low: str, high: str, form: str = "{:.2%} to {:.2%}") -> Column:
    """Return the column of an interval."""
    return column(form.format, low, high, heading="95% interval")


@dataclass(frozen=True)
class Shown:
    """A table in the terminal.

    Attributes
    ----------
    rows : DataFrame
        In the order in which they are shown.
    columns : sequence of Column
    title : str or None
    each : str or None
        A column: the first rows of each of its values are shown.
    most : int
        How many rows are shown.
    """

    rows: pd.DataFrame
    columns: Sequence[Column]
    title: str | None = None
    each: str | None = None
    most: int = 12


def give_answer(
    answer: Answer, analysis: Analysis, screen: Sequence[str | Shown], written: Sequence[Path | None] = ()
) -> None:
    """Write an answer to --out, and print it as JSON or for the terminal.

    Parameters
    ----------
    answer : Answer
    analysis : Analysis
    screen : sequence of str or Shown
        Lines and tables for the terminal.
    written : sequence of Path or None
        Other files that were written.
    """
    from taxonomy.cli.screen import console, plain
    from taxonomy.mentions.tables import write_table

    if analysis.out is not None:
        write_table(answer.main, analysis.out, internal=answer.internal)
    if answer.internal:
        say_internal()
    if analysis.as_json:
        click.echo(answer.to_json())
        return
    if analysis.reading.quiet:
        return
    terminal = console()
    for part in screen:
        if isinstance(part, Shown):
            terminal.print(draw(part))
            terminal.print()
        else:
            terminal.print(plain(part), markup=False)
    if not answer.internal:
        click.echo(f"Suppressed: {count_of(answer.suppressed, 'figure')}, {reason_of(analysis.disclosure)}")
    for path in (analysis.out, *written):
        if path is not None:
            click.echo(f"Written to {path}")


def say_internal(what: str = "figures") -> None:
    """Say on standard error that the output is internal."""
    click.echo(f"Rare {what} are in it: internal use only", err=True)


def reason_of(disclosure: Disclosure, what: str = "figures", *, users_known: bool = True) -> str:
    """Say why figures, or other things, are suppressed."""
    conversations = count_of(disclosure.min_conversations, "conversation")
    users = f" or {count_of(disclosure.min_users, 'user')}" if users_known else ""
    return f"from fewer than {conversations}{users}, or to protect such {what}"


def draw(shown: Shown) -> Table:
    """Return a table as it is printed."""
    from rich.text import Text

    from taxonomy.cli.screen import plain, table

    left = [place for place, column in enumerate(shown.columns) if column.is_text]
    drawn = table(*(column.heading for column in shown.columns), left=left, title=shown.title)
    parts = [rows for _, rows in shown.rows.groupby(shown.each, sort=False)] if shown.each else [shown.rows]
    for rows in parts:
        for row in rows.head(shown.most).to_dict("records"):
            drawn.add_row(*(Text(plain(column.write(row))) for column in shown.columns))
        if len(rows) > shown.most:
            drawn.add_row(*_more(shown, len(rows) - shown.most, rows.iloc[0].to_dict()))
    return drawn


def _more(shown: Shown, count: int, row: Mapping[Any, Any]) -> list[str]:
    """Return a row that says how many are not shown, in the first column of text but that of `Shown.each`."""
    names = [column for column in shown.columns if column.is_text and column.cells != (shown.each,)]
    return [
        f"... and {count:,} more" if column is names[0] else column.write(row) if column.cells == (shown.each,) else ""
        for column in shown.columns
    ]
