"""`value-taxonomy assign`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("taxonomy", type=click.Path(path_type=Path))
@click.argument("values")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The .csv file to write.")
@click.option("--min-confidence", default=0.0, show_default=True, type=click.FloatRange(0, 1), help="Else unplaced.")
@click.option(
    "--update", type=click.Path(path_type=Path), help="Write a new version with the placed values in it here."
)
@click.option("--model", help="Model (default: the one that TAXONOMY names, else minilm).")
@click.option("--value-column", help="Column of the values (default: value).")
@click.option("--weight-column", help="Column of the weights (default: count, mentions or pct_convos).")
@click.option("--quiet", is_flag=True, help="Print errors only.")
def assign(
    taxonomy: Path,
    values: str,
    out: Path,
    min_confidence: float,
    update: Path | None,
    model: str | None,
    value_column: str | None,
    weight_column: str | None,
    quiet: bool,
) -> None:
    """Say where VALUES belong in TAXONOMY, without building it again.

    VALUES is a .txt, .csv, .tsv, .jsonl or .parquet file, or - for standard input; TAXONOMY a taxonomy.json or a .csv
    of the published six columns.

    \b
    Example:
      value-taxonomy assign build/taxonomy.json new.csv --out placed.csv --min-confidence 0.55
    """
    from collections import Counter

    from taxonomy.cli.reading import read_tree
    from taxonomy.cli.screen import progress_bars
    from taxonomy.files import replace_file
    from taxonomy.formats.csv import placed_csv
    from taxonomy.placement import add_assigned
    from taxonomy.placement import assign as place
    from taxonomy.progress import stage_of
    from taxonomy.values import read_values

    tree = read_tree(taxonomy)
    value_set = read_values(Path(values), value_column=value_column, weight_column=weight_column)
    with progress_bars(quiet) as progress:
        told = stage_of(progress, "embedding")
        assignments = place(tree, value_set, model=model, min_confidence=min_confidence, progress=told)
    replace_file(out, placed_csv(tree, assignments, value_set.rejected).encode())
    grown = None
    if update is not None:
        grown = add_assigned(tree, value_set, assignments)
        grown.save(update)
    if quiet:
        return
    counts = Counter(one.status for one in assignments)
    known = counts["value"] + counts["alias"]
    click.echo(
        f"{known:,} known, {counts['placed']:,} placed, {counts['unplaced']:,} unplaced, "
        f"{len(value_set.rejected):,} rejected"
    )
    click.echo(f"Written to {out}")
    if grown is not None:
        click.echo(f"Version {grown.version} written to {update}")
        if value_set.weight_unit != grown.weight_unit and grown.weight_unit != "mentions":
            click.echo(f"New values weigh nothing: they count {value_set.weight_unit}, not {grown.weight_unit}")
