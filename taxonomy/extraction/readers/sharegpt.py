"""ShareGPT: an array of conversations, each with messages from one and of a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taxonomy.extraction.content_parts import read_content
from taxonomy.extraction.fields import Fields
from taxonomy.extraction.messages import Draft, Message
from taxonomy.extraction.role_content import messages_of

_SPEAKERS = frozenset(("from", "role"))


def recognize(record: Mapping[str, Any]) -> int:
    """Return how surely a record has conversations, as ShareGPT calls messages."""
    messages = record.get("conversations")
    first = messages[0] if isinstance(messages, list) and messages else None
    return 2 * (isinstance(first, Mapping) and bool(_SPEAKERS & first.keys()))


def read(record: Mapping[str, Any]) -> Iterator[Draft]:
    """Yield the conversation of a record, some messages of which may have a role and a content instead."""
    fields = Fields(record)
    beforehand, _ = read_content(record.get("system"))
    yield Draft(
        messages=[Message("system", beforehand), *messages_of(record.get("conversations"))],
        conversation_id=fields.identifier("id", "conversation_id"),
        model=fields.short_text("model"),
        ignored=fields.ignored,
    )
