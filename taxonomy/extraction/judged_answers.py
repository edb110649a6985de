"""Extracted response types, tasks and screening beside what is true."""

from __future__ import annotations

import pandas as pd

from taxonomy.extraction.extraction_defaults import LEVELS
from taxonomy.extraction.measures import Share, share_columns
from taxonomy.extraction.reliability import cohen_kappa
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
    ordered = responses.loc[list(ORDERED), list(ORDERED)].to_numpy()
    rows = {
        "none": cohen_kappa(responses.to_numpy()),
        "linear": cohen_kappa(ordered, "linear"),
        "quadratic": cohen_kappa(ordered, "quadratic"),
    }
    table = pd.DataFrame([{"weights": weights, **figures} for weights, figures in rows.items()])
    return table.rename(columns={"units": "conversations", "value": "kappa"})


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
