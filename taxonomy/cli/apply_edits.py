"""`value-taxonomy apply-edits`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from taxonomy.versions.replay import Outcome


@click.command("apply-edits")
@click.argument("taxonomy", type=click.Path(path_type=Path))
@click.option("--edits", required=True, type=click.Path(path_type=Path), help="The edits file.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The taxonomy.json to write.")
@click.option("--strict", is_flag=True, help="Exit with 1 if an edit does not apply.")
def apply_edits(taxonomy: Path, edits: Path, out: Path, strict: bool) -> None:
    """Apply an edits file to TAXONOMY, a taxonomy.json or a .csv of the published six columns, as its next version.

    \b
    Example:
      value-taxonomy apply-edits build/taxonomy.json --edits edits.toml --out build/taxonomy.json
    """
    from taxonomy.cli.reading import read_tree
    from taxonomy.versions.edits import read_edits
    from taxonomy.versions.replay import apply_edits as apply

    tree, outcomes = apply(read_tree(taxonomy), read_edits(edits))
    tree.save(out)
    print_outcomes(outcomes)
    click.echo(f"Version {tree.version} written to {out}")
    if strict and any(outcome.status == "does not apply" for outcome in outcomes):
        raise SystemExit(1)


def print_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Print how many edits were followed, and each that was not."""
    from collections import Counter

    from taxonomy.cli.screen import plain

    counts = Counter(outcome.status for outcome in outcomes)
    click.echo(f"{len(outcomes)} edits: {', '.join(f'{count} {status}' for status, count in sorted(counts.items()))}")
    for outcome in outcomes:
        if outcome.status in ("superseded", "does not apply"):
            click.echo(plain(f"line {outcome.edit.line}: {outcome.edit}: {outcome.status}: {outcome.reason}"))
