"""Spans of OpenTelemetry, by its conventions for generative AI: each call repeats the history."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from taxonomy.extraction.content_parts import objects, read_content
from taxonomy.extraction.fields import Fields
from taxonomy.extraction.messages import Draft, Message, UnreadableError
from taxonomy.extraction.role_content import message_of, messages_of

_SYSTEM, _SENT, _ANSWERED = ("gen_ai.system_instructions", "gen_ai.input.messages", "gen_ai.output.messages")
_DETAILS = "gen_ai.client.inference.operation.details"
# What a call of a model is, rather than of a tool or of an agent that calls models itself.
_CALLS = frozenset(("chat", "text_completion", "generate_content"))
# Events of earlier conventions, each with its role; an answer is a choice.
_EVENTS = {f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")}
_CHOICE, _CONTENT = "gen_ai.choice", "gen_ai.event.content"
# Attributes of other tools: gen_ai.prompt.0.role, gen_ai.completion.0.content.
_PROMPT, _COMPLETION = "gen_ai.prompt.", "gen_ai.completion."
_NUMBER = re.compile(r"[0-9]{1,6}")
_EPOCH = datetime(1970, 1, 1)


def recognize(record: Mapping[str, Any]) -> int:
    """Return how surely a record is a span, or holds some, as files and the console's exporter write them."""
    if "resourceSpans" in record or "resource_spans" in record:
        return 2
    return 2 * ("attributes" in record and ("context" in record or "traceId" in record))


def read(record: Mapping[str, Any]) -> Iterator[Draft | UnreadableError]:
    """Yield the history of each span that calls a model, or why it can't be read; other spans hold no conversation."""
    for span in _spans(record):
        try:
            if (draft := _read_span(span)) is not None:
                yield draft
        except UnreadableError as error:
            yield error


def _read_span(span: Mapping[str, Any]) -> Draft | None:
    attributes = _attributes(span.get("attributes"))
    events = [
        (str(event.get("name")), _attributes(event.get("attributes")))
        for event in objects(span.get("events") or (), "events")
    ]
    # Messages stand on the span, or on an event of it.
    for name, details in events:
        attributes = {**attributes, **details} if name == _DETAILS else attributes
    messages = _messages(attributes) or _numbered(attributes) or _from_events(events)
    is_call = Fields(attributes).short_text("gen_ai.operation.name") in _CALLS
    return _draft(span, attributes, messages) if messages or is_call else None


def _draft(span: Mapping[str, Any], attributes: Mapping[str, Any], messages: list[Message]) -> Draft:
    fields, said = Fields(span), Fields(attributes)
    trace = fields.identifier("traceId", "trace_id") or fields.inner("context").identifier("trace_id")
    return Draft(
        messages=messages,
        conversation_id=said.identifier("gen_ai.conversation.id") or trace,
        model=said.short_text("gen_ai.response.model", "gen_ai.request.model"),
        user_id=said.short_text("user.id", "enduser.id"),
        timestamp=fields.moment("startTimeUnixNano", "start_time"),
        ignored=(*fields.ignored, *said.ignored),
        joins="history",
        position=_end(span),
    )


def _end(span: Mapping[str, Any]) -> float:
    end = Fields(span).moment("endTimeUnixNano", "end_time", "startTimeUnixNano", "start_time")
    return (end - _EPOCH).total_seconds() if end else 0.0


def _spans(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "attributes" in record:
        yield record
        return
    resources = record.get("resourceSpans", record.get("resource_spans"))
    for resource in objects(resources, "resource spans"):
        for scope in objects(resource.get("scopeSpans", resource.get("scope_spans")) or (), "scope spans"):
            yield from objects(scope.get("spans") or (), "spans")


def _attributes(listed: object) -> dict[str, Any]:
    """Return attributes by name, from an object or from the list that the protocol has."""
    if listed is None:
        return {}
    if isinstance(listed, Mapping):
        return dict(listed)
    return {str(one.get("key")): _value(one.get("value")) for one in objects(listed, "attributes")}


def _value(value: object, depth: int = 0) -> Any:
    """Return a value of the protocol without its type."""
    if value is None:
        return None
    if not isinstance(value, Mapping) or depth > 20:
        raise UnreadableError("the value of an attribute is not one")
    if "arrayValue" in value:
        return [_value(one, depth + 1) for one in _values(value["arrayValue"])]
    if "kvlistValue" in value:
        pairs = _values(value["kvlistValue"])
        return {str(pair.get("key")): _value(pair.get("value"), depth + 1) for pair in pairs}
    return next(iter(value.values()), None)


def _values(listed: object) -> Iterator[Mapping[str, Any]]:
    return objects(_object(listed).get("values") or (), "values")


def _messages(attributes: Mapping[str, Any]) -> list[Message]:
    beforehand, _ = read_content(_loaded(attributes.get(_SYSTEM)))
    messages = [Message("system", beforehand)] if beforehand else []
    for name in (_SENT, _ANSWERED):
        if (listed := _loaded(attributes.get(name))) is not None:
            # Of several answers the human saw one.
            messages += messages_of(listed)[: 1 if name == _ANSWERED else None]
    return messages


def _loaded(value: object) -> object:
    """Return what stands in an attribute as the text of JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise UnreadableError("the messages of a span are not JSON") from None


def _from_events(events: list[tuple[str, dict[str, Any]]]) -> list[Message]:
    messages, is_answered = [], False
    for name, attributes in events:
        # Some write the whole message into one attribute.
        said = _object(_loaded(attributes[_CONTENT])) if _CONTENT in attributes else attributes
        if name == _CHOICE and not is_answered:
            is_answered = True
            messages.append(message_of({"role": "assistant", **_object(_loaded(said.get("message", said)))}))
        elif name in _EVENTS:
            messages.append(message_of({"role": _EVENTS[name], **said}))
    return messages


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise UnreadableError("a field of a span is not an object")
    return dict(value)


def _numbered(attributes: Mapping[str, Any]) -> list[Message]:
    messages = []
    for prefix in (_PROMPT, _COMPLETION):
        numbered: dict[int, dict[str, Any]] = defaultdict(dict)
        for name, value in attributes.items():
            number, _, field = name.removeprefix(prefix).partition(".")
            if not name.startswith(prefix) or not _NUMBER.fullmatch(number):
                continue
            if field in ("role", "content"):
                numbered[int(number)][field] = value
            elif field.startswith("tool_calls.0."):
                numbered[int(number)]["tool_calls"] = [{}]
        default = {"role": "assistant"} if prefix == _COMPLETION else {}
        messages += [message_of({**default, **numbered[number]}) for number in sorted(numbered)]
    return messages
