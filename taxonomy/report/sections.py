"""Each question of a report: what is asked, and how its answer is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from taxonomy.errors import InputError
from taxonomy.mentions.periods import middle, split_at
from taxonomy.mentions.placed import Placed
from taxonomy.mentions.records import RESPONSE_TYPES
from taxonomy.model import slugify
from taxonomy.report.parts import Chart, Row, Section, percent, points

if TYPE_CHECKING:
    import pandas as pd

    from taxonomy.mentions.records import Side
    from taxonomy.questions.principles import Principle

# Rows of a chart.
ROWS = 10
# Associations are shown up to this false discovery rate.
RATE = 0.05


@dataclass(frozen=True)
class Asked:
    """What the questions are asked of.

    Attributes
    ----------
    placed : mapping of str to Placed
        By side; the sides that have mentions.
    least : mapping of str to int
        ``min_conversations`` and ``min_users``.
    watch : tuple of str
        Ids of nodes to look out for.
    alerts : float
        Alerts to expect in 10,000 conversations.
    principles : tuple of Principle
    when : datetime or None
        The first moment of the later period; the middle by default.
    """

    placed: Mapping[Side, Placed]
    least: Mapping[str, int]
    watch: tuple[str, ...]
    alerts: float
    principles: tuple[Principle, ...]
    when: datetime | None

    def side(self, side: Side) -> Placed:
        """Return the mentions of a side; none is an error."""
        if side not in self.placed:
            raise InputError(f"no mention is of the {side} side", remedy="give records of it")
        return self.placed[side]

    @cached_property
    def split(self) -> datetime:
        """The first moment of the later period; no times are an error."""
        when = self.when or middle(self.side("ai"))
        if when is None:
            raise InputError("no times are known", column="timestamp", remedy="give conversations with their timestamp")
        return when

    @cached_property
    def periods(self) -> tuple[Placed, Placed]:
        """The AI's mentions, before and after."""
        return split_at(self.side("ai"), self.split)


def frequency(asked: Asked) -> Section:
    """Ask how often values are expressed."""
    from taxonomy.questions.frequency import RARE
    from taxonomy.questions.frequency import frequency as count

    found = {side: count(placed, **asked.least) for side, placed in asked.placed.items()}
    levels = next(iter(asked.placed.values())).tree.levels
    # The two at the top, and the values.
    chosen = [*levels[:-3:-1], levels[0]] if len(levels) > 2 else levels[::-1]
    charts = [
        _shares(f"{_plural(level.name)}, {_WHOSE[side]}", level.name, rows.head(ROWS), "conversation_", side)
        for level in chosen
        for side, figures in found.items()
        if len(rows := figures.table[figures.table["level"] == level.level])
    ]
    first, figures = next(iter(found.items()))
    rare = figures.rare / max(figures.values, 1)
    lead = (
        f"{_WHO[first]} expressed {figures.values:,} different values, {figures.mentions:,} times in "
        f"{figures.conversations:,} conversations. Of the values, {percent(rare)} are in fewer than {RARE:.2%} of "
        "conversations."
    )
    tables = {f"frequency-{side}": figures.table for side, figures in found.items()}
    method = (
        "Shares are of all conversations, also those without a value; a conversation counts once for a node, however "
        "many values below it are said, so shares of a level do not add up to one. Intervals are Wilson's at 95%. "
        "Shares of mentions are in the table."
    )
    return Section(lead, charts, method, tables, sum(one.hidden for one in found.values()))


def contexts(asked: Asked) -> Section:
    """Ask which values go with which task, language or other context, and with which human value."""
    from taxonomy.questions.contexts import context, human_context

    placed = asked.side("ai")
    found = {column: context(placed, column, **asked.least) for column in placed.records.contexts if column != "model"}
    if "human" in asked.placed:
        found["human value"] = human_context(placed, asked.placed["human"], **asked.least)
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
        sure = values[(values["p_fdr"] <= RATE) & (values["residual"] > 0)]
        said.append(f"{len(sure):,} with a {column}")
        if len(sure):
            charts.append(_together(f"Values that go with a {column}", sure.head(ROWS), column))
    lead = f"Pairs of a value and a context that come together more often than by chance: {', '.join(said)}."
    method = (
        f"Each value by each category: adjusted residuals, exact tests, and a false discovery rate of {RATE:.0%} over "
        "all cells of a level. The bar is the share of the category's conversations with the value, the mark what it "
        "would be if the two had nothing to do with each other. Together does not mean because of. Coefficients of "
        "variation are in the table."
    )
    hidden = sum(figures.hidden for figures in found.values())
    return Section(lead, charts, method, tables, hidden)


