"""How far raters agree, by coefficients that correct for chance in different ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, product
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
# Imagined units in every bootstrap of answers, by the number of categories: two for two categories, as Jeffreys' prior
# of a table of two by two has, and fewer where there are more cells to be wrong about.
_PRIOR = 4.0


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
        interval, ``low`` and ``high``: Wilson's of the percent agreement of two raters, and else of a Bayesian
        bootstrap over the clusters (see `bootstrap_interval`), with a prior of 4 / K units that is even over all pairs
        of K categories. Without it, intervals of nearly perfect agreement are much too short. What is not defined is
        NaN.
    """
    codes = np.stack(
        [pd.Categorical(ratings[name], categories=list(categories)).codes for name in ratings.columns], axis=1
    )
    groups = np.arange(len(ratings)) if clusters is None else pd.factorize(clusters.loc[ratings.index])[0]
    counts = _counts(codes, len(categories))
    prior = _counts(np.array(list(product(range(len(categories)), repeat=2))), len(categories))
    units = int((counts.sum(axis=1) >= 2).sum())
    every = {"raters": ", ".join(map(str, ratings.columns)), "units": units}
    rows: list[dict[str, Any]] = []
    for name, (parts, combine) in _OF_ALL.items():
        figures = _with_interval(parts(counts), groups, combine, parts(prior), _PRIOR / len(categories))
        rows.append({"coefficient": name, **every, **figures})
    if len(ratings.columns) == 2 and units:
        agreed = round(rows[0]["value"] * units)
        low, high = wilson_interval(agreed, units)
        rows[0] |= {"low": float(low), "high": float(high)}
    places = [list(categories).index(name) for name in ordered]
    weighted: tuple[Weights | None, ...] = (None, "linear", "quadratic") if ordered else (None,)
    for first, second in combinations(range(len(ratings.columns)), 2):
        raters = f"{ratings.columns[first]}, {ratings.columns[second]}"
        for weights in weighted:
            kept = list(range(len(categories))) if weights is None else places
            name = "Cohen's kappa" if weights is None else f"Cohen's kappa, {weights} weights"
            figures = _kappa(codes[:, [first, second]], kept, weights, groups)
            rows.append({"coefficient": name, "raters": raters, **figures})
    order = {name: place for place, name in enumerate(COEFFICIENTS)}
    rows.sort(key=lambda row: order[row["coefficient"].partition(",")[0]])
    return pd.DataFrame(rows)


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


def _kappa(
    pairs: NDArray[np.int64], kept: Sequence[int], weights: Weights | None, groups: NDArray[np.int64]
) -> dict[str, Any]:
    """Return the kappa of two raters' codes, of the units where both are among those kept, with its interval."""
    is_kept = np.isin(pairs, kept).all(axis=1)
    first, second = (np.searchsorted(kept, pairs[is_kept, rater]) for rater in (0, 1))
    size = len(kept)
    cells = np.eye(size * size)[first * size + second]
    found = cohen_kappa(cells.sum(axis=0).reshape(size, size), weights)
    distance = np.abs(np.subtract.outer(np.arange(size), np.arange(size))).astype(np.float64)
    disagreement = {None: (distance > 0).astype(np.float64), "linear": distance, "quadratic": distance**2}[weights]

    def combine(sums: Floats) -> Floats:
        tables = sums.reshape(-1, size, size)
        expected = tables.sum(axis=2)[:, :, None] * tables.sum(axis=1)[:, None, :]
        observed = (tables * disagreement).sum(axis=(1, 2)) * tables.sum(axis=(1, 2))
        return 1 - ratio(observed, (expected * disagreement).sum(axis=(1, 2)))

    if not len(cells):
        return found
    low, high = bootstrap_interval(cells, pd.factorize(groups[is_kept])[0], combine, np.eye(size * size), _PRIOR / size)
    return {**found, **_around(found["value"], low, high)}


# -- coefficients of all raters --------------------------------------------------------------------------------
# Each is made of sums over units, so that it can be made of any sums of them: of shape (units, parts).


def _percent_parts(counts: Floats) -> Floats:
    rated, agreed = _agreed(counts)
    return np.stack([agreed, rated], axis=1)


def _percent(sums: Floats) -> Floats:
    """Return the share of pairs of answers to a unit that are the same, over units with two or more."""
    return ratio(sums[:, 0], sums[:, 1])


def _alpha_parts(counts: Floats) -> Floats:
    rated, agreed = _agreed(counts)
    return np.column_stack([agreed * counts.sum(axis=1), counts * rated[:, None]])


