"""The columns of records, and their values."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal["mentions", "conversations"]
Side = Literal["ai", "human"]
SIDES: tuple[Side, ...] = get_args(Side)
RESPONSE_TYPES = (
    "strong support",
    "mild support",
    "neutral acknowledgment",
    "reframing",
    "mild resistance",
    "strong resistance",
    "no values",
)
# What a row of a mention may say about its conversation.
OF_CONVERSATION = ("model", "task", "language", "user_id", "timestamp")
MENTION = ("conversation_id", "side", "value", "explicit", *OF_CONVERSATION)
# Columns that a reader adds: the file of a row, and the text of one that could not be read.
FILE, DAMAGED = "__file", "__damaged"
# Columns of codes, which queries compare instead of ids.
CONVERSATION, USER = "__conversation", "__user"
