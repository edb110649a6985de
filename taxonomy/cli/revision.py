"""Commands between one version and the next: diff, migrate, assign."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from taxonomy.cli.options import (
    PATH,
    Choice,
    check_spark_options,
    column_options,
    deprecated,
    model_option,
    out_option,
    quiet_option,
    spark_master_option,
    taxonomy_option,
)

# As `versions.number.Bump`, the least first; the import of which takes longer than the answer to --help may.
BUMPS = ("patch", "minor", "major")
# Lines of a diff in a terminal.
LINES = 100


@click.command("diff")
@click.argument("old", type=PATH)
@click.argument("new", type=PATH)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--changelog", is_flag=True, help="Print Markdown for a change log, by domain, with reasons.")
@click.option("--all", "everything", is_flag=True, help="List recounts, annotations and reviews, too.")
@click.option("--fail-on", type=Choice(BUMPS), help="Exit with 1 if the change is of this weight or more.")
def diff_command(old: Path, new: Path, as_json: bool, changelog: bool, everything: bool, fail_on: str | None) -> None:
    """Say what changed from one version to another.

    OLD and NEW are in any format that import reads. Recounts, annotations and reviews are counted; all else is listed,
    in a terminal up to 100 lines.

    \b
    Example:
      value-taxonomy diff old/taxonomy.json build/taxonomy.json --fail-on major
      value-taxonomy diff old/taxonomy.json build/taxonomy.json --changelog > changes.md
    """
    from taxonomy.cli.screen import console
    from taxonomy.formats.readers import read
    from taxonomy.versions.changelog import as_markdown, as_text
    from taxonomy.versions.diff import Diff

    if as_json and changelog:
        raise click.UsageError("--json and --changelog exclude each other")
    difference = Diff.between(read(old), read(new))
    screen = console()
    if as_json:
        click.echo(json.dumps(difference.to_dict(all=everything), indent=1, ensure_ascii=False))
    elif changelog:
        _print_lines(as_markdown(difference, all=everything))
    elif screen.is_terminal:
        _fit(partial(as_text, difference, all=everything), screen.width)
    else:
        _print_lines(as_text(difference, all=everything))
    if fail_on and difference.bump and BUMPS.index(difference.bump) >= BUMPS.index(fail_on):
        raise SystemExit(1)


def _fit(text: Callable[..., str], width: int) -> None:
    """Print a text that can be of fewer `lines`; its head is broken to the width, and what follows is cut to it."""
    head = text(lines=LINES).partition("\n\n")[0].splitlines()
    rows = [row for line in head for row in wrap(line, width)]
    for line in [*rows, *text(lines=LINES - len(rows) + len(head)).splitlines()[len(head) :]]:
        click.echo(line if len(line) <= width else line[: width - 1] + "…")


def _print_lines(text: str) -> None:
    from taxonomy.cli.screen import plain

    for line in text.splitlines():
        click.echo(plain(line))


@click.command("migrate")
@click.argument("old", type=PATH)
@click.argument("new", type=PATH)
@out_option("The .tsv file to write.")
def migrate_command(old: Path, new: Path, out: Path) -> None:
    """Write which ids of the new version the ids of the old one are, as an SSSOM mapping set.

    \b
    Example:
      value-taxonomy migrate old/taxonomy.json build/taxonomy.json --out map.tsv
    """
    from collections import Counter

    from taxonomy.cli.screen import print_written
    from taxonomy.files import replace_file
    from taxonomy.formats.readers import read
    from taxonomy.versions.mapping import NO_MATCH, mappings, sssom_tsv

    old_tree, new_tree = read(old), read(new)
    replace_file(out, sssom_tsv(old_tree, new_tree).encode())
    counts = Counter(mapping.predicate if mapping.new else NO_MATCH for mapping in mappings(old_tree, new_tree))
    click.echo(", ".join(f"{count:,} {predicate}" for predicate, count in sorted(counts.items())))
    print_written(out)


@click.command("assign")
@click.argument("values")
@click.argument("old_values", required=False, metavar="")
@taxonomy_option
@click.option("--out", required=True, help="The .csv file to write; with --spark-master, a Parquet folder or its URL.")
@click.option("--min-confidence", default=0.0, show_default=True, type=click.FloatRange(0, 1), help="Else unplaced.")
@click.option("--update", type=PATH, help="Write a new version with the placed values in it here.")
@model_option("Model")
@spark_master_option("Embed and place")
@column_options
@quiet_option
def assign_command(
    values: str,
    old_values: str | None,
    taxonomy: Path | None,
    out: str,
    update: Path | None,
    spark_master: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Say where new values belong in a taxonomy, without building it again.

    VALUES is a .txt, .csv, .tsv, .jsonl, .json or .parquet file, or - for standard input. With --spark-master it is a
    Parquet file or folder, or its URL, and no row passes through this machine.

    \b
    Example:
      value-taxonomy assign new.csv --taxonomy build/taxonomy.json --out placed.csv --min-confidence 0.55
      value-taxonomy assign new.parquet --taxonomy build/taxonomy.json --spark-master spark://HOST:7077 --out placed
    """
    from taxonomy.cli.screen import print_written
    from taxonomy.formats.readers import read
    from taxonomy.placement import assign_on_spark

    values, taxonomy = _inputs(values, old_values, taxonomy)
    if spark_master is None:
        _assign_here(values, taxonomy, out, update=update, quiet=quiet, **options)
        return
    if update is not None:
        raise click.UsageError("--update takes values that fit in one process, and goes without --spark-master")
    check_spark_options()
    assigned = assign_on_spark(values, read(taxonomy), out, master=spark_master, **options)
    if not quiet:
        _print_counts(assigned.counts, assigned.unknown_words)
        print_written(out)


