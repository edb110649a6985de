"""Claude.ai's export: conversations.json, the messages of each conversation with their parents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from mimetypes import guess_type
from typing import Any

from taxonomy.extraction.content_parts import objects, plain_text, read_content
from taxonomy.extraction.fields import Fields
from taxonomy.extraction.messages import Draft, Message, UnreadableError, role_of

# Files in the lists beside the content: what a person pasted at length is an attachment, with its text.
_FILES = ("attachments", "files", "files_v2")
# Of blocks that only the service needs.
_SILENT = frozenset(("token_budget", "flag"))


def recognize(record: Mapping[str, Any]) -> int:
    """Return how surely a record has messages under the name that Claude.ai gives them."""
    return 2 * isinstance(record.get("chat_messages"), list)


def read(record: Mapping[str, Any]) -> Iterator[Draft]:
    """Yield the conversation of a record: the branch that ends at the current leaf, or else at the last message."""
    fields = Fields(record)
    account = fields.inner("account")
    yield Draft(
        messages=[_message(message) for message in _branch(record)],
        conversation_id=fields.identifier("uuid"),
        model=fields.short_text("model"),
        user_id=account.short_text("uuid"),
        timestamp=fields.moment("created_at"),
        ignored=fields.ignored,
    )


def _branch(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the messages of the branch, in order; all of them where none says its parent."""
    messages = list(objects(record.get("chat_messages"), "messages"))
    by_id = {name: message for message in messages if isinstance(name := message.get("uuid"), str)}
    if not any(message.get("parent_message_uuid") for message in messages):
        return messages
    leaf = record.get("current_leaf_message_uuid") or _last_leaf(messages)
    if not isinstance(leaf, str) or leaf not in by_id:
        raise UnreadableError("the current message is not there")
    branch, seen = [], set()
    at: object = leaf
    # The root is no message: an id of zeros, or none.
    while isinstance(at, str) and at in by_id:
        if at in seen:
            raise UnreadableError("the messages go round in a circle")
        seen.add(at)
        branch.append(by_id[at])
        at = by_id[at].get("parent_message_uuid")
    if at is not None and not (isinstance(at, str) and at.startswith("00000000-0000-")):
        raise UnreadableError("a message of the branch is not there")
    return branch[::-1]


def _last_leaf(messages: list[Mapping[str, Any]]) -> object:
    """Return the id of the last message that no other follows."""
    parents = {str(message.get("parent_message_uuid")) for message in messages}
    leaves = [message for message in messages if str(message.get("uuid")) not in parents]
    return (leaves or messages)[-1].get("uuid")


def _message(message: Mapping[str, Any]) -> Message:
    role = role_of(message.get("sender"))
    blocks = [
        block for block in objects(message.get("content") or (), "blocks") if str(block.get("type")) not in _SILENT
    ]
    text, left_out = read_content(blocks)
    whole = message.get("text")
    if whole is not None and not isinstance(whole, str):
        raise UnreadableError("the text of a message is not text")
    # Beside blocks of tools, the text holds what stands in their place.
    if not text and not left_out and whole:
        text = plain_text(whole)
    return Message(role, text, left_out + _files(message))


def _files(message: Mapping[str, Any]) -> Counter[str]:
    counts: Counter[str] = Counter()
    seen = set()
    for name in _FILES:
        for file in objects(message.get(name) or (), "files"):
            key = file.get("file_uuid") or file.get("uuid")
            if isinstance(key, str):
                # A file may stand in both lists.
                if key in seen:
                    continue
                seen.add(key)
            counts["images" if _is_image(file) else "attachments"] += 1
    return counts


def _is_image(file: Mapping[str, Any]) -> bool:
    """Return whether a file is an image, by its kind, or else by its name."""
    name = file.get("file_name")
    guessed = guess_type(name)[0] if isinstance(name, str) else None
    kinds = (file.get("file_kind"), file.get("file_type"), guessed)
    return any(isinstance(kind, str) and kind.startswith("image") for kind in kinds)
