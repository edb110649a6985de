"""Polarity: rules, the cases, the strings that were read, and that it is carried and shown."""

from __future__ import annotations

import csv
import doctest
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import taxonomy.english.polarity
from taxonomy.english.polarity import polarity_of
from taxonomy.model.draft import Draft
from tests.polarity import SOURCES, readings, score, vices
from tests.trees import make_tree

needs_shared = pytest.mark.skipif(
    not all(path.exists() for path in SOURCES.values()), reason="the strings that were read are in ../shared"
)


def test_the_examples_in_the_docstrings_hold() -> None:
    found = doctest.testmod(taxonomy.english.polarity)
    assert found.attempted
    assert not found.failed


@pytest.mark.parametrize(
    "text",
    [
        "Cruelty",
        "casual cruelties",
        "fraud and deceit",
        "cruelty to animals",
        "violence against children",
        "cruel indifference",
        "abusive behaviour",
        "promotion of violence",
        "promoting hatred",
        "merciless",
        "unkindness",
        "lack of patience",
        "empathy deficit",
        "avoidance of responsibility",
        "refusal to share",
        "narrow-mindedness",
        "unsuitability",
    ],
)
def test_vices(text: str) -> None:
    assert polarity_of(text) == "vice"


@pytest.mark.parametrize(
    "text",
    [
        "anti-racism",
        "Nonviolence",
        "fraud and abuse prevention",
        "preventing fraud and abuse",
        "rejection of cruelty",
        "protection from violence",
        "violence-free homes",
        "absence of malice",
        "conflict of interest avoidance",
        "de-escalation of conflict",
    ],
)
def test_oppositions(text: str) -> None:
    assert polarity_of(text) == "opposition"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "...",
        "honesty",
        "unselfishness",
        "admitting mistakes",
        "forgiveness of betrayal",
        "criminal justice",
        "healthy competition",
        "fault tolerance",
        "freedom of speech",
        "justice awareness",
        "uniqueness",
        "fearlessness",
        "lack",
    ],
)
def test_values(text: str) -> None:
    assert polarity_of(text) == "value"


@given(st.text(max_size=40))
def test_any_text_has_a_polarity(text: str) -> None:
    assert polarity_of(text) == polarity_of(text.upper()) or text.upper().casefold() != text.casefold()


def test_the_cases(cases: Path) -> None:
    with (cases / "polarity.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 20
    assert [row for row in rows if polarity_of(row["value"]) != row["polarity"]] == []


@needs_shared
def test_the_readings_are_met() -> None:
    precision, recall = score(readings(), "vice")
    assert precision.right / precision.total >= 0.95
    assert recall.right / recall.total >= 0.80


def test_most_listed_vices_are_found() -> None:
    assert len(vices()) == 500
    assert sum(polarity_of(vice) == "vice" for vice in vices()) >= 400


def test_values_alone_have_a_polarity_and_it_follows_the_label() -> None:
    tree = make_tree(["deceit", "candor"], [0, 0], names=[["Deception"]])
    draft = Draft(tree.nodes)
    assert {node.label: node.polarity for node in draft.finish()} == {
        "deceit": "vice",
        "candor": "value",
        "Deception": "value",
    }
    draft.change("0:0", label="deceit prevention")
    assert {node.label: node.polarity for node in draft.finish()}["deceit prevention"] == "opposition"


def test_an_imported_value_keeps_its_polarity() -> None:
    tree = make_tree(["deceit", "candor"], [0, 0])
    draft = Draft(node.model_copy(update={"label_source": "imported"}) for node in tree.nodes)
    assert {node.polarity for node in draft.finish()} == {"value"}
