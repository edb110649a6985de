"""`value-taxonomy analyze anomalies`."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from taxonomy.cli.periods import period_options, two_periods
from taxonomy.cli.records import Analysing, analysis_options

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from taxonomy.mentions.records import Side
    from taxonomy.questions.anomalies import Anomalies

# Alerts, and nodes of a kind, in the terminal.
_SHOWN = 10


@click.command("anomalies")
@analysis_options
@period_options
@click.option("--watch", multiple=True, metavar="NODE", help="Look out for a node: an id, a label or a path.")
@click.option("--watch-list", type=click.Path(path_type=Path), help='A TOML file with watch = ["deception", ...].')
@click.option(
    "--alerts",
    type=click.FloatRange(0, 10_000, min_open=True),
    default=100,
    show_default=True,
    metavar="N",
    help="Alerts to expect in 10,000 conversations like the baseline.",
)
@click.option(
    "--alert-file", type=click.Path(path_type=Path), help="Write alerts here as JSON Lines, with ids.  [--internal]"
)
@click.option(
    "--known", type=click.Path(path_type=Path), help="JSON of known anomalies, to score the alerts.  [--internal]"
)
def analyze_anomalies(
    side: Side,
    baseline: tuple[str, ...],
    split_at: datetime | None,
    watch: tuple[str, ...],
    watch_list: Path | None,
    alerts: float,
    alert_file: Path | None,
    known: Path | None,
    analysis: Analysing,
) -> None:
    """Find conversations in FILES whose values are out of the ordinary.

    FILES are .parquet, .csv or .jsonl files, folders or globs; they are compared with earlier records, --baseline, or
    parted in two with --split-at. An alert tells of one conversation, so single alerts are told with --internal alone;
    else counts of alerts by reason are. --known is an object of lists of conversation ids, by any name.

    \b
    Example:
      value-taxonomy analyze anomalies records/ --taxonomy build/taxonomy.json --split-at 2025-01-20 --watch deception
    """
    from taxonomy.mentions.tables import check_table_path, write_table
    from taxonomy.questions.anomalies import anomalies, recall
    from taxonomy.questions.watch_list import find_watched, read_watch_list

    for option, path in (("--alert-file", alert_file), ("--known", known)):
        if path is not None and not analysis.internal:
            raise click.UsageError(
                f"{option} has ids of conversations, which never leave: add --internal for use within"
            )
    if analysis.out is not None:
        check_table_path(analysis.out)
    names = (*watch, *(read_watch_list(watch_list) if watch_list is not None else ()))
    groups = None if known is None else _read_known(known)
    with two_periods(analysis, side, baseline, split_at) as (before, after):
        found = anomalies(before, after, watch=find_watched(after.tree, names), per_10000=alerts, **analysis.thresholds)
        scored = None if groups is None else recall(found, after, groups)
    if analysis.out is not None:
        write_table(analysis.marked(found.table), analysis.out)
    if alert_file is not None:
        _write_alerts(found, alert_file)
    if analysis.as_json:
        click.echo(json.dumps(_figures(found, scored, analysis.internal), indent=1))
    elif not analysis.quiet:
        _print(found, scored, analysis)
        for path in (analysis.out, alert_file):
            if path is not None:
                click.echo(f"Written to {path}")


def _read_known(path: Path) -> dict[str, list[str]]:
    from taxonomy.errors import InputError

    remedy = 'give {"name": ["conversation id", ...], ...}'
    try:
        groups = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(path), remedy=remedy) from error
    except ValueError as error:
        raise InputError(f"not JSON: {error}", path=str(path), remedy=remedy) from error
    lists = isinstance(groups, dict) and all(isinstance(ids, list) for ids in groups.values())
    if not lists or not all(isinstance(one, str) for ids in groups.values() for one in ids):
        raise InputError("it is no object of lists of ids", path=str(path), remedy=remedy)
    return {str(name): ids for name, ids in groups.items()}


def _alert(row: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
    return {**row, "reasons": [asdict(reason) | {"text": str(reason)} for reason in row["reasons"]], "internal": True}


def _write_alerts(found: Anomalies, path: Path) -> None:
    from taxonomy.files import replace_file

    lines = [json.dumps(_alert(row), ensure_ascii=False) + "\n" for row in found.alerts.to_dict("records")]
    replace_file(path, "".join(lines).encode())


def _figures(found: Anomalies, scored: pd.DataFrame | None, internal: bool) -> dict[str, Any]:
    """Return what JSON says; alerts one by one for use within alone."""
    figures: dict[str, Any] = {
        "baseline": found.baseline,
        "conversations": found.conversations,
        "alerts_per_10000_expected": found.per_10000,
        "hidden": found.hidden,
        "internal": internal,
        "reasons": _plain(found.table),
    }
    if internal:
        figures["alerts"] = [_alert(row) for row in found.alerts.to_dict("records")]
    if scored is not None:
        figures["known"] = _plain(scored)
    return figures


def _plain(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Return rows with nothing for what is missing, which JSON has no number for."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


def _print(found: Anomalies, scored: pd.DataFrame | None, analysis: Analysing) -> None:
    from taxonomy.cli.screen import console, plain

    screen = console()
    screen.print(f"{found.conversations:,} conversations scored, by a baseline of {found.baseline:,}")
    if not found.watched:
        screen.print("There is no watch list; see --watch")
    if found.alerts_told is None:
        screen.print("Too few alerts to tell of")
    else:
        rate = found.alerts_told / found.conversations * 10_000
        screen.print(
            f"{found.alerts_told:,} alerts: {rate:,.1f} in 10,000 conversations, {found.per_10000:g} were expected"
        )
        screen.print(_reasons(found))
    if analysis.internal:
        for row in found.alerts.head(_SHOWN).to_dict("records"):
            screen.print(f"{row['rank']}. {plain(row['conversation_id'])}", markup=False)
            for reason in row["reasons"]:
                screen.print(f"   {plain(str(reason))}", markup=False)
        screen.print("Single conversations and rare values are told: this is for use within")
    else:
        screen.print(f"{found.hidden:,} counts are hidden: too few conversations or users, or next to one that is")
    if scored is not None:
        screen.print(_recall(scored))


def _reasons(found: Anomalies) -> Table:
    from rich.table import Table
    from rich.text import Text

    from taxonomy.cli.screen import plain
    from taxonomy.questions.anomalies import TITLES

    table = Table(box=None, pad_edge=False)
    table.add_column("reason")
    table.add_column("alerts", justify="right")
    for kind, title in TITLES.items():
        rows = found.table[found.table["kind"] == kind]
        for row in rows.head(_SHOWN).to_dict("records"):
            name = f"  {plain(row['label'])}" if isinstance(row["label"], str) else title
            table.add_row(Text(name), f"{row['conversations']:,}")
        if len(rows) > _SHOWN:
            table.add_row(f"  ... and {len(rows) - _SHOWN:,} more", "")
    return table


def _recall(scored: pd.DataFrame) -> Table:
    from rich.table import Table
    from rich.text import Text

    from taxonomy.cli.screen import plain

    table = Table(box=None, pad_edge=False)
    table.add_column("known anomalies")
    for heading in ("in FILES", "recall", "precision", "recall by rarity alone", "precision"):
        table.add_column(heading, justify="right")
    for row in scored.to_dict("records"):
        parts = [row[name] for name in ("recall", "precision", "plain_recall", "plain_precision")]
        shown = ("" if part != part else f"{part:.1%}" for part in parts)
        table.add_row(Text(plain(row["name"])), f"{row['known']:,}", *shown)
    return table
