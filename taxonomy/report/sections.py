"""Each question of a report, and its answer in words, charts and tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from taxonomy.english.plurals import count_of
from taxonomy.errors import InputError
from taxonomy.mentions.columns import Side
from taxonomy.mentions.linked_cells import Cells
from taxonomy.mentions.placed import PlacedMentions, count_cells, count_conversations
from taxonomy.mentions.statistics import wilson_interval
from taxonomy.model import slugify
from taxonomy.questions.anomalies import TITLES, ask_anomalies
from taxonomy.questions.arguments import check_sides
from taxonomy.questions.asking import Asking, ask_all
from taxonomy.questions.compared_models import ask_models
from taxonomy.questions.contexts import ask_contexts
from taxonomy.questions.drift import ask_drift
from taxonomy.questions.frequency import RARE, ask_frequency
from taxonomy.questions.mirroring import ask_mirroring
from taxonomy.questions.principles import ask_principles
from taxonomy.questions.rates import FALSE_DISCOVERY, keep_significant
from taxonomy.questions.responses import ask_responses
from taxonomy.report.charts import chart_pairs, chart_shares, order_by_type, rows_of, title_of
from taxonomy.report.inputs import Inputs
from taxonomy.report.parts import Chart, Row, Section, format_percent, format_points

# Rows of a chart.
_ROWS = 10
_RATE = f"{FALSE_DISCOVERY:.0%}"
ALERTS = "Which conversations are unusual"
_STANCES = ("support", "reframing", "resistance")


def _ask_frequency(inputs: Inputs) -> Asking[Section]:
    """Ask how often values are expressed."""
    asked = [ask_frequency(placed, disclosure=inputs.disclosure) for placed in inputs.sides.values()]
    by_side = dict(zip(inputs.sides, (yield from ask_all(asked)), strict=True))
    levels = next(iter(inputs.sides.values())).tree.levels
    # The two at the top, and the values.
    chosen = [*levels[:-3:-1], levels[0]] if len(levels) > 2 else levels[::-1]
    charts = [
        chart_shares(
            f"{title_of(level.name)}, {_WHOSE[side]}", level.name, rows.head(_ROWS), "conversation_", side=side
        )
        for level in chosen
        for side, figures in by_side.items()
        if len(rows := figures.table[figures.table["level"] == level.level])
    ]
    first, figures = next(iter(by_side.items()))
    rare = figures.rare / max(figures.values, 1)
    lead = (
        f"{_WHO[first]} expressed {count_of(figures.values, 'different value')}, in "
        f"{count_of(figures.mentions, 'mention')} over {count_of(figures.conversations, 'conversation')}. Of the "
        f"values, {format_percent(rare)} are in fewer than "
        f"{RARE:.2%} of conversations."
    )
    tables = {f"frequency-{side}": figures.table for side, figures in by_side.items()}
    method = (
        "Shares are of all conversations, also those without a value; a conversation counts once for a node, however "
        "many values below it are expressed, so shares of a level do not add up to one. Intervals are Wilson's at 95%. "
        "Shares of mentions are in the table."
    )
    return Section(lead, charts, method, tables, sum(figures.suppressed for figures in by_side.values()))


def _ask_contexts(inputs: Inputs) -> Asking[Section]:
    """Ask which values go with which task, language or other context, and with which human value."""
    placed = inputs.ai
    columns = [column for column in placed.records.contexts if column != "model"]
    contexts: dict[str, str | PlacedMentions] = {column: column for column in columns}
    if "human" in inputs.sides:
        contexts["human value"] = inputs.human
    if not contexts:
        raise InputError("no context is known", remedy="give conversations with their task or language")
    asked = [ask_contexts(placed, by, disclosure=inputs.disclosure) for by in contexts.values()]
    by_column = dict(zip(contexts, (yield from ask_all(asked)), strict=True))
    charts, counts = [], []
    tables: dict[str, pd.DataFrame] = {}
    for column, figures in by_column.items():
        # Columns are named by whoever made the records, and are to be names of files.
        slug = slugify(column)
        name = slug if f"context-{slug}" not in tables else f"{slug}-{len(tables)}"
        tables[f"context-{name}"] = figures.associations
        if len(figures.variation):
            tables[f"variation-{name}"] = figures.variation
        values = figures.associations[figures.associations["level"] == 0]
        significant = keep_significant(values[values["residual"] > 0])
        counts.append(f"{len(significant):,} with a {column}")
        if len(significant):
            charts.append(chart_pairs(f"Values that go with a {column}", significant.head(_ROWS), column))
    lead = f"Pairs of a value and a context that occur together more often than by chance: {', '.join(counts)}."
    method = (
        f"Each value by each category: adjusted residuals, exact tests, and a false discovery rate of {_RATE} over all "
        "cells of a level. The bar is the share of the category's conversations with the value, the mark what it "
        "would be if the two were independent. Together does not mean because of. Coefficients of "
        "variation are in the table."
    )
    suppressed = sum(figures.suppressed for figures in by_column.values())
    return Section(lead, charts, method, tables, suppressed)


def _ask_responses(inputs: Inputs) -> Asking[Section]:
    """Ask how the AI responds to people's values, and what goes with it."""
    responses = yield from ask_responses(inputs.ai, disclosure=inputs.disclosure)
    known = responses.types[responses.types["response"] != "not known"]
    if known.empty:
        raise InputError("no response type is disclosed", column="response_type", remedy="give conversations with it")
    share = known.set_index("response")["share"]
    stances = [f"{format_percent(share[name])} {name}" for name in _STANCES if name in share]
    charts = [chart_shares("Types of response", "response", order_by_type(known), label="response")]
    values = responses.associations[responses.associations["level"] == 0]
    for stance in _STANCES:
        significant = keep_significant(values[(values["category"] == stance) & (values["residual"] > 0)])
        if len(significant):
            charts.append(chart_pairs(f"Values that go with {stance}", significant.head(_ROWS), ""))
    explicit = responses.explicit.dropna(subset="response")
    if len(explicit):
        title = "Expressed explicitly, by type of response"
        charts.append(chart_shares(title, "response", order_by_type(explicit), label="response", unit="mentions"))
    lead = f"Of all conversations: {', '.join(stances)}." if stances else "No stance is disclosed."
    method = (
        "Support and resistance are the strong and the mild kind together. Which values go with a type is tested as "
        "for contexts. Types of response are what an annotator, or a model, assigned."
    )
    tables = {
        "responses": responses.types,
        "responses-values": responses.associations,
        "responses-explicit": responses.explicit,
    }
    return Section(lead, charts, method, tables, responses.suppressed)


