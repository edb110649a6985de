"""`value-taxonomy stability`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("taxonomy", type=click.Path(path_type=Path))
@click.option("--runs", default=10, show_default=True, type=click.IntRange(2), help="How often to build it again.")
@click.option("--out", type=click.Path(path_type=Path), help="Where to write TAXONOMY with each node's stability.")
@click.option("--model", help="Model of the vectors (default: the one that TAXONOMY names).")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def stability(taxonomy: Path, runs: int, out: Path | None, model: str | None, quiet: bool) -> None:
    """Build TAXONOMY again from the strings and parameters it holds, and see what comes back.

    Every run has a seed of its own; every other one has a random 90% of the values.

    \b
    Example:
      value-taxonomy stability build/taxonomy.json --runs 10 --out build/taxonomy.json
    """
    from taxonomy.building.stability import measure_stability, rebuilder, with_stability
    from taxonomy.cli.screen import console, progress_bars, table
    from taxonomy.model import load
    from taxonomy.progress import stage_of
    from taxonomy.quality.findings import UNSTABLE
    from taxonomy.quality.vectors import tree_encoder

    tree = load(taxonomy)
    with progress_bars(quiet) as progress:
        encoder = tree_encoder(tree, model)
        vectors = encoder.encode([node.label for node in tree.leaves])
        told = stage_of(progress, "building again")
        found = measure_stability(tree, rebuilder(tree, vectors, encoder), runs=runs, progress=told)
    if out is not None:
        with_stability(tree, found).save(out)
    drawn = table("level", "AMI, other seeds", "AMI, 90% of values", "came back", "unstable")
    for level in found.levels:
        figures = [found.nodes[node.id] for node in tree.nodes if node.level == level.level and node.id in found.nodes]
        drawn.add_row(
            tree.levels[level.level].name,
            "none" if level.seeds is None else f"{level.seeds:.3f}",
            "none" if level.subsamples is None else f"{level.subsamples:.3f}",
            f"{sum(figures) / len(figures):.1%}",
            f"{sum(figure < UNSTABLE for figure in figures):,} of {len(figures):,}",
        )
    console().print(drawn)
