"""Which nodes rose or fell between two periods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taxonomy.mentions.columns import Side
from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.mentions.linked_cells import Cells
from taxonomy.mentions.placed import PlacedMentions, count_conversations, count_nodes, parents_of
from taxonomy.mentions.statistics import LOW_EXPECTED, Floats, correct_p_values, difference_interval
from taxonomy.questions.answer import Answer
from taxonomy.questions.arguments import check_disclosure, check_periods
from taxonomy.questions.asking import Asking, answer_alone
from taxonomy.questions.rates import FALSE_DISCOVERY

# The two periods, and what both are parts of.
_BOTH = "both periods"
_PERIODS = {"before": _BOTH, "after": _BOTH}


@dataclass(frozen=True)
class Drift:
    """How the shares of nodes changed.

    Attributes
    ----------
    side : {"ai", "human"}
    table : DataFrame
        One row a node that is disclosed in both periods, the top level first, then the largest ``z`` in absolute value:
        ``side``, ``level``, ``node`` (its id), ``label``; ``before`` and ``after``, the conversations with it;
        ``share_before`` and ``share_after``; ``difference`` of the shares, after less before, with its 95% interval
        ``difference_low`` to ``difference_high``; their ``ratio`` with ``ratio_low`` to ``ratio_high``; ``z``, above 0
        for a rise, and its two-sided ``p``; ``q``, which is ``p`` corrected for all rows of all levels
        (Benjamini-Hochberg); ``rough``, whether a count expected is under 5, too low for the test; and ``change``:
        ``rose`` or ``fell`` where ``q`` is at most 0.05, else empty.
    before, after : int
        Conversations of the periods, also those without a value.
    suppressed : int
        Nodes with too few conversations or users in one of the periods, and those that would give them away.
    disclosure : Disclosure
        What `table` was disclosed by.
    """

    side: Side
    table: pd.DataFrame
    before: int
    after: int
    suppressed: int
    disclosure: Disclosure

    def answer(self) -> Answer:
        """Return it in the form of all answers: the figures ``before`` and ``after``, and the table ``nodes``."""
        return Answer(
            question="drift",
            sides=(self.side,),
            figures={"before": self.before, "after": self.after},
            tables={"nodes": self.table},
            suppressed=self.suppressed,
            internal=self.disclosure.is_internal,
        )


def detect_drift(earlier: PlacedMentions, later: PlacedMentions, *, disclosure: Disclosure = PUBLIC) -> Drift:
    """Test for every node at every level whether the share of conversations with it changed.

    Parameters
    ----------
    earlier, later : PlacedMentions
        Of the same side and taxonomy; see `PlacedMentions.split_at`.
    disclosure : Disclosure
        The least that a node is disclosed from in each period; by default 15 conversations and 5 users.

    Returns
    -------
    Drift
        Its `table` has a row for each node.

    Raises
    ------
    InputError
        If the two are of different sides or taxonomies, or an argument is of another type.

    Notes
    -----
    The test is that of two proportions with a pooled variance, which gives ``z``. Intervals are Newcombe's (1998) of
    the difference and Katz's (1978) of the ratio, neither adjusted for the number of nodes. Conversations are taken as
    independent, which those of one user are not quite.
    """
    check_periods(earlier, later, ("earlier", "later"))
    check_disclosure(disclosure)
    return answer_alone(ask_drift(earlier, later, disclosure=disclosure), disclosure)


def ask_drift(
    earlier: PlacedMentions,
    later: PlacedMentions,
    *,
    disclosure: Disclosure,
    whole: PlacedMentions | None = None,
) -> Asking[Drift]:
    """Ask what `detect_drift` answers; `whole` is what the two periods are of, where that is published, too."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    sizes = tuple(int(count_conversations(part.records)["conversations"].iloc[0]) for part in (earlier, later))
    counted = _count(earlier, later, whole)
    trees = {"node": parents_of(later.tree), "period": _PERIODS}
    [suppressed] = yield [Cells(counted, {"node": later.side, "period": "period"}, trees)]
    disclosed = _select_both(suppressed.table)
    counts = [disclosed[name].to_numpy(dtype=np.int64) for name in ("before", "after")]
    shares = [count / size for count, size in zip(counts, sizes, strict=True)]
    z, p = compare_proportions(counts[1], sizes[1], counts[0], sizes[0])
    table = disclosed[["level", "node", "before", "after"]].astype({"level": int, "before": int, "after": int})
    table.insert(0, "side", later.side)
    table.insert(3, "label", table["node"].map(later.labels))
    table["share_before"], table["share_after"] = shares
    table["difference"] = shares[1] - shares[0]
    arguments = (counts[1], sizes[1], counts[0], sizes[0])
    table["difference_low"], table["difference_high"] = difference_interval(*arguments)
    table["ratio"] = shares[1] / shares[0]
    table["ratio_low"], table["ratio_high"] = confint_proportions_2indep(*arguments, method="log", compare="ratio")
    table["z"], table["p"] = z, p
    table["q"] = correct_p_values(p, "fdr_bh")
    pooled = (counts[0] + counts[1]) / sum(sizes)
    table["rough"] = np.minimum(pooled, 1 - pooled) * min(sizes) < LOW_EXPECTED
    table["change"] = np.where(table["q"] <= FALSE_DISCOVERY, np.where(table["difference"] > 0, "rose", "fell"), "")
    order = table.assign(size=-table["z"].abs()).sort_values(["level", "size", "label"], ascending=[False, True, True])
    return Drift(
        side=later.side,
        table=table.loc[order.index].reset_index(drop=True),
        before=sizes[0],
        after=sizes[1],
        suppressed=counted["node"].nunique() - len(table),
        disclosure=disclosure,
    )


