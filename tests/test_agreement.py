"""Agreement with a reference, against the published script and by what must hold of any two trees."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.errors import LookupFailedError
from taxonomy.formats.csv import read_taxonomy_csv, taxonomy_csv
from taxonomy.model import Taxonomy
from taxonomy.quality.agreement import compare
from tests.conftest import Run, examples
from tests.trees import make_tree, trees

LABELS = [f"value {i}" for i in range(24)]
# Clusters of four, groups of two clusters, and domains of two groups, one of one.
CLUSTERS = [i // 4 for i in range(24)]
GROUPS = [0, 0, 1, 1, 2, 2]
DOMAINS = [0, 0, 1]


def disturbed(tree: Taxonomy, seed: int, moved: float) -> Taxonomy:
    """Give some values another parent, and keep one child everywhere."""
    rng = np.random.default_rng(seed)
    parents = sorted(node.id for node in tree.nodes if node.level == 1)
    first = {node.parent: node.id for node in tree.nodes if node.level == 0}
    nodes = [
        node.model_copy(update={"parent": parents[rng.integers(len(parents))]})
        if node.level == 0 and first[node.parent] != node.id and rng.random() < moved
        else node
        for node in tree.nodes
    ]
    return Taxonomy.from_nodes(nodes, id="disturbed", weight_unit=tree.weight_unit)


@examples(4, all=10)
@given(trees(LABELS))
def test_a_tree_agrees_with_itself(tree: Taxonomy) -> None:
    agreement = compare(tree, tree)
    scores = agreement.scores
    assert (agreement.scored, agreement.coverage) == (24, 1)
    assert [level.ami for level in scores.levels] == pytest.approx([1] * len(scores.levels))
    assert [level.ari for level in scores.levels] == pytest.approx([1] * len(scores.levels))
    assert (scores.domain_accuracy, scores.precision, scores.recall, scores.f) == (1, 1, 1, 1)
    assert scores.triplets in (1, None)
    assert scores.triplets_interval in ((1, 1), None)
    assert all(domain.share == domain.reference_share for domain in agreement.domains)


@examples(4, all=10)
@given(trees(LABELS), trees(LABELS))
def test_agreement_is_symmetric(one: Taxonomy, other: Taxonomy) -> None:
    there, back = compare(one, other).scores, compare(other, one).scores
    assert np.array(there.cuts) == pytest.approx(np.array(back.cuts).T, abs=1e-9)
    assert (there.precision, there.recall, there.f) == pytest.approx((back.recall, back.precision, back.f))
    for level, mirrored in zip(there.levels, back.levels, strict=False):
        assert level.ari == pytest.approx(mirrored.ari, abs=1e-9)


@examples(4, all=10)
@given(trees(LABELS), st.permutations(range(24)))
def test_names_and_order_of_inner_nodes_do_not_matter(tree: Taxonomy, order: list[int]) -> None:
    renamed = Taxonomy.from_nodes(
        [
            node.model_copy(update={"id": f"x{node.id}", "parent": node.parent and f"x{node.parent}"})
            if node.level == 0
            else node.model_copy(
                update={
                    "id": f"x{node.id}",
                    "parent": node.parent and f"x{node.parent}",
                    "label": f"{order[number % 24]} {number}",
                }
            )
            for number, node in enumerate(tree.nodes)
        ],
        id="renamed",
        weight_unit="strings",
    )
    scores = compare(renamed, tree).scores
    assert (scores.precision, scores.recall) == (1, 1)
    assert [level.ami for level in scores.levels] == pytest.approx([1] * len(scores.levels))


def test_a_random_tree_agrees_by_chance_alone() -> None:
    labels = [f"value {i}" for i in range(600)]
    tree = make_tree(labels, [i // 10 for i in range(600)], [i // 12 for i in range(60)])
    agreement = compare(tree, tree)
    chance = agreement.random
    for level in chance.levels:
        assert abs(level.ami or 0) < 0.05
        assert abs(level.ari or 0) < 0.05
    assert chance.domain_accuracy == pytest.approx(1 / 5, abs=0.06)
    assert chance.triplets == pytest.approx(1 / 3, abs=0.01)
    assert chance.f < 0.4 < agreement.scores.f
    assert compare(tree, tree) == agreement


def test_hierarchical_scores_by_hand() -> None:
    reference = make_tree(LABELS, CLUSTERS, GROUPS, DOMAINS)
    # Two clusters merged: four of 24 values lose the one ancestor that is not matched.
    merged = make_tree(LABELS, [max(cluster - 1, 0) for cluster in CLUSTERS], [0, 1, 1, 2, 2], DOMAINS)
    scores = compare(merged, reference).scores
    assert (scores.precision, scores.recall) == pytest.approx((68 / 72, 68 / 72))
    # A level fewer costs recall and no precision.
    flat = make_tree(LABELS, CLUSTERS, [DOMAINS[group] for group in GROUPS])
    scores = compare(flat, reference).scores
    assert (scores.precision, scores.recall) == pytest.approx((1, 2 / 3))
    assert [level.built_nodes for level in scores.levels] == [6, 2, None]
    assert scores.levels[2].best_ami == pytest.approx(1)
    # So does a value that is not there.
    part = make_tree(LABELS[:12], CLUSTERS[:12], GROUPS[:3], DOMAINS[:2])
    agreement = compare(part, reference)
    assert (agreement.scored, agreement.coverage) == (12, 0.5)
    assert (agreement.scores.precision, agreement.scores.recall) == pytest.approx((1, 0.5))


def test_every_spelling_is_scored() -> None:
    nodes = make_tree(["honesty", "candor", "care"], [0, 0, 1], [0, 0]).nodes
    aliased = Taxonomy.from_nodes(
        [node.model_copy(update={"aliases": ("Honesty",)}) if node.label == "honesty" else node for node in nodes],
        id="aliased",
        weight_unit="strings",
    )
    reference = make_tree(["Honesty", "candor", "care"], [0, 0, 1], [0, 0])
    reference = make_tree(["Honesty", "candor", "care"], [0, 0, 1], [0, 0])
    agreement = compare(aliased, reference)
    assert (agreement.scored, agreement.coverage) == (3, 1)
    agreement = compare(reference, aliased)
    assert (agreement.scored, agreement.coverage) == (3, 0.75)


def test_domains_stand_beside_those_of_their_name() -> None:
    clusters = list("abcdef")
    ours = make_tree(LABELS, CLUSTERS, [0, 0, 0, 0, 1, 2], names=[clusters, ["Social", "Own", "X"]])
    theirs = make_tree(LABELS, CLUSTERS, [0, 0, 1, 1, 1, 1], names=[clusters, ["SOCIAL values", "Y"]])
    found = {domain.name: domain for domain in compare(ours, theirs).domains}
    assert set(found) == {"SOCIAL values", "Y", "Own", "X"}
    social = found["SOCIAL values"]
    assert (social.values, social.reference_values) == (16, 8)
    assert (social.share, social.reference_share) == pytest.approx((2 / 3, 1 / 3), abs=1e-6)
    assert (found["Y"].share, found["Own"].reference_share) == (None, None)
    assert compare(ours, theirs).scores.domain_accuracy == pytest.approx(8 / 24)


def test_nothing_to_score() -> None:
    tree = make_tree(LABELS, CLUSTERS, GROUPS)
    with pytest.raises(LookupFailedError, match="no value of the reference"):
        compare(tree, make_tree(["other", "another"], [0, 0]))
    with pytest.raises(LookupFailedError, match="no value of the reference"):
        compare(tree, tree, exclude=tree)
    with pytest.raises(LookupFailedError, match="no level to compare"):
        compare(tree, make_tree(["value 1", "value 2"]))


def test_too_many_nodes_to_match(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taxonomy.quality.agreement._CELLS", 3)
    tree = make_tree(LABELS, CLUSTERS, GROUPS)
    with pytest.raises(LookupFailedError, match=r"have \d+ and \d+ nodes above their values, too many to match"):
        compare(tree, tree)


def test_the_command_prints_tables_or_json(tmp_path: Path, run: Run) -> None:
    reference = make_tree(LABELS, CLUSTERS, GROUPS, DOMAINS)
    disturbed(reference, 0, 0.3).write(tmp_path / "tree.json")
    (tmp_path / "reference.csv").write_text(taxonomy_csv(reference), encoding="utf-8")
    done = run("compare", tmp_path / "tree.json", tmp_path / "reference.csv")
    assert done.returncode == 0, done.stderr
    for part in ("24 values scored, 100.00%", "AMI", "random", "hierarchical F", "triplets", "95% interval", "domain"):
        assert part in done.stdout
    done = run("compare", tmp_path / "tree.json", tmp_path / "reference.csv", "--json")
    found = json.loads(done.stdout)
    agreement = compare(disturbed(reference, 0, 0.3), reference)
    assert found == json.loads(json.dumps(agreement.to_dict()))
    assert found["levels"]["1"]["ami"] == agreement.scores.levels[0].ami
    assert len(found["cuts"]) == len(found["cuts"][0]) == 3
    done = run("compare", tmp_path / "tree.json", tmp_path / "reference.csv", "--exclude", tmp_path / "tree.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: no value of the reference is in the taxonomy")


@pytest.mark.parametrize("moved", [pytest.param(0.0, marks=pytest.mark.slow), 0.4])
# What is left out halves what the script has to score.
@pytest.mark.parametrize("excluding", [pytest.param(False, marks=pytest.mark.slow), True])
def test_figures_are_those_of_the_published_script(
    published: Path, tmp_path: Path, moved: float, excluding: bool
) -> None:
    script, path = published.parent / "score_tree.py", published / "reference_tree.csv"
    if not script.is_file():
        pytest.skip("score_tree.py is not beside this checkout")
    reference = read_taxonomy_csv(path)
    tree = disturbed(reference, 1, moved)
    tree.write(tmp_path / "tree.json")
    options, exclude = [], None
    if excluding:
        # The half of the reference that is under its first two domains.
        gone = {node.id for top in reference.top[:2] for node in reference.nodes if top in reference.path(node)}
        exclude = Taxonomy.from_nodes(
            [node for node in reference.nodes if node.id in gone], id="excluded", weight_unit="mentions"
        )
        (tmp_path / "excluded.csv").write_text(taxonomy_csv(exclude), encoding="utf-8")
        options = ["--exclude", str(tmp_path / "excluded.csv")]
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "tree.json"), str(path), "--json", *options],
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    theirs, ours = json.loads(done.stdout), compare(tree, reference, exclude=exclude).to_dict()
    for name in ("scored", "coverage", "domain_accuracy"):
        assert ours[name] == pytest.approx(theirs[name], abs=1e-6)
    assert set(ours["levels"]) == set(theirs["levels"])
    for level, figures in theirs["levels"].items():
        assert {name: ours["levels"][level][name] for name in figures} == pytest.approx(figures, abs=1e-6)
    low, high = ours["triplets_interval"]
    assert low <= theirs["triplets"] <= high
    assert high - low < 0.01
