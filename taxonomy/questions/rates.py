"""Rates that several questions, and options, use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# The false discovery rate up to which an association, a difference or a change is reported.
FALSE_DISCOVERY = 0.05
# Alerts to expect in 10,000 conversations like those of the baseline.
ALERTS_PER_10000: float = 100


def keep_significant(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are significant after correction: those whose ``p_fdr`` is up to `FALSE_DISCOVERY`."""
    return table[table["p_fdr"] <= FALSE_DISCOVERY]
