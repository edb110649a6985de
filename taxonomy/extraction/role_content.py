"""Lists of messages as the protocols of language models and data sets have them: a role, and a content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from taxonomy.extraction.content_parts import objects, plain_text, read_content
from taxonomy.extraction.messages import Message, UnreadableError, role_of

# Roles of what is said to a tool, and not to the human.
_CALLS = frozenset(("function_call", "tool_call"))
_REQUESTS = ("body", "params", "request")
_THOUGHTS = ("reasoning_content", "reasoning")


def messages_of(items: object) -> list[Message]:
    """Return the messages of a list.

    Parameters
    ----------
    items : list of mapping
        Each with a role (`role` or `from`) and a content (`content`, or `value`), which is text, parts or nothing.

    Raises
    ------
    UnreadableError
        If it is something else.
    """
    return [message_of(item) for item in objects(items, "messages")]


def message_of(item: Mapping[str, Any]) -> Message:
    """Return one message of such a list."""
    name = item.get("role", item.get("from"))
    if isinstance(name, str) and name in _CALLS:
        return Message("ai", "", {"tool calls": 1})
    role = role_of(name)
    if role == "aside":
        return Message("aside", "", {"tool results": 1})
    # A list of a data frame gives every object the fields of all.
    content = next((item[field] for field in ("content", "value", "parts") if item.get(field) is not None), None)
    text, left_out = read_content(content)
    if role == "system":
        return Message(role, text)
    refusal = item.get("refusal")
    if refusal is not None and not isinstance(refusal, str):
        raise UnreadableError("a refusal is not text")
    said = _transcript(item.get("audio"))
    left_out += _calls(item) + Counter({"audio": 1} if said else {})
    left_out += Counter({"thinking": 1} if any(item.get(name) for name in _THOUGHTS) else {})
    texts = [text, plain_text(refusal or ""), plain_text(said)]
    return Message(role, "\n\n".join(one for one in texts if one.strip()), left_out)


def _calls(item: Mapping[str, Any]) -> Counter[str]:
    calls = item.get("tool_calls")
    count = sum(1 for _ in objects(calls, "tool calls")) if calls is not None else 0
    count += item.get("function_call") is not None
    return Counter({"tool calls": count} if count else {})


def _transcript(audio: object) -> str:
    """Return what was said in an answer of sound."""
    said = audio.get("transcript") if isinstance(audio, Mapping) else None
    return said if isinstance(said, str) else ""


def request_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the request that a record holds, as batches and logs name it, or else the record itself."""
    return next((inner for name in _REQUESTS if (inner := _inner(record, name))), record)


def answers_of(record: Mapping[str, Any]) -> tuple[list[Message], Mapping[str, Any]]:
    """Return the answer that a record holds beside the messages that were sent, and the object in which it stands.

    It is one message, in the form of either protocol, or none.
    """
    response = _inner(record, "response")
    for holder in (record, response, _inner(response, "body")):
        if holder is None:
            continue
        choices = holder.get("choices")
        if isinstance(choices, list) and choices:
            # Of several answers the human saw one.
            return [message_of(_inner(choices[0], "message") or {})], holder
        if holder.get("role") == "assistant" and "content" in holder:
            return [message_of(holder)], holder
    return [], {}


def _inner(record: object, name: str) -> Mapping[str, Any] | None:
    inner = record.get(name) if isinstance(record, Mapping) else None
    return inner if isinstance(inner, Mapping) else None
