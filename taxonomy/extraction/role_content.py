"""Lists of messages as the protocols of language models and data sets have them: a role, and a content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from taxonomy.extraction.content_parts import kind_of, objects, plain_text, read_content
from taxonomy.extraction.messages import Message, UnreadableError, join_texts, role_of

# Roles of what is said to a tool, and not to the human.
_CALLS = frozenset(("function_call", "tool_call"))
_CONTENTS = ("content", "value", "parts")
# One of these a message must have, be it empty.
_SAID = frozenset((*_CONTENTS, "tool_calls", "function_call", "refusal", "audio"))
_MESSAGES = ("messages", "input")
_REQUESTS = ("body", "params", "request")
_THOUGHTS = ("reasoning_content", "reasoning")


def messages_of(items: object) -> list[Message]:
    """Return the messages of a list.

    Parameters
    ----------
    items : list of mapping
        Each with a role (`role` or `from`) and a content (`content`, `value` or `parts`), which is text, parts or
        nothing; or with the type of a call, of its result, or of a thought.

    Raises
    ------
    UnreadableError
        If it is something else.
    """
    return [message_of(item) for item in objects(items, "messages")]


def message_of(item: Mapping[str, Any]) -> Message:
    """Return one message of such a list."""
    name = _first(item, ("role", "from"))
    if name is None and isinstance(item.get("type"), str):
        return _item(item)
    if isinstance(name, str) and name.strip().lower() in _CALLS:
        return Message("ai", "", {"tool calls": 1})
    role = role_of(name)
    if role == "other":
        return Message("other", "", {"tool results": 1})
    if _SAID.isdisjoint(item):
        raise UnreadableError("a message has no content")
    text, left_out = read_content(_first(item, _CONTENTS))
    if role == "system":
        return Message(role, text)
    refusal = item.get("refusal")
    if refusal is not None and not isinstance(refusal, str):
        raise UnreadableError("a refusal is not text")
    said = _transcript(item.get("audio"))
    left_out += _calls(item) + Counter({"audio": 1} if said else {})
    left_out += Counter({"thinking": 1} if any(item.get(name) for name in _THOUGHTS) else {})
    return Message(role, join_texts((text, plain_text(refusal or ""), plain_text(said))), left_out)


def _first(item: Mapping[str, Any], names: Iterable[str]) -> Any:
    """Return the first of these fields that is there: a data frame gives every object the fields of all, empty."""
    return next((item[name] for name in names if item.get(name) is not None), None)


def _item(item: Mapping[str, Any]) -> Message:
    """Return an item of OpenAI's responses that is no message: a call, what it returned, or a thought."""
    kind = kind_of(item)
    if kind is None:
        raise UnreadableError("a message says no role")
    return Message("other" if kind == "tool results" else "ai", "", {kind: 1})


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
    inner = (_object_or_none(record, name) for name in _REQUESTS)
    return next((one for one in inner if one is not None and sent_of(one) is not None), record)


def sent_of(request: Mapping[str, Any]) -> list[Any] | None:
    """Return the messages that were sent, None where there are none."""
    return next((request[name] for name in _MESSAGES if isinstance(request.get(name), list)), None)


def answers_of(record: Mapping[str, Any], sent: list[Message]) -> tuple[list[Message], Mapping[str, Any]]:
    """Return the answer that a record holds beside the messages that were sent, and the object in which it stands.

    It has the form of either protocol. Where the messages end with it, it is not said again.
    """
    response = _object_or_none(record, "response")
    for holder in (record, response, _object_or_none(response, "body")):
        if holder is not None and (answers := _answers(holder)):
            return ([] if sent[-len(answers) :] == answers else answers), holder
    return [], {}


def _answers(holder: Mapping[str, Any]) -> list[Message]:
    choices, output = holder.get("choices"), holder.get("output")
    if isinstance(choices, list) and choices:
        # Of several answers the human saw one.
        message = _object_or_none(choices[0], "message")
        text = choices[0].get("text") if isinstance(choices[0], Mapping) else None
        if message is None and isinstance(text, str):
            message = {"role": "assistant", "content": text}
        return [] if message is None else [message_of({"role": "assistant", **message})]
    if holder.get("role") == "assistant" and "content" in holder:
        return [message_of(holder)]
    return messages_of(output) if isinstance(output, list) else []


def _object_or_none(record: object, name: str) -> Mapping[str, Any] | None:
    inner = record.get(name) if isinstance(record, Mapping) else None
    return inner if isinstance(inner, Mapping) else None
