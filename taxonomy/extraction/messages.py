"""Messages as readers find them, and the turns that they make up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from taxonomy.extraction.conversation import Turn
from taxonomy.mentions.columns import Side

Role = Literal["human", "ai", "system", "other"]
# What neither side says: what a tool returned, or what was hidden from the human.
_ROLES: dict[str, Role] = {
    **dict.fromkeys(("user", "human", "person", "prompter"), "human"),
    **dict.fromkeys(("assistant", "ai", "model", "bot", "gpt", "chatgpt", "claude", "bing", "bard"), "ai"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function", "ipython", "observation"), "other"),
}
# What the human's message may hold that is of the AI's turn: Anthropic's protocol returns results of tools in it.
_OF_THE_AI = ("tool calls", "tool results", "thinking")
# How models without a field for it write what they think.
_THOUGHTS = re.compile(r"(?:\s*<think>.*?(?:</think>|\Z))+\s*", re.DOTALL)
_END_OF_THOUGHT = "</think>"
# With these a text goes on in the middle of a sentence.
_GOES_ON = re.compile(r"[\s,.;:!?)\]]")


class UnreadableError(Exception):
    """A record that is no conversation of its format; the text says why, and quotes nothing of it.

    Parameters
    ----------
    reason : str
    conversation_id : str, optional
        The conversation of which it would be a row, and which it spoils.
    """

    def __init__(self, reason: str, conversation_id: str | None = None) -> None:
        super().__init__(reason)
        self.conversation_id = conversation_id


@dataclass(frozen=True, slots=True)
class Message:
    """One message: who says it, its text, and how much of what else it holds."""

    role: Role
    text: str = ""
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """What one record of a file holds of a conversation.

    Attributes
    ----------
    messages : sequence of Message
    conversation_id, model, user_id, timestamp, contexts
        See `Conversation`.
    ignored : tuple of str
        Fields that are not what they must be, and say nothing therefore.
    joins : {"whole", "rows", "history"}
        Whether the record is a whole conversation; one of the rows that make it up, within a file; or one of those that
        repeat it from the start, in whatever file: the longest of them, and of equals the last, holds it all. What has
        the same id and begins with another message is another call.
    position : float or None
        What orders rows, and tells the last of histories.
    """

    messages: Sequence[Message]
    conversation_id: str | None = None
    model: str | None = None
    user_id: str | None = None
    timestamp: datetime | None = None
    contexts: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    joins: Literal["whole", "rows", "history"] = "whole"
    position: float | None = None


def role_of(name: object) -> Role:
    """Return who a role stands for; one that is not known is not taken for the human's or the AI's."""
    if not isinstance(name, str):
        raise UnreadableError("a message says no role")
    role = _ROLES.get(name.strip().lower())
    if role is None:
        raise UnreadableError("a message has an unknown role")
    return role


def assemble(messages: Iterable[Message]) -> tuple[tuple[Turn, ...], str]:
    """Return the turns that messages make up, and the system text."""
    system: list[str] = []
    turns: list[_OpenTurn] = []
    # Of an AI's turn that has not begun.
    waiting: Counter[str] = Counter()
    for message in messages:
        if message.role == "system":
            if message.text not in system:
                system.append(message.text)
            continue
        own, others = _split(message)
        if turns and turns[-1].side == "ai":
            turns[-1].left_out.update(others)
        else:
            waiting.update(others)
        if own is None or message.role == "other":
            continue
        if not turns or turns[-1].side != message.role:
            turns.append(_OpenTurn(message.role))
            if message.role == "ai":
                turns[-1].left_out.update(waiting)
                waiting.clear()
        turns[-1].add(own)
    if turns:
        turns[-1].left_out.update(waiting)
    return tuple(turn.close() for turn in turns), "\n\n".join(text for text in system if text.strip())


def join_texts(texts: Iterable[str]) -> str:
    """Return texts as one, an empty line between them but where the next goes on in the middle of a sentence."""
    joined = ""
    for text in texts:
        if text.strip():
            separator = "\n\n" if joined and not joined[-1].isspace() and not _GOES_ON.match(text) else ""
            joined += separator + text
    return joined


def _split(message: Message) -> tuple[Message | None, Counter[str]]:
    """Return what a side says, None where that is nothing, and counts of what is of the AI's turn, whoever sent it."""
    if message.role == "ai":
        text = _without_thoughts(message.text)
        thought = Counter({"thinking": 1} if text != message.text else {})
        return Message("ai", text, Counter(message.left_out) + thought), Counter()
    of_ai = set(message.left_out) if message.role == "other" else set(_OF_THE_AI)
    others = Counter({kind: count for kind, count in message.left_out.items() if kind in of_ai})
    left_out = {kind: count for kind, count in message.left_out.items() if kind not in of_ai}
    if others and not left_out and not message.text.strip():
        return None, others
    return Message(message.role, message.text, left_out), others


def _without_thoughts(text: str) -> str:
    """Return a text without the thoughts before it, whose first tag some templates leave out."""
    before, tag, after = text.partition(_END_OF_THOUGHT)
    if tag and "<think>" not in before:
        text = after.lstrip()
    return _THOUGHTS.sub("", text, count=1) if text.lstrip().startswith("<think>") else text


class _OpenTurn:
    """A turn to which messages are added."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.texts: list[str] = []
        self.left_out: Counter[str] = Counter()

    def add(self, message: Message) -> None:
        self.texts.append(message.text)
        self.left_out.update(message.left_out)

    def close(self) -> Turn:
        # The AI's message may go on where the one before it ended; the human's is a message of its own.
        said = [text for text in self.texts if text.strip()]
        text = join_texts(said) if self.side == "ai" else "\n\n".join(said)
        return Turn(self.side, text, dict(sorted(self.left_out.items())))
