"""Offline names: what they are made of, and that no two are the same."""

from __future__ import annotations

import doctest
import re
import zlib
from collections.abc import Sequence
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from taxonomy.labels import candidates, lexicon
from taxonomy.labels.candidates import join
from taxonomy.labels.definitions import examples
from taxonomy.labels.fit import frequencies, label_ranks, node_vectors
from taxonomy.labels.keyphrase import Namer
from taxonomy.labels.lexicon import Lexicon
from taxonomy.values import canonical_key

WORDS = st.sampled_from(["care", "trust", "truth", "client", "quality", "attention to detail", "a sense of awe", "x"])
VALUES = st.lists(st.lists(WORDS, min_size=1, max_size=3).map(" ".join), min_size=2, max_size=20, unique=True)
PLAIN = Lexicon.from_labels([])


def encode(strings: Sequence[str]) -> NDArray[np.float32]:
    """Return the mean of a random vector of each word and one that all share: words in common make strings alike."""
    means = [
        np.mean([np.random.default_rng(zlib.crc32(word.encode())).normal(size=32) for word in text.split()], axis=0)
        for text in map(str.lower, strings)
    ]
    vectors = np.array(means).reshape(len(strings), 32) + 1.5
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def namer(labels: Sequence[str], weights: Sequence[float] = ()) -> Namer:
    heavy = np.array(weights or np.arange(1.0, len(labels) + 1))
    return Namer.from_weights(labels, heavy, encode(labels), encode)


def joined(one: str, other: str) -> str | None:
    found = join(one, other, PLAIN)
    return found[0] if found else None


def name_one(labels: Sequence[str], weights: Sequence[float] = ()) -> str:
    taken = {canonical_key(label) for label in labels}
    (name,) = namer(labels, weights).name_level([np.arange(len(labels))], [-1], [], [taken])
    return name.label


def test_values_are_joined_by_the_word_they_share() -> None:
    assert joined("client autonomy", "patient autonomy") == "client and patient autonomy"
    assert joined("emotional awareness", "emotional care") == "emotional awareness and care"
    assert joined("patience", "tolerance") == "patience and tolerance"
    assert joined("code quality", "patience") == "patience and code quality"


def test_no_word_family_is_said_twice_and_no_name_is_long() -> None:
    assert joined("honesty", "honest talk") is None
    assert joined("analysis", "analytical rigor") is None
    assert joined("respect for others", "care for others") is None
    assert joined("security", "cybersecurity") is None


@pytest.mark.parametrize("module", [candidates, lexicon])
def test_the_examples_in_the_docstrings_hold(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


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
        assert name.rank in (1, 2)


@given(VALUES)
def test_a_definition_has_10_to_25_words(labels: list[str]) -> None:
    (name,) = namer(labels).name_level([np.arange(len(labels))], [-1], [], [set()])
    assert 10 <= len(name.definition.split()) <= 25
    assert re.fullmatch(r"[A-Z].*\.", name.definition)


def test_values_too_long_to_pair_are_named_by_their_heads() -> None:
    labels = ["attention to small print", "reading of the whole contract", "care for the other party"]
    said = name_one(labels).lower().split()
    assert 2 <= len(said) <= 4
    assert set(said) <= {"and", *" ".join(labels).split()} - {"to", "of", "the", "for"}


def test_a_rare_oddity_names_no_node() -> None:
    labels = ["patience", "patient care", "patient listening", "patient tone", "zebra husbandry"]
    assert "ebra" not in name_one(labels, [900, 400, 300, 200, 1])


def test_a_node_with_one_heart_has_no_and() -> None:
    labels = ["artistic vision", "artistic talent", "artistic flair", "open creativity", "bold creativity"]
    assert name_one(labels) == "Artistic creativity"


def test_a_value_may_name_a_node_that_is_not_its_parent() -> None:
    labels = ["financial prudence", "careful saving", "financial planning"]
    (name,) = namer(labels, [90, 2, 3]).name_level([np.arange(3)], [-1], [], [set()])
    assert name.label == "Financial prudence"


def test_capital_letters_of_values_do_not_reach_into_names() -> None:
    assert name_one(["Patience", "Tolerance"]) in ("Patience and tolerance", "Tolerance and patience")
    words = Lexicon.from_labels(["Buddhist compassion", "calm", "patience"])
    assert words.plain("Patience Buddhist") == "patience Buddhist"


def test_examples_say_what_neither_the_name_nor_each_other_says() -> None:
    members = [
        "emotional care",
        "tenderness",
        "tender heart",
        "warmth and ease",
        "warmth",
        "a hand on the shoulder held",
    ]
    assert examples("emotional care and awareness", members) == ["tenderness", "tender heart", "warmth"]
    assert examples("personal reflection", ["personal reflection", "reflection", "quiet"]) == [
        "quiet",
        "personal reflection",
    ]


def test_a_vice_among_virtues_neither_names_nor_shows() -> None:
    labels = ["honesty", "candor", "deception", "plain talk"]
    (name,) = namer(labels, [5, 5, 900, 5]).name_level([np.arange(4)], [-1], [], [set()])
    assert "ecept" not in name.label + name.definition


def test_vices_name_a_node_of_vices() -> None:
    labels = ["deception", "strategic deception", "systematic deceit", "plain talk"]
    (name,) = namer(labels, [5, 5, 5, 5]).name_level([np.arange(4)], [-1], [], [set()])
    assert "dece" in name.label.lower()


def test_frequencies_are_logarithmic_and_survive_zeros() -> None:
    assert frequencies(np.array([1.0, 3.0, 0.0])).tolist() == [0.5, 1.0, 0.0]
    assert frequencies(np.zeros(2)).tolist() == [0, 0]


def test_a_rank_counts_the_nodes_that_are_nearer() -> None:
    vectors = np.eye(3, dtype=np.float32)
    centers = node_vectors([np.array([0]), np.array([1, 2]), np.array([], dtype=np.intp)], np.ones(3), vectors)
    assert np.allclose(centers, [[1, 0, 0], [0, 0.5**0.5, 0.5**0.5], [0, 0, 0]])
    assert label_ranks(vectors, centers) == [1, 1, 2]
