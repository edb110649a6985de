"""The columns of records, and their values."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal["mentions", "conversations"]
Side = Literal["ai", "human"]
SIDES: tuple[Side, ...] = get_args(Side)
# What is said in the place of a side, too.
SIDES_BY_NAME: dict[str, Side] = {"ai": "ai", "assistant": "ai", "human": "human", "user": "human"}
ResponseType = Literal[
    "strong support",
    "mild support",
    "neutral acknowledgment",
    "reframing",
    "mild resistance",
    "strong resistance",
    "no values",
]
RESPONSE_TYPES: tuple[ResponseType, ...] = get_args(ResponseType)
# What a row of a mention may say about its conversation.
OF_CONVERSATION = ("model", "task", "language", "user_id", "timestamp")
MENTION = ("conversation_id", "side", "value", "explicit", *OF_CONVERSATION)
IDS = ("conversation_id", "user_id")
_KNOWN = frozenset((*MENTION, "response_type"))
# Columns that a reader adds: the file of a row, and the text of one that could not be read.
FILE, DAMAGED = "__file", "__damaged"
# Columns of codes, which queries compare instead of text.
CONVERSATION, USER, VALUE = "__conversation", "__user", "__value"


def column_of(name: str) -> str:
    """Return what a column is known by: those above are found in any case."""
    plain = name.strip()
    return plain.lower() if plain.lower() in _KNOWN else plain
