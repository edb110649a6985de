"""Conversations as a Parquet file, one a row."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxonomy.extraction.conversation import Conversation
from taxonomy.files import replacing
from taxonomy.mentions.tables import check_table_path

if TYPE_CHECKING:
    import pyarrow as pa

# The columns but for the contexts, which have one each.
KNOWN = ("conversation_id", "turns", "system", "model", "user_id", "language", "timestamp")
SUFFIXES = (".parquet",)
_BATCH = 256


def write_conversations(conversations: Iterable[Conversation], contexts: Iterable[str], path: Path) -> None:
    """Write conversations to a Parquet file that its owner alone can read.

    Parameters
    ----------
    conversations : iterable of Conversation
    contexts : iterable of str
        Names of the contexts, each a column.
    path : Path
        What stood there is replaced at once or not at all.

    Raises
    ------
    OutputError
        If it has another suffix, or can't be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    check_table_path(path, SUFFIXES)
    names = sorted(set(contexts) - set(KNOWN))
    schema = _schema(names)
    rest = iter(conversations)
    with replacing(path, private=True) as file, pq.ParquetWriter(file, schema) as writer:
        while batch := [_row(one, names) for one in islice(rest, _BATCH)]:
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))


def _schema(contexts: Iterable[str]) -> pa.Schema:
    import pyarrow as pa

    text = pa.string()
    turn = pa.struct([("side", text), ("text", text), ("left_out", pa.map_(text, pa.int64()))])
    types = {"turns": pa.list_(turn), "timestamp": pa.timestamp("us")}
    return pa.schema([(name, types.get(name, text)) for name in (*KNOWN, *contexts)])


def _row(one: Conversation, contexts: Iterable[str]) -> dict[str, Any]:
    turns = [{"side": turn.side, "text": turn.text, "left_out": list(turn.left_out.items())} for turn in one.turns]
    known = {name: getattr(one, name) for name in KNOWN if name != "turns"}
    return {**known, "turns": turns, **{name: one.contexts.get(name) for name in contexts}}
