"""Shares with their intervals, which all of an evaluation is told in."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from taxonomy.mentions.statistics import wilson_interval

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Share:
    """How many of some things are such.

    Attributes
    ----------
    count, of : int
    """

    count: int
    of: int

    @property
    def share(self) -> float | None:
        """The share, 0 to 1; None of nothing."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95% Wilson interval."""
        if not self.of:
            return None
        low, high = wilson_interval(self.count, self.of)
        return float(low), float(high)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts, the share and the ends of its interval."""
        low, high = self.interval or (None, None)
        return {**asdict(self), "share": self.share, "low": low, "high": high}


def share_columns(name: str, count: ArrayLike, of: ArrayLike) -> dict[str, Floats]:
    """Return the columns of shares and of their 95% Wilson intervals; NaN where they are shares of nothing."""
    counts, totals = np.asarray(count, dtype=np.float64), np.asarray(of, dtype=np.float64)
    shares, low, high = (np.full(counts.shape, np.nan) for _ in range(3))
    some = totals > 0
    shares[some] = counts[some] / totals[some]
    if some.any():
        low[some], high[some] = wilson_interval(counts[some], totals[some])
    return {name: shares, f"{name}_low": low, f"{name}_high": high}


def weighted_share(right: ArrayLike, weights: ArrayLike) -> dict[str, float]:
    """Return the weighted share of what is right, and the ends of its 95% interval.

    The interval is Wilson's for the effective number of rows, ``(sum w)^2 / sum w^2`` (Kish 1965, Survey Sampling,
    section 11.7), as for shares of complex samples (Franco et al. 2019, J. Survey Statistics and Methodology 7).

    Parameters
    ----------
    right : array-like of shape (rows,)
        1 where it is, else 0.
    weights : array-like of shape (rows,)
        Above 0. One row is the least.

    Returns
    -------
    dict of str to float
        ``share``, ``low`` and ``high``.
    """
    weight = np.asarray(weights, dtype=np.float64)
    share = float(np.average(np.asarray(right, dtype=np.float64), weights=weight))
    effective = weight.sum() ** 2 / (weight**2).sum()
    low, high = wilson_interval(share * effective, effective)
    return {"share": share, "low": float(low), "high": float(high)}


def plain_part(part: Any) -> Any:
    """Return figures as JSON has them: shares and tables as objects, what is not a number as null."""
    if isinstance(part, Share):
        return part.to_dict()
    if isinstance(part, pd.DataFrame):
        rows = (part if part.index.name is None else part.reset_index()).to_dict("records")
        return [{str(name): plain_part(cell) for name, cell in row.items()} for row in rows]
    return None if isinstance(part, float) and not math.isfinite(part) else part
