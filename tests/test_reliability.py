"""Coefficients of agreement: published examples, what must always hold, and intervals that hold what is true."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from taxonomy.extraction.measures import weighted_share
from taxonomy.extraction.reliability import cohen_kappa, measure_reliability
from taxonomy.mentions.statistics import wilson_interval
from tests.conftest import examples

ALPHA, AC1, KAPPA, PERCENT = "Krippendorff's alpha", "Gwet's AC1", "Cohen's kappa", "percent agreement"


def ratings(*raters: str) -> pd.DataFrame:
    """Return ratings, one text a rater, in which a dot is a missing answer."""
    answers = {f"rater {number}": [None if one == "." else one for one in rater] for number, rater in enumerate(raters)}
    return pd.DataFrame(answers, dtype=object)


def of_table(table: Sequence[Sequence[int]]) -> pd.DataFrame:
    """Return the ratings of two raters that a table counts."""
    cells = [(str(row), str(column), count) for row, line in enumerate(table) for column, count in enumerate(line)]
    return pd.DataFrame([cell[:2] for cell in cells for _ in range(cell[2])], columns=["one", "two"])


def value(rated: pd.DataFrame, categories: Sequence[str], coefficient: str) -> float:
    found = measure_reliability(rated, categories)
    return float(found.set_index("coefficient").loc[coefficient, "value"])


# Krippendorff 2011, Computing Krippendorff's Alpha-Reliability: sections A, B and C.
BINARY = ratings("0100000010", "1110010000")
NOMINAL = ratings("aabbdcccedda", "babbbcccedd" + "d")
FOUR = ratings("123321412...", "123322412" + "5.3", ".3332342251.".ljust(12, "."), "12332441251.".ljust(12, "."))


@pytest.mark.parametrize(
    ("rated", "categories", "published"), [(BINARY, "01", 0.095), (NOMINAL, "abcde", 0.692), (FOUR, "12345", 0.743)]
)
def test_alpha_is_as_published(rated: pd.DataFrame, categories: str, published: float) -> None:
    assert value(rated, list(categories), ALPHA) == pytest.approx(published, abs=5e-4)


def test_ac1_is_as_published() -> None:
    # Gwet, the four raters of the Handbook of Inter-Rater Reliability, with missing answers.
    assert value(FOUR, list("12345"), AC1) == pytest.approx(0.77544, abs=5e-6)
    assert value(FOUR, list("12345"), PERCENT) == pytest.approx(0.81818, abs=5e-6)
    # Gwet 2002, the paradox of kappa: 118 and 0 on the diagonal.
    paradox = of_table([[118, 5], [2, 0]])
    assert value(paradox, list("01"), AC1) == pytest.approx(0.941, abs=5e-4)
    assert value(paradox, list("01"), KAPPA) == pytest.approx(-0.0234, abs=5e-5)


def test_kappa_is_as_published() -> None:
    # Gwet, 100 patients by two abstractors.
    assert value(of_table([[13, 0, 0], [0, 20, 7], [0, 4, 56]]), list("012"), KAPPA) == pytest.approx(0.7964094)
    # 98% agreement, and a kappa of a third.
    assert value(of_table([[485, 5], [5, 5]]), list("01"), PERCENT) == pytest.approx(0.98)
    assert value(of_table([[780, 8], [8, 4]]), list("01"), KAPPA) == pytest.approx(0.32, abs=0.005)


def brute_alpha(rated: pd.DataFrame) -> float:
    """Return alpha by its definition: observed over expected disagreement of all pairs of answers."""
    units = [[answer for answer in row if pd.notna(answer)] for row in rated.to_numpy().tolist()]
    units = [unit for unit in units if len(unit) > 1]
    every = [answer for unit in units for answer in unit]
    observed = sum(sum(one != two for one, two in permutations(unit, 2)) / (len(unit) - 1) for unit in units) / len(
        every
    )
    expected = sum(one != two for one, two in permutations(every, 2)) / (len(every) * (len(every) - 1))
    return 1 - observed / expected if expected else np.nan


@examples(10)
@given(st.data())
def test_coefficients_are_what_their_definitions_say(data: st.DataObject) -> None:
    raters = data.draw(st.integers(2, 4))
    rows = data.draw(
        st.lists(st.lists(st.sampled_from("abc."), min_size=raters, max_size=raters), min_size=1, max_size=20)
    )
    rated = ratings(*("".join(column) for column in zip(*rows, strict=True)))
    found = measure_reliability(rated, list("abc")).set_index("coefficient")
    of_all = found.loc[[PERCENT, ALPHA, AC1]]
    assert (of_all["value"].dropna() <= 1 + 1e-12).all()
    known = found.dropna(subset=["value", "low", "high"])
    assert (known["low"] <= known["value"] + 1e-12).all()
    assert (known["value"] <= known["high"] + 1e-12).all()
    if any(sum(answer != "." for answer in row) > 1 for row in rows):
        assert of_all.loc[ALPHA, "value"] == pytest.approx(brute_alpha(rated), nan_ok=True)
    # Neither the names of the categories nor the order of the raters matter.
    other = rated[rated.columns[::-1]].replace(dict(zip("abc", "bca", strict=True)))
    again = measure_reliability(other, list("cab")).set_index("coefficient")
    for name in (PERCENT, ALPHA, AC1):
        assert again.loc[name, "value"] == pytest.approx(of_all.loc[name, "value"], nan_ok=True)


def test_weighted_kappa_is_that_of_statsmodels() -> None:
    from statsmodels.stats.inter_rater import cohens_kappa

    table = np.array([[9, 3, 1, 0], [2, 8, 3, 1], [0, 2, 7, 2], [1, 0, 2, 9]])
    rated = of_table(table.tolist())
    found = measure_reliability(rated, list("0123"), ordered=list("0123")).set_index("coefficient")
    for weights in ("linear", "quadratic"):
        expected = cohens_kappa(table, wt=weights).kappa
        row = found.loc[f"Cohen's kappa, {weights} weights"]
        assert row["value"] == pytest.approx(expected)
        assert row["low"] < expected < row["high"]


def test_what_is_not_defined_is_missing() -> None:
    found = measure_reliability(ratings("aaa", "aaa"), ["a", "b"]).set_index("coefficient")
    assert found.loc[PERCENT, "value"] == 1
    assert np.isnan(found.loc[KAPPA, "value"])
    assert np.isnan(found.loc[ALPHA, "value"])
    assert np.isnan(cohen_kappa(np.zeros((2, 2)))["value"])


@pytest.mark.slow
@pytest.mark.parametrize("errors", [(0.012, 0.02), (0.05, 0.08), (0.2, 0.1)])
def test_intervals_of_two_raters_hold_the_truth(errors: tuple[float, float]) -> None:
    """Two raters err independently: of 100 fixed seeds 89 to 100 intervals hold what is true."""
    n, seeds = 150, 100
    first, second = (1 - error for error in errors)
    agreed = first * second + errors[0] * errors[1]
    mean = (first + second) / 2
    chance = 2 * mean * (1 - mean)
    true = {PERCENT: agreed, KAPPA: 0.0, ALPHA: 1 - (1 - agreed) / chance, AC1: (agreed - chance) / (1 - chance)}
    held = dict.fromkeys(true, 0)
    for seed in range(seeds):
        generator = np.random.default_rng(seed)
        right: list[NDArray[np.bool_]] = [generator.random(n) >= error for error in errors]
        answers = pd.DataFrame({name: np.where(one, "right", "wrong") for name, one in zip("ab", right, strict=True)})
        found = measure_reliability(answers, ["right", "wrong"]).set_index("coefficient")
        for name, expected in true.items():
            held[name] += found.loc[name, "low"] <= expected <= found.loc[name, "high"]
    assert all(count >= 89 for count in held.values()), held


@pytest.mark.parametrize("error", [0.012, 0.05, 0.2])
def test_intervals_of_weighted_shares_hold_the_truth(error: float) -> None:
    """As those of raters, and they are as wide as the same interval at the true rate."""
    n, true = 150, 1 - error
    weights = np.random.default_rng(0).uniform(1, 6, n)
    drawn = (np.random.default_rng(seed).random(n) >= error for seed in range(100))
    intervals = [weighted_share(right, weights) for right in drawn]
    assert sum(one["low"] <= true <= one["high"] for one in intervals) >= 89
    effective = weights.sum() ** 2 / (weights**2).sum()
    low, high = wilson_interval(true * effective, effective)
    widths = [one["high"] - one["low"] for one in intervals]
    assert np.mean(widths) == pytest.approx(float(high - low), rel=0.1)
