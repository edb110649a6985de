"""`value-taxonomy analyze mirroring`."""

from __future__ import annotations

import click

from taxonomy.cli.answers import Columns, answer, check_out, percent, whole
from taxonomy.cli.records import Analysing, analysis_options


@click.command("mirroring")
@analysis_options
def analyze_mirroring(analysis: Analysing) -> None:
    """Say how often the AI takes up a value, or a node above it, that people express, by type of response.

    The share by chance is that of people's values and the AI's values in other conversations of the same type.

    \b
    Example:
      value-taxonomy analyze mirroring records/ --taxonomy build/taxonomy.json --out mirroring.csv
    """
    from taxonomy.questions.mirroring import mirroring

    check_out(analysis)
    with analysis.open(analysis.out) as records:
        ai, human = analysis.place(records, "ai"), analysis.place(records, "human")
        found = mirroring(ai, human, **analysis.thresholds)
    shown: Columns = {"level": whole, "response": str, "conversations": whole, "mirrored": whole}
    shown |= dict.fromkeys(("share", "low", "high", "chance_share", "beyond_chance"), percent)
    tables = {"mirroring": found.table}
    screens = {f"level {level}": shown for level in found.table["level"].unique()}
    if not analysis.as_json:
        tables |= {f"level {level}": rows for level, rows in found.table.groupby("level", sort=False)}
    answer(analysis, tables, screens, found.hidden)
