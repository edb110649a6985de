"""Offline names: what they are made of, and that no two are the same."""

from __future__ import annotations

import doctest
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
from taxonomy.labels.definitions import Definer
from taxonomy.labels.fit import frequencies, label_ranks, measure_fit, node_vectors
from taxonomy.labels.keyphrase import Namer
from taxonomy.labels.lexicon import Lexicon
from taxonomy.model import scope_notes
from taxonomy.model.draft import Draft
from taxonomy.model.scope_notes import Scope, read_scope, write_scope_note
from taxonomy.values import canonical_key
from tests.trees import make_tree

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
    (name,) = namer(labels, weights).name_level([np.arange(len(labels))])
    return name


def scope_of(name: str, labels: Sequence[str], weights: Sequence[float] = ()) -> Scope:
    found = namer(labels, weights)
    definer = Definer(labels, found.vicious, found.frequency, found.vectors, found.lexicon, found.unlike)
    (scope,) = definer.define_level([name], [np.arange(len(labels))], [0])
    return scope


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


@pytest.mark.parametrize("module", [candidates, lexicon, scope_notes])
def test_the_examples_in_the_docstrings_hold(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


@given(VALUES)
def test_names_differ_from_each_other_and_from_what_is_taken(labels: list[str]) -> None:
    half = len(labels) // 2
    nodes = [np.arange(half), np.arange(half, len(labels))]
    taken = {canonical_key("Care and trust")}
    named = namer(labels).name_level(nodes, [[taken], [taken]])
    assert len({*map(canonical_key, named), *taken}) == 3
    for name in named:
        assert 1 <= len(name.split()) <= 4
        assert name[0] == name[0].upper()


@given(VALUES)
def test_a_scope_note_has_10_to_30_words_and_reads_back(labels: list[str]) -> None:
    scope = scope_of("care", labels)
    note = write_scope_note(scope, len(labels))
    assert 10 <= len(note.split()) <= 30
    assert read_scope(note) == scope
    assert set(scope.shown) <= set(labels)


def test_values_too_long_for_a_name_are_named_by_their_words() -> None:
    labels = [
        "steady attention to small print",
        "reading of the whole long contract",
        "care for the other weaker party",
    ]
    said = name_one(labels).lower().split()
    assert 1 <= len(said) <= 4
    assert set(said) <= set(" ".join(labels).split()) - {"to", "of", "the", "for"}


def test_a_rare_oddity_names_no_node() -> None:
    labels = ["patience", "patient care", "patient listening", "patient tone", "zebra husbandry"]
    assert "ebra" not in name_one(labels, [900, 400, 300, 200, 1])


def test_a_node_with_one_heart_has_no_and() -> None:
    labels = ["artistic vision", "artistic talent", "artistic flair", "open creativity", "bold creativity"]
    assert name_one(labels) == "Artistic creativity"


def test_a_value_may_name_its_node() -> None:
    labels = ["financial prudence", "careful saving", "financial planning"]
    assert name_one(labels, [90, 2, 3]) == "Financial prudence"


def test_two_ideas_are_joined_where_neither_carries_the_node() -> None:
    assert name_one(["patience", "tolerance"]) in ("Patience and tolerance", "Tolerance and patience")
    # What is said of more is the wider idea.
    assert name_one(["detachment", "clinical detachment"], [3, 1]) == "Detachment"


def test_no_adjective_is_joined_to_a_noun() -> None:
    assert joined("financial autonomy", "patient autonomy") is None
    assert joined("backward compatibility", "system compatibility") is None


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        (["honesty / integrity", "integrity / honesty"], "Honesty and integrity"),
        (["care & concern", "care/concern"], "Care and concern"),
        (["+1 karma", "#1 karma"], "1 karma"),
        (["24/7 care", "24/7 help"], "24-7 care"),
    ],
)
def test_a_name_holds_no_slash_and_starts_with_no_sign(labels: list[str], name: str) -> None:
    assert name_one(labels, [9, 1]) == name


def test_capital_letters_of_values_do_not_reach_into_names() -> None:
    assert name_one(["Patience", "Tolerance"]) in ("Patience and tolerance", "Tolerance and patience")
    words = Lexicon.from_labels(["Buddhist compassion", "calm", "patience"])
    assert words.plain("Patience Buddhist") == "patience Buddhist"


def test_a_scope_note_shows_members_that_say_what_its_name_does_not() -> None:
    members = ["emotional care", "tenderness", "tender heart", "warmth and ease", "warmth", "emotional awareness"]
    # "Tender heart" is of the family of "tenderness", and "warmth and ease" can't be listed.
    assert set(scope_of("Emotional care and awareness", members).shown) == {"tenderness", "warmth"}
    # Where all is in the name, what it says is better than nothing; the name itself comes last.
    assert scope_of("Wit", ["wit", "dry wit"]).shown == ("dry wit",)


def test_a_vice_among_virtues_neither_names_nor_shows_and_is_counted() -> None:
    labels = ["honesty", "candor", "deception", "plain talk"]
    assert "ecept" not in name_one(labels, [5, 5, 900, 5])
    scope = scope_of("Honesty", labels, [5, 5, 900, 5])
    assert "deception" not in scope.shown
    draft = Draft(make_tree(labels, [0, 0, 0, 0], names=[["Honesty"]]).nodes)
    draft.change("1:0", definition=write_scope_note(scope, 4), label_source="keyphrase")
    said = next(node.definition for node in draft.finish() if node.level)
    assert ", 1 of them a vice." in said


def test_vices_name_a_node_of_vices() -> None:
    labels = ["deception", "strategic deception", "systematic deceit", "plain talk"]
    assert "dece" in name_one(labels, [5, 5, 5, 5]).lower()


def test_frequencies_are_logarithmic_and_survive_zeros() -> None:
    assert frequencies(np.array([1.0, 3.0, 0.0])).tolist() == [0.5, 1.0, 0.0]
    assert frequencies(np.zeros(2)).tolist() == [0, 0]


def test_a_rank_counts_the_nodes_that_are_nearer() -> None:
    vectors = np.eye(3, dtype=np.float32)
    centers = node_vectors([np.array([0]), np.array([1, 2]), np.array([], dtype=np.intp)], np.ones(3), vectors)
    assert np.allclose(centers, [[1, 0, 0], [0, 0.5**0.5, 0.5**0.5], [0, 0, 0]])
    assert label_ranks(vectors, centers) == [1, 1, 2]


def test_a_label_covers_the_values_that_no_other_label_is_nearer_to() -> None:
    values = np.array([[1, 0], [0.8, 0.6], [0, 1]], dtype=np.float32)
    labels = np.array([[1, 0], [0, 1]], dtype=np.float32)
    nodes = [np.array([0]), np.array([1, 2])]
    centers = node_vectors(nodes, np.ones(3), values)
    one, other = measure_fit(labels, centers, nodes, np.array([5.0, 3.0, 1.0]), values)
    assert (one.rank, one.covered, one.nearest) == (1, 1.0, 1)
    # The heavier of its two values is nearer to the other label.
    assert (other.rank, other.covered, other.nearest) == (1, 0.25, 0)
    assert one.margin > 0