def _ask_mirroring(inputs: Inputs) -> Asking[Section]:
    """Ask how often the AI takes up a person's value."""
    human = inputs.human
    check_sides(inputs.ai, human)
    mirroring = yield from ask_mirroring(inputs.ai, human, disclosure=inputs.disclosure)
    values = mirroring.table[mirroring.table["level"] == 0]
    rows = [
        Row(row["response"], row["share"], row["low"], row["high"], mark=row["chance_share"])
        for row in rows_of(order_by_type(values))
    ]
    charts = [Chart("The same value on both sides", "response", "share of conversations", rows, mark="by chance")]
    by_response = {row["response"]: row for row in rows_of(values)}
    parts = [
        f"{format_percent(row['share'])} in {name} ({format_percent(row['chance_share'])} by chance)"
        for name in _STANCES
        if (row := by_response.get(name)) is not None
    ]
    lead = "No share at the level of values is disclosed."
    if parts:
        lead = f"Where both sides express values, they share one in {', '.join(parts)}."
    method = (
        "Of conversations with values on both sides. Chance is measured on strangers: people's values compared with "
        "the AI's of other conversations with the same type of response. Other levels are in the table."
    )
    return Section(lead, charts if rows else [], method, {"mirroring": mirroring.table}, mirroring.suppressed)


