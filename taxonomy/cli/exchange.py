"""Commands that bring taxonomies in and out: export, import, fetch."""

from __future__ import annotations

import logging
import sys
from datetime import datetime
from pathlib import Path

import click

from taxonomy.cli.options import PATH, Choice, deprecated, out_option, taxonomy_argument


@click.command("export")
@taxonomy_argument
@click.argument("file", type=PATH, required=False, metavar="")
@click.option("--out", type=PATH, help="The file to write.  [required]")
@click.option("--base-iri", metavar="IRI", help="For SKOS: what stands before each id (default: a urn).")
@click.option("--issued", type=click.DateTime(["%Y-%m-%d"]), help="For SKOS: when this version was published.")
@click.option("--sheet", is_flag=True, help="As a .csv to change in a spreadsheet: see the command edit.")
def export_command(
    taxonomy: Path, file: Path | None, out: Path | None, base_iri: str | None, issued: datetime | None, sheet: bool
) -> None:
    """Write a taxonomy in another format.

    The ending of --out names it: .json, .csv (the published six columns), .ttl, .rdf and .jsonld (SKOS), .graphml,
    .node-link.json, .parquet, .md and .html (the page without map and nearest nodes, which explore adds).

    \b
    Example:
      value-taxonomy export build/taxonomy.json --out values.ttl --base-iri https://example.org/values/
      value-taxonomy export build/taxonomy.json --sheet --out sheet.csv
    """
    from taxonomy.cli.screen import print_written, waiting
    from taxonomy.files import replace_file
    from taxonomy.formats.readers import read

    if file is not None and out is None:
        deprecated("export TAXONOMY FILE", "export TAXONOMY --out FILE")
        out, file = file, None
    if out is None:
        raise click.UsageError("name the file to write with --out")
    if file is not None:
        raise click.UsageError(f"export takes one taxonomy: what is {file}?")
    if sheet and (base_iri is not None or issued is not None):
        raise click.UsageError("--base-iri and --issued are for SKOS, not for --sheet")
    if sheet and out.suffix.lower() != ".csv":
        raise click.BadParameter(f"{out} does not end in .csv, as a sheet does", param_hint="--out")
    with waiting("reading"):
        tree = read(taxonomy)
    with waiting("writing"):
        if sheet:
            from taxonomy.versions.sheet import taxonomy_sheet

            replace_file(out, taxonomy_sheet(tree).encode())
        else:
            tree.write(out, base_iri=base_iri, issued=issued.date() if issued else None)
    print_written(out, f"change it, then: value-taxonomy edit {taxonomy} --from-sheet {out}" if sheet else "")


@click.command("import")
@click.argument("file", type=PATH)
@out_option("The taxonomy.json to write.")
@click.option("--frequencies", type=PATH, help="A table of strings and their frequencies.")
def import_command(file: Path, out: Path, frequencies: Path | None) -> None:
    """Turn a taxonomy in another format into a taxonomy.json.

    FILE is a .csv of the published six columns, or SKOS as .ttl, .rdf or .jsonld. With --frequencies, values weigh what
    that table says; strings of it that FILE does not have are counted.

    \b
    Example:
      value-taxonomy import values_tree.csv --frequencies values_frequencies.csv --out taxonomy.json
    """
    from taxonomy.cli.screen import level_sizes, plain, print_written, waiting
    from taxonomy.english.plurals import count_of
    from taxonomy.formats.readers import read
    from taxonomy.formats.weights import apply_frequencies

    with waiting("reading"):
        tree = read(file)
    coverage = None
    if frequencies is not None:
        tree, coverage = apply_frequencies(tree, frequencies)
    tree.write(out)
    click.echo(plain(level_sizes(tree)))
    if coverage:
        click.echo(
            f"frequencies: {count_of(coverage.matched, 'string')} in the tree, "
            f"{coverage.outside:,} outside ({coverage.outside_weight:,g} {tree.weight_unit}), "
            f"{count_of(coverage.without, 'value')} without"
        )
    print_written(out)


@click.command("fetch")
@click.argument("dataset", type=Choice(["values-in-the-wild"]))
@out_option("Folder to write.")
@click.option("--file", "files", multiple=True, help="A file of it, may be repeated (default: all).")
def fetch_command(dataset: str, out: Path, files: tuple[str, ...]) -> None:
    """Download the published strings and tree from their public home, and check what came.

    \b
    Example:
      value-taxonomy fetch values-in-the-wild --out published/
    """
    from huggingface_hub.utils.logging import set_verbosity

    from taxonomy.cli.screen import print_written
    from taxonomy.datasets import DATASETS, fetch

    if not sys.stderr.isatty():
        # Its retries are progress to who waits for them, and noise in a log.
        set_verbosity(logging.CRITICAL)
    source = DATASETS[dataset]
    for path in fetch(source, out, files or tuple(source.sha256)):
        print_written(path)
