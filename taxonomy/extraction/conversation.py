"""The one form that conversations of every format are brought into."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from taxonomy.mentions.columns import Side

# What may be left out of a turn, as it is counted and said.
LEFT_OUT = (
    "images",
    "audio",
    "video",
    "attachments",
    "tool calls",
    "tool results",
    "thinking",
    "hidden messages",
    "other parts",
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says before the other does.

    Attributes
    ----------
    side : {"human", "ai"}
    text : str
        Messages of one side that follow each other are one turn, an empty line between them. A turn of which nothing
        can be read is empty.
    left_out : mapping of str to int
        What the turn held beside text, by the kinds of `LEFT_OUT`.
    """

    side: Side
    text: str
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation, with the human's and the AI's text alone.

    Attributes
    ----------
    conversation_id : str
        The source's own, or a digest of the source's name and of what is said.
    turns : tuple of Turn
        The sides take turns.
    system : str
        What the model was told beforehand. No side says it.
    model : str or None
        Several are joined by " + ".
    user_id : str or None
    language : str or None
        Of the human's text, or else of the AI's, by ISO 639-1; None where it is too short to tell.
    timestamp : datetime or None
        In UTC, without a time zone.
    contexts : mapping of str to str
        What else the source says of it.
    """

    conversation_id: str
    turns: tuple[Turn, ...]
    system: str = ""
    model: str | None = None
    user_id: str | None = None
    language: str | None = None
    timestamp: datetime | None = None
    contexts: Mapping[str, str] = field(default_factory=dict)


def digest_text(turns: tuple[Turn, ...], system: str, source: str = "") -> str:
    """Return a digest of what is said: two conversations with the same are one."""
    digest = hashlib.sha256()
    for part in (source, system, *(part for turn in turns for part in (turn.side, turn.text))):
        # The length first, so that no text can pass for two.
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()[:32]
