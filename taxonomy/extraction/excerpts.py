"""What a model is shown of a conversation: the whole, or windows of whole turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from taxonomy.extraction.conversation import Conversation, Turn
from taxonomy.extraction.extraction_defaults import WINDOW
from taxonomy.llm.question import Context

# Turns that a window has in common with the one before.
OVERLAP = 2


@dataclass(frozen=True)
class Excerpt:
    """Turns of a conversation, with their numbers from 1.

    Attributes
    ----------
    turns : mapping of int to Turn
    """

    turns: Mapping[int, Turn]

    @cached_property
    def context(self) -> Context:
        """What questions about it have in common."""
        return Context(self.data())

    def data(self) -> dict[str, Any]:
        """Return it as a model is shown it; it says which turns are left out between others."""
        shown: list[dict[str, Any]] = []
        before = None
        for number, turn in self.turns.items():
            if before is not None and number > before + 1:
                shown.append({"left_out": f"turns {before + 1} to {number - 1}"})
            shown.append({"turn": number, "side": turn.side, "text": turn.text})
            before = number
        return {"turns": shown}


def cut_windows(conversation: Conversation, size: int = WINDOW) -> list[Excerpt]:
    """Return windows that hold all turns of a conversation, one window where that is enough.

    Parameters
    ----------
    conversation : Conversation
    size : int
        Characters of a window. A turn that is longer has a window of its own, whole.
    """
    numbered = list(enumerate(conversation.turns, 1))
    windows: list[Excerpt] = []
    start = 0
    while start < len(numbered):
        end = _end(numbered, start, size)
        windows.append(Excerpt(dict(numbered[start:end])))
        if end == len(numbered):
            break
        # It must go on, and the turns in common must leave room for another one.
        common = [turn for _, turn in numbered[max(start + 1, end - OVERLAP) : end]]
        fits = sum(len(turn.text) for turn in common) + len(numbered[end][1].text) <= size
        start = end - len(common) if fits else end
    return windows


def _end(numbered: list[tuple[int, Turn]], start: int, size: int) -> int:
    """Return the place after the last turn that fits a window; the first one always does."""
    length = 0
    for place in range(start, len(numbered)):
        length += len(numbered[place][1].text)
        if length > size and place > start:
            return place
    return len(numbered)


def join_ends(windows: list[Excerpt]) -> Excerpt:
    """Return the first and the last window as one excerpt, the whole where there is one window."""
    return Excerpt({**windows[0].turns, **windows[-1].turns})
