"""Conversations whose values are unusual by those of a baseline, with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taxonomy.english.plurals import count_of
from taxonomy.errors import InputError, check_type
from taxonomy.mentions.columns import CONVERSATION, Side
from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.mentions.linked_cells import Cells
from taxonomy.mentions.placed import PlacedMentions, count_rows
from taxonomy.questions.answer import Answer
from taxonomy.questions.arguments import check_disclosure, check_periods
from taxonomy.questions.asking import Asking, answer_alone
from taxonomy.questions.baseline import (
    KINDS,
    PER_BIT,
    Baseline,
    Kind,
    count_bits,
    count_with_value,
    learn_baseline,
    score_conversations,
    to_arrow,
)
from taxonomy.questions.rates import ALERTS_PER_10000
from taxonomy.questions.watch_list import find_watched

if TYPE_CHECKING:
    from taxonomy.mentions.query_engine import Frame

# Reasons of one kind that are given for a conversation.
_REASONS = 3
TITLES: Mapping[Kind, str] = {
    "watch": "on the watch list",
    "rare": "rare values",
    "context": "values unusual in their context",
    "co-occurrence": "values that rarely occur together",
}
_WHAT: Mapping[Kind, str] = {
    "watch": "on the watch list",
    "rare": "rare",
    "context": "unusual in its context",
    "co-occurrence": "rarely together",
}


@dataclass(frozen=True)
class Reason:
    """Why a conversation is anomalous; ``str(reason)`` is a sentence.

    Attributes
    ----------
    kind : {"watch", "rare", "context", "co-occurrence"}
        A node of the watch list; a rare value; a value that is unusual in the context; two that rarely occur together.
    nodes, labels : tuple of str
        The id and the label of the node, or of the two.
    column, category : str or None
        The context; None for the other kinds.
    observed : int
        Baseline conversations with it.
    expected : float or None
        How many there would be by chance.
    bits : float
        Its surprisal: minus log2 of the share of the baseline that is as unusual. Except for ``watch``, it is less that
        of the most unusual of its kind that a conversation of this size is expected to have: log2 of the number of its
        values or pairs.
    """

    kind: Kind
    nodes: tuple[str, ...]
    labels: tuple[str, ...]
    column: str | None
    category: str | None
    observed: int
    expected: float | None
    bits: float

    def __str__(self) -> str:
        """Return a sentence for those who look at the alert."""
        what = " with ".join(map(repr, self.labels))
        where = f" where {self.column} is {self.category!r}" if self.column else ""
        count = count_of(self.observed, "baseline conversation") if self.observed else "no baseline conversation"
        expected = "" if self.expected is None else f", {self.expected:,.1f} expected by chance"
        return f"{_WHAT[self.kind]}: {what}{where}, in {count}{expected}"


@dataclass(frozen=True)
class Anomalies:
    """Conversations whose values are unusual.

    Attributes
    ----------
    side : {"ai", "human"}
    alerts : DataFrame
        One row a conversation that is an alert, the most unusual first: ``rank``, ``conversation_id``, ``chance`` (the
        share of baseline conversations that are as unusual in one kind), ``kinds`` (those beyond the threshold) and
        ``reasons`` (tuple of `Reason`, up to three of each of these kinds). Internal use only: each row is about one
        conversation.
    table : DataFrame
        What is disclosed: ``kind``, ``node``, ``label`` and ``conversations``, the alerts for this reason; a missing
        ``node`` stands for all, and so does a missing ``kind``. It is empty where alerts are too few to be disclosed.
    suppressed : int
        Rows of it with too few conversations or users, and those that would give them away.
    conversations : int
        Conversations with a value among those scored.
    alerts_per_10000 : float
        Alerts expected in 10,000 conversations, as asked for.
    watched : tuple of str
        Ids of the nodes on the watch list.
    baseline : Baseline
        What the scores are by; ``baseline.conversations`` is how many it was learned from.
    disclosure : Disclosure
        What `table` was disclosed by.
    """

    side: Side
    alerts: pd.DataFrame
    table: pd.DataFrame
    suppressed: int
    conversations: int
    alerts_per_10000: float
    watched: tuple[str, ...]
    baseline: Baseline
    disclosure: Disclosure

    @property
    def alerts_disclosed(self) -> int | None:
        """How many alerts there are, None where that is suppressed; ``len(alerts)`` is for internal use only."""
        every = self.table.loc[self.table["kind"].isna(), "conversations"]
        return int(every.iloc[0]) if len(every) else None

    def answer(self) -> Answer:
        """Return it in the form of all answers.

        The figures are ``baseline`` and ``conversations`` (how many have a value), ``alerts`` (None where suppressed),
        ``expected_in_10000`` and ``watched``. The tables are ``reasons`` and, if everything is disclosed, ``alerts``.
        """
        tables = {"reasons": self.table}
        if self.disclosure.is_internal:
            texts = [
                [asdict(reason) | {"text": str(reason)} for reason in reasons] for reasons in self.alerts["reasons"]
            ]
            tables["alerts"] = self.alerts.assign(reasons=pd.Series(texts, dtype=object))
        return Answer(
            question="anomalies",
            sides=(self.side,),
            figures={
                "baseline": self.baseline.conversations,
                "conversations": self.conversations,
                "alerts": self.alerts_disclosed,
                "expected_in_10000": self.alerts_per_10000,
                "watched": len(self.watched),
            },
            tables=tables,
            suppressed=self.suppressed,
            internal=self.disclosure.is_internal,
        )


def find_anomalies(
    baseline: PlacedMentions,
    mentions: PlacedMentions,
    *,
    watch: Iterable[str] = (),
    alerts_per_10000: float = ALERTS_PER_10000,
    disclosure: Disclosure = PUBLIC,
) -> Anomalies:
    """Find conversations with rare values, values unusual in their context or beside each other, or watched ones.

    Parameters
    ----------
    baseline : PlacedMentions
        Earlier conversations, by which the others are scored; see `PlacedMentions.split_at` and
        `Mentions.open_baseline`. At least 10,000 / `alerts_per_10000` of them must have a value.
    mentions : PlacedMentions
        Conversations to score: of the same side and taxonomy.
    watch : iterable of str
        Nodes to look out for, with all below them: ids, labels, aliases, or paths such as ``Group > cluster``.
    alerts_per_10000 : float
        Alerts to expect in 10,000 conversations that are like the baseline, above 0; 100 by default.
    disclosure : Disclosure
        The least that a row of `Anomalies.table` is disclosed from; by default 15 conversations and 5 users.

    Returns
    -------
    Anomalies
        Its `table` is what is disclosed: counts of alerts by reason. Its `alerts`, for internal use only, have a row
        for each conversation.

    Raises
    ------
    InputError
        If the baseline is too small for so few alerts, the two are of different sides or taxonomies, or an argument is
        of another type.
    LookupFailedError
        If a name to watch is not of one node.

    Notes
    -----
    A conversation has a score of each kind: the sum of `Reason.bits` over all that is unusual in it. A value is as rare
    as the share of mentions whose value is in as few baseline conversations (Good 1953). A value in a context, or next
    to another value, is unusual where the two surely occur together less often than by chance (the information
    component of Norén, Hopstadius and Bate 2013). Contexts are all context columns and the response type. Values too
    rare for that are replaced by the cluster, group or domain that they belong to.

    The chance of a conversation is the smallest, over the kinds, share of baseline conversations that score as high
    (Tippett 1931). An alert has a smaller chance than all but `alerts_per_10000` of the baseline itself. So the kinds
    share these alerts, and there are more or fewer where the conversations are not like the baseline. A watched node
    that is common in the baseline gives no alert by itself.
    """
    check_periods(baseline, mentions, ("baseline", "mentions"))
    check_disclosure(disclosure)
    asking = ask_anomalies(baseline, mentions, watch=watch, alerts_per_10000=alerts_per_10000, disclosure=disclosure)
    return answer_alone(asking, disclosure)


def ask_anomalies(
    baseline: PlacedMentions,
    mentions: PlacedMentions,
    *,
    watch: Iterable[str],
    alerts_per_10000: float = ALERTS_PER_10000,
    disclosure: Disclosure,
) -> Asking[Anomalies]:
    """Ask what `find_anomalies` answers."""
    watched = find_watched(mentions.tree, watch)
    learned = learn_baseline(baseline, watch=watched)
    share = _alert_share(alerts_per_10000, learned.conversations)
    beyond = _find_beyond(learned, mentions, share)
    alerts = beyond.groupby(CONVERSATION, as_index=False).agg(chance=("chance", "min"), score=("score", "sum"))
    alerts["conversation_id"] = alerts[CONVERSATION].map(mentions.records.ids_of(alerts[CONVERSATION]))
    order = ["chance", "score", "conversation_id"]
    alerts = alerts.sort_values(order, ascending=[True, False, True], ignore_index=True)
    reasons = _find_reasons(learned, mentions, beyond)
    counted = _count_reasons(mentions, reasons)
    [disclosed] = yield [Cells(counted, {"kind": "kind", "node": "node"}, population="alerts")]
    table = _make_table(disclosed.table, mentions)
    return Anomalies(
        side=mentions.side,
        alerts=_list_alerts(mentions, alerts, reasons),
        table=table,
        suppressed=len(counted) - len(table),
        conversations=count_with_value(mentions),
        alerts_per_10000=alerts_per_10000,
        watched=watched,
        baseline=learned,
        disclosure=disclosure,
    )


def _alert_share(alerts_per_10000: float, size: int) -> float:
    """Return the share of conversations to report, which must be one in the baseline at least."""
    remedy = "give a number above 0, up to 10,000"
    check_type(alerts_per_10000, (int, float), "alerts_per_10000", remedy)
    if not 0 < alerts_per_10000 <= 10_000:
        raise InputError(f"`alerts_per_10000` is {alerts_per_10000:g}", remedy=remedy)
    share = alerts_per_10000 / 10_000
    if share * size < 1:
        least = int(np.ceil(1 / share))
        baseline = count_of(size, "conversation")
        problem = f"an alert rate of {alerts_per_10000:g} in 10,000 is too low for a baseline of {baseline}"
        raise InputError(problem, remedy=f"give a baseline of at least {least:,}, or ask for more alerts")
    return share


def _find_beyond(learned: Baseline, mentions: PlacedMentions, share: float) -> pd.DataFrame:
    """Return the scores beyond the threshold, with their chance, a row for each conversation and kind."""
    engine = learned.placed.records.engine
    scores = engine.keep(score_conversations(learned, learned.placed, own=True))
    counted = engine.collect(scores.group_by("kind", "score").agg(n=nw.len())).to_pandas()
    tails = _Tails(counted, learned.conversations)
    smallest = tails.candidates(scores, share, learned.placed).groupby(CONVERSATION)["chance"].min()
    # At most so many of the baseline, ties included, are beyond the threshold.
    most = int(share * learned.conversations)
    threshold = np.sort(smallest.to_numpy())[most] if len(smallest) > most else np.inf
    candidates = tails.candidates(score_conversations(learned, mentions, own=False), share, mentions)
    return candidates[candidates["chance"] < threshold]


class _Tails:
    """Shares of the baseline that score as high, by kind."""

    def __init__(self, counted: pd.DataFrame, size: int) -> None:
        self._size = size
        self._ranked: dict[Kind, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        for kind in KINDS:
            of_kind = counted[counted["kind"] == kind].sort_values("score")
            above = np.append(of_kind["n"].to_numpy()[::-1].cumsum()[::-1], 0)
            self._ranked[kind] = of_kind["score"].to_numpy(), above

    def chance(self, kind: Kind, score: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the share of baseline conversations that score as high, this one counted with them."""
        ranked, above = self._ranked[kind]
        return np.asarray((1 + above[np.searchsorted(ranked, score, side="left")]) / (1 + self._size))

    def candidates(self, scored: Frame, share: float, placed: PlacedMentions) -> pd.DataFrame:
        """Return the scores, with their chance, that at most `share` of the baseline reaches."""
        import pyarrow as pa

        engine = placed.records.engine
        cuts = {}
        for kind, (ranked, above) in self._ranked.items():
            common = ranked[above[:-1] > share * self._size]
            cuts[kind] = int(common.max(initial=0)) + 1
        table = engine.table(pa.table({"kind": list(cuts), "cut": list(cuts.values())}))
        high = scored.join(table, on="kind", how="inner").filter(nw.col("score") >= nw.col("cut"))
        scores: pd.DataFrame = engine.collect(high.select(CONVERSATION, "kind", "score")).to_pandas()
        scores["chance"] = 1.0
        for kind in KINDS:
            of_kind = scores["kind"] == kind
            scores.loc[of_kind, "chance"] = self.chance(kind, scores.loc[of_kind, "score"].to_numpy())
        return scores


