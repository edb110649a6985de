"""Conversations whose values are out of the ordinary, with reasons, by a baseline that is taken for ordinary."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taxonomy.errors import InputError
from taxonomy.mentions.disclosure import MIN_CONVERSATIONS, MIN_USERS, suppress
from taxonomy.mentions.placed import Placed, count_cells
from taxonomy.mentions.records import CONVERSATION
from taxonomy.questions.baseline import KINDS, PER_BIT, Baseline, Kind, as_arrow, bits, learn, scores, values_of

if TYPE_CHECKING:
    from taxonomy.mentions.records import Frame

# Alerts expected in 10,000 conversations like those of the baseline.
ALERTS = 100.0
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
    alerts : DataFrame
        One row a conversation, the oddest first: ``rank``, ``conversation_id``, ``chance`` (the share of baseline
        conversations that are as odd in one way), ``kinds`` (those beyond the threshold) and ``reasons`` (tuple of
        `Reason`, of these kinds). For use within: each row tells of one conversation.
    table : DataFrame
        What may be told: ``kind``, ``node``, ``label`` and ``conversations``, the alerts for this reason; a missing
        ``node`` stands for all, and so does a missing ``kind``.
    hidden : int
        Rows of it with too few conversations or users to be told, and those that would give them away.
    baseline, conversations : int
        Conversations with a value, in the baseline and among those scored.
    per_10000 : float
        Alerts expected in 10,000 conversations, as asked for.
    watched : int
        Nodes on the watch list.
    learnt : Baseline
        What the scores are by.
    """

    alerts: pd.DataFrame
    table: pd.DataFrame
    hidden: int
    baseline: int
    conversations: int
    per_10000: float
    watched: int
    learnt: Baseline

    @property
    def alerts_told(self) -> int | None:
        """How many alerts there are, None where that may not be told."""
        every = self.table.loc[self.table["kind"].isna(), "conversations"]
        return int(every.iloc[0]) if len(every) else None


