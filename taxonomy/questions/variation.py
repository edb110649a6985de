"""How much the share of a node varies across contexts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from taxonomy.mentions.statistics import Floats
from taxonomy.questions.crossing import UNKNOWN, Crossing, spread_counts

# Nodes of which a smaller share is disclosed have no coefficient of variation.
_DISCLOSED = 0.8
_COLUMNS = ("level", "node", "label", "conversations", "cv", "cv_low", "cv_high", "cv_by_chance")


def measure_variation(crossing: Crossing, labels: Mapping[str, str]) -> pd.DataFrame:
    """Measure how much the share of each node varies between categories.

    Parameters
    ----------
    crossing : Crossing
    labels : mapping of str to str
        Of the nodes, by id.

    Returns
    -------
    DataFrame
        See `taxonomy.questions.contexts.Contexts`.

    Notes
    -----
    A suppressed cell counts with its part of what the disclosed ones leave of the node's conversations. Nodes of
    which less than four fifths are disclosed have no row.
    """
    known = crossing.categories.index != UNKNOWN
    if not known.any():
        return pd.DataFrame(columns=list(_COLUMNS))
    tables = []
    for level in sorted(crossing.nodes["level"].unique(), reverse=True):
        nodes, counts, sizes, disclosed = spread_counts(crossing, level)
        counts, disclosed, sizes = counts[:, known], disclosed[:, known], sizes[known]
        total = counts.sum(axis=1)
        enough = (counts * disclosed).sum(axis=1) >= _DISCLOSED * np.maximum(total, 1)
        counts, total = counts[enough], total[enough]
        low, high = variation_intervals(counts, sizes)
        ids = [node for node, is_enough in zip(nodes, enough, strict=True) if is_enough]
        tables.append(
            pd.DataFrame(
                {
                    "level": int(level),
                    "node": ids,
                    "label": [labels[node] for node in ids],
                    "conversations": np.round(total).astype(int),
                    "cv": coefficients_of_variation(counts, sizes),
                    "cv_low": low,
                    "cv_high": high,
                    "cv_by_chance": chance_variation(total, sizes),
                }
            )
        )
    if not tables:
        return pd.DataFrame(columns=list(_COLUMNS))
    variation = pd.concat(tables, ignore_index=True)
    return variation.sort_values(["level", "cv", "label"], ascending=[False, True, True], ignore_index=True)


def coefficients_of_variation(counts: Floats, sizes: Floats) -> Floats:
    """Return how much rates vary across contexts: their standard deviation over their mean.

    Parameters
    ----------
    counts : ndarray of shape (..., n_contexts)
        Conversations with a node in each context, at least one in all.
    sizes : ndarray of shape (n_contexts,)
        All conversations of each context.

    Returns
    -------
    ndarray of shape (...)
        Of the rates ``counts / sizes``, each context counting the same (population standard deviation, as
        `scipy.stats.variation`).
    """
    rates = counts / sizes
    return np.asarray(rates.std(axis=-1) / rates.mean(axis=-1))


def chance_variation(total: Floats, sizes: Floats) -> Floats:
    """Return the coefficient of variation that a node of this count would have if contexts did not matter.

    The root of its expected square, to first order: counts are then multinomial with the sizes as probabilities.
    """
    share = sizes / sizes.sum()
    return np.asarray(np.sqrt((1 / share).mean() * (1 - 1 / len(sizes)) / total))


def variation_intervals(counts: Floats, sizes: Floats, *, draws: int = 500, seed: int = 0) -> tuple[Floats, Floats]:
    """Return 95% bootstrap intervals of `coefficients_of_variation`.

    Conversations are drawn again within each context. Draws vary more than what they are drawn from, by as much as that
    varies more than the truth, so the interval is the reversed one (Davison and Hinkley 1997, eq. 5.6).

    Parameters
    ----------
    counts : ndarray of shape (n_nodes, n_contexts)
    sizes : ndarray of shape (n_contexts,)
    draws : int
    seed : int
    """
    rng = np.random.default_rng(seed)
    observed = coefficients_of_variation(counts, sizes)
    low, high = np.empty_like(observed), np.empty_like(observed)
    whole = np.round(sizes).astype(np.int64)
    for index, row in enumerate(counts):
        drawn = rng.binomial(whole, np.minimum(row / sizes, 1.0), size=(draws, len(sizes))).astype(np.float64)
        drawn = drawn[drawn.any(axis=1)]
        upper, lower = np.quantile(coefficients_of_variation(drawn, sizes), [0.975, 0.025])
        low[index], high[index] = 2 * observed[index] - upper, 2 * observed[index] - lower
    return np.maximum(low, 0), high
