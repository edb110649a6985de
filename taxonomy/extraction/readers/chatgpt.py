"""ChatGPT's export: conversations.json, a tree of messages for each conversation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taxonomy.extraction.content_parts import kind_of, objects, plain_text, read_content
from taxonomy.extraction.fields import Fields
from taxonomy.extraction.messages import Draft, Message, UnreadableError, role_of

_THINKING = frozenset(("thoughts", "reasoning_recap"))
_OF_TOOLS = frozenset(("execution_output", "tether_quote", "tether_browsing_display", "system_error", "sonic_webpage"))
# What the human told it once for all conversations, and what it remembers.
_BEFOREHAND = frozenset(("user_editable_context", "model_editable_context"))
_TEXTS = ("user_profile", "user_instructions", "model_set_context", "text", "result")


def recognize(record: Mapping[str, Any]) -> int:
    """Return how surely a record has a tree of messages."""
    return 2 * isinstance(record.get("mapping"), Mapping)


def read(record: Mapping[str, Any]) -> Iterator[Draft]:
    """Yield the conversation of a record: the branch that ends at `current_node`."""
    messages, models = [], set()
    for message in _branch(record):
        model = Fields(_object_of(message, "metadata")).short_text("model_slug")
        messages.append(_message(message))
        if messages[-1].role == "ai" and model:
            models.add(model)
    fields = Fields(record)
    yield Draft(
        messages=messages,
        conversation_id=fields.identifier("conversation_id", "id"),
        model=" + ".join(sorted(models)) or fields.short_text("default_model_slug"),
        timestamp=fields.moment("create_time"),
        contexts=fields.contexts(["gizmo_id"]),
        ignored=fields.ignored,
    )


def _branch(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the messages from the root to the current node."""
    mapping = record.get("mapping")
    if not isinstance(mapping, Mapping):
        raise UnreadableError("there is no tree of messages")
    at = _leaf(record.get("current_node"), mapping)
    seen: set[str] = set()
    messages = []
    while at is not None:
        if at in seen:
            raise UnreadableError("the messages go round in a circle")
        seen.add(at)
        node = mapping.get(at)
        if not isinstance(node, Mapping):
            raise UnreadableError("a message of the branch is not there")
        message = node.get("message")
        if isinstance(message, Mapping):
            messages.append(message)
        elif message is not None:
            raise UnreadableError("a message is not an object")
        at = node.get("parent")
        if at is not None and not isinstance(at, str):
            raise UnreadableError("a parent is not an id")
    return messages[::-1]


def _leaf(current: object, mapping: Mapping[str, Any]) -> str | None:
    """Return the current node; where none is named, the only end of the tree."""
    if isinstance(current, str):
        return current
    if current is not None:
        raise UnreadableError("the current node is not an id")
    parents = {node["parent"] for node in mapping.values() if isinstance(node, Mapping) and _has_parent(node)}
    leaves = [name for name in mapping if name not in parents]
    if len(leaves) > 1 or (mapping and not leaves):
        raise UnreadableError("no current node is named, and the tree has several branches")
    return leaves[0] if leaves else None


def _has_parent(node: Mapping[str, Any]) -> bool:
    return isinstance(node.get("parent"), str)


def _message(message: Mapping[str, Any]) -> Message:
    author, content, metadata = (_object_of(message, name) for name in ("author", "content", "metadata"))
    role, kind = role_of(author.get("role")), content.get("content_type", "text")
    if not isinstance(kind, str):
        raise UnreadableError("the type of a content is not text")
    if kind in _BEFOREHAND:
        return Message("system", _texts(content))
    if metadata.get("is_visually_hidden_from_conversation") is True or message.get("weight") == 0:
        text, _ = _content(content)
        # What the system says is hidden as a rule.
        return Message("system", text) if role == "system" else Message("other", "", {"hidden messages": 1})
    if role == "other" or kind in _OF_TOOLS:
        return Message("other", "", {"tool results": 1})
    if kind in _THINKING or (role == "ai" and message.get("channel") == "analysis"):
        return Message("ai", "", {"thinking": 1})
    if role == "ai" and message.get("recipient") not in ("all", None):
        return Message(role, "", {"tool calls": 1})
    text, left_out = _content(content)
    for file in objects(metadata.get("attachments") or (), "attachments"):
        mime = file.get("mime_type", file.get("mimeType"))
        # An image is a part of the content, too.
        if not (isinstance(mime, str) and mime.startswith("image/")):
            left_out["attachments"] = left_out.get("attachments", 0) + 1
    return Message(role, text, left_out)


def _content(content: Mapping[str, Any]) -> tuple[str, dict[str, int]]:
    """Return the text of a content and what else it holds."""
    if "parts" in content:
        text, left_out = read_content(content["parts"])
        return text, dict(left_out)
    if isinstance(content.get("text"), str) or kind_of(content) is None:
        return _texts(content), {}
    return "", {"other parts": 1}


def _texts(content: Mapping[str, Any]) -> str:
    """Return the texts of a content that has no parts."""
    parts, _ = read_content(content.get("parts"))
    texts = [parts, *(content[name] for name in _TEXTS if isinstance(content.get(name), str))]
    return "\n\n".join(plain_text(text) for text in texts if text.strip())


def _object_of(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an object of a record, an empty one where there is none."""
    inner = record.get(name)
    if inner is None:
        return {}
    if not isinstance(inner, Mapping):
        raise UnreadableError("a message has a field that is not an object")
    return inner
