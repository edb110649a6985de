"""`value-taxonomy mentions` and `report`: from records of conversations to strings for build, and to a page."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from taxonomy.cli.options import Choice, deprecated
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


@click.group("mentions")
def mentions_group() -> None:
    """Count the values in records of mentions.

    \b
    Example:
      value-taxonomy mentions count records/ --side ai --out values.csv
    """


@mentions_group.command("count")
@reading_options
@click.option("--side", type=Choice(SIDES_OR_BOTH), required=True, help="Whose mentions to count.")
@click.option("--out", required=True, type=PATH, help="The .csv or .parquet file to write.")
def count_command(side: str, out: Path, reading: Reading) -> None:
    """Count how often FILES mention each string, as input for build.

    FILES are files of records (Parquet, CSV or JSON), folders or globs.

    \b
    Example:
      value-taxonomy mentions count records/ --side ai --out values.csv
      value-taxonomy build values.csv --out build/
    """
    from taxonomy.cli.answer_output import reason_of, say_internal
    from taxonomy.cli.screen import waiting
    from taxonomy.english.plurals import count_of
    from taxonomy.mentions.columns import SIDES
    from taxonomy.mentions.strings import count_strings
    from taxonomy.mentions.tables import check_table_path, write_table

    check_table_path(out)
    with reading.open(out) as records:
        sides = [name for name in SIDES if side in (name, "both")]
        with waiting("counting", reading.quiet):
            strings = count_strings(records, sides=sides, disclosure=reading.disclosure)
    write_table(strings.table, out, internal=reading.disclosure.is_internal)
    if reading.disclosure.is_internal:
        say_internal("strings")
    if reading.quiet:
        return
    click.echo(f"{count_of(len(strings.table), 'string')}, {count_of(int(strings.table['count'].sum()), 'mention')}")
    if not reading.disclosure.is_internal:
        strings_suppressed = count_of(strings.suppressed, "string")
        what = f"{strings_suppressed} with {count_of(strings.suppressed_mentions, 'mention')}"
        reason = reason_of(reading.disclosure, "strings", users_known=records.users_known)
        click.echo(f"Suppressed: {what}, {reason}")
    click.echo(f"Written to {out}")


@click.command("report")
@placing_options
@click.option("--out", required=True, type=PATH, help="The .html file to write.")
@click.option("--markdown", is_flag=True, help="Write it as Markdown, too, beside it.")
@click.option(
    "--split-at",
    type=DAY,
    metavar="DATE",
    help="First day (UTC) of the later period, for drift and anomalies (default: the middle).",
)
@watch_options
@click.option("--principles", type=PATH, help="A TOML file that maps nodes to principles.")
@click.option(
    "--previous-release",
    type=PATH,
    metavar="FOLDER",
    help="The tables of the last report: no change since that is too small can be computed from both.",
)
@click.option("--verification", type=PATH, help="What extract score wrote (default: the file beside the records).")
@reading_options
def report_command(
    tree: Path | None,
    out: Path,
    markdown: bool,
    human_tree: Path | None,
    assign: bool,
    model: str | None,
    split_at: datetime | None,
    watch: tuple[str, ...],
    watch_list: Path | None,
    principles: Path | None,
    previous_release: Path | None,
    verification: Path | None,
    reading: Reading,
) -> None:
    """Write a page on what the conversations in FILES show.

    FILES are files of records (Parquet, CSV or JSON), folders or globs. A folder of tables is written beside the page.

    \b
    Example:
      value-taxonomy report records/ --taxonomy build/taxonomy.json --out report.html --watch deception
    """
    from taxonomy.cli.answer_output import say_internal
    from taxonomy.cli.screen import progress_bars
    from taxonomy.english.plurals import count_of
    from taxonomy.progress import stage_of
    from taxonomy.questions.principles import take_principles
    from taxonomy.report.writing import check_report_path, write_report

    if tree is None:
        *files, last = reading.files
        if not files:
            raise click.UsageError("Missing option '--taxonomy'.")
        deprecated("report RECORDS TAXONOMY", "report RECORDS --taxonomy TAXONOMY")
        reading, tree = replace(reading, files=tuple(files)), Path(last)
    check_report_path(out)
    names = watched_names(watch, watch_list)
    # A file that can't be read is said before the records are.
    take_principles(principles)
    analysis = Analysis(reading, tree=tree, human_tree=human_tree, assign=assign, model=model, out=out)
    with progress_bars(reading.quiet) as bars, analysis.open(bars) as (mentions,):
        for side in mentions.sides:
            analysis.place(mentions, side)
        report = write_report(
            mentions,
            out,
            watch=names,
            principles=principles,
            split_at=split_at,
            markdown=markdown,
            previous_release=previous_release,
            verification=verification,
            disclosure=reading.disclosure,
            progress=stage_of(bars, "questions"),
        )
    if reading.disclosure.is_internal:
        say_internal()
    for notice in report.notices:
        click.echo(f"Warning: {notice}", err=True)
    if reading.quiet:
        return
    for title, reason in report.left_out.items():
        click.echo(f"Left out, “{title}”: {reason}", err=True)
    answered = f"{count_of(len(report.sections), 'question')} answered"
    click.echo(f"{answered}, {count_of(report.suppressed, 'figure')} suppressed")
    for path in report.paths:
        click.echo(f"Written to {path}")
