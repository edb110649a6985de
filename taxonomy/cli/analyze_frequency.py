"""`value-taxonomy analyze frequency`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from taxonomy.cli.records import SIDES, Analysing, analysis_options

if TYPE_CHECKING:
    from taxonomy.questions.frequency import Frequency

# Nodes of a level in the terminal; all are in --out.
_SHOWN = 8


@click.command("frequency")
@analysis_options
@click.option("--side", type=click.Choice(SIDES), default="both", show_default=True, help="Whose values.")
@click.option(
    "--update", type=click.Path(path_type=Path), help="Write TAXONOMY here, with the conversations of its nodes."
)
def analyze_frequency(side: str, update: Path | None, analysis: Analysing) -> None:
    """Say how often each value, and each node above, is expressed in FILES.

    FILES are .parquet, .csv or .jsonl files, folders or globs. --update takes the figures of the first side asked for.

    \b
    Example:
      value-taxonomy analyze frequency records/ --taxonomy build/taxonomy.json --out frequency.csv
    """
    import pandas as pd

    from taxonomy.errors import InputError
    from taxonomy.formats.readers import read_taxonomy
    from taxonomy.mentions.tables import check_table_path, write_table
    from taxonomy.questions.frequency import frequency, with_conversations

    if update is not None and analysis.internal:
        raise click.UsageError("--update goes without --internal: no mark in a taxonomy would say so")
    if analysis.out is not None:
        check_table_path(analysis.out)
    with analysis.open(analysis.out) as records:
        sides = [one for one in records.sides() if side in (one, "both")]
        if not sides:
            raise InputError(
                f"no mention is of the {side} side", remedy="give records of it, or ask for the other side"
            )
        if update is not None and sides[0] == "human" and analysis.human_tree is not None:
            raise click.UsageError("--update writes --taxonomy: give the human side's own as that, with --side human")
        found = {one: frequency(analysis.place(records, one), **analysis.thresholds) for one in sides}
    if analysis.out is not None:
        tables = [one.table for one in found.values()]
        write_table(analysis.marked(pd.concat(tables, ignore_index=True)), analysis.out)
    if update is not None:
        with_conversations(read_taxonomy(analysis.tree), found[sides[0]]).save(update)
    if analysis.as_json:
        click.echo(json.dumps({one: _figures(analysis, figures) for one, figures in found.items()}, indent=1))
    elif not analysis.quiet:
        for one, figures in found.items():
            _print(one, figures, analysis)
        for path in (analysis.out, update):
            if path is not None:
                click.echo(f"Written to {path}")


def _figures(analysis: Analysing, found: Frequency) -> dict[str, Any]:
    """Return what JSON says of one side."""
    figures = {name: getattr(found, name) for name in ("conversations", "mentions", "values", "rare", "hidden")}
    return {**figures, "internal": analysis.internal, "nodes": found.table.to_dict("records")}


def _print(side: str, found: Frequency, analysis: Analysing) -> None:
    from rich.table import Table
    from rich.text import Text

    from taxonomy.cli.screen import console, plain
    from taxonomy.questions.frequency import RARE

    table = Table(box=None, pad_edge=False)
    for heading in ("level", "", "conversations", "share", "95% interval", "mentions", "share"):
        table.add_column(heading, justify="left" if heading in ("level", "") else "right")
    for level, rows in found.table.groupby("level", sort=False):
        for row in rows.head(_SHOWN).to_dict("records"):
            interval = f"{row['conversation_low']:.2%} to {row['conversation_high']:.2%}"
            table.add_row(
                str(level),
                Text(plain(row["label"])),
                f"{row['conversations']:,}",
                f"{row['conversation_share']:.2%}",
                interval,
                f"{row['mentions']:,}",
                f"{row['mention_share']:.2%}",
            )
        if len(rows) > _SHOWN:
            table.add_row(str(level), f"... and {len(rows) - _SHOWN:,} more")
    screen = console()
    screen.print(
        f"{side}: {found.conversations:,} conversations, {found.mentions:,} mentions of {found.values:,} values"
    )
    screen.print(table)
    screen.print(f"{found.rare:,} values ({found.rare / found.values:.1%}) are in under {RARE:.2%} of conversations")
    if analysis.internal:
        screen.print("Rare nodes are told: this is for use within\n")
    else:
        screen.print(f"{found.hidden:,} nodes are hidden: too few conversations or users, or next to one that is\n")
