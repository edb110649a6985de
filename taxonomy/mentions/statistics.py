"""Statistics that several questions share; each equals what scipy or statsmodels give for a single table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Below this, the normal approximation of a residual is poor (Cochran 1954).
LOW_EXPECTED = 5.0


def expected_counts(row: ArrayLike, column: ArrayLike, total: float) -> Floats:
    """Return the counts that cells would have if rows and columns had nothing to do with each other."""
    return np.asarray(row, dtype=np.float64) * np.asarray(column, dtype=np.float64) / total


def adjusted_residuals(observed: ArrayLike, row: ArrayLike, column: ArrayLike, total: float) -> Floats:
    """Return adjusted Pearson residuals, which are standard normal where there is no association.

    Parameters
    ----------
    observed, row, column : array-like
        Counts of cells, of their rows and of their columns; they broadcast.
    total : float

    Returns
    -------
    ndarray
        ``(O - E) / sqrt(E (1 - row share) (1 - column share))`` (Haberman 1973; Agresti, Categorical Data Analysis,
        eq. 3.13), as `statsmodels.stats.contingency_tables.Table.standardized_resids`; 0 where a row or a column
        holds everything.
    """
    rows, columns = np.asarray(row, dtype=np.float64), np.asarray(column, dtype=np.float64)
    expected = expected_counts(rows, columns, total)
    variance = expected * (1 - rows / total) * (1 - columns / total)
    away = np.asarray(observed, dtype=np.float64) - expected
    return np.divide(away, np.sqrt(variance), out=np.zeros_like(expected), where=variance > 0)


def exact_p_values(observed: ArrayLike, row: ArrayLike, column: ArrayLike, total: int) -> Floats:
    """Return two-sided p-values of cells, given their margins: the smaller hypergeometric tail, doubled.

    Each tail is that of Fisher's exact test, as `scipy.stats.fisher_exact` with ``alternative="greater"`` or
    ``"less"``.
    """
    from scipy.stats import hypergeom

    count = np.asarray(observed)
    margins = (total, np.asarray(row), np.asarray(column))
    tail = np.minimum(hypergeom.sf(count - 1, *margins), hypergeom.cdf(count, *margins))
    return np.asarray(np.minimum(2 * tail, 1.0))


def corrected(p: Floats, method: Literal["bonferroni", "fdr_bh"]) -> Floats:
    """Return p-values corrected for how many there are, by Bonferroni or by Benjamini and Hochberg (1995)."""
    from statsmodels.stats.multitest import multipletests

    return np.asarray(multipletests(p, method=method)[1]) if len(p) else p


def chi_square(observed: ArrayLike) -> tuple[float, float, float]:
    """Test a table of counts for independence.

    Parameters
    ----------
    observed : array-like of shape (rows, columns)
        Without an empty row or column.

    Returns
    -------
    tuple of float
        Pearson's statistic (no continuity correction), its p-value, and Cramér's V.
    """
    from scipy.stats import chi2_contingency

    table = np.asarray(observed, dtype=np.float64)
    if min(table.shape) < 2:
        return 0.0, 1.0, 0.0
    found = chi2_contingency(table, correction=False)
    statistic = float(found.statistic)
    return statistic, float(found.pvalue), float(np.sqrt(statistic / table.sum() / (min(table.shape) - 1)))


def wilson(count: ArrayLike, total: ArrayLike) -> tuple[Floats, Floats]:
    """Return the 95% interval of shares, by Wilson (1927), as statsmodels computes it."""
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(np.asarray(count), np.asarray(total), method="wilson")
    return np.asarray(low), np.asarray(high)


def difference_interval(
    count: ArrayLike, total: ArrayLike, count2: ArrayLike, total2: ArrayLike
) -> tuple[Floats, Floats]:
    """Return the 95% interval of differences of two shares (Newcombe 1998, method 10)."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    given = (np.asarray(one, dtype=np.float64) for one in (count, total, count2, total2))
    low, high = confint_proportions_2indep(*given, method="newcomb", compare="diff")
    return np.asarray(low), np.asarray(high)