def _ask_models(inputs: Inputs) -> Asking[Section]:
    """Ask what models differ in."""
    placed = inputs.ai
    control = "task" if "task" in placed.records.contexts else None
    compared = yield from ask_models(placed, control, disclosure=inputs.disclosure)
    table = compared.table
    significant = keep_significant(table)
    charts = []
    for level in (placed.tree.levels[-1], placed.tree.levels[0]):
        rows = [
            Row(
                row["label"],
                row["controlled_difference"],
                row["controlled_low"],
                row["controlled_high"],
                note=row["model"],
            )
            for row in rows_of(significant[significant["level"] == level.level].head(_ROWS))
        ]
        if rows:
            unit = "percentage points more than others"
            charts.append(Chart(f"{title_of(level.name)} that models differ in", level.name, unit, rows, "difference"))
    only = table[table["only"] & (table["level"] == 0)]
    lead = (
        f"Differences of a model from all others{f', controlled for {control}' if control else ''}: "
        f"{len(significant):,}. Values that one model alone expresses: {len(only):,}."
    )
    method = (
        "Each model against all others, by the Cochran-Mantel-Haenszel test within tasks and a false discovery rate of "
        f"{_RATE}. Differences are of shares standardised to the tasks of both: what a model is asked for does not "
        "count, as far as tasks show it."
        if control
        else f"Each model against all others, with a false discovery rate of {_RATE}. Tasks are not known, so what a "
        "model is asked for counts as a difference."
    )
    return Section(lead, charts, method, {"models": table}, compared.suppressed)


def _ask_principles(inputs: Inputs) -> Asking[Section]:
    """Ask which principles the values serve."""
    served = yield from ask_principles(inputs.ai, inputs.principles, disclosure=inputs.disclosure)
    chart = chart_shares("Principles", "principle", served.table, "mention_", label="principle", unit="mentions")
    first = served.table.sort_values("mention_share", ascending=False).head(1)
    lead = "; ".join(
        f"{format_percent(row['mention_share'])} of mentions are of values that serve “{row['principle']}”, "
        "the most of all"
        for row in rows_of(first)
    )
    method = (
        "Nodes are mapped to principles; a value serves those of the nearest node above it that is named. Which "
        "principle a node serves is a judgement, and a value can serve several, so shares need not add up to one."
    )
    if served.absent:
        method += f" Of the nodes named, {len(served.absent):,} are not in the taxonomy."
    lead = f"{lead}." if lead else ""
    return Section(lead, [chart], method, {"principles": served.table}, served.suppressed)


def _ask_anomalies(inputs: Inputs) -> Asking[Section]:
    """Ask how many conversations are unusual, and why."""
    earlier, later = inputs.periods
    anomalies = yield from ask_anomalies(earlier, later, watch=inputs.watch, disclosure=inputs.disclosure)
    kinds = anomalies.table[anomalies.table["node"].isna() & anomalies.table["kind"].notna()]
    low, high = wilson_interval(kinds["conversations"].to_numpy(), anomalies.conversations)
    rows = [
        Row(TITLES[row["kind"]], row["conversations"] / anomalies.conversations, *ends)
        for row, *ends in zip(rows_of(kinds), low, high, strict=True)
    ]
    if anomalies.alerts_disclosed is None:
        lead = "How many conversations are unusual is suppressed."
    else:
        rate = anomalies.alerts_disclosed / anomalies.conversations * 10_000
        lead = (
            f"Unusual: {count_of(anomalies.alerts_disclosed, 'conversation')}, {rate:,.1f} in 10,000, where "
            f"{anomalies.alerts_per_10000:g} were expected."
        )
    lead += "" if anomalies.watched else " There was no watch list."
    chart = Chart("Why conversations are unusual", "reason", "share of conversations", rows)
    method = (
        f"Conversations from {inputs.split:%Y-%m-%d} on, scored by those before, of which "
        f"{anomalies.baseline.conversations:,} have a value. Scored are rare values, values that are unusual in their "
        "context, values that rarely occur together, and those on a watch list; the threshold is set on the baseline. "
        "An alert is a reason to look, not a finding. Single alerts are for internal use only: see value-taxonomy "
        "analyze anomalies --internal."
    )
    return Section(lead, [chart] if rows else [], method, {"anomalies": anomalies.table}, anomalies.suppressed)


