"""WildChat: a row a conversation, with what is known of who asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taxonomy.extraction.fields import Fields
from taxonomy.extraction.messages import Draft
from taxonomy.extraction.role_content import messages_of

_CONTEXTS = ("country", "state", "toxic", "redacted")


def recognize(record: Mapping[str, Any]) -> bool:
    """Return whether a record has a conversation and what WildChat alone says of it."""
    return "conversation" in record and ("conversation_hash" in record or "toxic" in record)


def read(record: Mapping[str, Any]) -> Iterator[Draft]:
    """Yield the conversation of a row. Its language is found anew, and its time is that of the last message."""
    fields = Fields(record)
    yield Draft(
        messages=messages_of(record.get("conversation")),
        conversation_id=fields.identifier("conversation_hash", "conversation_id"),
        model=fields.text("model"),
        user_id=fields.text("hashed_ip") or _first_address(record),
        timestamp=fields.moment("timestamp"),
        contexts=fields.contexts(_CONTEXTS),
        ignored=fields.ignored,
    )


def _first_address(record: Mapping[str, Any]) -> str | None:
    """Return the address of the first message that has one, which earlier releases give of messages alone."""
    messages = record.get("conversation")
    addresses = (Fields(message).text("hashed_ip") for message in messages) if isinstance(messages, list) else ()
    return next((address for address in addresses if address), None)
