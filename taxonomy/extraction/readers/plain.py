"""Plain tables of messages: a row each, with its conversation, its role and its content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite, nan
from typing import Any

from taxonomy.extraction.content_parts import plain_text, read_content
from taxonomy.extraction.fields import Fields
from taxonomy.extraction.messages import Draft, Message, UnreadableError
from taxonomy.extraction.role_content import message_of

_NEEDED = frozenset(("conversation_id", "role", "content"))
_KNOWN = _NEEDED | {"model", "user_id", "timestamp", "turn", "system"}
# Columns that mean something else in what is written of conversations.
_RENAMED = {"language": "stated_language", "turns": "stated_turns"}


def recognize(record: Mapping[str, Any]) -> int:
    """Return how surely a record has the three columns."""
    return 2 * _NEEDED.issubset(map(_plain, record))


def read(record: Mapping[str, Any]) -> Iterator[Draft]:
    """Yield the message of a row; a column `turn` orders the rows, and columns that we don't know are contexts."""
    row = {_plain(name): cell for name, cell in record.items()}
    fields = Fields(row)
    conversation = fields.identifier("conversation_id")
    if conversation is None:
        raise UnreadableError("a row has no conversation_id")
    try:
        message = message_of({"role": row.get("role"), "content": row.get("content")})
        beforehand, _ = read_content(row.get("system"))
        position = _position(row.get("turn"))
    except UnreadableError as error:
        raise UnreadableError(str(error), conversation) from None
    yield Draft(
        messages=[Message("system", beforehand), message],
        conversation_id=conversation,
        model=fields.short_text("model"),
        user_id=fields.short_text("user_id"),
        timestamp=fields.moment("timestamp"),
        contexts=fields.contexts(sorted(row.keys() - _KNOWN)),
        ignored=fields.ignored,
        joins="rows",
        position=position,
    )


def _plain(name: str) -> str:
    """Return what a column is known by: those that we know are found in any case."""
    plain = plain_text(name.strip())
    return plain.lower() if plain.lower() in _KNOWN else _RENAMED.get(plain.lower(), plain)


def _position(cell: object) -> float | None:
    if cell is None or cell == "":
        return None
    try:
        position = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        position = nan
    if not isfinite(position):
        raise UnreadableError("a row has a turn that is no number")
    return position
