"""The content of a message: text, or a list of parts of which some are text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from taxonomy.extraction.messages import UnreadableError, join_texts

# Parts that are text, by type.
_TEXT = frozenset(("text", "input_text", "output_text", "refusal", "audio_transcription", "voice_note"))
# What the text of such a part is called.
_TEXT_FIELDS = frozenset(("text", "content", "refusal"))
# What parts of other types are counted as.
_KINDS = {
    **dict.fromkeys(("image", "image_url", "input_image", "image_file", "image_asset_pointer"), "images"),
    **dict.fromkeys(("audio", "input_audio", "output_audio", "audio_asset_pointer"), "audio"),
    "real_time_user_audio_video_asset_pointer": "audio",
    **dict.fromkeys(("video", "video_url"), "video"),
    **dict.fromkeys(("file", "input_file", "document", "container_upload", "uri", "blob"), "attachments"),
    **dict.fromkeys(("tool_use", "server_tool_use", "mcp_tool_use", "tool_call", "function_call"), "tool calls"),
    **dict.fromkeys(("server_tool_call", "computer_call", "web_search_call", "file_search_call"), "tool calls"),
    **dict.fromkeys(("tool_call_response", "server_tool_call_response", "search_result"), "tool results"),
    **dict.fromkeys(("function_call_output", "computer_call_output"), "tool results"),
    **dict.fromkeys(("thinking", "redacted_thinking", "reasoning", "thoughts"), "thinking"),
}
_MODALITIES = {"image": "images", "audio": "audio", "video": "video"}
# What UTF-8 cannot hold, and a JSON file can.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def plain_text(text: str) -> str:
    """Return text with line ends of one kind, and without what no UTF-8 file can hold."""
    return _LONE_SURROGATE.sub("\ufffd", text).replace("\r\n", "\n").replace("\r", "\n")


def read_content(content: object) -> tuple[str, Counter[str]]:
    """Return the text of a message's content, and what else it holds.

    Parameters
    ----------
    content : str, list or None
        Text, or parts, in any of the forms that the protocols of language models have.

    Raises
    ------
    UnreadableError
        If it is neither.
    """
    if content is None:
        return "", Counter()
    if isinstance(content, str):
        return plain_text(content), Counter()
    if not isinstance(content, list):
        raise UnreadableError("the content of a message is neither text nor a list of parts")
    texts, left_out = [], Counter[str]()
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif not isinstance(part, Mapping):
            raise UnreadableError("a part of a message is neither text nor an object")
        elif (kind := kind_of(part)) is None:
            texts.append(_text_of(part))
        else:
            left_out[kind] += 1
    return join_texts(map(plain_text, texts)), left_out


def kind_of(part: Mapping[str, Any]) -> str | None:
    """Return what a part is counted as, None for text."""
    name = part.get("type", part.get("content_type", "text"))
    if not isinstance(name, str):
        raise UnreadableError("the type of a part is not text")
    if name in _TEXT:
        return None
    if isinstance(modality := part.get("modality"), str) and modality in _MODALITIES:
        return _MODALITIES[modality]
    if name.endswith("tool_result"):
        return "tool results"
    return _KINDS.get(name, "other parts")


def _text_of(part: Mapping[str, Any]) -> str:
    if _TEXT_FIELDS.isdisjoint(part):
        raise UnreadableError("a part of a message has neither a type nor text")
    text = next((part[name] for name in sorted(_TEXT_FIELDS & part.keys()) if part[name] is not None), "")
    if not isinstance(text, str):
        raise UnreadableError("the text of a part is not text")
    return text


def objects(items: object, what: str) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a list.

    Raises
    ------
    UnreadableError
        If it is no list of objects; `what` it must be.
    """
    if not isinstance(items, list | tuple):
        raise UnreadableError(f"{what} are not a list")
    for item in items:
        if not isinstance(item, Mapping):
            raise UnreadableError(f"one of the {what} is not an object")
        yield item
