"""OpenAI's messages: a request a line, with or without its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taxonomy.extraction.content_parts import read_content
from taxonomy.extraction.fields import Fields
from taxonomy.extraction.messages import Draft, Message
from taxonomy.extraction.role_content import answers_of, messages_of, request_of, sent_of

_TIMES = ("timestamp", "created", "created_at")


def recognize(record: Mapping[str, Any]) -> int:
    """Return how surely a record has messages, or the input of a response; other protocols have messages, too."""
    return int(sent_of(request_of(record)) is not None)


def read(record: Mapping[str, Any]) -> Iterator[Draft]:
    """Yield the conversation of a record: what was sent, and the answer if there is one."""
    request = request_of(record)
    beforehand, _ = read_content(request.get("instructions"))
    sent = [Message("system", beforehand), *messages_of(sent_of(request))]
    answers, response = answers_of(record, sent)
    fields, asked, answered = Fields(record), Fields(request), Fields(response)
    metadata = fields.inner("metadata")
    yield Draft(
        messages=[*sent, *answers],
        conversation_id=fields.identifier("conversation_id", "id", "custom_id"),
        model=fields.short_text("model") or asked.short_text("model") or answered.short_text("model"),
        user_id=metadata.short_text("user_id") or asked.short_text("user", "safety_identifier"),
        timestamp=fields.moment(*_TIMES) or answered.moment(*_TIMES),
        ignored=(*fields.ignored, *asked.ignored, *answered.ignored),
    )
