"""The rows of an extraction's tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from taxonomy.extraction.conversation import Conversation
from taxonomy.extraction.extracted import Extracted
from taxonomy.extraction.keyed_ids import KeyedIds

if TYPE_CHECKING:
    import pyarrow as pa

# Columns and types of all tables.
_SCHEMAS = {
    "mentions": {"conversation_id": "string", "side": "string", "value": "string", "explicit": "bool"},
    "conversations": {
        "conversation_id": "string",
        "response_type": "string",
        "model": "string",
        "task": "string",
        "language": "string",
        "user_id": "string",
        "timestamp": "timestamp[us]",
    },
    "evidence": {
        "conversation_id": "string",
        "side": "string",
        "value": "string",
        "explicit": "bool",
        "turn": "int32",
        "quote": "string",
    },
    "refused": {"conversation_id": "string", "side": "string", "value": "string", "turn": "int32", "reason": "string"},
    "failures": {"conversation_id": "string", "question": "string", "outcome": "string", "reason": "string"},
    "screened": {"conversation_id": "string", "subjectivity": "string", "kept": "bool"},
}
_ROWS_AT_ONCE = 50_000


class ExtractionTables:
    """The tables of an extraction, to which conversations are added in any order.

    Parameters
    ----------
    key : str
        Of the digests that ids are written as.
    """

    def __init__(self, key: str) -> None:
        self._ids = KeyedIds(key)
        self._rows = {name: _Rows(columns) for name, columns in _SCHEMAS.items()}

    def add_screened(self, number: int, conversation: Conversation, subjectivity: str, *, kept: bool) -> None:
        """Add the decision of the screener on a conversation, which is the one of this number."""
        self._add("screened", number, conversation, [(subjectivity, kept)])

    def add_failures(self, number: int, conversation: Conversation, failures: Iterable[tuple[str, str, str]]) -> None:
        """Add questions about a conversation that have no answer: the question, the outcome, the reason."""
        self._add("failures", number, conversation, failures)

    def add_extracted(self, number: int, conversation: Conversation, found: Extracted) -> None:
        """Add what a conversation shows."""
        user = None if conversation.user_id is None else self._ids.digest("user", conversation.user_id)
        context = (conversation.language, user, conversation.timestamp)
        mentions = [(one.side, one.value, one.explicit) for one in found.mentions]
        evidence = [(*mention, one.turn, one.quote) for mention, one in zip(mentions, found.mentions, strict=True)]
        refused = [(one.side, one.value, one.turn, one.reason) for one in found.refused]
        self._add(
            "conversations", number, conversation, [(found.response_type, conversation.model, found.task, *context)]
        )
        self._add("mentions", number, conversation, mentions)
        self._add("evidence", number, conversation, evidence)
        self._add("refused", number, conversation, refused)

    def _add(self, table: str, number: int, conversation: Conversation, rows: Iterable[tuple[Any, ...]]) -> None:
        id = self._ids.digest("conversation", conversation.conversation_id)
        self._rows[table].add(number, [(id, *row) for row in rows])

    def tables(self) -> dict[str, pa.Table]:
        """Return the tables by name, with one of the ids."""
        import pyarrow as pa

        ids = sorted((kind, digest, original) for (kind, digest), original in self._ids.known.items())
        schema = pa.schema([(name, pa.string()) for name in ("kind", "digest", "original")])
        of_ids = pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in ids], schema)
        return {**{name: rows.table() for name, rows in self._rows.items()}, "ids": of_ids}


class _Rows:
    """Rows of a table, each of a conversation's number, in no order."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns = {"number": "int64", **columns}
        self._rows: list[tuple[Any, ...]] = []
        self._parts: list[pa.Table] = []

    def add(self, number: int, rows: Iterable[tuple[Any, ...]]) -> None:
        self._rows += [(number, *row) for row in rows]
        if len(self._rows) >= _ROWS_AT_ONCE:
            self._pack()

    def _pack(self) -> None:
        import pyarrow as pa

        columns = zip(*self._rows, strict=True) if self._rows else [()] * len(self._columns)
        types = (pa.type_for_alias(name) for name in self._columns.values())
        arrays = [pa.array(column, type) for column, type in zip(columns, types, strict=True)]
        self._parts.append(pa.table(arrays, names=list(self._columns)))
        self._rows = []

    def table(self) -> pa.Table:
        """Return the rows by number, those of a conversation in the order in which they were added."""
        import pyarrow as pa

        self._pack()
        return pa.concat_tables(self._parts).sort_by("number").drop_columns("number").combine_chunks()
