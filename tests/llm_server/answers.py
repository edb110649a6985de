"""What requests show a model, and what a good model says to them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

# Letters of the word in each name.
GIBBERISH = 16
LETTERS = "abcdefghijklmnop"
# The client may mark its system text with a line of its own, which names do not depend on.
MARK = re.compile(r"\n+[^\n]*\bvt-[0-9a-f]{16}\b[^\n]*")
# Nothing in the data can close its block.
BLOCK = re.compile(r"<data>\n(.*?)\n</data>", re.DOTALL)


def text_of(content: Any) -> str:
    """Return the text of a message or of a system prompt: a string, or blocks of text."""
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content or ())


def system_of(request: Mapping[str, Any]) -> str:
    """Return the system text, which each protocol has in a place of its own."""
    said = [message["content"] for message in request["messages"] if message["role"] == "system"]
    return "\n".join(map(text_of, [request.get("system", ""), *said])).strip()


def blocks_of(request: Mapping[str, Any]) -> list[Any]:
    """Return the blocks of data that a question shows the model, without those of what was refused."""
    first = next(message for message in request["messages"] if message["role"] == "user")
    return [json.loads(block) for block in BLOCK.findall(text_of(first["content"]))]


def data_of(request: Mapping[str, Any]) -> Any:
    """Return the first block of data that a question shows the model."""
    return blocks_of(request)[0]


def kind_of(request: dict[str, Any]) -> str:
    """Return "cluster", "parent" or "move"."""
    data = data_of(request)
    return "move" if "choices" in data else "cluster" if "members_in_all" in data else "parent"


def good_name(request: dict[str, Any]) -> dict[str, Any]:
    """Return a name that follows from the messages and that no other messages give."""
    messages = [_unmarked(message) for message in request["messages"]]
    digest = hashlib.sha256(json.dumps(messages).encode()).hexdigest()[:GIBBERISH]
    word = "".join(LETTERS[int(digit, 16)] for digit in digest)
    return {
        "name": f"care for {word}",
        "definition": f"Holding {word} dear in all that one says and does, and asking it of others as well",
    }


def _unmarked(message: dict[str, Any]) -> dict[str, Any]:
    content = message["content"]
    if message["role"] != "system" or not isinstance(content, str):
        return message
    return {**message, "content": MARK.sub("\n", content)}


def keep_all(request: dict[str, Any]) -> dict[str, Any]:
    return {"moves": [{"member": one["id"], "choice": "keep"} for one in data_of(request)["members"]]}
