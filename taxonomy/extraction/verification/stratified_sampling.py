"""Draw from strata of very different sizes, with weights that say what each drawn row stands for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

WEIGHT = "weight"


def draw_stratified(
    frame: pd.DataFrame, n: int, strata: Sequence[str], generator: np.random.Generator, *, power: float = 0.5
) -> pd.DataFrame:
    """Draw rows from all strata, more of those that are rare.

    Systematic sampling with probabilities proportional to size (Madow 1949) from the rows in the order of their strata:
    a stratum of N rows gets a part of the sample in proportion to N to a power (Bankier 1988), to within one row, even
    where there are more strata than rows to draw.

    Parameters
    ----------
    frame : DataFrame
    n : int
        Rows to draw; all are taken where there are no more.
    strata : sequence of str
        Columns.
    generator : Generator
    power : float
        From 0, as many of each stratum, to 1, in proportion to its rows.

    Returns
    -------
    DataFrame
        With the column ``weight``, how many rows a drawn one stands for: the inverse of its probability.
    """
    if n <= 0 or not len(frame):
        return frame.iloc[:0].assign(**{WEIGHT: np.empty(0)})
    mixed = frame.iloc[generator.permutation(len(frame))]
    ordered = mixed.sort_values(list(strata), kind="stable")
    stratum = ordered.groupby(list(strata), dropna=False, sort=False).ngroup().to_numpy()
    sizes = np.bincount(stratum)[stratum].astype(np.float64)
    chance = _probabilities(sizes ** (power - 1), min(n, len(ordered)))
    # Each whole number that the sum passes draws a row.
    ends = np.cumsum(chance) + generator.random()
    drawn = np.floor(np.round(ends, 9)) > np.floor(np.round(ends - chance, 9))
    return ordered[drawn].assign(**{WEIGHT: 1 / chance[drawn]})


def _probabilities(sizes: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return probabilities in proportion to sizes, none above 1, that sum to `n`."""
    chance = np.zeros_like(sizes)
    sure = np.zeros(len(sizes), dtype=bool)
    while True:
        left = n - sure.sum()
        chance[sure] = 1.0
        chance[~sure] = left * sizes[~sure] / sizes[~sure].sum() if left else 0.0
        above = ~sure & (chance >= 1)
        if not above.any():
            return chance
        sure |= above
        if sure.all():
            return np.ones_like(sizes)
