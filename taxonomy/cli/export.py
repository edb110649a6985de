"""`value-taxonomy export`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click


@click.command()
@click.argument("taxonomy", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--base-iri", metavar="IRI", help="For SKOS: what stands before each id (default: a urn).")
@click.option("--issued", type=click.DateTime(["%Y-%m-%d"]), help="For SKOS: when this version was published.")
def export(taxonomy: Path, file: Path, base_iri: str | None, issued: datetime | None) -> None:
    """Write TAXONOMY to FILE in the format that its ending names.

    Endings are .json, .csv (the published six columns), .ttl, .rdf and .jsonld (SKOS), .graphml, .node-link.json,
    .parquet, .md and .html (the page without map and nearest nodes, which explore adds).

    \b
    Example:
      value-taxonomy export build/taxonomy.json values.ttl --base-iri https://example.org/values/
    """
    from taxonomy.cli.reading import read_tree
    from taxonomy.cli.screen import plain, waiting
    from taxonomy.publishing import write_taxonomy

    with waiting("reading"):
        tree = read_tree(taxonomy)
    with waiting("writing"):
        write_taxonomy(tree, file, base_iri=base_iri, issued=issued.date() if issued else None)
    click.echo(f"Written to {plain(str(file))}")