def responses(asked: Asked) -> Section:
    """Ask how the AI responds to people's values, and what goes with it."""
    from taxonomy.questions.responses import responses as ask

    found = ask(asked.side("ai"), **asked.least)
    known = found.types[found.types["response"] != "not known"]
    if known.empty:
        raise InputError("no response type may be told", column="response_type", remedy="give conversations with it")
    share = known.set_index("response")["share"]
    stances = [f"{percent(share[name])} {name}" for name in ("support", "reframing", "resistance") if name in share]
    charts = [_shares("Types of response", "response", _by_type(known), "", "ai", label="response")]
    values = found.associations[found.associations["level"] == 0]
    for stance in ("support", "reframing", "resistance"):
        sure = values[(values["category"] == stance) & (values["p_fdr"] <= RATE) & (values["residual"] > 0)]
        if len(sure):
            charts.append(_together(f"Values that go with {stance}", sure.head(ROWS), ""))
    explicit = found.explicit.dropna(subset="response")
    if len(explicit):
        chart = _shares(
            "Said explicitly, by type of response", "response", _by_type(explicit), "", "ai", label="response"
        )
        charts.append(Chart(chart.title, chart.of, "share of mentions", chart.rows))
    lead = f"Of all conversations: {', '.join(stances)}." if stances else "No stance may be told."
    method = (
        "Support and resistance are the strong and the mild kind together. Which values go with a type is tested as "
        "for contexts. A type of response is what an annotator, or a model, said it is."
    )
    tables = {"responses": found.types, "responses-values": found.associations, "responses-explicit": found.explicit}
    return Section(lead, charts, method, tables, found.hidden)


def mirroring(asked: Asked) -> Section:
    """Ask how often the AI takes up a person's value."""
    from taxonomy.questions.mirroring import mirroring as ask

    found = ask(asked.side("ai"), asked.side("human"), **asked.least)
    values = found.table[found.table["level"] == 0]
    rows = [
        Row(one["response"], one["share"], one["low"], one["high"], mark=one["chance_share"])
        for one in _records(_by_type(values))
    ]
    charts = [Chart("The same value on both sides", "response", "share of conversations", rows, mark="by chance")]
    said = {one["response"]: one for one in _records(values)}
    parts = [
        f"{percent(said[name]['share'])} in {name} ({percent(said[name]['chance_share'])} by chance)"
        for name in ("support", "reframing", "resistance")
        if name in said
    ]
    lead = f"Where both sides express values, they share one in {', '.join(parts)}." if parts else (
        "No share at the level of values may be told."
    )  # fmt: skip
    method = (
        "Of conversations with values on both sides. Chance is what strangers give: people's values held against the "
        "AI's of other conversations with the same type of response. Other levels are in the table."
    )
    return Section(lead, charts if rows else [], method, {"mirroring": found.table}, found.hidden)


def models(asked: Asked) -> Section:
    """Ask what models differ in."""
    from taxonomy.questions.compared_models import models as ask

    placed = asked.side("ai")
    if "model" not in placed.records.contexts:
        raise InputError("no model is known", column="model", remedy="give conversations with their model")
    control = "task" if "task" in placed.records.contexts else None
    found = ask(placed, control=control, **asked.least)
    table = found.table
    sure = table[table["p_fdr"] <= RATE]
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
            for one in _records(sure[sure["level"] == level.level].head(ROWS))
        ]
        if rows:
            unit = "percentage points more than others"
            charts.append(Chart(f"{_plural(level.name)} that models differ in", level.name, unit, rows, "difference"))
    only = table[table["only"] & (table["level"] == 0)]
    lead = (
        f"{len(sure):,} differences of a model from all others are found"
        + (f", {control} taken into account" if control else "")
        + f"; values that one model alone says: {len(only):,}."
    )
    method = (
        "Each model against all others, by the Cochran-Mantel-Haenszel test within tasks and a false discovery rate of "
        f"{RATE:.0%}. Differences are of shares standardised to the tasks of both: what a model is asked for does not "
        "count, as far as tasks tell it."
        if control
        else f"Each model against all others, with a false discovery rate of {RATE:.0%}. Tasks are not known, so what "
        "a model is asked for counts as a difference."
    )
    return Section(lead, charts, method, {"models": table}, found.hidden)


def principles(asked: Asked) -> Section:
    """Ask which principles the values serve."""
    from taxonomy.questions.principles import principles as ask

    found = ask(asked.side("ai"), asked.principles, **asked.least)
    chart = _shares("Principles", "principle", found.table, "mention_", "ai", label="principle")
    chart = Chart(chart.title, chart.of, "share of mentions", chart.rows)
    first = found.table.sort_values("mention_share", ascending=False).head(1)
    lead = "; ".join(
        f"{percent(one['mention_share'])} of mentions are of values that serve “{one['principle']}”, the most of all"
        for one in _records(first)
    )
    method = (
        "A file maps nodes to principles; a value serves those of the nearest node above it that is named. Which "
        "principle a node serves is a judgement, and a value can serve several, so shares need not add up to one."
    )
    if found.absent:
        method += f" Of the nodes named, {len(found.absent):,} are not in the taxonomy."
    return Section(
        f"{lead}." if lead else "", [chart], method,
        {"principles": found.table}, found.hidden,
    )  # fmt: skip


