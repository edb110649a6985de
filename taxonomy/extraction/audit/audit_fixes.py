"""Take out of an extraction what an audit found in it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxonomy.extraction.audit.audited_strings import COLUMNS, VALUE
from taxonomy.extraction.audit.privacy_audit import Audit
from taxonomy.extraction.extraction_files import read_summary
from taxonomy.extraction.extraction_folder import PRIVATE, SUMMARY, TABLES
from taxonomy.extraction.table_files import read_table, table_bytes
from taxonomy.files import replace_files

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_MENTION = ["conversation_id", "side", "value"]
_REFUSED, _EVIDENCE = "refused.parquet", "evidence.parquet"


@dataclass(frozen=True)
class Fixed:
    """What was taken out of an extraction.

    Attributes
    ----------
    refused : dict of str to int
        Values that no longer count, by the reason: each mention once.
    emptied : dict of str to int
        Cells of conversations that say nothing now, by column.
    """

    refused: dict[str, int]
    emptied: dict[str, int]


def fix_extraction(folder: str | Path, audit: Audit) -> Fixed:
    """Move values with findings to the refused ones, and empty cells of conversations with findings.

    Values go with their evidence. All counts are kept right, and each of the two parts of the folder, private and not,
    is written as a whole or not at all; where it was cut short between them, the same again goes on.

    Parameters
    ----------
    folder : str or Path
        That of the extraction.
    audit : Audit
        What was found in it.

    Raises
    ------
    InputError
        If a table can't be read.
    OutputError
        If the folder can't be written.
    """
    path = Path(folder)
    found = audit.found[audit.found["column"].notna()].drop_duplicates(["column", "text"])
    reasons = {
        str(column): dict(zip(rows["text"], "privacy: " + rows["code"], strict=True))
        for column, rows in found.groupby("column")
    }
    earlier = read_summary(path)
    mentions, conversations = (read_table(path / name) for name in TABLES)
    kept, moved = _split(mentions, reasons.get(VALUE, {}))
    emptied: Counter[str] = Counter()
    for column in COLUMNS[TABLES[1]]:
        conversations, count = _without(conversations, column, reasons.get(column, {}))
        emptied.update({column: count} if count else {})
    if moved.empty and not emptied:
        return Fixed({}, {})
    refused = Counter(moved["reason"])
    replace_files(path / PRIVATE, _private_files(path / PRIVATE, moved), private=True)
    summary = _counted(earlier, kept, conversations, refused, emptied)
    text = json.dumps(summary, indent=1, ensure_ascii=False) + "\n"
    tables = dict(zip(TABLES, map(table_bytes, (kept, conversations)), strict=True))
    replace_files(path, {**tables, SUMMARY: text.encode()}, private=True)
    return Fixed(dict(sorted(refused.items())), dict(emptied))


def _split(mentions: pa.Table, reasons: dict[str, str]) -> tuple[pa.Table, pd.DataFrame]:
    """Return the mentions that stay, and the others with the reason."""
    import pyarrow as pa
    import pyarrow.compute as pc

    goes = pc.fill_null(pc.is_in(mentions[VALUE], pa.array(list(reasons), pa.string())), False)
    moved = mentions.filter(goes).select(_MENTION).to_pandas()
    return mentions.filter(pc.invert(goes)), moved.assign(reason=moved[VALUE].map(reasons))


def _without(conversations: pa.Table, column: str, reasons: dict[str, str]) -> tuple[pa.Table, int]:
    """Return conversations that say nothing in a column where there is a reason, and how many these are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column not in conversations.column_names or not reasons:
        return conversations, 0
    cells = conversations[column]
    goes = pc.fill_null(pc.is_in(cells, pa.array(list(reasons), pa.string())), False)
    emptied = pc.if_else(goes, pa.scalar(None, cells.type), cells)
    place = conversations.column_names.index(column)
    return conversations.set_column(place, conversations.schema.field(column), emptied), pc.sum(goes).as_py() or 0


def _private_files(private: Path, moved: pd.DataFrame) -> dict[str, bytes]:
    """Return the private tables that change: those that are there. Evidence may have been purged."""
    import pandas as pd
    import pyarrow as pa

    files = {}
    turns = pd.DataFrame(columns=pd.Index([*_MENTION, "turn"]))
    if (private / _EVIDENCE).exists():
        evidence = read_table(private / _EVIDENCE)
        frame = evidence.select([*_MENTION, "turn"]).to_pandas()
        turns = frame.drop_duplicates(_MENTION)
        keys = pd.MultiIndex.from_frame(frame[_MENTION])
        stays = ~keys.isin(pd.MultiIndex.from_frame(moved[_MENTION]))
        files[_EVIDENCE] = table_bytes(evidence.filter(pa.array(stays)))
    if (private / _REFUSED).exists():
        refused = read_table(private / _REFUSED)
        new = moved.merge(turns, how="left", on=_MENTION)
        new["turn"] = new["turn"].fillna(0).astype("int32")
        # Some are there already where the same was cut short before.
        earlier = refused.to_pandas()
        earlier = pd.MultiIndex.from_frame(earlier.loc[earlier["reason"].str.startswith("privacy: "), _MENTION])
        new = new[~pd.MultiIndex.from_frame(new[_MENTION]).isin(earlier)]
        added = pa.Table.from_pandas(new, schema=refused.schema, preserve_index=False)
        files[_REFUSED] = table_bytes(
            pa.concat_tables([refused, added]).replace_schema_metadata(refused.schema.metadata)
        )
    return files


def _counted(
    summary: dict[str, Any], mentions: pa.Table, conversations: pa.Table, refused: Counter[str], emptied: Counter[str]
) -> dict[str, Any]:
    """Return a summary with the counts of what is left."""
    left = mentions.select(["conversation_id", "side", "explicit"]).to_pandas()
    of_ai = left["side"] == "ai"
    values = {
        "ai": int(of_ai.sum()),
        "ai_explicit": int((of_ai & left["explicit"]).sum()),
        "human": int((~of_ai).sum()),
    }
    without = conversations.num_rows - left["conversation_id"].nunique()
    counted = {
        "counts": {**summary["counts"], "without_values": without},
        "values": {**summary["values"], **values},
        "refused": dict(sorted((Counter(summary["refused"]) + refused).items())),
    }
    earlier = Counter(summary.get("emptied", {}))
    return {**summary, **counted, **({"emptied": dict(earlier + emptied)} if earlier or emptied else {})}
