"""`value-taxonomy analyze drift`."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

import click

from taxonomy.cli.periods import period_options, two_periods
from taxonomy.cli.records import Analysing, analysis_options

if TYPE_CHECKING:
    from taxonomy.mentions.records import Side
    from taxonomy.questions.drift import Drift

# Changed nodes of a level in the terminal; all nodes are in --out.
_SHOWN = 10


@click.command("drift")
@analysis_options
@period_options
def analyze_drift(side: Side, baseline: tuple[str, ...], split_at: datetime | None, analysis: Analysing) -> None:
    """Say which nodes rose or fell in FILES.

    FILES are .parquet, .csv or .jsonl files, folders or globs; they are compared with earlier records, --baseline, or
    parted in two with --split-at.

    \b
    Example:
      value-taxonomy analyze drift records/ --taxonomy build/taxonomy.json --split-at 2025-01-20 --out drift.csv
    """
    from taxonomy.mentions.tables import check_table_path, write_table
    from taxonomy.questions.drift import drift

    if analysis.out is not None:
        check_table_path(analysis.out)
    with two_periods(analysis, side, baseline, split_at) as (before, after):
        found = drift(before, after, **analysis.thresholds)
    if analysis.out is not None:
        write_table(analysis.marked(found.table), analysis.out)
    if analysis.as_json:
        figures = {name: getattr(found, name) for name in ("before", "after", "hidden")}
        rows = found.table.to_dict("records")
        click.echo(json.dumps({"side": side, **figures, "internal": analysis.internal, "nodes": rows}, indent=1))
    elif not analysis.quiet:
        _print(found, analysis)
        if analysis.out is not None:
            click.echo(f"Written to {analysis.out}")


def _print(found: Drift, analysis: Analysing) -> None:
    from rich.table import Table
    from rich.text import Text

    from taxonomy.cli.screen import console, plain
    from taxonomy.questions.drift import RATE

    table = Table(box=None, pad_edge=False)
    for heading in ("level", "", "", "before", "after", "ratio", "95% interval", "q"):
        table.add_column(heading, justify="left" if heading in ("level", "") else "right")
    changed = found.table[found.table["change"] != ""]
    for level, rows in changed.groupby("level", sort=False):
        for row in rows.head(_SHOWN).to_dict("records"):
            table.add_row(
                str(level),
                row["change"],
                Text(plain(row["label"])),
                f"{row['share_before']:.2%}",
                f"{row['share_after']:.2%}",
                f"{row['ratio']:.2f}",
                f"{row['ratio_low']:.2f} to {row['ratio_high']:.2f}",
                f"{row['q']:.1g}",
            )
        if len(rows) > _SHOWN:
            table.add_row(str(level), "", f"... and {len(rows) - _SHOWN:,} more")
    screen = console()
    screen.print(f"{found.before:,} conversations before, {found.after:,} after")
    screen.print(f"{len(changed):,} of {len(found.table):,} nodes changed, at a false discovery rate of {RATE:.0%}")
    if len(changed):
        screen.print(table)
    if analysis.internal:
        screen.print("Rare nodes are told: this is for use within")
    else:
        screen.print(f"{found.hidden:,} nodes are hidden: too few conversations or users, or next to one that is")