def anomalies(asked: Asked) -> Section:
    """Ask how many conversations are out of the ordinary, and why."""
    from taxonomy.mentions.statistics import wilson
    from taxonomy.questions.anomalies import TITLES
    from taxonomy.questions.anomalies import anomalies as find

    before, after = asked.periods
    found = find(before, after, watch=asked.watch, per_10000=asked.alerts, **asked.least)
    told = found.table[found.table["node"].isna() & found.table["kind"].notna()]
    low, high = wilson(told["conversations"].to_numpy(), found.conversations)
    rows = [
        Row(TITLES[one["kind"]], one["conversations"] / found.conversations, *ends)
        for one, *ends in zip(_records(told), low, high, strict=True)
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
    return Section(
        lead, [chart] if rows else [], method,
        {"anomalies": found.table}, found.hidden,
    )  # fmt: skip


def drift(asked: Asked) -> Section:
    """Ask what rose and fell."""
    from taxonomy.questions.drift import drift as test

    before, after = asked.periods
    found = test(before, after, **asked.least)
    changed = found.table[found.table["change"] != ""]
    charts = []
    for level in reversed(asked.side("ai").tree.levels):
        rows = [
            Row(one["label"], one["difference"], one["difference_low"], one["difference_high"], note=one["change"])
            for one in _records(changed[changed["level"] == level.level].head(ROWS))
        ]
        if rows:
            unit = "change in percentage points"
            charts.append(Chart(f"{_plural(level.name)} that changed", level.name, unit, rows, "difference"))
    rose = int((changed["change"] == "rose").sum())
    lead = (
        f"From {asked.split:%Y-%m-%d} on, {rose:,} nodes rose and {len(changed) - rose:,} fell, of "
        f"{len(found.table):,} that were tested."
    )
    for most in _records(changed.sort_values("z", key=abs).tail(1)):
        lead += f" The surest change: “{most['label']}”, by {points(most['difference'])} percentage points."
    method = (
        f"{found.after:,} conversations against {found.before:,} before. Two proportions with a pooled variance, and a "
        f"false discovery rate of {RATE:.0%} over all nodes of all levels; intervals are Newcombe's at 95%. What "
        "changed may be who asks for what, not how the AI responds. Nodes that are rare in either period are not "
        "tested."
    )
    return Section(lead, charts, method, {"drift": found.table}, found.hidden)


QUESTIONS: Mapping[str, Callable[[Asked], Section]] = {
    "Which values are expressed": frequency,
    "What values go with": contexts,
    "How the AI responds": responses,
    "Whether values are mirrored": mirroring,
    "Where models differ": models,
    "Which principles values serve": principles,
    "What is out of the ordinary": anomalies,
    "What changed": drift,
}

_WHO: Mapping[Side, str] = {"ai": "The AI", "human": "People"}
_WHOSE: Mapping[Side, str] = {"ai": "said by the AI", "human": "said by people"}


def _shares(title: str, of: str, rows: pd.DataFrame, prefix: str, side: Side, *, label: str = "label") -> Chart:
    found = [
        Row(row[label], row[f"{prefix}share"], row[f"{prefix}low"], row[f"{prefix}high"]) for row in _records(rows)
    ]
    return Chart(title, of, "share of conversations", found, side=side)


def _by_type(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the seven types in their order; support and resistance as a whole are not among them."""
    found = rows[rows["response"].isin(RESPONSE_TYPES)]
    return found.sort_values("response", key=lambda names: names.map(RESPONSE_TYPES.index))


def _together(title: str, rows: pd.DataFrame, column: str) -> Chart:
    """Show shares of a category's conversations, and those to be expected."""
    found = [
        Row(
            row["label"],
            row["share"],
            row["low"],
            row["high"],
            mark=row["share"] * row["expected"] / row["conversations"],
            note=row["category"] if column else "",
        )
        for row in _records(rows)
    ]
    return Chart(title, "value", "share of conversations", found, mark="by chance")


def _records(rows: pd.DataFrame) -> Sequence[dict[str, Any]]:
    return [{str(name): cell for name, cell in row.items()} for row in rows.to_dict("records")]


def _plural(name: str) -> str:
    return f"{name[:1].upper()}{name[1:]}s"


def facts(placed: Mapping[Side, Placed]) -> dict[str, str]:
    """Return what was measured, and on what."""
    from taxonomy.mentions.placed import cells, totals

    records = next(iter(placed.values())).records
    n = int(totals(records)["conversations"].iloc[0])
    found = {"conversations": f"{n:,}", "mentions": f"{sum(one.mentions for one in placed.values()):,}"}
    for side, one in placed.items():
        count = int(cells(one, [])["conversations"].iloc[0])
        found[f"of conversations have a value {_WHOSE[side]}"] = percent(count / n)
    for side, one in placed.items():
        found[f"of mentions {_WHOSE[side]} are not in the taxonomy"] = percent(one.unmapped.total() / one.mentions)
    return found
