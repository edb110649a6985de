"""Each question of a report: what is asked, and how its answer is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from taxonomy.errors import InputError
from taxonomy.mentions.columns import Side
from taxonomy.mentions.placed import Placed, count_cells, count_conversations
from taxonomy.mentions.statistics import wilson_interval
from taxonomy.model import slugify
from taxonomy.questions.anomalies import TITLES, find_anomalies
from taxonomy.questions.compared_models import compare_models
from taxonomy.questions.contexts import compare_contexts, compare_human_values
from taxonomy.questions.drift import detect_drift
from taxonomy.questions.frequency import RARE, measure_frequency
from taxonomy.questions.mirroring import measure_mirroring
from taxonomy.questions.principles import measure_principles
from taxonomy.questions.rates import FALSE_DISCOVERY, keep_standing
from taxonomy.questions.responses import describe_responses
from taxonomy.report.asked import Asked
from taxonomy.report.charts import chart_pairs, chart_shares, order_by_type, pluralize, rows_of
from taxonomy.report.parts import Chart, Row, Section, format_percent, format_points

if TYPE_CHECKING:
    import pandas as pd

# Rows of a chart.
_ROWS = 10
_RATE = f"{FALSE_DISCOVERY:.0%}"
_STANCES = ("support", "reframing", "resistance")


def _tell_frequency(asked: Asked) -> Section:
    """Ask how often values are expressed."""
    found = {side: measure_frequency(placed, disclosure=asked.disclosure) for side, placed in asked.placed.items()}
    levels = next(iter(asked.placed.values())).tree.levels
    # The two at the top, and the values.
    chosen = [*levels[:-3:-1], levels[0]] if len(levels) > 2 else levels[::-1]
    charts = [
        chart_shares(
            f"{pluralize(level.name)}, {_WHOSE[side]}", level.name, rows.head(_ROWS), "conversation_", side=side
        )
        for level in chosen
        for side, figures in found.items()
        if len(rows := figures.table[figures.table["level"] == level.level])
    ]
    first, figures = next(iter(found.items()))
    rare = figures.rare / max(figures.values, 1)
    lead = (
        f"{_WHO[first]} expressed {figures.values:,} different values, {figures.mentions:,} times in "
        f"{figures.conversations:,} conversations. Of the values, {format_percent(rare)} are in fewer than "
        f"{RARE:.2%} of conversations."
    )
    tables = {f"frequency-{side}": figures.table for side, figures in found.items()}
    method = (
        "Shares are of all conversations, also those without a value; a conversation counts once for a node, however "
        "many values below it are said, so shares of a level do not add up to one. Intervals are Wilson's at 95%. "
        "Shares of mentions are in the table."
    )
    return Section(lead, charts, method, tables, sum(one.suppressed for one in found.values()))


def _tell_contexts(asked: Asked) -> Section:
    """Ask which values go with which task, language or other context, and with which human value."""
    placed = asked.side("ai")
    columns = [column for column in placed.records.contexts if column != "model"]
    found = {column: compare_contexts(placed, column, disclosure=asked.disclosure) for column in columns}
    if "human" in asked.placed:
        found["human value"] = compare_human_values(placed, asked.placed["human"], disclosure=asked.disclosure)
    if not found:
        raise InputError("no context is known", remedy="give conversations with their task or language")
    charts, said = [], []
    tables: dict[str, pd.DataFrame] = {}
    for column, figures in found.items():
        # Columns are named by whoever made the records, and are to be names of files.
        slug = slugify(column)
        name = slug if f"context-{slug}" not in tables else f"{slug}-{len(tables)}"
        tables[f"context-{name}"] = figures.associations
        if len(figures.variation):
            tables[f"variation-{name}"] = figures.variation
        values = figures.associations[figures.associations["level"] == 0]
        sure = keep_standing(values[values["residual"] > 0])
        said.append(f"{len(sure):,} with a {column}")
        if len(sure):
            charts.append(chart_pairs(f"Values that go with a {column}", sure.head(_ROWS), column))
    lead = f"Pairs of a value and a context that come together more often than by chance: {', '.join(said)}."
    method = (
        f"Each value by each category: adjusted residuals, exact tests, and a false discovery rate of {_RATE} over all "
        "cells of a level. The bar is the share of the category's conversations with the value, the mark what it "
        "would be if the two had nothing to do with each other. Together does not mean because of. Coefficients of "
        "variation are in the table."
    )
    suppressed = sum(figures.suppressed for figures in found.values())
    return Section(lead, charts, method, tables, suppressed)


def _tell_responses(asked: Asked) -> Section:
    """Ask how the AI responds to people's values, and what goes with it."""
    found = describe_responses(asked.side("ai"), disclosure=asked.disclosure)
    known = found.types[found.types["response"] != "not known"]
    if known.empty:
        raise InputError("no response type may be told", column="response_type", remedy="give conversations with it")
    share = known.set_index("response")["share"]
    stances = [f"{format_percent(share[name])} {name}" for name in _STANCES if name in share]
    charts = [chart_shares("Types of response", "response", order_by_type(known), label="response")]
    values = found.associations[found.associations["level"] == 0]
    for stance in _STANCES:
        sure = keep_standing(values[(values["category"] == stance) & (values["residual"] > 0)])
        if len(sure):
            charts.append(chart_pairs(f"Values that go with {stance}", sure.head(_ROWS), ""))
    explicit = found.explicit.dropna(subset="response")
    if len(explicit):
        title = "Said explicitly, by type of response"
        charts.append(chart_shares(title, "response", order_by_type(explicit), label="response", unit="mentions"))
    lead = f"Of all conversations: {', '.join(stances)}." if stances else "No stance may be told."
    method = (
        "Support and resistance are the strong and the mild kind together. Which values go with a type is tested as "
        "for contexts. A type of response is what an annotator, or a model, said it is."
    )
    tables = {"responses": found.types, "responses-values": found.associations, "responses-explicit": found.explicit}
    return Section(lead, charts, method, tables, found.suppressed)