def _find_reasons(learned: Baseline, mentions: PlacedMentions, beyond: pd.DataFrame) -> pd.DataFrame:
    """Return what is unusual in conversations, the most unusual of each kind first, with its figures."""
    engine = mentions.records.engine
    parts = []
    for kind in KINDS:
        lookup = learned.lookups[kind]
        unusual = engine.table(to_arrow(beyond.loc[beyond["kind"] == kind, [CONVERSATION]]))
        within = replace(mentions, frame=mentions.frame.join(unusual, on=CONVERSATION, how="semi"))
        rows: pd.DataFrame = engine.collect(count_bits(learned, within, kind, own=False)).to_pandas()
        rows = rows.merge(lookup.table, on=list(lookup.keys), how="left")
        parts.append(rows.rename(columns={"level_0": "node"}).assign(kind=kind))
    columns = [CONVERSATION, "kind", "node", "other", "column", "category", "observed", "expected", "gain"]
    reasons = pd.concat(parts, ignore_index=True).reindex(columns=columns)
    order = [CONVERSATION, "gain", "kind", "node", "other", "column"]
    reasons = reasons.sort_values(order, ascending=[True, False, True, True, True, True], ignore_index=True)
    place = reasons.groupby([CONVERSATION, "kind"]).cumcount()
    # Beside the first, what is under one bit explains nothing.
    kept: pd.DataFrame = reasons[(place == 0) | ((place < _REASONS) & (reasons["gain"] >= PER_BIT))]
    return kept


