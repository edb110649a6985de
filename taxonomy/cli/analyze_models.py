"""`value-taxonomy analyze models`."""

from __future__ import annotations

import click

from taxonomy.cli.answers import Columns, answer, check_out, figure, p_value, percent, whole
from taxonomy.cli.records import Analysing, analysis_options


@click.command("models")
@analysis_options
@click.option("--control", default="task", show_default=True, help="A column that does not count as a difference.")
@click.option("--no-control", is_flag=True, help="Compare models as they are, whatever each was asked for.")
def analyze_models(control: str, no_control: bool, analysis: Analysing) -> None:
    """Say what each model says more or less than the others, where both are asked for the same.

    Shown are differences that stand after the correction of Benjamini and Hochberg (p_fdr under 0.05).

    \b
    Example:
      value-taxonomy analyze models records/ --taxonomy build/taxonomy.json --out models.csv
    """
    from click.core import ParameterSource

    from taxonomy.questions.compared_models import models

    given = click.get_current_context().get_parameter_source("control")
    if no_control and given is ParameterSource.COMMANDLINE:
        raise click.UsageError("--control and --no-control exclude each other")
    check_out(analysis)
    with analysis.open(analysis.out) as records:
        placed = analysis.place(records, "ai")
        found = models(placed, control=None if no_control else control, **analysis.thresholds)
    tables = {"models": found.table}
    if not analysis.as_json:
        tables["differences"] = found.table[found.table["p_fdr"] < 0.05].sort_values("p", kind="stable")
        tables["said by one model only"] = found.table[found.table["only"]]
    shown: Columns = {"level": whole, "label": str, "model": str, "conversations": whole}
    shown |= dict.fromkeys(("share", "others_share", "difference", "controlled_difference"), percent)
    shown |= {"odds_ratio": figure, "p_fdr": p_value}
    only: Columns = {"level": whole, "label": str, "model": str, "conversations": whole, "share": percent}
    answer(analysis, tables, {"differences": shown, "said by one model only": only}, found.hidden)
