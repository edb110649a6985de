"""What a person judges: one claim about a conversation, with the turns that it is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from taxonomy.mentions.columns import RESPONSE_TYPES, Side

Kind = Literal["value", "response", "screening", "conversation"]
# In the order in which they are judged.
KINDS: tuple[Kind, ...] = get_args(Kind)
RIGHT, WRONG, UNSURE = "right", "wrong", "unsure"
# How a side is named to whoever judges.
SIDE_NAMES: dict[Side, str] = {"human": "person", "ai": "AI"}
_QUESTIONS: dict[Kind, str] = {
    "value": "Does the {side} express this value here?",
    "response": "How does the AI respond to the values of the person?",
    "screening": "Does a good answer depend on values or opinions, so that the conversation is subjective?",
    "conversation": "Are these all the values that are expressed? If not, name those that are missing.",
}


@dataclass(frozen=True, slots=True)
class ShownTurn:
    """A turn of a conversation, as it is shown: with lines that end in LF, and no control characters.

    Attributes
    ----------
    number : int
        From 1, as in the conversation.
    side : {"human", "ai"}
    text : str
    """

    number: int
    side: Side
    text: str


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """An item of a review sheet, with what a person answered.

    Attributes
    ----------
    item : str
        Its id, which says nothing of the conversation. It begins with a letter: spreadsheets take digits for a number.
    kind : {"value", "response", "screening", "conversation"}
    side : {"human", "ai"} or None
        Whose value it is.
    claim : str
        The value; of a whole conversation, a line for each side with its values.
    turn : int
        The turn of the evidence, 0 where there is none.
    quote : str
        Words of that turn.
    turns : tuple of ShownTurn
    answer : str
        One of `answers`, or nothing.
    missing : str
        Values that a whole conversation expresses, too, with semicolons between.
    note : str
    """

    item: str
    kind: Kind
    side: Side | None
    claim: str
    turn: int
    quote: str
    turns: tuple[ShownTurn, ...]
    answer: str = ""
    missing: str = ""
    note: str = ""

    @property
    def question(self) -> str:
        """What is asked."""
        return _QUESTIONS[self.kind].format(side=SIDE_NAMES.get(self.side or "ai"))

    @property
    def answers(self) -> tuple[str, ...]:
        """What may be answered."""
        return answers_of(self.kind)


def answers_of(kind: Kind) -> tuple[str, ...]:
    """Return what may be answered to items of a kind."""
    return (*RESPONSE_TYPES, UNSURE) if kind == "response" else (RIGHT, WRONG, UNSURE)
