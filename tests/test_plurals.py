"""Nouns in the plural, and counts with the right one."""

from __future__ import annotations

import doctest

import pytest

from taxonomy.english import plurals
from taxonomy.english.plurals import count_of, pluralize


def test_the_examples_hold() -> None:
    assert doctest.testmod(plurals).failed == 0


@pytest.mark.parametrize(
    ("noun", "many"),
    [
        ("alert", "alerts"), ("baseline conversation", "baseline conversations"), ("category", "categories"),
        ("key", "keys"), ("y", "ys"), ("class", "classes"), ("branch", "branches"), ("index", "indexes"),
    ],
)  # fmt: skip
def test_the_plural_of_a_noun(noun: str, many: str) -> None:
    assert pluralize(noun) == many
    assert [count_of(number, noun) for number in (0, 1, 2, 1500)] == [
        f"0 {many}",
        f"1 {noun}",
        f"2 {many}",
        f"1,500 {many}",
    ]
