"""How many of the known anomalies become alerts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from taxonomy.mentions.columns import CONVERSATION
from taxonomy.mentions.placed import PlacedMentions
from taxonomy.mentions.query_engine import distinct
from taxonomy.questions.anomalies import Anomalies
from taxonomy.questions.baseline import Baseline, values_of


def measure_recall(
    anomalies: Anomalies, mentions: PlacedMentions, known: Mapping[str, Collection[str]]
) -> pd.DataFrame:
    """Compare alerts with conversations that are known to be anomalous, and with a plain ranking by rarity.

    Parameters
    ----------
    anomalies : Anomalies
    mentions : PlacedMentions
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
    engine = mentions.records.engine
    ids = sorted({name for group in known.values() for name in group})
    there = mentions.records.named(distinct(mentions.frame, CONVERSATION))
    there = there.filter(nw.col("conversation_id").is_in(ids))
    scored = set(engine.collect(there)["conversation_id"].to_pylist())
    alerts = set(anomalies.alerts["conversation_id"])
    plain = set(_rarest(anomalies.baseline, mentions, len(alerts)))
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


def _rarest(baseline: Baseline, mentions: PlacedMentions, n: int) -> list[str]:
    """Return the n conversations whose rarest value is in the fewest baseline conversations."""
    import pyarrow as pa

    engine = mentions.records.engine
    seen = baseline.lookups["rare"].table[["level_0", "observed"]]
    counts = engine.table(pa.table({name: seen[name].to_list() for name in seen.columns}))
    ranked = (
        values_of(mentions).join(counts, on="level_0", how="inner").group_by(CONVERSATION).agg(nw.col("observed").min())
    )
    named = mentions.records.named(ranked).sort("observed", "conversation_id").head(n)
    names: list[str] = engine.collect(named)["conversation_id"].to_pylist()
    return names
