"""The folder that an extraction is written to: tables of records, counts, and private files."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxonomy.errors import OutputError
from taxonomy.extraction.conversation import Conversation
from taxonomy.extraction.extracted import Extracted
from taxonomy.extraction.keyed_ids import KeyedIds, new_key, read_key
from taxonomy.files import check_folder, replace_file, replace_files

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = "value-taxonomy extraction"
SUMMARY = "extraction.json"
TABLES = ("mentions.parquet", "conversations.parquet")
PRIVATE = "private"
# In the metadata of the tables: what their figures depend on.
METADATA_KEY = b"value_taxonomy_extraction"
# Columns and types of all tables, by their files; those of `PRIVATE` stay there.
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


class ExtractionFolder:
    """The folder of an extraction, with the rows of its tables until they are written.

    Parameters
    ----------
    path : Path
        Made if it is not there, for its owner only.
    key : Path, optional
        The key of another extraction, so that the same ids have the same digests. By default the folder's own, which is
        made if need be.

    Raises
    ------
    OutputError
        If the folder can't be written, or has files of these names that are not of an extraction, or another key.
    InputError
        If a key can't be read.
    """

    def __init__(self, path: Path, *, key: Path | None = None) -> None:
        self.path = path
        given = None if key is None else read_key(key)
        check_folder(path)
        self._check_owner()
        path.chmod(0o700)
        private = path / PRIVATE
        check_folder(private)
        private.chmod(0o700)
        own = private / "key"
        if not own.exists():
            replace_file(own, f"{given or new_key()}\n".encode(), private=True)
        elif given is not None and read_key(own) != given:
            remedy = "leave the key out, or choose another folder"
            raise OutputError("the folder has another key", path=str(own), remedy=remedy)
        self.ids = KeyedIds(read_key(own))
        self._tables = {name: _Rows(columns) for name, columns in _SCHEMAS.items()}

    def _check_owner(self) -> None:
        """Refuse a folder in which another's files would be lost."""
        if (self.path / PRIVATE / "key").exists():
            return
        for name in (*TABLES, SUMMARY, PRIVATE):
            if (self.path / name).exists():
                problem = "an extraction would overwrite this file, which is not of one"
                remedy = "move it away, or choose another folder"
                raise OutputError(problem, path=str(self.path / name), remedy=remedy)

    def add_screened(self, number: int, conversation: Conversation, subjectivity: str, *, kept: bool) -> None:
        """Add the decision of the screener on a conversation, which is the one of this number."""
        self._add("screened", number, conversation, [(subjectivity, kept)])

    def add_failures(self, number: int, conversation: Conversation, failures: Iterable[tuple[str, str, str]]) -> None:
        """Add questions about a conversation that have no answer: the question, the outcome, the reason."""
        self._add("failures", number, conversation, failures)

    def add_extracted(self, number: int, conversation: Conversation, found: Extracted) -> None:
        """Add what a conversation shows."""
        user = None if conversation.user_id is None else self.ids.digest("user", conversation.user_id)
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
        id = self.ids.digest("conversation", conversation.conversation_id)
        self._tables[table].add(number, [(id, *row) for row in rows])

    def write(self, described: Mapping[str, Any], summary: Mapping[str, Any]) -> None:
        """Write all files; each of the two parts, private and not, is written as a whole or not at all.

        Parameters
        ----------
        described : mapping
            What figures depend on, for the metadata of the tables.
        summary : mapping
            For `extraction.json`.
        """
        import pyarrow as pa

        metadata = {METADATA_KEY: json.dumps(described, sort_keys=True).encode()}
        tables = {f"{name}.parquet": rows.table() for name, rows in self._tables.items()}
        ids = sorted((kind, digest, original) for (kind, digest), original in self.ids.known.items())
        schema = pa.schema([(name, pa.string()) for name in ("kind", "digest", "original")])
        tables["ids.parquet"] = pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in ids], schema)
        contents = {name: _parquet(table.replace_schema_metadata(metadata)) for name, table in tables.items()}
        shown = {name: contents.pop(name) for name in TABLES}
        replace_files(self.path / PRIVATE, contents, private=True)
        text = json.dumps({"format": FORMAT, "version": 1, **summary}, indent=1, ensure_ascii=False) + "\n"
        replace_files(self.path, {**shown, SUMMARY: text.encode()}, private=True)


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


def _parquet(table: pa.Table) -> bytes:
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()
