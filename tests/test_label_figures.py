"""Names and definitions of whole trees, by figures alone."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import taxonomy
from embeddings import StoredEncoder, load_encoder
from taxonomy.english.words import related, stems
from taxonomy.formats.csv import read_taxonomy_csv
from taxonomy.model import Taxonomy
from taxonomy.model.scope_notes import read_scope
from taxonomy.values import canonical_key, read_values
from tests.conftest import FIXTURE, ROOT
from tests.polarity import vices

pytestmark = pytest.mark.usefixtures("cache")

# From this overlap on, a node is held to be the reference's.
OVERLAP = 0.3


@pytest.fixture(
    scope="module",
    params=[pytest.param("ward", marks=pytest.mark.slow), pytest.param("kmeans", marks=pytest.mark.slow), "no domains"],
)
def tree(request: pytest.FixtureRequest, cache: Path) -> Taxonomy:
    if request.param == "no domains":
        return taxonomy.build(FIXTURE, levels=(180, 24), domains=None).tree
    return taxonomy.build(FIXTURE, method=request.param).tree


@pytest.fixture(scope="module")
def published_tree(published_build: Path) -> Taxonomy:
    return taxonomy.load(published_build / "taxonomy.json")


@pytest.fixture(scope="module")
def published_part(published_part_build: Path) -> Taxonomy:
    return taxonomy.load(published_part_build / "taxonomy.json")


def named(tree: Taxonomy, level: int) -> list[taxonomy.Node]:
    return [node for node in tree.nodes if node.level == level and "empty" not in node.flags]


def check_labels(tree: Taxonomy) -> None:
    for node in tree.nodes:
        if node.level == 0:
            assert node.label_rank is None
        if node.label_source != "keyphrase":
            continue
        words = node.label.split()
        assert 1 <= len(words) <= 4, node.label
        assert node.label[0].isupper(), node.label
        said = [stem for word in words for stem in stems(word) if word not in ("and", "of")]
        twice = [one for i, one in enumerate(said) for other in said[:i] if related(one, other)]
        assert not twice, node.label
        assert re.fullmatch(r"[^\W\d_]+(?:[ '’-][^\W\d_]+)*", node.label), node.label
        assert 10 <= len(node.definition.split()) <= 30, node.definition
        assert read_scope(node.definition), node.definition
        above = {canonical_key(one.label) for one in tree.path(node)[:-1]}
        assert canonical_key(node.label) not in above, node.label
    for level in range(1, len(tree.levels)):
        labels = [node.label for node in named(tree, level)]
        assert len(set(labels)) == len(labels)


def check_ranks(tree: Taxonomy) -> None:
    top = len(tree.levels) - 1
    for level in range(1, top + 1):
        found = np.mean([node.label_rank == 1 for node in named(tree, level)])
        assert found == 1 if level == top else found >= 0.9


def test_labels_of_the_fixture(tree: Taxonomy) -> None:
    check_labels(tree)
    check_ranks(tree)


def check_joined(tree: Taxonomy, clusters: float, groups: float) -> None:
    """Check that no more names than people's have an "and"."""
    for level, most in ((1, clusters), (2, groups)):
        labels = [node.label for node in named(tree, level)]
        assert sum(" and " in label for label in labels) <= most * len(labels)


def test_names_of_the_fixture_mostly_say_one_idea(tree: Taxonomy) -> None:
    check_joined(tree, 0.5, 0.6)


def check_plain_words(tree: Taxonomy) -> None:
    """Check that scope notes commend nothing, members' own names and labels aside."""
    commending = set((ROOT / "tests" / "data" / "evaluative.txt").read_text(encoding="utf-8").split())
    labels = {node.label for node in tree.inner}
    for node in tree.inner:
        scope = read_scope(node.definition)
        if node.label_source != "keyphrase" or scope is None:
            continue
        covers, _, points = node.definition.partition(". ")
        for name in scope.shown:
            covers = covers.replace(name, "", 1)
        assert commending.isdisjoint(re.findall(r"[a-z]+", covers.lower())), node.definition
        place = re.fullmatch(r"For .+, see (.+?)(?:, (?:under (.+)|beside it))?\.", points)
        assert place is None or labels.issuperset(filter(None, place.groups())), node.definition
        assert place or points == "It points to no other node of its level."


