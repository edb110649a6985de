"""New values in an existing taxonomy."""

from __future__ import annotations

import csv
import dataclasses
import inspect
import random
from pathlib import Path

import numpy as np
import pytest

import taxonomy
from taxonomy.cli import revision as commands
from taxonomy.errors import InputError
from taxonomy.formats.csv import read_taxonomy_csv
from taxonomy.model import Taxonomy
from taxonomy.placement import add_assigned, assign, place_values
from taxonomy.placement.places import Places
from taxonomy.quality.agreement import compare
from taxonomy.values import ValueSet, read_values
from tests.conftest import FIXTURE, Run
from tests.tiny_encoder import TinyEncoder
from tests.trees import make_tree

pytestmark = pytest.mark.usefixtures("cache")


def without_a_tenth(values: ValueSet, seed: int) -> tuple[ValueSet, ValueSet]:
    keys = [value.key for value in values.values]
    out = set(random.Random(seed).sample(keys, len(keys) // 10))
    parts = []
    for left_out in (False, True):
        own = tuple(value for value in values.values if (value.key in out) == left_out)
        rows = range(sum(1 + len(value.aliases) for value in own))
        parts.append(dataclasses.replace(values, values=own, first_rows=rows))
    return parts[0], parts[1]


def only(tree: Taxonomy, values: ValueSet) -> Taxonomy:
    """The tree with nothing but some of its values and what is above them."""
    keep = {step.id for value in values.values for step in tree.path(tree.node(value.label, level=0))}
    return Taxonomy.from_nodes(
        [node for node in tree.nodes if node.id in keep], id=tree.id, weight_unit=tree.weight_unit
    )


def test_known_strings_are_found_in_any_spelling() -> None:
    tree = taxonomy.build({"Well-being": 3, "wellbeing": 1, "boundaries": 2, "honesty": 1, "kindness": 1}).tree
    found = place_values(tree, read_values(["kindness", "WELL BEING", "n/a", "boundary", "well-being"]))
    assert [(one.row, one.text, one.status, one.node.label) for one in found if one.status != "placed"] == [
        (1, "kindness", "value", "kindness"),
        (2, "WELL BEING", "value", "Well-being"),
        (5, "well-being", "value", "Well-being"),
    ]
    assert [one.text for one in found if one.status == "placed"] == ["boundary"]
    # Beside its plural it is known.
    both = place_values(tree, read_values(["boundary", "boundaries"]))
    assert [(one.text, one.status) for one in both] == [("boundary", "alias"), ("boundaries", "value")]


def test_new_strings_get_a_path_a_confidence_and_a_runner_up() -> None:
    tree = taxonomy.build(FIXTURE).tree
    found = place_values(tree, read_values(["truthfulness in court", "warm kindness", "preventing injuries"]))
    assert [tree.path(one.node)[0].label for one in found] == ["Epistemic", "Social", "Protective"]
    for one in found:
        assert one.node.level == 1
        assert one.confidence is not None
        assert 0 <= one.confidence <= 1
        assert one.runner_up is not None
        assert one.runner_up.id != one.node.id
    unsure = place_values(tree, read_values(["truthfulness in court", "kindness"]), min_confidence=1)
    assert [one.status for one in unsure] == ["unplaced", "value"]


def test_strings_left_out_get_the_domain_that_a_full_build_gives_them() -> None:
    values = read_values(FIXTURE)
    part, rest = without_a_tenth(values, 0)
    full, tree = taxonomy.build(FIXTURE).tree, taxonomy.build(part).tree
    found = place_values(tree, rest)
    top = {spelling: full.path(node)[0].label for node in full.leaves for spelling in (node.label, *node.aliases)}
    assert np.mean([tree.path(one.node)[0].label == top[one.text] for one in found]) >= 0.75


@pytest.mark.slow
def test_published_strings_left_out_have_nine_tenths_of_a_full_builds_accuracy(published: Path) -> None:
    values = read_values(published / "values_frequencies.csv")
    reference = read_taxonomy_csv(published / "reference_tree.csv")
    part, rest = without_a_tenth(values, 1)
    full, tree = taxonomy.build(values).tree, taxonomy.build(part).tree
    grown = add_assigned(tree, rest, place_values(tree, rest))
    accuracy, of_full = (compare(only(one, rest), reference).scores.domain_accuracy for one in (grown, full))
    assert accuracy >= 0.9 * of_full


def test_an_update_is_a_minor_version_with_them_in() -> None:
    tree = taxonomy.build({"honesty": 5, "candor": 3, "kindness": 2, "patience": 4}).tree
    new = read_values({"warm kindness": 6.0, "Kindness": 9.0})
    grown = add_assigned(tree, new, place_values(tree, new))
    assert (grown.version, grown.id) == ("1.1.0", tree.id)
    assert {node.id for node in tree.nodes} < {node.id for node in grown.nodes}
    assert (grown.node("warm kindness").weight, grown.node("kindness").weight) == (6, 2)
    assert grown.node("kindness").aliases == ("Kindness",)
    assert sum(node.weight for node in grown.top) == 20
    assert grown.provenance.previous is not None
    assert grown.provenance.previous["version"] == "1.0.0"
    # Nothing new, nothing changed; and percent of conversations are not mentions.
    known = read_values(["honesty"])
    assert add_assigned(tree, known, place_values(tree, known)) is tree
    percent = ValueSet.from_records([("warm kindness", 1.5)], weight_unit="pct_convos")
    assert add_assigned(tree, percent, place_values(tree, percent)).node("warm kindness").weight == 0
    unplaced = place_values(tree, new, min_confidence=1)
    assert len(add_assigned(tree, new, unplaced).nodes) == len(tree.nodes)


@pytest.mark.parametrize("n", [1, 2, 255, 257])
def test_a_place_does_not_depend_on_what_else_is_placed(n: int) -> None:
    texts = [f"{first} {second}" for first in ("calm", "open", "kind") for second in read_values(FIXTURE).labels[:200]]
    tree, encoder = taxonomy.build(texts[::2], encoder=TinyEncoder()).tree, TinyEncoder()
    places = Places(tree, encoder)
    found = [place for start in range(0, len(texts), n) for place in places.place(texts[start : start + n], encoder)]
    assert found == places.place(texts[::-1], encoder)[::-1]


def test_a_tree_without_examples_goes_by_the_nearest_node() -> None:
    tree = make_tree(["honesty", "candor", "kindness", "warmth"], [0, 0, 1, 1])
    (one,) = place_values(tree, read_values(["truthfulness"]))
    assert one.node.id == "1:0"
    with pytest.raises(InputError, match="one level"):
        place_values(make_tree(["honesty"]), read_values(["truthfulness"]))


def test_the_command_has_the_default_of_the_function() -> None:
    (option,) = (one for one in commands.assign_command.params if one.name == "min_confidence")
    assert option.default == inspect.signature(assign).parameters["min_confidence"].default


def test_the_command_writes_a_row_for_every_string(run: Run, small_build: Path, tmp_path: Path) -> None:
    source = small_build / "taxonomy.json"
    tree = taxonomy.load(source)
    known = tree.leaves[0]
    (tmp_path / "new.txt").write_text(f"warm kindness\n{known.label}\n\nn/a\n+ bold moves\n", encoding="utf-8")
    out, update = tmp_path / "placed.csv", tmp_path / "next.json"
    done = run("assign", tmp_path / "new.txt", "--taxonomy", source, "--out", out, "--update", update)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "1 known, 2 placed, 0 unplaced, 2 rejected"
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["row"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert [row["status"] for row in rows] == ["placed", "value", "rejected: empty", "rejected: placeholder", "placed"]
    assert rows[1]["id"] == known.id
    assert rows[0]["path"] == " > ".join(step.label for step in tree.path(rows[0]["id"]))
    grown = taxonomy.load(update)
    assert (grown.version, grown.node("warm kindness").parent) == ("1.1.0", rows[0]["id"])
    done = run("assign", tmp_path / "new.txt", "--taxonomy", source, "--out", out, "--min-confidence", "1", "--quiet")
    assert (done.returncode, done.stdout) == (0, "")
    assert out.read_text().count("unplaced") == 2
    done = run("assign", tmp_path / "none.txt", "--taxonomy", source, "--out", out)
    assert (done.returncode, "there is no such file" in done.stderr) == (2, True)
