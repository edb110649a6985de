"""Anthropic's messages: a request a line, with or without its answer; results of tools stand in user messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taxonomy.extraction.content_parts import read_content
from taxonomy.extraction.fields import Fields
from taxonomy.extraction.messages import Draft, Message
from taxonomy.extraction.role_content import answers_of, messages_of, request_of

_FIELDS = frozenset(("system", "stop_sequences", "thinking", "anthropic_version", "stop_reason"))
_BLOCKS = frozenset(("tool_use", "tool_result", "thinking", "redacted_thinking", "image", "document"))


def recognize(record: Mapping[str, Any]) -> int:
    """Return how surely a record has messages, and a field or a block that OpenAI's protocol does not have."""
    request = request_of(record)
    messages = request.get("messages")
    if not isinstance(messages, list):
        return 0
    own = not _FIELDS.isdisjoint({*record, *request}) or any(
        isinstance(block, Mapping) and str(block.get("type")) in _BLOCKS
        for message in messages
        if isinstance(message, Mapping) and isinstance(message.get("content"), list)
        for block in message["content"]
    )
    return 2 if own else 0


def read(record: Mapping[str, Any]) -> Iterator[Draft]:
    """Yield the conversation of a record: what was sent, and the answer if there is one."""
    request = request_of(record)
    sent = messages_of(request.get("messages"))
    answers, response = answers_of(record, sent)
    fields, asked, answered = Fields(record), Fields(request), Fields(response)
    beforehand, _ = read_content(request.get("system"))
    yield Draft(
        messages=[Message("system", beforehand), *sent, *answers],
        conversation_id=fields.identifier("conversation_id", "id", "custom_id"),
        model=fields.short_text("model") or asked.short_text("model") or answered.short_text("model"),
        user_id=asked.inner("metadata").short_text("user_id"),
        timestamp=fields.moment("timestamp", "created_at"),
        ignored=(*fields.ignored, *asked.ignored, *answered.ignored),
    )
