"""Which nodes rose or fell between two periods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from taxonomy.mentions.disclosure import MIN_CONVERSATIONS, MIN_USERS, suppress
from taxonomy.mentions.placed import Placed, cells, node_cells, parents, totals

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

# Below this expected count in either period the test is a rough one (Cochran 1954).
ROUGH = 5
RATE = 0.05


@dataclass(frozen=True)
class Drift:
    """How the shares of nodes changed.

    Attributes
    ----------
    table : DataFrame
        One row a node that may be told in both periods, top first, the surest change first: ``side``, ``level``,
        ``node``, ``label``; ``before`` and ``after``, the conversations with it, ``share_before`` and ``share_after``;
        ``difference`` of the shares with its 95% interval, ``difference_low`` to ``difference_high``; ``ratio`` of them
        with ``ratio_low`` to ``ratio_high``; ``z``, ``p``, and ``q``, the false discovery rate up to which it is found;
        ``rough``, whether a count is too low for the test; and ``change``: rose, fell, or none at a rate of `RATE`.
    before, after : int
        Conversations of the periods, also those without a value.
    hidden : int
        Nodes that may not be told in one of the periods, or would give one away that may not.
    """

    table: pd.DataFrame
    before: int
    after: int
    hidden: int


def drift(
    before: Placed,
    after: Placed,
    *,
    min_conversations: int = MIN_CONVERSATIONS,
    min_users: int = MIN_USERS,
) -> Drift:
    """Test for every node at every level whether the share of conversations with it changed.

    Parameters
    ----------
    before, after : Placed
        Of the same side and taxonomy.
    min_conversations, min_users : int
        The least that a node is told from, in either period; users count where they are known.

    Notes
    -----
    The test is that of two proportions with a pooled variance. Intervals are Newcombe's (1998) of the difference and
    Katz's (1978) of the ratio, neither adjusted for the number of nodes; ``q`` is, by Benjamini and Hochberg (1995)
    over all levels together. Conversations are taken as independent, which those of one user are not quite.
    """
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.proportion import confint_proportions_2indep

    tree = after.tree
    sizes = tuple(int(totals(part.records)["conversations"].iloc[0]) for part in (before, after))
    found = _counts(before, after)
    told = _both_told(found, parents(tree), min_conversations, min_users)
    counts = [told[name].to_numpy(dtype=np.int64) for name in ("before", "after")]
    shares = [count / size for count, size in zip(counts, sizes, strict=True)]
    z, p = two_proportions(counts[1], sizes[1], counts[0], sizes[0])
    labels = {node.id: node.label for node in tree.nodes}
    table = told[["level", "node", "before", "after"]].astype({"level": int, "before": int, "after": int})
    table.insert(0, "side", after.side)
    table.insert(3, "label", table["node"].map(labels))
    table["share_before"], table["share_after"] = shares
    table["difference"] = shares[1] - shares[0]
    arguments = (counts[1], sizes[1], counts[0], sizes[0])
    table["difference_low"], table["difference_high"] = confint_proportions_2indep(*arguments, method="newcomb")
    table["ratio"] = shares[1] / shares[0]
    table["ratio_low"], table["ratio_high"] = confint_proportions_2indep(*arguments, method="log", compare="ratio")
    table["z"], table["p"] = z, p
    table["q"] = multipletests(p, method="fdr_bh")[1] if len(p) else p
    pooled = (counts[0] + counts[1]) / sum(sizes)
    table["rough"] = np.minimum(pooled, 1 - pooled) * min(sizes) < ROUGH
    table["change"] = np.where(table["q"] <= RATE, np.where(table["difference"] > 0, "rose", "fell"), "")
    order = table.assign(size=-table["z"].abs()).sort_values(["level", "size", "label"], ascending=[False, True, True])
    return Drift(
        table=table.loc[order.index].reset_index(drop=True),
        before=sizes[0],
        after=sizes[1],
        hidden=found["node"].nunique() - len(table),
    )


def two_proportions(
    count: NDArray[np.int64], size: int, other: NDArray[np.int64], other_size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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


def _counts(before: Placed, after: Placed) -> pd.DataFrame:
    """Count conversations and users of nodes by period, and in both; no node stands for all."""
    import pandas as pd

    parts = []
    for period, placed in (("before", before), ("after", after)):
        found = pd.concat([node_cells(placed), cells(placed, []).assign(node=None)], ignore_index=True)
        parts.append(found.assign(period=period))
    # The users of both periods are at least those of one: a bound that tells of none too few.
    both = pd.concat(parts).groupby(["level", "node"], dropna=False, as_index=False)
    measures = {"conversations": ("conversations", "sum")}
    if "users" in parts[0] and "users" in parts[1]:
        measures["users"] = ("users", "max")
    return pd.concat([*parts, both.agg(**measures).assign(period=None)], ignore_index=True)


def _both_told(found: pd.DataFrame, trees: dict[str, str], min_conversations: int, min_users: int) -> pd.DataFrame:
    """Return the nodes that may be told in both periods, a column for each."""
    told = suppress(
        found,
        by=["node", "period"],
        trees={"node": trees},
        min_conversations=min_conversations,
        min_users=min_users,
    ).table
    wide = told.dropna(subset=["node", "period"]).pivot(
        index=["level", "node"], columns="period", values="conversations"
    )
    return wide.reindex(columns=["before", "after"]).dropna().reset_index()
