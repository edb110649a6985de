"""How many of the anomalies that are known become alerts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from taxonomy.mentions.columns import CONVERSATION
from taxonomy.mentions.placed import Placed
from taxonomy.questions.anomalies import Anomalies
from taxonomy.questions.baseline import Baseline, values_of


def measure_recall(found: Anomalies, placed: Placed, known: Mapping[str, Collection[str]]) -> pd.DataFrame:
    """Compare alerts with conversations that are known to be anomalous, and with a plain ranking by rarity.

    Parameters
    ----------
    found : Anomalies
    placed : Placed
        The conversations that were scored.
    known : mapping of str to collection of str
        Ids of conversations, by any name of what is wrong with them.

    Returns
    -------
    DataFrame
        A row a name, and one, ``any``, for all: ``known`` among those scored, ``found`` of them, ``recall`` and, over
        all, ``precision``; ``plain_found``, ``plain_recall`` and ``plain_precision`` for as many conversations that
        have the rarest values.
    """
    engine = placed.records.engine
    ids = sorted({one for group in known.values() for one in group})
    there = placed.records.named(placed.frame.select(CONVERSATION).unique())
    there = there.filter(nw.col("conversation_id").is_in(ids))
    scored = set(engine.collect(there)["conversation_id"].to_pylist())
    alerts = set(found.alerts["conversation_id"])
    plain = set(_rarest(found.learnt, placed, len(alerts)))
    rows = []
    for name, group in {**known, "any": ids}.items():
        wanted = scored & set(group)
        row: dict[str, Any] = {"name": name, "known": len(wanted)}
        for prefix, ranked in (("", alerts), ("plain_", plain)):
            hits = len(wanted & ranked)
            row[f"{prefix}found"] = hits
            row[f"{prefix}recall"] = hits / len(wanted) if wanted else np.nan
            row[f"{prefix}precision"] = hits / len(ranked) if name == "any" and ranked else np.nan
        rows.append(row)
    return pd.DataFrame(rows)


def _rarest(learnt: Baseline, placed: Placed, n: int) -> list[str]:
    """Return the n conversations whose rarest value is in the fewest baseline conversations."""
    import pyarrow as pa

    engine = placed.records.engine
    seen = learnt.lookups["rare"].table[["level_0", "observed"]]
    counts = engine.table(pa.table({name: seen[name].to_list() for name in seen.columns}))
    ranked = (
        values_of(placed)
        .join(counts, on="level_0", how="inner")
        .group_by(CONVERSATION)
        .agg(nw.col("observed").min())
        .sort("observed", CONVERSATION)
        .head(n)
    )
    named = placed.records.named(ranked).sort("observed", "conversation_id")
    names: list[str] = engine.collect(named)["conversation_id"].to_pylist()
    return names