def anomalies(
    baseline: Placed,
    placed: Placed,
    *,
    watch: Sequence[str] = (),
    per_10000: float = ALERTS,
    min_conversations: int = MIN_CONVERSATIONS,
    min_users: int = MIN_USERS,
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
    min_conversations, min_users : int
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
    learnt = learn(baseline, watch=watch)
    size = learnt.conversations
    share = per_10000 / 10_000
    if share * size < 1:
        least = int(np.ceil(1 / share))
        problem = f"{per_10000:g} alerts per 10,000 conversations can't be told from a baseline of {size:,}"
        raise InputError(problem, remedy=f"give at least {least:,} conversations, or ask for more alerts")
    engine = placed.records.engine
    ordinary = engine.keep(scores(learnt, baseline, own=True))
    tails = _Tails(engine.collect(ordinary.group_by("kind", "score").agg(n=nw.len())).to_pandas(), size)
    smallest = tails.candidates(ordinary, share, baseline).groupby(CONVERSATION)["chance"].min()
    # At most so many of the baseline, ties included, are beyond the threshold.
    most = int(share * size)
    threshold = np.sort(smallest.to_numpy())[most] if len(smallest) > most else np.inf
    beyond = tails.candidates(scores(learnt, placed, own=False), share, placed)
    beyond = beyond[beyond["chance"] < threshold]
    found = beyond.groupby(CONVERSATION, as_index=False).agg(chance=("chance", "min"), score=("score", "sum"))
    order = ["chance", "score", CONVERSATION]
    found = found.sort_values(order, ascending=[True, False, True], ignore_index=True)
    reasons = _reasons(learnt, placed, beyond)
    told, hidden = _told(placed, reasons, min_conversations, min_users)
    scored = engine.collect(placed.frame.select(nw.col(CONVERSATION).n_unique()))
    return Anomalies(
        alerts=_alerts(placed, found, reasons),
        table=told,
        hidden=hidden,
        baseline=size,
        conversations=int(scored.column(0)[0].as_py()),
        per_10000=per_10000,
        watched=len(set(watch)),
        learnt=learnt,
    )


def recall(found: Anomalies, placed: Placed, known: Mapping[str, Collection[str]]) -> pd.DataFrame:
    """Compare alerts with conversations that are known to be anomalous, and with a plain ranking by rarity.

    Parameters
    ----------
    found : Anomalies
    placed : Placed
        The conversations that were scored.
    known : mapping of str to collection of str
        Ids of conversations, by any name of what is wrong with them.

    Returns
    -------
    DataFrame
        A row a name, and one, ``any``, for all: ``known`` among those scored, ``found`` of them, ``recall`` and, over
        all, ``precision``; ``plain_found``, ``plain_recall`` and ``plain_precision`` for as many conversations that
        have the rarest values.
    """
    engine = placed.records.engine
    ids = sorted({one for group in known.values() for one in group})
    there = placed.records.named(placed.frame.select(CONVERSATION).unique())
    there = there.filter(nw.col("conversation_id").is_in(ids))
    scored = set(engine.collect(there)["conversation_id"].to_pylist())
    alerts = set(found.alerts["conversation_id"])
    plain = set(rarest(found.learnt, placed, len(alerts)))
    rows = []
    for name, group in {**known, "any": ids}.items():
        wanted = scored & set(group)
        row: dict[str, Any] = {"name": name, "known": len(wanted)}
        for prefix, ranked in (("", alerts), ("plain_", plain)):
            hits = len(wanted & ranked)
            row[f"{prefix}found"] = hits
            row[f"{prefix}recall"] = hits / len(wanted) if wanted else np.nan
            row[f"{prefix}precision"] = hits / len(ranked) if name == "any" and ranked else np.nan
        rows.append(row)
    return pd.DataFrame(rows)


def rarest(learnt: Baseline, placed: Placed, n: int) -> list[str]:
    """Return the n conversations whose rarest value is in the fewest baseline conversations."""
    import pyarrow as pa

    engine = placed.records.engine
    seen = learnt.lookups["rare"].table[["level_0", "observed"]]
    counts = engine.table(pa.table({name: seen[name].to_list() for name in seen.columns}))
    ranked = (
        values_of(placed)
        .join(counts, on="level_0", how="inner")
        .group_by(CONVERSATION)
        .agg(nw.col("observed").min())
        .sort("observed", CONVERSATION)
        .head(n)
    )
    named = placed.records.named(ranked).sort("observed", "conversation_id")
    names: list[str] = engine.collect(named)["conversation_id"].to_pylist()
    return names


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
        odd = engine.table(as_arrow(beyond.loc[beyond["kind"] == kind, [CONVERSATION]]))
        within = bits(learnt, placed, kind, own=False).join(odd, on=CONVERSATION, how="semi")
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
    labels = {node.id: node.label for node in placed.tree.nodes}
    by_conversation: dict[Any, list[Reason]] = {code: [] for code in found[CONVERSATION]}
    for row in reasons.astype(object).where(reasons.notna(), None).to_dict("records"):
        nodes = tuple(one for one in (row["node"], row["other"]) if one is not None)
        reason = Reason(
            kind=row["kind"],
            nodes=nodes,
            labels=tuple(labels[one] for one in nodes),
            column=row["column"],
            category=row["category"],
            observed=int(row["observed"]),
            expected=None if row["expected"] is None else float(row["expected"]),
            bits=row["gain"] / PER_BIT,
        )
        by_conversation[row[CONVERSATION]].append(reason)
    listed = list(by_conversation.values())
    ranked = found[[CONVERSATION]].assign(rank=np.arange(1, len(found) + 1))
    named = placed.records.named(engine.table(as_arrow(ranked)))
    return pd.DataFrame(
        {
            "rank": ranked["rank"],
            "conversation_id": engine.collect(named).sort_by("rank")["conversation_id"].to_pandas(),
            "chance": found["chance"],
            "kinds": [tuple(dict.fromkeys(reason.kind for reason in one)) for one in listed],
            "reasons": [tuple(one) for one in listed],
        }
    )


def _told(placed: Placed, reasons: pd.DataFrame, min_conversations: int, min_users: int) -> tuple[pd.DataFrame, int]:
    """Count alerts by kind and node of their reasons, as far as they may be told."""
    engine = placed.records.engine
    both = pd.concat([reasons, reasons.assign(node=reasons["other"]).dropna(subset="node")])
    long = engine.table(as_arrow(both[[CONVERSATION, "kind", "node"]]))
    parts = [count_cells(placed.records, long, by) for by in (["kind", "node"], ["kind"], [])]
    counted = pd.concat(parts, ignore_index=True).reindex(columns=["kind", "node", *parts[-1].columns])
    # The total of no alerts is no number.
    counted = counted[counted["conversations"] > 0]
    told = suppress(
        counted, by=["kind", "node"], min_conversations=min_conversations, min_users=min_users
    ).table.reset_index(drop=True)
    labels = {node.id: node.label for node in placed.tree.nodes}
    table = pd.DataFrame(
        {
            "kind": told["kind"],
            "node": told["node"],
            "label": told["node"].map(labels),
            "conversations": told["conversations"].astype(int),
        }
    )
    order = table.assign(all=table["node"].notna(), every=table["kind"].notna())
    order = order.sort_values(
        ["every", "kind", "all", "conversations", "label"], ascending=[True, True, True, False, True]
    )
    return table.loc[order.index].reset_index(drop=True), len(counted) - len(table)
