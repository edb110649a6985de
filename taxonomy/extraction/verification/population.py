"""What can be drawn from an extraction for people to check."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from taxonomy.extraction.extraction_files import read_parquet, read_private, read_summary
from taxonomy.extraction.extraction_folder import TABLES
from taxonomy.mentions.columns import ResponseType
from taxonomy.values import canonical_key

# How common a value is: in at most 0.04% of conversations or one alone, in at least 1% of them, and between.
HEAD, MIDDLE, RARE = "head", "middle", "rare"
_HEAD_FROM, _RARE_TO = 0.01, 0.0004
RESPONSE_GROUPS: dict[ResponseType, str] = {
    "strong support": "support",
    "mild support": "support",
    "neutral acknowledgment": "neutral",
    "reframing": "reframing",
    "mild resistance": "resistance",
    "strong resistance": "resistance",
    "no values": "no values",
}
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Population:
    """All that was extracted, by the digests of the conversations' ids.

    Attributes
    ----------
    summary : mapping
        What ``extraction.json`` says.
    tables : str
        Digest of the published tables.
    values : DataFrame
        One row a mention: ``conversation``, ``side``, ``value``, ``key``, ``explicit``, ``turn``, ``quote``,
        ``rarity``, ``response`` (the group) and ``language``.
    conversations : DataFrame
        One row an extracted conversation: ``conversation``, ``response_type``, ``response`` and ``language``.
    screened : DataFrame
        One row a decision of the screener: ``conversation``, ``subjectivity`` and ``kept``.
    named : mapping of str to set of str
        Of conversations, the keys of values that were named and do not count.
    originals : mapping of str to str
        The conversations' own ids.
    """

    summary: Mapping[str, Any]
    tables: str
    values: pd.DataFrame
    conversations: pd.DataFrame
    screened: pd.DataFrame
    named: Mapping[str, set[str]]
    originals: Mapping[str, str]


def read_population(folder: Path) -> Population:
    """Read what can be drawn.

    Raises
    ------
    InputError
        If the folder is none of an extraction, or its private files are not there.
    """
    summary = read_summary(folder)
    values = read_private(folder, "evidence", ("conversation_id", "side", "value", "explicit", "turn", "quote"))
    conversations = read_parquet(folder / TABLES[1], ("conversation_id", "response_type", "language"))
    screened = read_private(folder, "screened", ("conversation_id", "subjectivity", "kept"))
    refused = read_private(folder, "refused", ("conversation_id", "value"))
    keys = refused["value"].fillna("").map(canonical_key)
    ids = read_private(folder, "ids", ("kind", "digest", "original"))
    ids = ids[ids["kind"] == "conversation"]
    values, conversations, screened = (
        frame.rename(columns={"conversation_id": "conversation"}) for frame in (values, conversations, screened)
    )
    conversations["language"] = conversations["language"].fillna(UNKNOWN)
    conversations["response"] = conversations["response_type"].map(RESPONSE_GROUPS)
    values["key"] = [canonical_key(value) for value in values["value"]]
    values["rarity"] = _rarity(values, len(conversations))
    about = conversations.set_index("conversation")[["response", "language"]]
    return Population(
        summary=summary,
        tables=digest_tables(folder),
        values=values.join(about, on="conversation"),
        conversations=conversations,
        screened=screened,
        named={str(id): set(of) for id, of in keys.groupby(refused["conversation_id"])},
        originals=dict(zip(ids["digest"], ids["original"], strict=True)),
    )


def digest_tables(folder: Path) -> str:
    """Return a digest of the tables of records in a folder, by which two extractions are told apart."""
    digest = hashlib.sha256()
    for name in TABLES:
        with (folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _rarity(values: pd.DataFrame, conversations: int) -> pd.Series[str]:
    """Return how common each mention's value is, on its side."""
    among = values.groupby(["side", "key"])["conversation"].transform("nunique").to_numpy()
    share = among / max(conversations, 1)
    levels = np.select([(share <= _RARE_TO) | (among == 1), share >= _HEAD_FROM], [RARE, HEAD], MIDDLE)
    return pd.Series(levels, index=values.index, dtype=object)
