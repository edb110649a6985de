"""Conversations whose values are out of the ordinary, with reasons, by a baseline that is taken for ordinary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taxonomy.errors import InputError
from taxonomy.mentions.columns import CONVERSATION, Side
from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.mentions.placed import Placed, count_rows
from taxonomy.mentions.suppression import suppress
from taxonomy.questions.answer import Answer
from taxonomy.questions.baseline import (
    KINDS,
    PER_BIT,
    Baseline,
    Kind,
    count_bits,
    learn_baseline,
    score_conversations,
    to_arrow,
)
from taxonomy.questions.rates import ALERTS

if TYPE_CHECKING:
    from taxonomy.mentions.records import Frame

# Reasons of one kind that are told of a conversation.
_REASONS = 3
TITLES: Mapping[Kind, str] = {
    "watch": "on the watch list",
    "rare": "rare values",
    "context": "values at odds with the context",
    "company": "values at odds with each other",
}
_SAID: Mapping[Kind, str] = {"watch": "on the watch list", "rare": "rare", "context": "at odds", "company": "at odds"}


@dataclass(frozen=True)
class Reason:
    """Why a conversation is odd.

    Attributes
    ----------
    kind : {"watch", "rare", "context", "company"}
        A node of the watch list; a rare value; one at odds with the context; two at odds with each other.
    nodes, labels : tuple of str
        The node, or the two.
    column, category : str or None
        The context.
    observed : int
        Baseline conversations with it.
    expected : float or None
        How many there would be by chance.
    bits : float
        How far it goes beyond the oddest that a conversation of its size is expected to hold.
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
        count = f"{self.observed:,}" if self.observed else "no"
        seen = f"in {count} baseline conversation{'s' if self.observed > 1 else ''}"
        expected = "" if self.expected is None else f", where chance gives {self.expected:,.1f}"
        return f"{_SAID[self.kind]}: {what}{where}, {seen}{expected}"


@dataclass(frozen=True)
class Anomalies:
    """Conversations that are out of the ordinary.

    Attributes
    ----------
    side : {"ai", "human"}
    alerts : DataFrame
        One row a conversation, the oddest first: ``rank``, ``conversation_id``, ``chance`` (the share of baseline
        conversations that are as odd in one way), ``kinds`` (those beyond the threshold) and ``reasons`` (tuple of
        `Reason`, of these kinds). For internal use: each row tells of one conversation.
    table : DataFrame
        What may be told: ``kind``, ``node``, ``label`` and ``conversations``, the alerts for this reason; a missing
        ``node`` stands for all, and so does a missing ``kind``.
    suppressed : int
        Rows of it with too few conversations or users to be told, and those that would give them away.
    baseline, conversations : int
        Conversations with a value, in the baseline and among those scored.
    per_10000 : float
        Alerts expected in 10,000 conversations, as asked for.
    watched : int
        Nodes on the watch list.
    learnt : Baseline
        What the scores are by.
    disclosure : Disclosure
        What `table` was told by.
    """

    side: Side
    alerts: pd.DataFrame
    table: pd.DataFrame
    suppressed: int
    baseline: int
    conversations: int
    per_10000: float
    watched: int
    learnt: Baseline
    disclosure: Disclosure

    @property
    def alerts_told(self) -> int | None:
        """How many alerts there are, None where that may not be told."""
        every = self.table.loc[self.table["kind"].isna(), "conversations"]
        return int(every.iloc[0]) if len(every) else None

    def answer(self) -> Answer:
        """Return it in the form of all answers; the alerts, one by one, are in an internal one alone."""
        tables = {"reasons": self.table}
        if self.disclosure.is_internal:
            said = [[asdict(reason) | {"text": str(reason)} for reason in one] for one in self.alerts["reasons"]]
            tables["alerts"] = self.alerts.assign(reasons=pd.Series(said, dtype=object))
        return Answer(
            question="anomalies",
            sides=(self.side,),
            figures={
                "baseline": self.baseline,
                "conversations": self.conversations,
                "alerts": self.alerts_told,
                "expected_in_10000": self.per_10000,
                "watched": self.watched,
            },
            tables=tables,
            suppressed=self.suppressed,
            internal=self.disclosure.is_internal,
        )