def compare_proportions(
    count: NDArray[np.int64], size: int, other: NDArray[np.int64], other_size: int
) -> tuple[Floats, Floats]:
    """Test pairs of proportions for being equal, with a pooled variance.

    Returns
    -------
    z, p : ndarray
        As statsmodels' `proportions_ztest` gives them for one pair; 0 and 1 where all or none have it in both.
    """
    from scipy.stats import norm

    pooled = (count + other) / (size + other_size)
    error = np.sqrt(pooled * (1 - pooled) * (1 / size + 1 / other_size))
    difference = count / size - other / other_size
    z = np.divide(difference, error, out=np.zeros_like(difference), where=error > 0)
    return z, 2 * norm.sf(np.abs(z))


def _count(earlier: PlacedMentions, later: PlacedMentions, whole: PlacedMentions | None) -> pd.DataFrame:
    """Count conversations and users of nodes by period, in both, and of the whole; no node stands for all."""
    parts = []
    for period, placed in (("before", earlier), ("after", later)):
        parts.append(_count_with_total(placed).assign(period=period))
    # The users of both periods are at least those of one, so that none is disclosed from too few.
    both = pd.concat(parts).groupby(["level", "node"], dropna=False, as_index=False)
    measures = {"conversations": ("conversations", "sum")}
    if "users" in parts[0] and "users" in parts[1]:
        measures["users"] = ("users", "max")
    parts.append(both.agg(**measures).assign(period=_BOTH))
    if whole is not None:
        parts += _add_untimed(parts[-1], _count_with_total(whole))
    return pd.concat(parts, ignore_index=True)


def _count_with_total(placed: PlacedMentions) -> pd.DataFrame:
    everything = count_conversations(placed.records).assign(node=None)
    return pd.concat([count_nodes(placed), everything], ignore_index=True)


def _add_untimed(timed: pd.DataFrame, whole: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the whole, and what of it has no time."""
    in_both = timed.set_index("node")["conversations"]
    rest = whole.assign(conversations=whole["conversations"] - whole["node"].map(in_both).fillna(0))
    rest = rest[rest["conversations"] > 0].drop(columns="users", errors="ignore")
    return [whole.assign(period=None), rest.assign(period="no time")]


def _select_both(table: pd.DataFrame) -> pd.DataFrame:
    """Return the nodes that are disclosed in both periods, a column for each."""
    table = table[table["period"].isin(list(_PERIODS))].dropna(subset="node")
    wide = table.pivot(index=["level", "node"], columns="period", values="conversations")
    return wide.reindex(columns=list(_PERIODS)).dropna().reset_index().rename_axis(columns=None)
