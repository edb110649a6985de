"""Rates that several questions, and options, go by."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# The false discovery rate up to which an association, a difference or a change stands.
FALSE_DISCOVERY = 0.05
# Alerts to expect in 10,000 conversations like those of the baseline.
ALERTS = 100


def keep_standing(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that stand after correction: those whose ``p_fdr`` is up to `FALSE_DISCOVERY`."""
    return table[table["p_fdr"] <= FALSE_DISCOVERY]
