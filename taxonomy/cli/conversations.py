"""`value-taxonomy mentions` and `report`: from records of conversations to strings for build, and to a page."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from taxonomy.cli.options import Choice
from taxonomy.cli.record_options import (
    DAY,
    PATH,
    SIDES_OR_BOTH,
    Analysis,
    Reading,
    placing_options,
    reading_options,
    watch_options,
    watched_names,
)


@click.group()
def mentions() -> None:
    """Look at records of value mentions.

    \b
    Example:
      value-taxonomy mentions count records/ --side ai --out values.csv
    """


@mentions.command()
@reading_options
@click.option("--side", type=Choice(SIDES_OR_BOTH), required=True, help="Whose mentions to count.")
@click.option("--out", required=True, type=PATH, help="The .csv or .parquet file to write.")
def count(side: str, out: Path, reading: Reading) -> None:
    """Write the strings that FILES mention and how often, for build.

    FILES are .parquet, .csv or .jsonl files, folders or globs.

    \b
    Example:
      value-taxonomy mentions count records/ --side ai --out values.csv
      value-taxonomy build values.csv --out build/
    """
    from taxonomy.cli.screen import waiting
    from taxonomy.mentions.columns import SIDES
    from taxonomy.mentions.strings import count_strings
    from taxonomy.mentions.tables import check_table_path, write_table

    check_table_path(out)
    with reading.open(out) as records:
        sides = [one for one in SIDES if side in (one, "both")]
        with waiting("counting", reading.quiet):
            strings = count_strings(records, sides=sides, disclosure=reading.disclosure)
    write_table(strings.table, out, internal=reading.disclosure.is_internal)
    if reading.quiet:
        return
    click.echo(f"{len(strings.table):,} strings, {strings.table['count'].sum():,} mentions")
    if reading.disclosure.is_internal:
        click.echo("Rare strings are in it: it is for use within")
    else:
        or_users = f", or of fewer than {reading.disclosure.min_users} users" if records.users_known else ""
        click.echo(
            f"{strings.suppressed:,} strings with {strings.suppressed_mentions:,} mentions are hidden: each in fewer "
            f"than {reading.disclosure.min_conversations} conversations{or_users}"
        )
    click.echo(f"Written to {out}")


@click.command()
@reading_options
@click.argument("tree", metavar="TAXONOMY", type=PATH)
@click.option("--out", required=True, type=PATH, help="The .html file to write.")
@click.option("--markdown", is_flag=True, help="Write it as Markdown, too, beside it.")
@placing_options
@click.option(
    "--split-at",
    type=DAY,
    metavar="DATE",
    help="The first day (UTC) of the later period, whose drift and anomalies are told (default: the middle).",
)
@watch_options
@click.option("--principles", type=PATH, help="A TOML file that maps nodes to principles.")
def report(
    tree: Path,
    out: Path,
    markdown: bool,
    human_tree: Path | None,
    assign: bool,
    model: str | None,
    split_at: datetime | None,
    watch: tuple[str, ...],
    watch_list: Path | None,
    principles: Path | None,
    reading: Reading,
) -> None:
    """Write a page on what the conversations in FILES show, by TAXONOMY.

    FILES are .parquet, .csv or .jsonl files, folders or globs. A folder of tables is written beside the page.

    \b
    Example:
      value-taxonomy report records/ build/taxonomy.json --out report.html --watch deception --watch dominance
    """
    from taxonomy.cli.screen import progress_bars
    from taxonomy.progress import stage_of
    from taxonomy.questions.principles import BUNDLED, load_principles
    from taxonomy.questions.watch_list import find_watched
    from taxonomy.report.asked import Asked
    from taxonomy.report.writing import check_report_path, make_report, write_report

    check_report_path(out)
    names = watched_names(watch, watch_list)
    mapping = load_principles(principles or BUNDLED)
    analysis = Analysis(reading, tree=tree, human_tree=human_tree, assign=assign, model=model, out=out)
    with reading.open(out) as records:
        placed = {side: analysis.place(records, side) for side in records.sides()}
        watched = find_watched(next(iter(placed.values())).tree, names)
        asked = Asked(placed, reading.disclosure, watch=watched, principles=mapping, when=split_at)
        with progress_bars(reading.quiet) as progress:
            made = make_report(asked, progress=stage_of(progress, "questions"))
    written = write_report(made, out, markdown=markdown)
    if reading.quiet:
        return
    for title, reason in made.left_out.items():
        click.echo(f"Left out, “{title}”: {reason}", err=True)
    click.echo(f"{len(made.sections)} questions answered, {made.suppressed:,} figures hidden")
    for path in written:
        click.echo(f"Written to {path}")
