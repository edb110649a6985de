"""`value-taxonomy migrate`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The .tsv file to write.")
def migrate(old: Path, new: Path, out: Path) -> None:
    """Write which ids of NEW the ids of OLD are, as an SSSOM mapping set.

    \b
    Example:
      value-taxonomy migrate old/taxonomy.json build/taxonomy.json --out map.tsv
    """
    from collections import Counter

    from taxonomy.cli.reading import read_tree
    from taxonomy.files import replace_file
    from taxonomy.versions.mapping import NO_MATCH, mappings, sssom_tsv

    old_tree, new_tree = read_tree(old), read_tree(new)
    replace_file(out, sssom_tsv(old_tree, new_tree).encode())
    found = Counter(one.predicate if one.new else NO_MATCH for one in mappings(old_tree, new_tree))
    click.echo(", ".join(f"{count:,} {predicate}" for predicate, count in sorted(found.items())))
    click.echo(f"Written to {out}")