def _list_alerts(mentions: PlacedMentions, alerts: pd.DataFrame, reasons: pd.DataFrame) -> pd.DataFrame:
    """Return the alerts with the ids of their conversations, and their reasons."""
    by_conversation: dict[Any, list[Reason]] = {code: [] for code in alerts[CONVERSATION]}
    for row in reasons.astype(object).where(reasons.notna(), None).to_dict("records"):
        nodes = tuple(node for node in (row["node"], row["other"]) if node is not None)
        reason = Reason(
            kind=row["kind"],
            nodes=nodes,
            labels=tuple(mentions.labels[node] for node in nodes),
            column=row["column"],
            category=row["category"],
            observed=int(row["observed"]),
            expected=None if row["expected"] is None else float(row["expected"]),
            bits=row["gain"] / PER_BIT,
        )
        by_conversation[row[CONVERSATION]].append(reason)
    listed = list(by_conversation.values())
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(alerts) + 1),
            "conversation_id": alerts["conversation_id"],
            "chance": alerts["chance"],
            "kinds": [tuple(dict.fromkeys(reason.kind for reason in reasons_of_one)) for reasons_of_one in listed],
            "reasons": [tuple(reasons_of_one) for reasons_of_one in listed],
        }
    )


def _count_reasons(mentions: PlacedMentions, reasons: pd.DataFrame) -> pd.DataFrame:
    """Count alerts by kind and node of their reasons."""
    engine = mentions.records.engine
    both = pd.concat([reasons, reasons.assign(node=reasons["other"]).dropna(subset="node")])
    long = engine.table(to_arrow(both[[CONVERSATION, "kind", "node"]]))
    parts = [count_rows(mentions.records, long, by) for by in (["kind", "node"], ["kind"], [])]
    counted = pd.concat(parts, ignore_index=True).reindex(columns=["kind", "node", *parts[-1].columns])
    # The total of no alerts is not a number.
    return counted[counted["conversations"] > 0]


def _make_table(disclosed: pd.DataFrame, mentions: PlacedMentions) -> pd.DataFrame:
    disclosed = disclosed.reset_index(drop=True)
    table = pd.DataFrame(
        {
            "kind": disclosed["kind"],
            "node": disclosed["node"],
            "label": disclosed["node"].map(mentions.labels),
            "conversations": disclosed["conversations"].astype(int),
        }
    )
    order = table.assign(all=table["node"].notna(), every=table["kind"].notna())
    order = order.sort_values(
        ["every", "kind", "all", "conversations", "label"], ascending=[True, True, True, False, True]
    )
    return table.loc[order.index].reset_index(drop=True)