# -- variation across contexts ---------------------------------------------------------------------------------------


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
    found = coefficients_of_variation(counts, sizes)
    low, high = np.empty_like(found), np.empty_like(found)
    whole = np.round(sizes).astype(np.int64)
    for index, row in enumerate(counts):
        drawn = rng.binomial(whole, np.minimum(row / sizes, 1.0), size=(draws, len(sizes))).astype(np.float64)
        drawn = drawn[drawn.any(axis=1)]
        upper, lower = np.quantile(coefficients_of_variation(drawn, sizes), [0.975, 0.025])
        low[index], high[index] = 2 * found[index] - upper, 2 * found[index] - lower
    return np.maximum(low, 0), high


# -- differences within strata ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stratified:
    """What two groups differ by within strata; arrays of shape (n_nodes,), nan where nothing can be said.

    Attributes
    ----------
    difference, difference_low, difference_high : ndarray
        Of the standardised shares, with a 95% interval.
    odds_ratio, odds_low, odds_high : ndarray
        Mantel-Haenszel's pooled odds ratio, with a 95% interval.
    p : ndarray
        Of the Cochran-Mantel-Haenszel test.
    """

    difference: Floats
    difference_low: Floats
    difference_high: Floats
    odds_ratio: Floats
    odds_low: Floats
    odds_high: Floats
    p: Floats


def stratified(count: Floats, total: Floats, count2: Floats, total2: Floats) -> Stratified:
    """Compare two groups within strata, so that how they differ in these does not count.

    Parameters
    ----------
    count, count2 : ndarray of shape (n_nodes, n_strata)
        Conversations with a node in either group.
    total, total2 : ndarray of shape (n_strata,)
        All conversations of either group.

    Returns
    -------
    Stratified
        Shares are standardised directly, to the strata of both groups together; strata that only one group has are
        left out. The odds ratio is Mantel and Haenszel's (1959), its interval Robins, Breslow and Greenland's (1986),
        the test Cochran's without continuity correction, as `statsmodels.stats.contingency_tables.StratifiedTable`.
    """
    from scipy.stats import chi2

    both = (total > 0) & (total2 > 0)
    a, c = count[:, both], count2[:, both]
    one, two = total[both], total2[both]
    b, d, n = one - a, two - c, one + two
    weight = n / n.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = ((a / one - c / two) * weight).sum(axis=1)
        variance = (weight**2 * (a * b / one**3 + c * d / two**3)).sum(axis=1)
        right, left = a * d / n, b * c / n
        agree, disagree = (a + d) / n, (b + c) / n
        rights, lefts = right.sum(axis=1), left.sum(axis=1)
        log_variance = (
            (agree * right).sum(axis=1) / rights**2
            + (agree * left + disagree * right).sum(axis=1) / (rights * lefts)
            + (disagree * left).sum(axis=1) / lefts**2
        ) / 2
        odds = rights / lefts
        margin = 1.959963984540054 * np.sqrt(log_variance)
        cases = a + c
        spread = (one * two * cases * (n - cases) / (n**2 * (n - 1))).sum(axis=1)
        statistic = (a - one * cases / n).sum(axis=1) ** 2 / spread
        half = 1.959963984540054 * np.sqrt(variance)
        finite = np.isfinite(odds) & (odds > 0)
        return Stratified(
            difference=difference,
            difference_low=difference - half,
            difference_high=difference + half,
            odds_ratio=np.where(finite, odds, np.nan),
            odds_low=np.where(finite, odds * np.exp(-margin), np.nan),
            odds_high=np.where(finite, odds * np.exp(margin), np.nan),
            p=np.where(np.isfinite(statistic), chi2.sf(statistic, 1), 1.0),
        )
