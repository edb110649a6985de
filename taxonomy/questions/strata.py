"""How two groups differ within strata."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from taxonomy.mentions.statistics import Floats


@dataclass(frozen=True)
class Stratified:
    """How two groups differ within strata; arrays of shape (n_nodes,), nan where that can't be computed.

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


def compare_strata(count: Floats, total: Floats, count2: Floats, total2: Floats) -> Stratified:
    """Compare two groups within strata, so that a difference in their strata does not count.

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
    size, size2 = total[both], total2[both]
    b, d, n = size - a, size2 - c, size + size2
    weight = n / n.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = ((a / size - c / size2) * weight).sum(axis=1)
        variance = (weight**2 * (a * b / size**3 + c * d / size2**3)).sum(axis=1)
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
        spread = (size * size2 * cases * (n - cases) / (n**2 * (n - 1))).sum(axis=1)
        statistic = (a - size * cases / n).sum(axis=1) ** 2 / spread
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
