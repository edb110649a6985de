"""The shared statistics equal those of scipy and statsmodels on the same tables, and hold their error rates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, fisher_exact, variation
from statsmodels.stats.contingency_tables import StratifiedTable, Table
from statsmodels.stats.proportion import proportion_confint

from taxonomy.mentions.statistics import (
    adjusted_residuals,
    chi_square,
    correct_p_values,
    exact_p_values,
    expected_counts,
    wilson_interval,
)
from taxonomy.questions.strata import compare_strata
from taxonomy.questions.variation import chance_variation, coefficients_of_variation, variation_intervals

counts = st.integers(1, 400)


@given(st.lists(st.lists(counts, min_size=3, max_size=3), min_size=2, max_size=5))
def test_residuals_and_chi_square(rows: list[list[int]]) -> None:
    table = np.array(rows, dtype=float)
    row, column, total = table.sum(axis=1)[:, None], table.sum(axis=0)[None], table.sum()
    theirs = Table(table, shift_zeros=False)
    np.testing.assert_allclose(expected_counts(row, column, total), theirs.fittedvalues, rtol=1e-9)
    np.testing.assert_allclose(
        adjusted_residuals(table, row, column, total), theirs.standardized_resids, rtol=1e-9, atol=1e-9
    )
    statistic, p, v = chi_square(table)
    found = chi2_contingency(table, correction=False)
    assert (statistic, p) == pytest.approx((found.statistic, found.pvalue), rel=1e-9)
    assert v == pytest.approx(np.sqrt(statistic / total / (min(table.shape) - 1)), rel=1e-9)


@given(counts, counts, counts, counts)
def test_exact_p_values(a: int, b: int, c: int, d: int) -> None:
    ends = [fisher_exact([[a, b], [c, d]], alternative=side)[1] for side in ("less", "greater")]
    found = exact_p_values(a, a + b, a + c, a + b + c + d)
    assert float(found) == pytest.approx(min(1, 2 * min(ends)), rel=1e-9)


def test_a_column_of_everything_has_no_residual() -> None:
    assert adjusted_residuals([30, 70], [30, 70], 100, 100).tolist() == [0, 0]


def test_wilson() -> None:
    low, high = wilson_interval([0, 3, 10], 10)
    np.testing.assert_allclose([low, high], proportion_confint(np.array([0, 3, 10]), 10, method="wilson"), rtol=1e-9)


@given(st.lists(st.tuples(counts, counts, counts, counts), min_size=2, max_size=6))
def test_stratified_tables(strata: list[tuple[int, int, int, int]]) -> None:
    array = np.array(strata, dtype=float)
    a, b, c, d = array.T
    found = compare_strata(a[None], a + b, c[None], c + d)
    theirs = StratifiedTable([np.array([[a, b], [c, d]]) for a, b, c, d in strata])
    assert found.odds_ratio[0] == pytest.approx(theirs.oddsratio_pooled, rel=1e-9)
    low, high = theirs.oddsratio_pooled_confint()
    assert (found.odds_low[0], found.odds_high[0]) == pytest.approx((low, high), rel=1e-9)
    assert found.p[0] == pytest.approx(theirs.test_null_odds(correction=False).pvalue, rel=1e-9, abs=1e-12)


def test_what_strata_explain_is_no_difference() -> None:
    # Within each stratum both groups say it alike; together one says it three times as much.
    count, total = np.array([[90.0, 1.0]]), np.array([900.0, 100.0])
    count2, total2 = np.array([[10.0, 9.0]]), np.array([100.0, 900.0])
    found = compare_strata(count, total, count2, total2)
    assert found.difference[0] == pytest.approx(0)
    assert found.odds_ratio[0] == pytest.approx(1)
    assert found.difference_low[0] < 0 < found.difference_high[0]


def test_variation() -> None:
    sizes = np.array([1000.0, 500.0, 250.0])
    row = np.array([[100.0, 5.0, 40.0]])
    assert coefficients_of_variation(row, sizes)[0] == pytest.approx(variation(row[0] / sizes), rel=1e-9)


def test_variation_by_chance_is_what_chance_gives() -> None:
    rng = np.random.default_rng(1)
    sizes = np.array([4000.0, 2000.0, 1000.0, 500.0])
    drawn = rng.multinomial(300, sizes / sizes.sum(), size=4000).astype(float)
    mean_square = np.sqrt((coefficients_of_variation(drawn, sizes) ** 2).mean())
    assert float(chance_variation(np.array(300.0), sizes)) == pytest.approx(mean_square, rel=0.05)


def test_variation_intervals_hold_the_truth() -> None:
    rng = np.random.default_rng(2)
    sizes = np.array([4000.0, 3000.0, 2000.0, 1000.0])
    rates = np.array([0.30, 0.05, 0.10, 0.02])
    truth = variation(rates)
    drawn = rng.binomial(sizes.astype(int), rates, size=(200, 4)).astype(float)
    low, high = variation_intervals(drawn, sizes, draws=200)
    assert 0.90 <= ((low <= truth) & (truth <= high)).mean() <= 0.99


def test_the_false_discovery_rate_holds() -> None:
    # Rare and frequent values by task; a tenth of the values go with one of the tasks.
    total, shares = 20_000, np.array([0.5, 0.3, 0.15, 0.05])
    sizes = (total * shares).astype(int)
    proportions = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rates = rng.choice([0.002, 0.01, 0.05], size=(300, 1)) * np.ones((300, 4))
        rates[:30, 2] *= 4
        table = rng.binomial(sizes, rates)
        p = exact_p_values(table, table.sum(axis=1)[:, None], sizes, total)
        found = correct_p_values(p.ravel(), "fdr_bh").reshape(p.shape) < 0.05
        # A value that goes with one task goes less with all others.
        proportions.append(found[30:].sum() / max(found.sum(), 1))
        assert found[:30, 2].mean() > 0.3
        assert (table / sizes)[:30, 2][found[:30, 2]].min() > 0
    error = np.std(proportions, ddof=1) / np.sqrt(20)
    assert np.mean(proportions) <= 0.05 + 2 * error