def find_anomalies(
    baseline: Placed,
    placed: Placed,
    *,
    watch: Sequence[str] = (),
    per_10000: float = ALERTS,
    disclosure: Disclosure = PUBLIC,
) -> Anomalies:
    """Find conversations with rare values, values at odds with the context or with each other, or watched ones.

    Parameters
    ----------
    baseline : Placed
        Conversations that are taken for ordinary.
    placed : Placed
        Conversations to score: of the same side, taxonomy and engine.
    watch : sequence of str
        Ids of nodes to look out for, with all below them.
    per_10000 : float
        Alerts to expect in 10,000 conversations that are like the baseline.
    disclosure : Disclosure
        The least that a row of `Anomalies.table` is told from.

    Raises
    ------
    InputError
        If the baseline is too small for so few alerts.

    Notes
    -----
    Each conversation has a score of every kind (see `taxonomy.questions.baseline`). Its chance is the smallest, over
    the kinds, share of baseline conversations that score as high (Tippett 1931), and the threshold is the chance that
    `per_10000` of the baseline itself have.
    """
    learnt = learn_baseline(baseline, watch=watch)
    size = learnt.conversations
    share = per_10000 / 10_000
    if share * size < 1:
        least = int(np.ceil(1 / share))
        problem = f"{per_10000:g} alerts per 10,000 conversations can't be told from a baseline of {size:,}"
        raise InputError(problem, remedy=f"give at least {least:,} conversations, or ask for more alerts")
    engine = placed.records.engine
    ordinary = engine.keep(score_conversations(learnt, baseline, own=True))
    tails = _Tails(engine.collect(ordinary.group_by("kind", "score").agg(n=nw.len())).to_pandas(), size)
    smallest = tails.candidates(ordinary, share, baseline).groupby(CONVERSATION)["chance"].min()
    # At most so many of the baseline, ties included, are beyond the threshold.
    most = int(share * size)
    threshold = np.sort(smallest.to_numpy())[most] if len(smallest) > most else np.inf
    beyond = tails.candidates(score_conversations(learnt, placed, own=False), share, placed)
    beyond = beyond[beyond["chance"] < threshold]
    found = beyond.groupby(CONVERSATION, as_index=False).agg(chance=("chance", "min"), score=("score", "sum"))
    order = ["chance", "score", CONVERSATION]
    found = found.sort_values(order, ascending=[True, False, True], ignore_index=True)
    reasons = _reasons(learnt, placed, beyond)
    told, suppressed = _told(placed, reasons, disclosure)
    scored = engine.collect(placed.frame.select(nw.col(CONVERSATION).n_unique()))
    return Anomalies(
        side=placed.side,
        alerts=_alerts(placed, found, reasons),
        table=told,
        suppressed=suppressed,
        baseline=size,
        conversations=int(scored.column(0)[0].as_py()),
        per_10000=per_10000,
        watched=len(set(watch)),
        learnt=learnt,
        disclosure=disclosure,
    )


