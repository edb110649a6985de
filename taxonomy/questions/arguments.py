"""What the questions must be given."""

from __future__ import annotations

from difflib import get_close_matches

from taxonomy.errors import InputError, check_type
from taxonomy.mentions.columns import Side
from taxonomy.mentions.disclosure import Disclosure
from taxonomy.mentions.placed import PlacedMentions


def check_mentions(mentions: object, parameter: str, *, side: Side | None = None) -> None:
    """Check that an argument holds placed mentions, of this side where one is given.

    Raises
    ------
    InputError
    """
    remedy = f"give placed mentions, such as mentions.{side or 'ai'} of open_mentions"
    check_type(mentions, PlacedMentions, parameter, remedy)
    assert isinstance(mentions, PlacedMentions)
    mentions.records.check_open()
    if side is not None and mentions.side != side:
        raise InputError(f"`{parameter}` is of the {mentions.side} side", remedy=f"give mentions.{side}")


def check_sides(ai: object, human: object, *, human_parameter: str = "human") -> None:
    """Check that two arguments are the two sides of the same records.

    Raises
    ------
    InputError
    """
    check_mentions(ai, "ai", side="ai")
    check_mentions(human, human_parameter, side="human")
    assert isinstance(ai, PlacedMentions)
    assert isinstance(human, PlacedMentions)
    if ai.records.engine is not human.records.engine:
        remedy = "give both sides of one open_mentions"
        raise InputError(f"`{human_parameter}` was opened apart from `ai`", remedy=remedy)


def check_periods(earlier: object, later: object, parameters: tuple[str, str]) -> None:
    """Check that two arguments are of the same side, the same taxonomy and the same extraction.

    Raises
    ------
    InputError
    """
    for mentions, parameter in zip((earlier, later), parameters, strict=True):
        check_mentions(mentions, parameter)
    assert isinstance(earlier, PlacedMentions)
    assert isinstance(later, PlacedMentions)
    first, second = parameters
    if earlier.side != later.side:
        problem = f"`{first}` is of the {earlier.side} side, `{second}` of the {later.side} side"
        raise InputError(problem, remedy="give the same side of both")
    if earlier.tree.digest != later.tree.digest:
        raise InputError(f"`{first}` and `{second}` are in two taxonomies", remedy="open both with the same tree")
    later.records.origins.joined(earlier.records.origins).check_one()


def check_column(mentions: PlacedMentions, column: str, parameter: str) -> None:
    """Check that conversations have a column of contexts.

    Raises
    ------
    InputError
    """
    known = ("response_type", *mentions.records.contexts)
    if column not in known:
        close = get_close_matches(column, known, 1)
        guess = f"did you mean {close[0]!r}? " if close else ""
        problem = f"`{parameter}` is {column!r}, which is not a column of the conversations"
        raise InputError(problem, remedy=f"{guess}give one of {', '.join(known)}")


def check_disclosure(disclosure: object) -> None:
    """Check that an argument holds thresholds of disclosure.

    Raises
    ------
    InputError
    """
    check_type(disclosure, Disclosure, "disclosure", "give a Disclosure, such as taxonomy.Disclosure()")
