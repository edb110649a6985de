"""`value-taxonomy label`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from taxonomy.cli.language_model import language_model_options, take_labelling


@click.command()
@click.argument("taxonomy", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="File to write (default: TAXONOMY itself).")
@language_model_options
@click.option("--model", help="Embedding model (default: the one that TAXONOMY names, else minilm).")
@click.option("--quiet", is_flag=True, help="Print errors only.")
def label(taxonomy: Path, out: Path | None, model: str | None, quiet: bool, **options: Any) -> None:
    """Name the nodes of TAXONOMY, a taxonomy.json or a .csv of the published six columns, by a language model.

    Labels that people or the domains file gave stay. The key is taken from ANTHROPIC_API_KEY or OPENAI_API_KEY. Every
    answer is kept, so that a run that was killed goes on where it was, and a second one asks nothing.

    \b
    Example:
      value-taxonomy label build/taxonomy.json --llm anthropic/NAME --dry-run
      value-taxonomy label build/taxonomy.json --llm openai/NAME --llm-base-url http://localhost:8000/v1
    """
    from taxonomy.cli.screen import progress_bars
    from taxonomy.formats.readers import read_taxonomy
    from taxonomy.labels.language_model import label_tree
    from taxonomy.progress import stage_of
    from taxonomy.quality.vectors import embed_tree

    labelling = take_labelling(options, wanted=True, quiet=quiet)
    assert labelling is not None
    if out is None and taxonomy.suffix.lower() == ".csv" and not labelling.dry_run:
        raise click.UsageError("name the taxonomy.json to write with --out")
    tree = read_taxonomy(taxonomy)
    with progress_bars(quiet) as progress:
        told = stage_of(progress, "embedding")
        vectors = embed_tree(tree, model=model, labels=False, progress=told).values
        labelled, done = label_tree(tree, vectors, labelling, progress=progress)
    labelled.save(out or taxonomy)
    labelling.report_failures(done.failures)
