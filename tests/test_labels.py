"""Offline names: what they are made of, and that no two are the same."""

from __future__ import annotations

import doctest
import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.labels import keyphrase
from taxonomy.labels.keyphrase import Namer, join
from taxonomy.values import canonical_key

WORDS = st.sampled_from(["care", "trust", "truth", "client", "quality", "attention to detail", "a sense of awe", "x"])
VALUES = st.lists(st.lists(WORDS, min_size=1, max_size=3).map(" ".join), min_size=2, max_size=20, unique=True)


def namer(labels: list[str]) -> Namer:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(len(labels), 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Namer.from_weights(labels, np.arange(1.0, len(labels) + 1), vectors.astype(np.float32))


def test_values_are_joined_by_the_word_they_share() -> None:
    assert join("client autonomy", "patient autonomy") == "client and patient autonomy"
    assert join("emotional awareness", "emotional care") == "emotional awareness and care"
    assert join("patience", "tolerance") == "patience and tolerance"


def test_no_word_family_is_said_twice_and_no_name_is_long() -> None:
    assert join("honesty", "honest talk") is None
    assert join("respect for others", "care for others") is None


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(keyphrase).failed == 0


@given(VALUES)
def test_names_differ_from_each_other_from_the_parent_and_from_the_children(labels: list[str]) -> None:
    half = len(labels) // 2
    nodes = [np.arange(half), np.arange(half, len(labels))]
    taken = [{canonical_key(labels[member]) for member in members} for members in nodes]
    named = namer(labels).name_level(nodes, [0, 0], ["Care and trust"], taken)
    keys = [canonical_key(name.label) for name in named]
    assert len({*keys, canonical_key("Care and trust")}) == 3
    for name, below in zip(named, taken, strict=True):
        assert canonical_key(name.label) not in below
        assert name.label[0] == name.label[0].upper()


@given(VALUES)
def test_a_definition_has_10_to_25_words(labels: list[str]) -> None:
    (name,) = namer(labels).name_level([np.arange(len(labels))], [-1], [], [set()])
    assert 10 <= len(name.definition.split()) <= 25
    assert re.fullmatch(r"[A-Z].*\.", name.definition)


def test_values_too_long_to_pair_are_named_by_their_heads() -> None:
    labels = ["attention to small print", "reading of the whole contract", "care for the other party"]
    taken = {canonical_key(label) for label in labels}
    (name,) = namer(labels).name_level([np.arange(3)], [-1], [], [taken])
    words = name.label.lower().split()
    assert 2 <= len(words) <= 4
    assert set(words) <= {"and", *" ".join(labels).split()} - {"to", "of", "the", "for", "other"} | {"other", "party"}