class _Tails:
    """Which share of the baseline scores as high, by kind."""

    def __init__(self, counted: pd.DataFrame, size: int) -> None:
        self._size = size
        self._ranked: dict[Kind, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        for kind in KINDS:
            of_kind = counted[counted["kind"] == kind].sort_values("score")
            above = np.append(of_kind["n"].to_numpy()[::-1].cumsum()[::-1], 0)
            self._ranked[kind] = of_kind["score"].to_numpy(), above

    def chance(self, kind: Kind, score: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the share of baseline conversations that score as high, the one in question counted with them."""
        ranked, above = self._ranked[kind]
        return np.asarray((1 + above[np.searchsorted(ranked, score, side="left")]) / (1 + self._size))

    def candidates(self, scored: Frame, share: float, placed: Placed) -> pd.DataFrame:
        """Return the scores, with their chance, that at most `share` of the baseline reaches."""
        import pyarrow as pa

        engine = placed.records.engine
        cuts = {}
        for kind, (ranked, above) in self._ranked.items():
            common = ranked[above[:-1] > share * self._size]
            cuts[kind] = int(common.max(initial=0)) + 1
        table = engine.table(pa.table({"kind": list(cuts), "cut": list(cuts.values())}))
        high = scored.join(table, on="kind", how="inner").filter(nw.col("score") >= nw.col("cut"))
        found: pd.DataFrame = engine.collect(high.select(CONVERSATION, "kind", "score")).to_pandas()
        found["chance"] = 1.0
        for kind in KINDS:
            of_kind = found["kind"] == kind
            found.loc[of_kind, "chance"] = self.chance(kind, found.loc[of_kind, "score"].to_numpy())
        return found


def _reasons(learnt: Baseline, placed: Placed, beyond: pd.DataFrame) -> pd.DataFrame:
    """Return what is odd in conversations, the oddest of each kind first, with the figures it is by."""
    engine = placed.records.engine
    parts = []
    for kind in KINDS:
        lookup = learnt.lookups[kind]
        odd = engine.table(to_arrow(beyond.loc[beyond["kind"] == kind, [CONVERSATION]]))
        within = count_bits(learnt, placed, kind, own=False).join(odd, on=CONVERSATION, how="semi")
        rows: pd.DataFrame = engine.collect(within).to_pandas()
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


def _alerts(placed: Placed, found: pd.DataFrame, reasons: pd.DataFrame) -> pd.DataFrame:
    engine = placed.records.engine
    by_conversation: dict[Any, list[Reason]] = {code: [] for code in found[CONVERSATION]}
    for row in reasons.astype(object).where(reasons.notna(), None).to_dict("records"):
        nodes = tuple(one for one in (row["node"], row["other"]) if one is not None)
        reason = Reason(
            kind=row["kind"],
            nodes=nodes,
            labels=tuple(placed.labels[one] for one in nodes),
            column=row["column"],
            category=row["category"],
            observed=int(row["observed"]),
            expected=None if row["expected"] is None else float(row["expected"]),
            bits=row["gain"] / PER_BIT,
        )
        by_conversation[row[CONVERSATION]].append(reason)
    listed = list(by_conversation.values())
    ranked = found[[CONVERSATION]].assign(rank=np.arange(1, len(found) + 1))
    named = placed.records.named(engine.table(to_arrow(ranked)))
    return pd.DataFrame(
        {
            "rank": ranked["rank"],
            "conversation_id": engine.collect(named).sort_by("rank")["conversation_id"].to_pandas(),
            "chance": found["chance"],
            "kinds": [tuple(dict.fromkeys(reason.kind for reason in one)) for one in listed],
            "reasons": [tuple(one) for one in listed],
        }
    )


def _told(placed: Placed, reasons: pd.DataFrame, disclosure: Disclosure) -> tuple[pd.DataFrame, int]:
    """Count alerts by kind and node of their reasons, as far as they may be told."""
    engine = placed.records.engine
    both = pd.concat([reasons, reasons.assign(node=reasons["other"]).dropna(subset="node")])
    long = engine.table(to_arrow(both[[CONVERSATION, "kind", "node"]]))
    parts = [count_rows(placed.records, long, by) for by in (["kind", "node"], ["kind"], [])]
    counted = pd.concat(parts, ignore_index=True).reindex(columns=["kind", "node", *parts[-1].columns])
    # The total of no alerts is no number.
    counted = counted[counted["conversations"] > 0]
    told = suppress(counted, by=["kind", "node"], disclosure=disclosure).table.reset_index(drop=True)
    table = pd.DataFrame(
        {
            "kind": told["kind"],
            "node": told["node"],
            "label": told["node"].map(placed.labels),
            "conversations": told["conversations"].astype(int),
        }
    )
    order = table.assign(all=table["node"].notna(), every=table["kind"].notna())
    order = order.sort_values(
        ["every", "kind", "all", "conversations", "label"], ascending=[True, True, True, False, True]
    )
    return table.loc[order.index].reset_index(drop=True), len(counted) - len(table)
