"""How far raters agree, by coefficients that correct for chance in different ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taxonomy.mentions.statistics import wilson_interval

Floats = NDArray[np.float64]
Weights = Literal["linear", "quadratic"]
COEFFICIENTS = ("percent agreement", "Cohen's kappa", "Krippendorff's alpha", "Gwet's AC1")
WHY_THEY_DIFFER = (
    "They differ in what they take for agreement by chance. Percent agreement takes off nothing. Kappa and alpha take"
    " off what raters would agree on who gave the same shares of answers at random: where nearly all answers are the"
    " same that is nearly all, so that 98% agreement can be a kappa of 0.32. AC1 takes off little there."
)
_RESAMPLES, _SEED = 1000, 0


def measure_reliability(
    ratings: pd.DataFrame,
    categories: Sequence[str],
    clusters: pd.Series[str] | None = None,
    *,
    ordered: Sequence[str] = (),
) -> pd.DataFrame:
    """Measure how far raters agree.

    Parameters
    ----------
    ratings : DataFrame
        One row a unit, one column a rater; one of `categories`, or missing.
    categories : sequence of str
        All that could be answered.
    clusters : Series, optional
        What the intervals' bootstrap draws, such as conversations; by default the units.
    ordered : sequence of str
        The categories with an order: Cohen's kappa is also weighted, of the units where both raters gave one of these.

    Returns
    -------
    DataFrame
        A row for each ``coefficient``: percent agreement, Krippendorff's alpha and Gwet's AC1 of all ``raters``, and
        Cohen's kappa of each pair; the ``units`` that two or more rated, the ``value``, and the ends of its 95%
        interval, ``low`` and ``high``: Wilson's of the percent agreement of two raters, statsmodels' of kappa, and else
        percentiles of a bootstrap over the clusters. What is not defined is NaN.
    """
    codes = np.stack(
        [pd.Categorical(ratings[name], categories=list(categories)).codes for name in ratings.columns], axis=1
    )
    counts = np.stack([(codes == code).sum(axis=1) for code in range(len(categories))], axis=1).astype(np.float64)
    units = int((counts.sum(axis=1) >= 2).sum())
    every = {"raters": ", ".join(map(str, ratings.columns)), "units": units}
    groups = np.arange(len(ratings)) if clusters is None else pd.factorize(clusters.loc[ratings.index])[0]
    of_all: tuple[tuple[str, Callable[[Floats], _Parts]], ...] = (
        ("percent agreement", _percent_parts),
        ("Krippendorff's alpha", _alpha_parts),
        ("Gwet's AC1", _ac1_parts),
    )
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in COEFFICIENTS}
    for name, parts_of in of_all:
        rows[name].append({"coefficient": name, **every, **_with_interval(parts_of(counts), groups)})
    if len(ratings.columns) == 2 and units:
        agreed = round(rows["percent agreement"][0]["value"] * units)
        low, high = wilson_interval(agreed, units)
        rows["percent agreement"][0] |= {"low": float(low), "high": float(high)}
    for first, second in combinations(ratings.columns, 2):
        table = pd.crosstab(ratings[first], ratings[second])
        rows["Cohen's kappa"] += _kappas(table, categories, ordered, f"{first}, {second}")
    return pd.DataFrame([row for name in COEFFICIENTS for row in rows[name]])


def cohen_kappa(table: NDArray[np.float64], weights: Weights | None = None) -> dict[str, Any]:
    """Return Cohen's kappa of a table of two raters' answers, with its 95% interval, as statsmodels computes them."""
    from scipy.stats import norm
    from statsmodels.stats.inter_rater import cohens_kappa

    counts = np.asarray(table, dtype=np.float64)
    figures = {"units": int(counts.sum()), "value": np.nan, "low": np.nan, "high": np.nan}
    # Where both always say the same one thing, chance agrees wholly, and kappa is not defined.
    if np.count_nonzero(counts.sum(axis=0) + counts.sum(axis=1)) > 1:
        # A variance of nothing comes out a little below 0.
        with np.errstate(divide="ignore", invalid="ignore"):
            found = cohens_kappa(counts, wt=weights)
        half = float(norm.ppf(0.975) * np.sqrt(max(0.0, found.var_kappa)))
        kappa = float(found.kappa)
        figures |= {"value": kappa, "low": max(-1.0, kappa - half), "high": min(1.0, kappa + half)}
    return figures


def _kappas(
    table: pd.DataFrame, categories: Sequence[str], ordered: Sequence[str], raters: str
) -> list[dict[str, Any]]:
    def of(names: Sequence[str]) -> NDArray[np.float64]:
        return table.reindex(index=list(names), columns=list(names), fill_value=0).to_numpy(dtype=np.float64)

    rows = [{"coefficient": "Cohen's kappa", "raters": raters, **cohen_kappa(of(categories))}]
    of_weights: tuple[Weights, ...] = ("linear", "quadratic") if ordered else ()
    for weights in of_weights:
        name = f"Cohen's kappa, {weights} weights"
        rows.append({"coefficient": name, "raters": raters, **cohen_kappa(of(ordered), weights)})
    return rows


# -- coefficients of all raters --------------------------------------------------------------------------------


class _Parts:
    """Sums over units that a coefficient is made of, so that it can be made of any sums of them.

    Parameters
    ----------
    sums : ndarray of shape (units, parts)
    combine : callable
        Returns the coefficients of sums of shape (any number, parts); NaN where they are not defined.
    """

    def __init__(self, sums: Floats, combine: Callable[[Floats], Floats]) -> None:
        self.sums = sums
        self.combine = combine


def _with_interval(parts: _Parts, groups: NDArray[np.int64]) -> dict[str, float]:
    value = float(parts.combine(parts.sums.sum(axis=0)[None])[0])
    low, high = bootstrap_interval(parts.sums, groups, parts.combine)
    return {"value": value, "low": low, "high": high}


def bootstrap_interval(
    sums: Floats, groups: NDArray[np.int64], combine: Callable[[Floats], Floats]
) -> tuple[float, float]:
    """Return the 95% interval of a figure by percentiles of a bootstrap over groups of units (Efron 1979).

    Parameters
    ----------
    sums : ndarray of shape (units, parts)
        What is summed over units.
    groups : ndarray of shape (units,)
        The number of each unit's group.
    combine : callable
        Returns figures of sums of shape (resamples, parts); those that are NaN are left out.
    """
    if not len(sums):
        return np.nan, np.nan
    by_group = np.zeros((int(groups.max()) + 1, sums.shape[1]))
    np.add.at(by_group, groups, sums)
    # Groups of the same sums are drawn together, which is the same and takes no time.
    kinds, sizes = np.unique(by_group, axis=0, return_counts=True)
    draws = np.random.default_rng(_SEED).multinomial(sizes.sum(), sizes / sizes.sum(), size=_RESAMPLES)
    figures = combine(draws @ kinds)
    figures = figures[~np.isnan(figures)]
    if not len(figures):
        return np.nan, np.nan
    low, high = np.quantile(figures, [0.025, 0.975])
    return float(low), float(high)


def _percent_parts(counts: Floats) -> _Parts:
    """Return the share of pairs of answers to a unit that are the same, over units with two or more."""
    rated, agreed = _agreed(counts)
    return _Parts(np.stack([agreed, rated], axis=1), lambda sums: ratio(sums[:, 0], sums[:, 1]))


def _alpha_parts(counts: Floats) -> _Parts:
    """Return Krippendorff's alpha for nominal data (Krippendorff 2011, Computing Krippendorff's alpha-reliability).

    Units with one answer are left out. Of pairable answers n, n_c of category c, and coincidences o_cc:
    ``1 - (n - 1) (n - sum o_cc) / (n^2 - sum n_c^2)``.
    """
    rated, agreed = _agreed(counts)
    paired = counts * rated[:, None]

    def combine(sums: Floats) -> Floats:
        same, of_category = sums[:, 0], sums[:, 1:]
        n = of_category.sum(axis=1)
        return 1 - ratio((n - 1) * (n - same), n**2 - (of_category**2).sum(axis=1))

    return _Parts(np.column_stack([agreed * counts.sum(axis=1), paired]), combine)


def _ac1_parts(counts: Floats) -> _Parts:
    """Return Gwet's AC1 (Gwet 2008, eq. 18; with missing answers as in his Handbook of Inter-Rater Reliability, 2014).

    Of the percent agreement p_a and the mean shares of categories pi_k over units with an answer:
    ``(p_a - p_e) / (1 - p_e)``, where ``p_e = sum pi_k (1 - pi_k) / (K - 1)``.
    """
    rated, agreed = _agreed(counts)
    answers = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, answers, out=np.zeros_like(counts), where=answers > 0)

    def combine(sums: Floats) -> Floats:
        observed = ratio(sums[:, 0], sums[:, 1])
        of_category = ratio(sums[:, 3:], sums[:, 2:3])
        chance = (of_category * (1 - of_category)).sum(axis=1) / (counts.shape[1] - 1)
        return ratio(observed - chance, 1 - chance)

    return _Parts(np.column_stack([agreed, rated, answers[:, 0] > 0, shares]), combine)


def _agreed(counts: Floats) -> tuple[Floats, Floats]:
    """Return whether units have two or more answers, and which share of the pairs of these are the same."""
    answers = counts.sum(axis=1)
    rated = (answers >= 2).astype(np.float64)
    same = (counts * (counts - 1)).sum(axis=1)
    return rated, np.divide(same, answers * (answers - 1), out=np.zeros(len(counts)), where=rated > 0)


def ratio(number: Floats, of: Floats) -> Floats:
    """Return a ratio, NaN where it is one of nothing."""
    empty = np.full(np.broadcast(number, of).shape, np.nan)
    return np.asarray(np.divide(number, of, out=empty, where=of != 0))