def _tell_mirroring(asked: Asked) -> Section:
    """Ask how often the AI takes up a person's value."""
    found = measure_mirroring(asked.side("ai"), asked.side("human"), disclosure=asked.disclosure)
    values = found.table[found.table["level"] == 0]
    rows = [
        Row(one["response"], one["share"], one["low"], one["high"], mark=one["chance_share"])
        for one in rows_of(order_by_type(values))
    ]
    charts = [Chart("The same value on both sides", "response", "share of conversations", rows, mark="by chance")]
    said = {one["response"]: one for one in rows_of(values)}
    parts = [
        f"{format_percent(said[name]['share'])} in {name} ({format_percent(said[name]['chance_share'])} by chance)"
        for name in _STANCES
        if name in said
    ]
    lead = "No share at the level of values may be told."
    if parts:
        lead = f"Where both sides express values, they share one in {', '.join(parts)}."
    method = (
        "Of conversations with values on both sides. Chance is what strangers give: people's values held against the "
        "AI's of other conversations with the same type of response. Other levels are in the table."
    )
    return Section(lead, charts if rows else [], method, {"mirroring": found.table}, found.suppressed)


def _tell_models(asked: Asked) -> Section:
    """Ask what models differ in."""
    placed = asked.side("ai")
    if "model" not in placed.records.contexts:
        raise InputError("no model is known", column="model", remedy="give conversations with their model")
    control = "task" if "task" in placed.records.contexts else None
    found = compare_models(placed, control=control, disclosure=asked.disclosure)
    table = found.table
    sure = keep_standing(table)
    charts = []
    for level in (placed.tree.levels[-1], placed.tree.levels[0]):
        rows = [
            Row(
                one["label"],
                one["controlled_difference"],
                one["controlled_low"],
                one["controlled_high"],
                note=one["model"],
            )
            for one in rows_of(sure[sure["level"] == level.level].head(_ROWS))
        ]
        if rows:
            unit = "percentage points more than others"
            charts.append(Chart(f"{pluralize(level.name)} that models differ in", level.name, unit, rows, "difference"))
    only = table[table["only"] & (table["level"] == 0)]
    lead = (
        f"{len(sure):,} differences of a model from all others are found"
        + (f", {control} taken into account" if control else "")
        + f"; values that one model alone says: {len(only):,}."
    )
    method = (
        "Each model against all others, by the Cochran-Mantel-Haenszel test within tasks and a false discovery rate of "
        f"{_RATE}. Differences are of shares standardised to the tasks of both: what a model is asked for does not "
        "count, as far as tasks tell it."
        if control
        else f"Each model against all others, with a false discovery rate of {_RATE}. Tasks are not known, so what a "
        "model is asked for counts as a difference."
    )
    return Section(lead, charts, method, {"models": table}, found.suppressed)


def _tell_principles(asked: Asked) -> Section:
    """Ask which principles the values serve."""
    found = measure_principles(asked.side("ai"), asked.principles, disclosure=asked.disclosure)
    chart = chart_shares("Principles", "principle", found.table, "mention_", label="principle", unit="mentions")
    first = found.table.sort_values("mention_share", ascending=False).head(1)
    lead = "; ".join(
        f"{format_percent(one['mention_share'])} of mentions are of values that serve “{one['principle']}”, "
        "the most of all"
        for one in rows_of(first)
    )
    method = (
        "A file maps nodes to principles; a value serves those of the nearest node above it that is named. Which "
        "principle a node serves is a judgement, and a value can serve several, so shares need not add up to one."
    )
    if found.absent:
        method += f" Of the nodes named, {len(found.absent):,} are not in the taxonomy."
    lead = f"{lead}." if lead else ""
    return Section(lead, [chart], method, {"principles": found.table}, found.suppressed)


