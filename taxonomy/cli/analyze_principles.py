"""`value-taxonomy analyze principles`."""

from __future__ import annotations

from pathlib import Path

import click

from taxonomy.cli.answers import Columns, answer, check_out, percent, whole
from taxonomy.cli.records import Analysing, analysis_options


@click.command("principles")
@analysis_options
@click.option("--principles", "path", type=click.Path(path_type=Path), help="A TOML file of principles and nodes.")
def analyze_principles(path: Path | None, analysis: Analysing) -> None:
    """Say what share of the AI's mentions serves each top principle: helpful, honest, harmless.

    \b
    Example:
      value-taxonomy analyze principles records/ --taxonomy build/taxonomy.json
    """
    from taxonomy.questions.principles import BUNDLED, load_principles, principles

    check_out(analysis)
    mapping = load_principles(path or BUNDLED)
    with analysis.open(analysis.out) as records:
        found = principles(analysis.place(records, "ai"), mapping, **analysis.thresholds)
    if found.absent and not analysis.quiet:
        named = ", ".join(found.absent[:5]) + (" ..." if len(found.absent) > 5 else "")
        click.echo(f"{len(found.absent)} names of principles are no node of the taxonomy: {named}", err=True)
    shown: Columns = {"principle": str, "mentions": whole, "mention_share": percent, "mention_low": percent}
    shown |= {"mention_high": percent, "conversations": whole, "conversation_share": percent}
    answer(analysis, {"principles": found.table}, {"principles": shown}, found.hidden)
