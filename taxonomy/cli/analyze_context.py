"""`value-taxonomy analyze context`."""

from __future__ import annotations

import click

from taxonomy.cli.answers import Columns, answer, check_out, figure, p_value, percent, whole
from taxonomy.cli.records import Analysing, analysis_options


@click.command("context")
@analysis_options
@click.option("--by", "column", default="task", show_default=True, help="A column of conversations, or human-value.")
@click.option("--level", type=click.IntRange(0), help="Show nodes of this level only.")
def analyze_context(column: str, level: int | None, analysis: Analysing) -> None:
    """Say which of the AI's values go with which task, model, language or human value.

    Shown are the associations that stand after the correction of Benjamini and Hochberg (p_fdr under 0.05), the
    largest residuals first. --out has all that may be told.

    \b
    Example:
      value-taxonomy analyze context records/ --taxonomy build/taxonomy.json --by task --out context.csv
    """
    from taxonomy.questions.contexts import context, human_context

    check_out(analysis)
    with analysis.open(analysis.out) as records:
        ai = analysis.place(records, "ai")
        if column == "human-value":
            found = human_context(ai, analysis.place(records, "human"), **analysis.thresholds)
        else:
            found = context(ai, column, **analysis.thresholds)
    table = found.associations
    variation = found.variation
    if level is not None:
        table, variation = table[table["level"] == level], variation[variation["level"] == level]
    stands = table[table["p_fdr"] < 0.05].sort_values("residual", key=abs, ascending=False, kind="stable")
    shown: Columns = {"level": whole, "label": str, "category": str, "conversations": whole, "share": percent}
    shown |= {"expected": figure, "residual": figure, "p_fdr": p_value}
    varied: Columns = {"level": whole, "label": str, "conversations": whole}
    varied |= dict.fromkeys(("cv", "cv_low", "cv_high", "cv_by_chance"), figure)
    tables = {"associations": table, "variation": variation}
    if not analysis.as_json:
        tables["goes with"] = stands
        tables["steadiest across categories"] = variation[variation["level"] == (level or 0)]
    screens = {"goes with": shown, "steadiest across categories": varied}
    if column == "human-value":
        # A conversation can hold several, so there is no share in each to compare.
        del screens["steadiest across categories"]
    answer(analysis, tables, screens, found.hidden)
    low = int(table.drop_duplicates("node")["low_expected"].sum()) if "low_expected" in table else 0
    if low and not analysis.quiet:
        click.echo(f"{low:,} nodes have expected counts under 5: their chi-square is not to be trusted", err=True)
