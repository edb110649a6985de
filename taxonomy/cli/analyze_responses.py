"""`value-taxonomy analyze responses`."""

from __future__ import annotations

import click

from taxonomy.cli.answers import Columns, answer, check_out, figure, p_value, percent, whole
from taxonomy.cli.records import Analysing, analysis_options


@click.command("responses")
@analysis_options
def analyze_responses(analysis: Analysing) -> None:
    """Say how the AI responds to people's values, and which of its values go with that.

    --out has the associations of nodes with response types; --json has the other tables, too.

    \b
    Example:
      value-taxonomy analyze responses records/ --taxonomy build/taxonomy.json --out responses.csv
    """
    from taxonomy.questions.responses import responses

    check_out(analysis)
    with analysis.open(analysis.out) as records:
        found = responses(analysis.place(records, "ai"), **analysis.thresholds)
    table = found.associations
    tables = {"associations": table, "response types": found.types, "said explicitly": found.explicit}
    if not analysis.as_json:
        stands = table[(table["p_fdr"] < 0.05) & (table["residual"] > 0)]
        tables["goes with"] = stands.sort_values("residual", ascending=False, kind="stable")
    share: Columns = {"share": percent, "low": percent, "high": percent}
    goes: Columns = {"level": whole, "label": str, "category": str, "conversations": whole, **share}
    screens: dict[str, Columns] = {
        "response types": {"response": str, "conversations": whole, **share},
        "goes with": {**goes, "residual": figure, "p_fdr": p_value},
        "said explicitly": {"response": str, "level": whole, "label": str, "mentions": whole, **share},
    }
    answer(analysis, tables, screens, found.hidden)
