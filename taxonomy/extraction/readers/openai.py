"""OpenAI's messages: a request a line, with or without its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taxonomy.extraction.fields import Fields
from taxonomy.extraction.messages import Draft
from taxonomy.extraction.readers import anthropic
from taxonomy.extraction.role_content import answers_of, messages_of, request_of

_TIMES = ("timestamp", "created", "created_at")


def recognize(record: Mapping[str, Any]) -> bool:
    """Return whether a record has messages, and nothing that Anthropic's protocol alone has."""
    return isinstance(request_of(record).get("messages"), list) and not anthropic.recognize(record)


def read(record: Mapping[str, Any]) -> Iterator[Draft]:
    """Yield the conversation of a record: what was sent, and the answer if there is one."""
    request = request_of(record)
    answers, response = answers_of(record)
    fields, sent, answered = Fields(record), Fields(request), Fields(response)
    metadata = fields.inner("metadata")
    yield Draft(
        messages=[*messages_of(request.get("messages")), *answers],
        conversation_id=fields.identifier("conversation_id", "id", "custom_id"),
        model=fields.text("model") or sent.text("model") or answered.text("model"),
        user_id=metadata.text("user_id") or sent.text("user", "safety_identifier"),
        timestamp=fields.moment(*_TIMES) or answered.moment(*_TIMES),
        ignored=(*fields.ignored, *sent.ignored, *answered.ignored),
    )
