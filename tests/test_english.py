"""Lists of English words, and the rules that use them."""

from __future__ import annotations

import doctest
import re
import tomllib
from typing import Any

import pytest

from taxonomy.english import words
from taxonomy.english.words import singulars, word_list, word_pairs, word_pattern
from tests.conftest import ROOT

LISTS: dict[str, Any] = {
    name: listed
    for path in sorted((ROOT / "taxonomy" / "english").glob("*.toml"))
    for name, listed in tomllib.loads(path.read_text(encoding="utf-8")).items()
}
PLAIN = [name for name, listed in LISTS.items() if isinstance(listed, str)]
PAIRED = [name for name in LISTS if name not in PLAIN]


@pytest.mark.parametrize("name", PLAIN)
def test_a_list_has_each_word_once(name: str) -> None:
    listed = LISTS[name].split()
    assert listed
    assert sorted(word_list(name)) == sorted(listed)
    assert all(word == word.casefold() for word in listed)


@pytest.mark.parametrize("name", PAIRED)
def test_a_row_of_pairs_has_each_word_once(name: str) -> None:
    assert LISTS[name]
    for one, other in LISTS[name]:
        listed = [*one.split(), *other.split()]
        assert len(set(listed)) == len(listed) > 1
        assert {(left, right) for left in one.split() for right in other.split()} <= word_pairs(name)


@pytest.mark.parametrize("name", LISTS)
def test_each_list_is_used(name: str) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "taxonomy").rglob("*.py"))
    assert f'"{name}")' in code or f"'{name}')" in code


def test_a_pattern_matches_the_words_of_its_list_alone() -> None:
    pattern = re.compile(word_pattern("clause_verbs"))
    assert all(pattern.fullmatch(word) for word in word_list("clause_verbs"))
    assert not pattern.fullmatch("theory")


def test_a_key_may_be_the_plural_of_several() -> None:
    assert singulars("boxes") == ["boxe", "box"]
    assert singulars("kindness") == singulars("calm") == singulars("gas") == []


def test_the_examples_in_the_docstrings_hold() -> None:
    found = doctest.testmod(words)
    assert found.attempted
    assert not found.failed
