"""Nouns in the plural, and counts of them."""

from __future__ import annotations

_IN_ES = ("s", "x", "z", "ch", "sh")


def pluralize(noun: str) -> str:
    """Return the plural of a noun, or of a phrase that ends in one, by the rules of English spelling.

    >>> pluralize("baseline conversation"), pluralize("category"), pluralize("day"), pluralize("class")
    ('baseline conversations', 'categories', 'days', 'classes')
    """
    if noun.endswith(_IN_ES):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def count_of(number: int, noun: str) -> str:
    """Return a number and what it counts.

    >>> count_of(1, "edit"), count_of(0, "edit"), count_of(1200, "edit")
    ('1 edit', '0 edits', '1,200 edits')
    """
    return f"{number:,} {noun if number == 1 else pluralize(noun)}"