def _alpha(sums: Floats) -> Floats:
    """Return Krippendorff's alpha for nominal data (Krippendorff 2011, Computing Krippendorff's Alpha-Reliability).

    Units with one answer are left out. Of pairable answers n, n_c of category c, and coincidences o_cc:
    ``1 - (n - 1) (n - sum o_cc) / (n^2 - sum n_c^2)``.
    """
    same, of_category = sums[:, 0], sums[:, 1:]
    n = of_category.sum(axis=1)
    return 1 - ratio((n - 1) * (n - same), n**2 - (of_category**2).sum(axis=1))


def _ac1_parts(counts: Floats) -> Floats:
    rated, agreed = _agreed(counts)
    answers = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, answers, out=np.zeros_like(counts), where=answers > 0)
    return np.column_stack([agreed, rated, answers[:, 0] > 0, shares])


def _ac1(sums: Floats) -> Floats:
    """Return Gwet's AC1 (Gwet 2008, Br. J. Math. Stat. Psychol. 61; missing answers as in his Handbook, 2014).

    Of the percent agreement p_a and the mean shares pi_k of K categories over units with an answer:
    ``(p_a - p_e) / (1 - p_e)``, where ``p_e = sum pi_k (1 - pi_k) / (K - 1)``.
    """
    observed = ratio(sums[:, 0], sums[:, 1])
    of_category = ratio(sums[:, 3:], sums[:, 2:3])
    chance = (of_category * (1 - of_category)).sum(axis=1) / (of_category.shape[1] - 1)
    return ratio(observed - chance, 1 - chance)


_OF_ALL: dict[str, tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]] = {
    "percent agreement": (_percent_parts, _percent),
    "Krippendorff's alpha": (_alpha_parts, _alpha),
    "Gwet's AC1": (_ac1_parts, _ac1),
}


def _counts(codes: NDArray[np.int64], categories: int) -> Floats:
    """Return how many raters gave each unit each category, of shape (units, categories)."""
    return np.stack([(codes == code).sum(axis=1) for code in range(categories)], axis=1).astype(np.float64)


def _agreed(counts: Floats) -> tuple[Floats, Floats]:
    """Return whether units have two or more answers, and which share of the pairs of these are the same."""
    answers = counts.sum(axis=1)
    rated = (answers >= 2).astype(np.float64)
    same = (counts * (counts - 1)).sum(axis=1)
    return rated, np.divide(same, answers * (answers - 1), out=np.zeros(len(counts)), where=rated > 0)


# -- intervals -------------------------------------------------------------------------------------------------


def _with_interval(
    sums: Floats, groups: NDArray[np.int64], combine: Callable[[Floats], Floats], prior: Floats, mass: float
) -> dict[str, float]:
    value = float(combine(sums.sum(axis=0)[None])[0])
    return {"value": value, **_around(value, *bootstrap_interval(sums, groups, combine, prior, mass))}


def _around(value: float, low: float, high: float) -> dict[str, float]:
    """Return the ends of an interval that holds the value itself."""
    return {"low": min(low, value), "high": max(high, value)}


def bootstrap_interval(
    sums: Floats,
    groups: NDArray[np.int64],
    combine: Callable[[Floats], Floats],
    prior: Floats | None = None,
    mass: float = 1.0,
) -> tuple[float, float]:
    """Return the 95% interval of a figure by percentiles of a Bayesian bootstrap over groups of units (Rubin 1981).

    Parameters
    ----------
    sums : ndarray of shape (units, parts)
        What is summed over units.
    groups : ndarray of shape (units,)
        The number of each unit's group.
    combine : callable
        Returns figures of sums of shape (resamples, parts); those that are NaN are left out.
    prior : ndarray of shape (any number, parts), optional
        Imagined units.
    mass : float
        How many units they stand for together.
    """
    if not len(sums):
        return np.nan, np.nan
    by_group = np.zeros((int(groups.max()) + 1, sums.shape[1]))
    np.add.at(by_group, groups, sums)
    masses = np.ones(len(by_group))
    if prior is not None:
        by_group = np.vstack([by_group, prior])
        masses = np.append(masses, np.full(len(prior), mass / len(prior)))
    figures = combine(np.random.default_rng(_SEED).dirichlet(masses, size=_RESAMPLES) * masses.sum() @ by_group)
    figures = figures[~np.isnan(figures)]
    if not len(figures):
        return np.nan, np.nan
    low, high = np.quantile(figures, [0.025, 0.975])
    return float(low), float(high)


def ratio(number: Floats, of: Floats) -> Floats:
    """Return a ratio, NaN where it is one of nothing."""
    empty = np.full(np.broadcast(number, of).shape, np.nan)
    return np.asarray(np.divide(number, of, out=empty, where=of != 0))
