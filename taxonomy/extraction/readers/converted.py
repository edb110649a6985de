"""What `value-taxonomy conversations convert` writes: conversations as they are read, one a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taxonomy.extraction.content_parts import objects, plain_text
from taxonomy.extraction.conversation_table import KNOWN
from taxonomy.extraction.fields import Fields
from taxonomy.extraction.messages import Draft, Message, UnreadableError, role_of

# A count of more is none.
_MOST = 1 << 31


def recognize(record: Mapping[str, Any]) -> int:
    """Return how surely a record has turns, and an id."""
    return 2 * (isinstance(record.get("turns"), list) and "conversation_id" in record)


def read(record: Mapping[str, Any]) -> Iterator[Draft]:
    """Yield the conversation of a row."""
    fields = Fields(record)
    system = record.get("system") or ""
    if not isinstance(system, str):
        raise UnreadableError("the system text is not text")
    yield Draft(
        messages=[Message("system", plain_text(system)), *map(_message, objects(record.get("turns"), "turns"))],
        conversation_id=fields.identifier("conversation_id"),
        model=fields.short_text("model"),
        user_id=fields.short_text("user_id"),
        timestamp=fields.moment("timestamp"),
        contexts=fields.contexts(sorted(record.keys() - set(KNOWN))),
        ignored=fields.ignored,
    )


def _message(turn: Mapping[str, Any]) -> Message:
    text, counts = turn.get("text"), turn.get("left_out") or []
    pairs = list(counts.items()) if isinstance(counts, Mapping) else counts
    if not isinstance(text, str) or not isinstance(pairs, list):
        raise UnreadableError("a turn has no text")
    return Message(role_of(turn.get("side")), plain_text(text), dict(map(_counted, pairs)))


def _counted(pair: object) -> tuple[str, int]:
    match pair:
        case [str(kind), int(count)] if 0 <= count <= _MOST:
            return plain_text(kind), count
    raise UnreadableError("what was left out of a turn is not counted")
