"""`value-taxonomy report`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from taxonomy.cli.records import Analysing, Reading, reading_options


@click.command()
@reading_options
@click.argument("taxonomy", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The .html file to write.")
@click.option("--markdown", is_flag=True, help="Write it as Markdown, too, beside it.")
@click.option("--human-taxonomy", type=click.Path(path_type=Path), help="One of the human side's own.")
@click.option("--assign", is_flag=True, help="Place strings first that the taxonomy does not have.")
@click.option("--model", help="Model for --assign (default: the one that TAXONOMY names, else minilm).")
@click.option(
    "--split-at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    metavar="DATE",
    help="The first day (UTC) of the later period, whose drift and anomalies are told (default: the middle).",
)
@click.option("--watch", multiple=True, metavar="NODE", help="Look out for a node: an id, a label or a path.")
@click.option("--watch-list", type=click.Path(path_type=Path), help='A TOML file with watch = ["deception", ...].')
@click.option("--principles", type=click.Path(path_type=Path), help="A TOML file that maps nodes to principles.")
def report(
    taxonomy: Path,
    out: Path,
    markdown: bool,
    human_taxonomy: Path | None,
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
    from taxonomy.questions.anomalies import ALERTS
    from taxonomy.questions.principles import BUNDLED, load_principles
    from taxonomy.questions.watch_list import find_watched, read_watch_list
    from taxonomy.report.make import check_report_path, make_report, write_report
    from taxonomy.report.sections import Asked

    check_report_path(out)
    names = (*watch, *(read_watch_list(watch_list) if watch_list is not None else ()))
    mapping = load_principles(principles or BUNDLED)
    analysis = Analysing(
        **vars(reading),
        tree=taxonomy,
        human_tree=human_taxonomy,
        assign=assign,
        model=model,
        out=out,
        as_json=False,
    )
    with analysis.open(out) as records:
        placed = {side: analysis.place(records, side) for side in records.sides()}
        tree = next(iter(placed.values())).tree
        asked = Asked(placed, analysis.thresholds, find_watched(tree, names), ALERTS, mapping, split_at)
        with progress_bars(reading.quiet) as progress:
            told = stage_of(progress, "questions")
            made = make_report(asked, internal=analysis.internal, progress=told)
    written = write_report(made, out, markdown=markdown)
    if reading.quiet:
        return
    for title, reason in made.left_out.items():
        click.echo(f"Left out, “{title}”: {reason}", err=True)
    click.echo(f"{len(made.sections)} questions answered, {made.hidden:,} figures hidden")
    for path in written:
        click.echo(f"Written to {path}")