def _ask_drift(inputs: Inputs) -> Asking[Section]:
    """Ask what rose and fell."""
    earlier, later = inputs.periods
    drift = yield from ask_drift(earlier, later, disclosure=inputs.disclosure, whole=inputs.ai)
    changed = drift.table[drift.table["change"] != ""]
    charts = []
    for level in reversed(inputs.ai.tree.levels):
        rows = [
            Row(row["label"], row["difference"], row["difference_low"], row["difference_high"], note=row["change"])
            for row in rows_of(changed[changed["level"] == level.level].head(_ROWS))
        ]
        if rows:
            unit = "change in percentage points"
            charts.append(Chart(f"{title_of(level.name)} that changed", level.name, unit, rows, "difference"))
    rose = int((changed["change"] == "rose").sum())
    lead = (
        f"From {inputs.split:%Y-%m-%d} on, {count_of(rose, 'node')} rose and {len(changed) - rose:,} fell, of "
        f"{len(drift.table):,} that were tested."
    )
    for most in rows_of(changed.sort_values("z", key=abs).tail(1)):
        lead += (
            f" The most certain change: “{most['label']}”, by {format_points(most['difference'])} percentage points."
        )
    method = (
        f"{count_of(drift.after, 'conversation')} against {drift.before:,} before. Two proportions with a pooled "
        f"variance, and a false discovery rate of {_RATE} over all nodes of all levels; intervals are Newcombe's at "
        "95%. What changed may be who asks for what, not how the AI responds. Nodes that are rare in either period are "
        "not tested."
    )
    return Section(lead, charts, method, {"drift": drift.table}, drift.suppressed)


QUESTIONS: Mapping[str, Callable[[Inputs], Asking[Section]]] = {
    "Which values are expressed": _ask_frequency,
    "What values go with": _ask_contexts,
    "How the AI responds": _ask_responses,
    "Whether values are mirrored": _ask_mirroring,
    "Where models differ": _ask_models,
    "Which principles values serve": _ask_principles,
    ALERTS: _ask_anomalies,
    "What changed": _ask_drift,
}

_WHO: Mapping[Side, str] = {"ai": "The AI", "human": "People"}
_WHOSE: Mapping[Side, str] = {"ai": "expressed by the AI", "human": "expressed by people"}


def ask_facts(inputs: Inputs) -> Asking[dict[str, str]]:
    """Ask what was measured, and on what."""
    sides = inputs.sides
    everything = count_conversations(next(iter(sides.values())).records)
    tables = [
        Cells(
            pd.concat([count_cells(placed, []).assign(any="value"), everything], ignore_index=True),
            {"any": f"any value of {side}"},
        )
        for side, placed in sides.items()
    ]
    disclosed = yield tables
    n = int(everything["conversations"].iloc[0])
    mentions = sum(placed.mentions for placed in sides.values())
    facts = {"conversations": f"{n:,}", "mentions": f"{mentions:,}"}
    for side, table in zip(sides, disclosed, strict=True):
        for count in table.table.dropna(subset="any")["conversations"]:
            facts[f"of conversations have a value {_WHOSE[side]}"] = format_percent(count / n)
    for side, placed in sides.items():
        share = placed.unmapped.total() / placed.mentions
        facts[f"of mentions {_WHOSE[side]} are not in the taxonomy"] = format_percent(share)
    return facts
