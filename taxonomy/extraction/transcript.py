"""A conversation as text, turn by turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from taxonomy.extraction.conversation import Conversation

_SIDES = {"human": "Human", "ai": "AI"}


def write_transcript(conversation: Conversation) -> Iterator[tuple[str, str]]:
    """Yield a heading and a text for what the model was told beforehand, and for each turn.

    A heading says the number of the turn, its side, and what was left out of it.
    """
    if conversation.system:
        yield "System", conversation.system
    for number, turn in enumerate(conversation.turns, 1):
        left_out = f" (left out: {say_left_out(turn.left_out)})" if turn.left_out else ""
        yield f"{number} {_SIDES[turn.side]}{left_out}", turn.text


def say_left_out(counts: Mapping[str, int]) -> str:
    """Return what was left out as a list of words, each after its count."""
    return ", ".join(f"{count:,} {kind.removesuffix('s') if count == 1 else kind}" for kind, count in counts.items())
