"""`value-taxonomy analyze anomalies` and `drift`: the questions that compare records with earlier ones."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from taxonomy.cli.answer_output import Shown, column, format_figure, format_percent, format_whole, give_answer, interval
from taxonomy.cli.record_options import (
    PATH,
    Analysis,
    analysis_options,
    period_options,
    watch_options,
    watched_names,
)
from taxonomy.english.plurals import count_of
from taxonomy.mentions.columns import Side
from taxonomy.questions.rates import ALERTS_PER_10000, FALSE_DISCOVERY

if TYPE_CHECKING:
    import pandas as pd

    from taxonomy.questions.anomalies import Anomalies
    from taxonomy.questions.answer import Answer

# Alerts, nodes of a kind, and changed nodes of a level in the terminal.
_SHOWN = 10


@click.command("anomalies")
@analysis_options
@period_options
@watch_options
@click.option(
    "--alerts",
    "alerts_per_10000",
    type=click.FloatRange(0, 10_000, min_open=True),
    default=ALERTS_PER_10000,
    show_default=True,
    metavar="N",
    help="Alerts to expect in 10,000 conversations.",
)
@click.option("--alert-file", type=PATH, help="Write alerts here as JSON Lines, with ids.  [--internal]")
@click.option("--known", type=PATH, help="JSON of known anomalies, to score the alerts.  [--internal]")
def anomalies_command(
    side: Side,
    baseline: tuple[str, ...],
    split_at: datetime | None,
    watch: tuple[str, ...],
    watch_list: Path | None,
    alerts_per_10000: float,
    alert_file: Path | None,
    known: Path | None,
    analysis: Analysis,
) -> None:
    """Find conversations whose values are unusual.

    FILES are files of records (Parquet, CSV or JSON), folders or globs; they are compared with earlier records,
    --baseline, or split in two with --split-at. An alert is about one conversation, so single alerts are disclosed with
    --internal alone; else counts of alerts by reason are. --known is an object of lists of conversation ids, by any
    name.

    \b
    Example:
      value-taxonomy analyze anomalies records/ --taxonomy build/taxonomy.json --split-at 2025-01-20 --watch deception
    """
    from dataclasses import replace

    from taxonomy.questions.anomalies import find_anomalies
    from taxonomy.questions.recall import measure_recall

    for option, path in (("--alert-file", alert_file), ("--known", known)):
        if path is not None and not analysis.disclosure.is_internal:
            problem = f"{option} has ids of conversations: add --internal, for internal use only"
            raise click.UsageError(problem)
    watched = watched_names(watch, watch_list)
    groups = None if known is None else _read_known(known)
    with analysis.open_periods(side, baseline, split_at) as (earlier, later):
        anomalies = find_anomalies(
            earlier, later, watch=watched, alerts_per_10000=alerts_per_10000, disclosure=analysis.disclosure
        )
        answer = anomalies.answer()
        if groups is not None:
            answer = replace(answer, tables={**answer.tables, "known": measure_recall(anomalies, later, groups)})
    if alert_file is not None:
        _write_alerts(answer.tables["alerts"], alert_file)
    give_answer(answer, analysis, _screen(anomalies, answer), written=[alert_file])


@click.command("drift")
@analysis_options
@period_options
def drift_command(side: Side, baseline: tuple[str, ...], split_at: datetime | None, analysis: Analysis) -> None:
    """Find which nodes rose or fell between two periods.

    FILES are files of records (Parquet, CSV or JSON), folders or globs; they are compared with earlier records,
    --baseline, or split in two with --split-at.

    \b
    Example:
      value-taxonomy analyze drift records/ --taxonomy build/taxonomy.json --split-at 2025-01-20 --out drift.csv
    """
    from taxonomy.questions.drift import detect_drift

    with analysis.open_periods(side, baseline, split_at) as (earlier, later):
        drift = detect_drift(earlier, later, disclosure=analysis.disclosure)
    changed = drift.table[drift.table["change"] != ""]
    columns = (
        column(str, "level"),
        column(str, "label", heading=""),
        column(str, "change"),
        column(format_percent, "share_before", heading="before"),
        column(format_percent, "share_after", heading="after"),
        column(format_figure, "ratio"),
        interval("ratio_low", "ratio_high", "{:.2f} to {:.2f}"),
        column("{:.1g}".format, "q"),
    )
    nodes = f"{len(changed):,} of {count_of(len(drift.table), 'node')}"
    screen: list[str | Shown] = [
        f"{count_of(drift.before, 'conversation')} before, {drift.after:,} after",
        f"{nodes} changed, at a false discovery rate of {FALSE_DISCOVERY:.0%}",
    ]
    if len(changed):
        screen.append(Shown(changed, columns, each="level", most=_SHOWN))
    give_answer(drift.answer(), analysis, screen)


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
    if not lists or not all(isinstance(name, str) for ids in groups.values() for name in ids):
        raise InputError("not an object of lists of ids", path=str(path), remedy=remedy)
    return {str(name): ids for name, ids in groups.items()}


def _write_alerts(alerts: pd.DataFrame, path: Path) -> None:
    from taxonomy.files import replace_file

    lines = [json.dumps({**row, "internal": True}, ensure_ascii=False) + "\n" for row in alerts.to_dict("records")]
    replace_file(path, "".join(lines).encode(), private=True)


def _screen(anomalies: Anomalies, answer: Answer) -> list[str | Shown]:
    """Return what is shown of anomalies; single ones are in an internal answer alone."""
    scored = f"{count_of(anomalies.conversations, 'conversation')} scored"
    screen: list[str | Shown] = [f"{scored}, by a baseline of {anomalies.baseline.conversations:,}"]
    if not anomalies.watched:
        screen.append("There is no watch list; see --watch")
    if anomalies.alerts_disclosed is None:
        screen.append("How many alerts there are is suppressed")
    else:
        rate = anomalies.alerts_disclosed / anomalies.conversations * 10_000
        expected = f"{anomalies.alerts_per_10000:g} were expected"
        screen.append(
            f"{count_of(anomalies.alerts_disclosed, 'alert')}: {rate:,.1f} in 10,000 conversations, {expected}"
        )
        columns = (column(str, "reason"), column(format_whole, "conversations", heading="alerts"))
        screen.append(Shown(_by_reason(anomalies.table), columns, each="kind", most=_SHOWN))
    if "alerts" in answer.tables:
        for alert in answer.tables["alerts"].head(_SHOWN).to_dict("records"):
            screen.append(f"{alert['rank']}. {alert['conversation_id']}")
            screen += [f"   {reason['text']}" for reason in alert["reasons"]]
    if "known" in answer.tables:
        known = [column(str, "name", heading="known anomalies"), column(format_whole, "known", heading="in FILES")]
        headings = ("recall", "precision", "recall by rarity alone", "precision")
        names = ("recall", "precision", "plain_recall", "plain_precision")
        known += [column("{:.1%}".format, name, heading=heading) for name, heading in zip(names, headings, strict=True)]
        screen.append(Shown(answer.tables["known"], known, most=len(answer.tables["known"])))
    return screen


def _by_reason(table: pd.DataFrame) -> pd.DataFrame:
    """Return the counts of each kind, its nodes below it."""
    from taxonomy.questions.anomalies import TITLES

    kinds = list(TITLES)
    rows = table[table["kind"].notna()].sort_values("kind", key=lambda names: names.map(kinds.index), kind="stable")
    nodes = "  " + rows["label"].astype(str)
    return rows.assign(reason=nodes.where(rows["label"].notna(), rows["kind"].map(TITLES)))