def test_no_definition_of_the_fixture_commends(tree: Taxonomy) -> None:
    check_plain_words(tree)


@pytest.mark.slow
def test_vices_among_the_values_of_the_fixture_are_flagged_and_not_commended(cache: Path) -> None:
    mixed = dict.fromkeys(vices(), 1.0) | {value.label: value.weight for value in read_values(FIXTURE).values}
    tree = taxonomy.build(mixed).tree
    flagged = {value.label for value in tree.leaves if value.polarity == "vice"}
    assert len(flagged.intersection(vices())) >= 400
    check_plain_words(tree)


def check_groups(tree: Taxonomy) -> None:
    assert all(node.label_rank == 1 for node in named(tree, len(tree.levels) - 2))


def test_labels_of_the_most_frequent_published_strings(published_part: Taxonomy) -> None:
    check_labels(published_part)
    check_groups(published_part)


@pytest.mark.slow
def test_every_group_of_the_published_strings_is_found_by_its_label(published_tree: Taxonomy) -> None:
    check_groups(published_tree)


@pytest.mark.slow
def test_labels_of_the_published_strings(published_tree: Taxonomy) -> None:
    check_labels(published_tree)
    check_ranks(published_tree)
    check_joined(published_tree, 0.5, 0.6)
    check_plain_words(published_tree)


def encode(strings: Sequence[str]) -> NDArray[np.float32]:
    return StoredEncoder(load_encoder("minilm")).encode(strings)


def spellings(tree: Taxonomy, node: taxonomy.Node) -> set[str]:
    return {name for value in tree.values(node) for name in (value.label, *value.aliases)}


@pytest.mark.slow
def test_labels_are_near_those_of_the_reference(published: Path, published_tree: Taxonomy) -> None:
    reference = read_taxonomy_csv(published / "reference_tree.csv")
    theirs = [(node.label, spellings(reference, node)) for node in named(reference, 1)]
    visible = set().union(*(strings for _, strings in theirs))
    matches = []
    for node in named(published_tree, 1):
        # Half of the reference is not there: only what both hold can overlap.
        ours = spellings(published_tree, node) & visible
        overlap, label = max((len(ours & strings) / len(ours | strings), label) for label, strings in theirs)
        if overlap > OVERLAP:
            matches.append((node, published_tree.values(node), label))
    vectors = iter(encode([value.label for _, values, _ in matches for value in values]))
    rows = []
    for node, values, label in matches:
        own = np.stack([next(vectors) for _ in values])
        medoid = values[int((own @ own.mean(axis=0)).argmax())].label
        rows.append((node.label, medoid, max(values, key=lambda value: value.weight).label, label))
    assert len(rows) >= 50
    labels, medoids, frequents, references = (encode([row[column] for row in rows]) for column in range(4))
    shuffled = references[np.random.default_rng(0).permutation(len(rows))]
    figures = {
        "label": float((labels * references).sum(axis=1).mean()),
        "medoid": float((medoids * references).sum(axis=1).mean()),
        "most frequent value": float((frequents * references).sum(axis=1).mean()),
        "random pairing": float((labels * shuffled).sum(axis=1).mean()),
    }
    print(f"\n{len(rows)} matches: " + ", ".join(f"{name} {figure:.3f}" for name, figure in figures.items()))
    assert figures["label"] >= figures["medoid"] - 0.02
    assert figures["label"] > figures["most frequent value"]
    assert figures["label"] > figures["random pairing"] + 0.3
    assert figures["label"] >= 0.7


def test_thirty_labels_are_printed_to_be_read(small_build: Path) -> None:
    command = [sys.executable, "-m", "tests.print_labels", str(small_build / "taxonomy.json")]
    first = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, cwd=ROOT).stdout
    tree = taxonomy.load(small_build / "taxonomy.json")
    assert sum(node.level == 1 and f"{node.label}  (keyphrase, rank " in first for node in tree.nodes) == 30
    assert subprocess.run(command, capture_output=True, encoding="utf-8", check=True, cwd=ROOT).stdout == first
