"""`value-taxonomy import`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The taxonomy.json to write.")
@click.option("--frequencies", type=click.Path(path_type=Path), help="A table of strings and their frequencies.")
def import_(file: Path, out: Path, frequencies: Path | None) -> None:
    """Turn FILE, a .csv of the published six columns or SKOS as .ttl, .rdf or .jsonld, into a taxonomy.json.

    With --frequencies, values weigh what that table says; strings of it that FILE does not have are counted.

    \b
    Example:
      value-taxonomy import values_tree.csv --frequencies values_frequencies.csv --out taxonomy.json
    """
    from taxonomy.cli.reading import read_tree
    from taxonomy.cli.screen import plain, waiting
    from taxonomy.formats.weights import apply_frequencies

    with waiting("reading"):
        tree = read_tree(file)
    coverage = None
    if frequencies is not None:
        tree, coverage = apply_frequencies(tree, frequencies)
    tree.save(out)
    click.echo(plain(" / ".join(f"{level.size:,} {level.name}s" for level in reversed(tree.levels))))
    if coverage:
        click.echo(
            f"frequencies: {coverage.matched:,} strings in the tree, "
            f"{coverage.outside:,} outside ({coverage.outside_weight:,g} {tree.weight_unit}), "
            f"{coverage.without:,} values without"
        )
    click.echo(f"Written to {plain(str(out))}")
