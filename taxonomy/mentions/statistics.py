"""Statistics that several questions share; each equals what scipy or statsmodels give for a single table."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Below this, the normal approximation of a residual is poor (Cochran 1954).
LOW_EXPECTED = 5.0


def expected_counts(row: ArrayLike, column: ArrayLike, total: float) -> Floats:
    """Return the counts that cells would have if rows and columns were independent."""
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


def correct_p_values(p: Floats, method: Literal["bonferroni", "fdr_bh"]) -> Floats:
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
    test = chi2_contingency(table, correction=False)
    statistic = float(test.statistic)
    return statistic, float(test.pvalue), float(np.sqrt(statistic / table.sum() / (min(table.shape) - 1)))


def wilson_interval(count: ArrayLike, total: ArrayLike) -> tuple[Floats, Floats]:
    """Return the 95% interval of shares, by Wilson (1927), as statsmodels computes it."""
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(np.asarray(count), np.asarray(total), method="wilson")
    return np.asarray(low), np.asarray(high)


def difference_interval(
    count: ArrayLike, total: ArrayLike, count2: ArrayLike, total2: ArrayLike
) -> tuple[Floats, Floats]:
    """Return the 95% interval of differences of two shares (Newcombe 1998, method 10)."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    counts = (np.asarray(number, dtype=np.float64) for number in (count, total, count2, total2))
    low, high = confint_proportions_2indep(*counts, method="newcomb", compare="diff")
    return np.asarray(low), np.asarray(high)
