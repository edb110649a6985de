"""`value-taxonomy lint`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("taxonomy", type=click.Path(path_type=Path))
@click.option("--fail-on", default="", metavar="CODE,CODE", help="Exit with 1 if there is a finding of these codes.")
def lint(taxonomy: Path, fail_on: str) -> None:
    """List what a taxonomist should look at in TAXONOMY.

    \b
    Example:
      value-taxonomy lint build/taxonomy.json --fail-on single-child
    """
    from collections import Counter

    from taxonomy.cli.draw import plain
    from taxonomy.model import load
    from taxonomy.quality.lint import CHECKS
    from taxonomy.quality.lint import lint as find

    gates = {code.strip() for code in fail_on.split(",") if code.strip()}
    unknown = sorted(gates - set(CHECKS))
    if unknown:
        raise click.BadParameter(f"no code {unknown[0]!r}; codes are {', '.join(CHECKS)}", param_hint="--fail-on")
    findings = find(load(taxonomy))
    for finding in findings:
        click.echo(f"{finding.code}  {finding.node}  {plain(finding.message)}")
    counts = Counter(finding.code for finding in findings)
    click.echo(", ".join(f"{count} {code}" for code, count in sorted(counts.items())) or "nothing found")
    if gates & set(counts):
        raise SystemExit(1)
