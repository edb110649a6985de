"""Plain tables of messages: a row each, with its conversation, its role and its content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taxonomy.extraction.fields import Fields
from taxonomy.extraction.messages import Draft, UnreadableError
from taxonomy.extraction.role_content import message_of

_NEEDED = frozenset(("conversation_id", "role", "content"))
_KNOWN = _NEEDED | {"model", "user_id", "timestamp", "turn"}


def recognize(record: Mapping[str, Any]) -> bool:
    """Return whether a record has the three columns."""
    return _NEEDED.issubset(map(_plain, record))


def read(record: Mapping[str, Any]) -> Iterator[Draft]:
    """Yield the message of a row; a column `turn` orders the rows, and columns that we don't know are contexts."""
    row = {_plain(name): cell for name, cell in record.items()}
    fields = Fields(row)
    conversation = fields.identifier("conversation_id")
    if conversation is None:
        raise UnreadableError("a row has no conversation_id")
    try:
        message = message_of({"role": row.get("role"), "content": row.get("content")})
        position = _position(row.get("turn"))
    except UnreadableError as error:
        raise UnreadableError(str(error), conversation) from None
    yield Draft(
        messages=[message],
        conversation_id=conversation,
        model=fields.text("model"),
        user_id=fields.text("user_id"),
        timestamp=fields.moment("timestamp"),
        contexts=fields.contexts(sorted(row.keys() - _KNOWN)),
        ignored=fields.ignored,
        joins="rows",
        position=position,
    )


def _plain(name: str) -> str:
    """Return what a column is known by: those that we know are found in any case."""
    plain = name.strip()
    return plain.lower() if plain.lower() in _KNOWN else plain


def _position(cell: object) -> float:
    try:
        return 0.0 if cell is None or cell == "" else float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise UnreadableError("a row has a turn that is no number") from None
