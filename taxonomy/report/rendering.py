"""A report as one page of HTML, or as Markdown."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from taxonomy.english.plurals import count_of
from taxonomy.formats.markdown import escape_markdown
from taxonomy.report.parts import Chart, Report, Row, format_percent, format_points

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
# The width of a drawing, in its own units.
WIDTH = 1000


@dataclass(frozen=True)
class Drawn:
    """A row with its texts, and where it is drawn, from 0 to `WIDTH`."""

    row: Row
    figure: str
    interval: str
    mark_figure: str
    zero: float
    start: float
    width: float
    low: float | None
    high: float | None
    mark: float | None


def render_html(report: Report, folder: str) -> str:
    """Return one page that loads nothing and runs nothing.

    Parameters
    ----------
    report : Report
    folder : str
        The name of the folder of tables, beside the page.
    """
    style = (HERE / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        _environment()
        .get_template("report.html.j2")
        .render(report=report, folder=folder, style=style, digest=digest, draw=draw, width=WIDTH)
    )


def render_markdown(report: Report, folder: str) -> str:
    """Return the same as Markdown: a table where the page has a chart."""
    page = _environment().get_template("report.md.j2").render(report=report, folder=folder, draw=draw)
    return page.rstrip("\n") + "\n"


def draw(chart: Chart) -> Sequence[Drawn]:
    """Return the rows of a chart as they are drawn and written."""
    ends = [end for row in chart.rows for end in (row.value, row.low, row.high, row.mark or 0.0) if not math.isnan(end)]
    most = max((abs(end) for end in ends), default=1.0) or 1.0
    low, high = (-most, most) if chart.kind == "difference" else (0.0, most)
    write = format_points if chart.kind == "difference" else format_percent

    def place(value: float) -> float:
        return round((value - low) / (high - low) * WIDTH, 1)

    drawn = []
    for row in chart.rows:
        has_interval = not math.isnan(row.low)
        start, end = sorted((place(0.0), place(row.value)))
        drawn.append(
            Drawn(
                row=row,
                figure=write(row.value),
                interval=f"{write(row.low)} to {write(row.high)}" if has_interval else "",
                mark_figure="" if row.mark is None else format_percent(row.mark),
                zero=place(0.0),
                start=start,
                width=round(end - start, 1),
                low=place(row.low) if has_interval else None,
                high=place(row.high) if has_interval else None,
                mark=None if row.mark is None else place(row.mark),
            )
        )
    return drawn


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    # In Markdown nothing is escaped by itself: its template escapes every text by name.
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters["plain"] = escape_markdown
    environment.filters["count_of"] = count_of
    return environment