def _tell_anomalies(asked: Asked) -> Section:
    """Ask how many conversations are out of the ordinary, and why."""
    before, after = asked.periods
    found = find_anomalies(before, after, watch=asked.watch, per_10000=asked.alerts, disclosure=asked.disclosure)
    told = found.table[found.table["node"].isna() & found.table["kind"].notna()]
    low, high = wilson_interval(told["conversations"].to_numpy(), found.conversations)
    rows = [
        Row(TITLES[one["kind"]], one["conversations"] / found.conversations, *ends)
        for one, *ends in zip(rows_of(told), low, high, strict=True)
    ]
    if found.alerts_told is None:
        lead = "Too few conversations are out of the ordinary to tell how many."
    else:
        rate = found.alerts_told / found.conversations * 10_000
        lead = (
            f"{found.alerts_told:,} conversations are out of the ordinary: {rate:,.1f} in 10,000, where "
            f"{found.per_10000:g} were to be expected."
        )
    lead += "" if found.watched else " There was no watch list."
    chart = Chart("Why conversations stand out", "reason", "share of conversations", rows)
    method = (
        f"Conversations from {asked.split:%Y-%m-%d} on, scored by those before, {found.baseline:,} with a value. "
        "Scored are rare values, values at odds with their context or with each other, and those on a watch list; the "
        "threshold is set on the baseline. An alert is a reason to look, not a finding. Single alerts are for use "
        "within: see value-taxonomy analyze anomalies --internal."
    )
    return Section(lead, [chart] if rows else [], method, {"anomalies": found.table}, found.suppressed)


def _tell_drift(asked: Asked) -> Section:
    """Ask what rose and fell."""
    before, after = asked.periods
    found = detect_drift(before, after, disclosure=asked.disclosure)
    changed = found.table[found.table["change"] != ""]
    charts = []
    for level in reversed(asked.side("ai").tree.levels):
        rows = [
            Row(one["label"], one["difference"], one["difference_low"], one["difference_high"], note=one["change"])
            for one in rows_of(changed[changed["level"] == level.level].head(_ROWS))
        ]
        if rows:
            unit = "change in percentage points"
            charts.append(Chart(f"{pluralize(level.name)} that changed", level.name, unit, rows, "difference"))
    rose = int((changed["change"] == "rose").sum())
    lead = (
        f"From {asked.split:%Y-%m-%d} on, {rose:,} nodes rose and {len(changed) - rose:,} fell, of "
        f"{len(found.table):,} that were tested."
    )
    for most in rows_of(changed.sort_values("z", key=abs).tail(1)):
        lead += f" The surest change: “{most['label']}”, by {format_points(most['difference'])} percentage points."
    method = (
        f"{found.after:,} conversations against {found.before:,} before. Two proportions with a pooled variance, and a "
        f"false discovery rate of {_RATE} over all nodes of all levels; intervals are Newcombe's at 95%. What "
        "changed may be who asks for what, not how the AI responds. Nodes that are rare in either period are not "
        "tested."
    )
    return Section(lead, charts, method, {"drift": found.table}, found.suppressed)


QUESTIONS: Mapping[str, Callable[[Asked], Section]] = {
    "Which values are expressed": _tell_frequency,
    "What values go with": _tell_contexts,
    "How the AI responds": _tell_responses,
    "Whether values are mirrored": _tell_mirroring,
    "Where models differ": _tell_models,
    "Which principles values serve": _tell_principles,
    "What is out of the ordinary": _tell_anomalies,
    "What changed": _tell_drift,
}

_WHO: Mapping[Side, str] = {"ai": "The AI", "human": "People"}
_WHOSE: Mapping[Side, str] = {"ai": "said by the AI", "human": "said by people"}


def gather_facts(placed: Mapping[Side, Placed]) -> dict[str, str]:
    """Return what was measured, and on what."""
    records = next(iter(placed.values())).records
    n = int(count_conversations(records)["conversations"].iloc[0])
    found = {"conversations": f"{n:,}", "mentions": f"{sum(one.mentions for one in placed.values()):,}"}
    for side, one in placed.items():
        count = int(count_cells(one, [])["conversations"].iloc[0])
        found[f"of conversations have a value {_WHOSE[side]}"] = format_percent(count / n)
    for side, one in placed.items():
        found[f"of mentions {_WHOSE[side]} are not in the taxonomy"] = format_percent(
            one.unmapped.total() / one.mentions
        )
    return found
