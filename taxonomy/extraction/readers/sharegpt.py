"""ShareGPT: an array of conversations, each with messages from one and of a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taxonomy.extraction.fields import Fields
from taxonomy.extraction.messages import Draft
from taxonomy.extraction.role_content import messages_of


def recognize(record: Mapping[str, Any]) -> bool:
    """Return whether a record has conversations, as ShareGPT calls messages."""
    return isinstance(record.get("conversations"), list)


def read(record: Mapping[str, Any]) -> Iterator[Draft]:
    """Yield the conversation of a record, some messages of which may have a role and a content instead."""
    fields = Fields(record)
    beforehand = fields.text("system")
    messages = messages_of(record.get("conversations"))
    if beforehand:
        messages = [*messages_of([{"role": "system", "content": record["system"]}]), *messages]
    yield Draft(
        messages=messages,
        conversation_id=fields.identifier("id", "conversation_id"),
        model=fields.text("model"),
        ignored=fields.ignored,
    )
