"""Extracted response types, tasks and screening beside what is true."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from taxonomy.extraction.extraction_defaults import LEVELS
from taxonomy.extraction.measures import Share, share_columns
from taxonomy.mentions.columns import RESPONSE_TYPES
from taxonomy.values import canonical_key

# Those with an order, from support to resistance: "no values" is none of them.
ORDERED = RESPONSE_TYPES[:-1]
_PLACES = {level: place for place, level in enumerate(LEVELS)}


def cross_responses(answers: pd.DataFrame) -> pd.DataFrame:
    """Return how many conversations have each true response type (rows) and each extracted one (columns).

    Parameters
    ----------
    answers : DataFrame
        One row a conversation, with the columns ``response`` and ``response_found``.
    """
    table = pd.crosstab(answers["response"], answers["response_found"])
    table = table.reindex(index=list(RESPONSE_TYPES), columns=list(RESPONSE_TYPES), fill_value=0)
    return table.rename_axis(index="true", columns=None).astype(int)


def measure_kappas(responses: pd.DataFrame) -> pd.DataFrame:
    """Return Cohen's kappa, unweighted and weighted: see `Evaluation.kappas`."""
    ordered = responses.loc[list(ORDERED), list(ORDERED)]
    return pd.DataFrame(
        [
            {"weights": "none", **_kappa(responses, None)},
            {"weights": "linear", **_kappa(ordered, "linear")},
            {"weights": "quadratic", **_kappa(ordered, "quadratic")},
        ]
    )


def _kappa(table: pd.DataFrame, weights: str | None) -> dict[str, Any]:
    from scipy.stats import norm
    from statsmodels.stats.inter_rater import cohens_kappa

    counts = table.to_numpy(dtype=np.float64)
    figures = {"conversations": int(counts.sum()), "kappa": np.nan, "low": np.nan, "high": np.nan}
    # Where both always say the same one thing, chance agrees wholly, and kappa is not defined.
    if np.count_nonzero(counts.sum(axis=0) + counts.sum(axis=1)) > 1:
        # A variance of nothing comes out a little below 0.
        with np.errstate(divide="ignore", invalid="ignore"):
            found = cohens_kappa(counts, wt=weights)
        half = float(norm.ppf(0.975) * np.sqrt(max(0.0, found.var_kappa)))
        kappa = float(found.kappa)
        figures |= {"kappa": kappa, "low": max(-1.0, kappa - half), "high": min(1.0, kappa + half)}
    return figures


def judge_tasks(answers: pd.DataFrame) -> Share:
    """Return how many tasks are the true ones, by canonical key."""
    known = answers[answers["task"].notna() & answers["task_found"].notna()]
    pairs = zip(known["task"], known["task_found"], strict=True)
    return Share(sum(canonical_key(task) == canonical_key(found) for task, found in pairs), len(known))


def cross_screening(screened: pd.DataFrame) -> pd.DataFrame:
    """Return how many conversations of each level of subjectivity are truly subjective: see `Evaluation.screening`.

    Parameters
    ----------
    screened : DataFrame
        One row a conversation: its ``level``, whether it was ``kept``, and whether it is ``subjective``.
    """
    grouped = screened.groupby(["level", "kept"])["subjective"]
    table = grouped.agg(conversations="size", subjective="sum").reset_index()
    table = table.sort_values("level", key=lambda levels: levels.map(_PLACES), kind="stable", ignore_index=True)
    return table.assign(**share_columns("share", table["subjective"], table["conversations"]))
