"""Whether a text has the form of a value or of a task: a few plain words."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

_MOST_IN_VALUE, _MOST_IN_TASK, _LEAST_IN_TASK = 5, 6, 2
# No word of a value is longer; keys and addresses are.
_LONGEST_WORD = 30
# Scripts are spelled with them, though they have no width.
_JOINERS = "\u200c\u200d"


def value_problem(value: str) -> str | None:
    """Return why a text has not the form of a value, to follow "the value"; None where it has.

    >>> value_problem("honesty"), value_problem("Call +1 212-555-0101")
    (None, 'has other characters than letters, hyphens and spaces')
    """
    problem = _problem(value, 1, _MOST_IN_VALUE)
    if problem is None and any(_is_mixed(part) for word in value.split(" ") for part in word.split("-")):
        return "has capital letters within a word"
    return problem


def task_problem(task: str) -> str | None:
    """Return why a text has not the form of a task, to follow "the task"; None where it has."""
    return _problem(task, _LEAST_IN_TASK, _MOST_IN_TASK)


def _problem(text: str, least: int, most: int) -> str | None:
    if not all(_is_plain(char) for char in text):
        return "has other characters than letters, hyphens and spaces"
    words = text.split(" ")
    if not all(words) or any(part == "" for word in words for part in word.split("-")):
        return "has a space or hyphen too many"
    # Scripts without spaces have no such words.
    if len(words) > most or (len(words) < least and text.isascii()):
        return f"does not have {least} to {most} words"
    if any(len(word) > _LONGEST_WORD for word in words):
        return "has a word that is too long to be one"
    return None


def _is_plain(char: str) -> bool:
    # Signs of vowels are marks in many scripts.
    return char in " -" or char in _JOINERS or unicodedata.category(char)[0] in "LM"


def _is_mixed(word: str) -> bool:
    """Say whether a word has a capital letter after a small one, as keys have and words have not."""
    return any(first.islower() and second.isupper() for first, second in pairwise(word))
