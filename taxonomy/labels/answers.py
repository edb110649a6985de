"""What a model may answer, and why an answer is refused."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, create_model

from embeddings.vocabulary import scripts
from taxonomy.english.words import word_pattern
from taxonomy.labels.wording import definition_problem, name_problem
from taxonomy.values.canonical import label_problem

_NAME_WORDS = (2, 4)
_DEFINITION_WORDS = (10, 25)
KEEP = "keep"

# Nothing but what is asked for.
_CLOSED = ConfigDict(frozen=True, extra="forbid")

# Personal data, as far as its form tells.
_PERSONAL = {
    "an e-mail address": re.compile(r"\S@\S"),
    "a web address": re.compile(r"://|\bwww\.|\w\.[a-z]{2,}", re.IGNORECASE),
    "a phone number": re.compile(r"\d(?:[\s()./-]*\d){6,}"),
}
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = frozenset({"LATIN"})
_SENTENCE_END = re.compile(r"[.!?]\s+")
_ABOUT_THE_GROUP = re.compile(rf"{word_pattern('group_determiners')} {word_pattern('group_nouns')}\b", re.IGNORECASE)


class NameAnswer(BaseModel):
    """A node's name and definition."""

    model_config = _CLOSED

    name: Annotated[str, Field(max_length=100)]
    definition: Annotated[str, Field(max_length=400)]


class MoveAnswer(BaseModel):
    """Where each doubtful member of a node belongs; `moves_form` makes the list a closed one."""

    model_config = _CLOSED

    class Move(BaseModel):
        """A member's id, and the id of a choice or "keep"."""

        model_config = _CLOSED

        member: str
        choice: str

    moves: tuple[Move, ...]


@cache
def moves_form(members: tuple[str, ...], choices: tuple[str, ...]) -> type[MoveAnswer]:
    """Return the form of an answer whose schema lists the ids that it may hold.

    The schema tells the server; `refuse_moves` checks, so that an answer off the list is kept as refused.
    """
    fields: dict[str, Any] = {
        name: (Annotated[str, WithJsonSchema({"type": "string", "enum": list(ids)})], ...)
        for name, ids in (("member", members), ("choice", (*choices, KEEP)))
    }
    move = create_model("Move", __base__=MoveAnswer.Move, **fields)
    return create_model("MoveAnswer", __base__=MoveAnswer, moves=(tuple[move, ...], ...))  # type: ignore[valid-type]


def refuse_moves(answer: MoveAnswer, members: Collection[str], choices: Collection[str]) -> str | None:
    """Return why moves are refused: an id that is not listed, or members that are not there exactly once."""
    for move in answer.moves:
        if move.member not in members:
            return "a member's id is not one that is listed"
        if move.choice not in choices and move.choice != KEEP:
            return f"a choice is neither an id that is listed nor {KEEP!r}"
    if sorted(move.member for move in answer.moves) != sorted(members):
        return "each member must be answered exactly once"
    return None


def refuse_name(answer: NameAnswer, known: Collection[str]) -> str | None:
    """Return why a name or definition is refused.

    Parameters
    ----------
    answer : NameAnswer
    known : collection of str
        Strings whose words may be capitalised: the node's members.

    Returns
    -------
    str or None
        The reason, which is sent to the model; None for an answer that is accepted.
    """
    for what, text, (least, most) in (
        ("name", answer.name, _NAME_WORDS),
        ("definition", answer.definition, _DEFINITION_WORDS),
    ):
        if problem := _text_problem(text, least, most):
            return f"the {what} {problem}"
    if problem := label_problem(answer.name) or name_problem(answer.name):
        return f"the name {problem}"
    if problem := definition_problem(answer.definition):
        return f"the definition {problem}"
    if not scripts(answer.name) <= _LATIN and scripts(" ".join(known)) <= _LATIN:
        return "the name is in other letters than its members"
    if _ABOUT_THE_GROUP.match(answer.definition):
        return "the definition speaks of the group, not of the value"
    spelled = _WORD.findall(answer.name.casefold())
    twice = {word for word in spelled if spelled.count(word) > 1}
    if twice:
        return f"the name says {min(twice)!r} twice"
    stray = _stray_capitals(answer, known)
    return f"{stray[0]!r} is capitalised, and no member contains it" if stray else None


def _text_problem(text: str, least: int, most: int) -> str | None:
    """Return why a text can't be published, or has too few or too many words, to follow what it is."""
    words = len(text.split())
    if not least <= words <= most:
        return f"has {words} words, not {least} to {most}"
    return next((f"holds {kind}" for kind, pattern in _PERSONAL.items() if pattern.search(text)), None)


def _stray_capitals(answer: NameAnswer, known: Iterable[str]) -> list[str]:
    """Return the words with a capital, not first in their sentence, that none of the known strings contains."""
    words = []
    for text in (answer.name, answer.definition):
        for sentence in _SENTENCE_END.split(text):
            words += _WORD.findall(sentence)[1:]
    capitalised = [word for word in words if word != word.lower()]
    if not capitalised:
        return []
    allowed = {word for text in known for word in _WORD.findall(text.casefold())}
    return [word for word in capitalised if word.casefold() not in allowed]
