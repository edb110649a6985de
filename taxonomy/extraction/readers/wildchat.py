"""WildChat: a row a conversation, with what is known of who asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from taxonomy.extraction.fields import Fields
from taxonomy.extraction.messages import Draft
from taxonomy.extraction.role_content import messages_of

_CONTEXTS = ("country", "state", "toxic", "redacted")


def recognize(record: Mapping[str, Any]) -> int:
    """Return how surely a record has a conversation and what WildChat alone says of it."""
    return 2 * ("conversation" in record and ("conversation_hash" in record or "toxic" in record))


def read(record: Mapping[str, Any]) -> Iterator[Draft]:
    """Yield the conversation of a row, whose language is found anew."""
    fields = Fields(record)
    yield Draft(
        messages=messages_of(record.get("conversation")),
        conversation_id=fields.identifier("conversation_hash", "conversation_id"),
        model=fields.short_text("model"),
        user_id=fields.short_text("hashed_ip"),
        timestamp=_start(record) or fields.moment("timestamp"),
        contexts=fields.contexts(_CONTEXTS),
        ignored=fields.ignored,
    )


def _start(record: Mapping[str, Any]) -> datetime | None:
    """Return the time of the first message that says one; that of the row is the time of the last."""
    messages = record.get("conversation")
    times = (Fields(message).moment("timestamp") for message in messages) if isinstance(messages, list) else ()
    return min((time for time in times if time is not None), default=None)
