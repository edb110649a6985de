"""`value-taxonomy lint`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from taxonomy.model import Taxonomy
    from taxonomy.quality.vectors import TreeVectors


@click.command()
@click.argument("taxonomy", type=click.Path(path_type=Path))
@click.option("--fail-on", default="", metavar="CODE,CODE", help="Exit with 1 if there is a finding of these codes.")
@click.option("--model", help="Model for the checks by likeness (default: the one that TAXONOMY names, else minilm).")
@click.option("--no-vectors", is_flag=True, help="Leave out the checks by likeness, which need a model.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def lint(taxonomy: Path, fail_on: str, model: str | None, no_vectors: bool, quiet: bool) -> None:
    """List what a taxonomist should look at in TAXONOMY, in any format that import reads.

    \b
    Example:
      value-taxonomy lint build/taxonomy.json --fail-on single-child,opposites
    """
    from collections import Counter

    from taxonomy.cli.reading import read_tree
    from taxonomy.cli.screen import plain
    from taxonomy.quality.findings import CHECKS, VECTOR_CHECKS
    from taxonomy.quality.findings import lint as find

    codes = sorted(CHECKS if no_vectors else [*CHECKS, *VECTOR_CHECKS])
    gates = {code.strip() for code in fail_on.split(",") if code.strip()}
    unknown = sorted(gates - set(codes))
    if unknown:
        without = " without vectors" if no_vectors else ""
        problem = f"no code {unknown[0]!r}{without}; codes are {', '.join(codes)}"
        raise click.BadParameter(problem, param_hint="--fail-on")
    if no_vectors and model:
        raise click.UsageError("--model and --no-vectors exclude each other")
    tree = read_tree(taxonomy)
    findings = find(tree, None if no_vectors else _embed(tree, model, quiet))
    for finding in findings:
        click.echo(f"{finding.code}  {plain(finding.node)}  {plain(finding.message)}")
    counts = Counter(finding.code for finding in findings)
    click.echo(", ".join(f"{count} {code}" for code, count in sorted(counts.items())) or "nothing found")
    if no_vectors:
        click.echo(f"not checked: {', '.join(VECTOR_CHECKS)}")
    if gates & set(counts):
        raise SystemExit(1)


def _embed(tree: Taxonomy, model: str | None, quiet: bool) -> TreeVectors:
    from embeddings.errors import EmbeddingError
    from taxonomy.cli.screen import progress_bars
    from taxonomy.errors import TaxonomyError
    from taxonomy.progress import stage_of
    from taxonomy.quality.vectors import embed_tree

    try:
        with progress_bars(quiet) as progress:
            told = stage_of(progress, "embedding")
            return embed_tree(tree, model=model, progress=told)
    except EmbeddingError as error:
        message = f"the checks by likeness need a model: {error}; or leave them out with --no-vectors"
        raise TaxonomyError(message) from error
