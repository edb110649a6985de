"""LMSYS-Chat: a row a conversation with one of many models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taxonomy.extraction.fields import Fields
from taxonomy.extraction.messages import Draft
from taxonomy.extraction.role_content import messages_of


def recognize(record: Mapping[str, Any]) -> int:
    """Return how surely a record has a conversation; other data sets have one, too."""
    return int("conversation" in record)


def read(record: Mapping[str, Any]) -> Iterator[Draft]:
    """Yield the conversation of a row."""
    fields = Fields(record)
    yield Draft(
        messages=messages_of(record.get("conversation")),
        conversation_id=fields.identifier("conversation_id"),
        model=fields.short_text("model"),
        contexts=fields.contexts(["redacted"]),
        ignored=fields.ignored,
    )