def _inputs(values: str, old_values: str | None, taxonomy: Path | None) -> tuple[str, Path]:
    """Return the values and the taxonomy, of a command as it is written now or was before."""
    if old_values is not None and taxonomy is None:
        deprecated("assign TAXONOMY VALUES", "assign VALUES --taxonomy TAXONOMY")
        return old_values, Path(values)
    if taxonomy is None:
        raise click.UsageError("name the taxonomy with --taxonomy")
    if old_values is not None:
        raise click.UsageError(f"assign takes one file of values: what is {old_values}?")
    return values, taxonomy


def _assign_here(values: str, taxonomy: Path, out: str, *, update: Path | None, quiet: bool, **options: Any) -> None:
    from taxonomy.cli.screen import plain, print_written, progress_bars
    from taxonomy.files import updating
    from taxonomy.formats.readers import read
    from taxonomy.placement import assign
    from taxonomy.progress import stage_of
    from taxonomy.publishing import check_ending

    if update is not None:
        check_ending(update)
    with updating(taxonomy, update) as check:
        with progress_bars(quiet) as progress:
            assigned = assign(values, read(taxonomy), progress=stage_of(progress, "embedding"), **options)
        check()
        assigned.write(out)
        if update is not None:
            assigned.tree.write(update)
    if quiet:
        return
    _print_counts(assigned.counts, assigned.unknown_words)
    print_written(out)
    if update is not None:
        grown, unit = assigned.tree, assigned.values.weight_unit
        click.echo(plain(f"Version {grown.version} written to {update}"))
        if unit != grown.weight_unit and grown.weight_unit != "mentions":
            click.echo(f"New values weigh nothing: they count {unit}, not {grown.weight_unit}")


def _print_counts(counts: Mapping[str, int], unknown: int) -> None:
    from taxonomy.cli.screen import unknown_words

    click.echo(
        f"{counts['value'] + counts['alias']:,} known, {counts['placed']:,} placed, {counts['unplaced']:,} unplaced, "
        f"{counts['rejected']:,} rejected"
    )
    if unknown:
        click.echo(f"{unknown_words(unknown, sum(counts.values()) - counts['rejected'])}; their confidence is 0")
