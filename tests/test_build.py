"""The main job through the Python API, with the real model."""

from __future__ import annotations

import csv
import random
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import taxonomy
from taxonomy.domains import load_domains
from taxonomy.errors import DomainsError, LevelsError, TaxonomyError
from taxonomy.model import Taxonomy
from taxonomy.values import canonical_key, read_values
from tests.conftest import FIXTURE

DOMAINS = ["Epistemic", "Personal", "Practical", "Protective", "Social"]
SIX = ["harm prevention", "intellectual honesty", "client autonomy", "efficiency", "kindness", "privacy"]

pytestmark = pytest.mark.usefixtures("cache")


def fixture_rows() -> list[dict[str, str]]:
    with FIXTURE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def example(example_build: Path) -> Taxonomy:
    return taxonomy.load(example_build / "taxonomy.json")


def sizes(tree: Taxonomy) -> list[int]:
    return [level.size for level in tree.levels]


# -- the shape of the tree ------------------------------------------------------------------------------------


def test_the_top_is_exactly_the_domains(example: Taxonomy) -> None:
    assert [node.label for node in example.top] == DOMAINS
    assert [level.name for level in example.levels] == ["value", "cluster", "group", "domain"]
    assert taxonomy.build(FIXTURE, id="example-values", title="Example values").tree == example


def test_every_string_is_a_value_an_alias_or_rejected(example: Taxonomy) -> None:
    values = read_values(FIXTURE)
    rejected = Counter(rejection.value for rejection in values.rejected)
    for row in fixture_rows():
        if rejected[row["value"]]:
            rejected[row["value"]] -= 1
        else:
            assert example.node(row["value"], level=0).level == 0
    assert not +rejected


def test_weights_add_up_over_children(example: Taxonomy) -> None:
    for node in example.nodes:
        children = example.children(node)
        if children:
            assert sum(child.weight for child in children) == pytest.approx(node.weight)
    assert sum(node.share for node in example.top) == pytest.approx(1, abs=1e-5)


def test_labels_differ_within_a_level_and_from_the_parent(example: Taxonomy) -> None:
    for level in example.levels:
        labels = [node.label for node in example.nodes if node.level == level.level]
        assert len(set(labels)) == len(labels)
    for node in example.inner:
        parent = example.parent(node)
        assert parent is None or canonical_key(parent.label) != canonical_key(node.label)


def test_the_name_of_a_node_finds_it_though_a_value_has_it_too(example: Taxonomy) -> None:
    values = {value.label for value in example.leaves}
    assert any(node.label.lower() in values for node in example.inner)
    for node in example.inner:
        assert example.node(node.label) == node


def test_labels_above_the_values_are_short_noun_phrases_with_a_definition(example: Taxonomy) -> None:
    for node in example.nodes:
        if 0 < node.level < len(example.levels) - 1:
            assert 1 <= len(node.label.split()) <= 4, node.label
            assert 10 <= len(node.definition.split()) <= 30, node.definition
            assert node.label[0].isupper()


def test_every_inner_node_has_two_children_or_is_flagged(example: Taxonomy) -> None:
    for node in example.nodes:
        if node.level:
            assert len(example.children(node)) >= 2 or set(node.flags) & {"thin", "empty"}


def test_doubt_is_an_attribute(example: Taxonomy) -> None:
    for node in example.nodes:
        if node.level < len(example.levels) - 1:
            assert node.placement is not None
            assert 0 <= node.placement.confidence <= 1
            if node.placement.second_parent is not None:
                assert node.placement.second_parent != node.parent
                assert example.node(node.placement.second_parent).level == node.level + 1


@pytest.mark.parametrize(
    ("label", "domain"),
    [
        ("helpfulness", "Practical"),
        ("professionalism", "Practical"),
        ("thoroughness", "Practical"),
        ("transparency", "Epistemic"),
        ("clarity", "Epistemic"),
        ("harm prevention", "Protective"),
        ("kindness", "Social"),
        ("personal growth", "Personal"),
    ],
)
def test_where_some_values_belong(example: Taxonomy, label: str, domain: str) -> None:
    assert example.path(example.node(label, level=0))[0].label == domain


# -- small and odd inputs -------------------------------------------------------------------------------------


def test_one_value() -> None:
    tree = taxonomy.build(["honesty"]).tree
    assert sizes(tree) == [1, 5]
    assert tree.path("honesty")[0].label == "Epistemic"
    assert [node.flags for node in tree.top if node.label != "Epistemic"] == [("empty",)] * 4


def test_six_values() -> None:
    tree = taxonomy.build(SIX).tree
    assert sizes(tree) == [6, 5]
    assert {value.label: tree.path(value)[0].label for value in tree.nodes if value.level == 0} == {
        "harm prevention": "Protective",
        "intellectual honesty": "Epistemic",
        "client autonomy": "Personal",
        "efficiency": "Practical",
        "kindness": "Social",
        "privacy": "Protective",
    }


def test_sixty_values(example: Taxonomy) -> None:
    labels = [node.label for node in example.nodes if node.level == 0][::29][:60]
    tree = taxonomy.build(labels).tree
    assert [level.name for level in tree.levels] == ["value", "cluster", "domain"]
    assert tree.levels[0].size == 60
    assert tree.levels[2].size == 5


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_part_of_the_fixture_makes_a_tree(data: st.DataObject) -> None:
    rows = fixture_rows()
    count = data.draw(st.sampled_from([1, 2, 3, 7, 49, 50, 51, 120, 499, 500, 501]))
    chosen = random.Random(data.draw(st.integers(0, 99))).sample(rows, count)
    values = {row["value"]: float(row["count"]) for row in chosen}
    assume(set(values) - {rejection.value for rejection in read_values(FIXTURE).rejected})
    tree = taxonomy.build(values).tree
    assert [node.label for node in tree.top] == DOMAINS
    assert tree.levels[0].size <= count


def test_weights_and_tables() -> None:
    weighted = taxonomy.build({"honesty": 3, "Honesty": 1, "kindness": 4}).tree
    assert weighted.node("honesty").aliases == ("Honesty",)
    assert (weighted.node("honesty").weight, weighted.node("honesty").share) == (4, 0.5)
    assert weighted.weight_unit == "mentions"
    frame = pd.DataFrame({"value": ["honesty", "kindness"], "pct_convos": [2.5, 7.5]})
    table = taxonomy.build(frame).tree
    assert (table.weight_unit, table.node("kindness").share) == ("pct_convos", 0.75)
    renamed = frame.rename(columns={"value": "v", "pct_convos": "w"})
    assert taxonomy.build(renamed, value_column="v", weight_column="w").tree.node("kindness").share == 0.75


def test_the_order_of_strings_changes_no_byte() -> None:
    rows = [row["value"] for row in fixture_rows()][:400]
    assert taxonomy.build(rows).tree.to_json() == taxonomy.build(iter(rows[::-1])).tree.to_json()


# -- levels and tops ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["ward", "kmeans", pytest.param("density", marks=pytest.mark.slow)])
def test_sizes_asked_for_are_had_exactly(method: str) -> None:
    tree = taxonomy.build(FIXTURE, levels=(140, 20), method=method).tree
    assert sizes(tree)[1:] == [140, 20, 5]
    for node in tree.nodes:
        if node.level:
            assert len(tree.children(node)) >= 2


def test_no_level_between_values_and_domains() -> None:
    assert sizes(taxonomy.build(SIX, levels=()).tree) == [6, 5]


def test_a_top_found_in_the_data() -> None:
    tree = taxonomy.build(FIXTURE, domains=None, top=7).tree
    assert len(tree.top) == 7
    assert {node.label_source for node in tree.top} == {"keyphrase"}
    assert sizes(taxonomy.build(SIX, domains=None).tree) == [6, 3]
    with pytest.raises(LevelsError, match=r"`top` is 4, and .* allow 3"):
        taxonomy.build(SIX, domains=None, top=4)
    assert sizes(taxonomy.build(["care"], domains=None).tree) == [1, 1]


def test_least_children() -> None:
    tree = taxonomy.build(FIXTURE, levels=(100, 20), min_children=4).tree
    assert min(len(tree.children(node)) for node in tree.nodes if node.level in (1, 2)) >= 4


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"levels": (3, 9)}, "sizes that shrink"),
        ({"levels": (6,)}, "6 clusters of 6 values"),
        ({"levels": (7,)}, "7 clusters of 6 values"),
        ({"levels": (5,)}, "sizes that shrink"),
        ({"levels": (0,)}, "`levels` is 0, and a level needs at least 1 node"),
        ({"top": 3}, "domains"),
        ({"domains": None, "top": 0}, "`top` is 0; give 1 or more"),
        ({"min_children": 1}, "`min_children` is 1"),
        ({"method": "magic"}, "choose one of"),
    ],
)
def test_options_that_cannot_be(options: dict[str, object], problem: str) -> None:
    with pytest.raises(TaxonomyError, match=problem):
        taxonomy.build(SIX, **options)  # type: ignore[arg-type]


def test_levels_that_force_single_children_name_those_that_fit() -> None:
    labels = [row["value"] for row in fixture_rows()][:80]
    with pytest.raises(LevelsError, match=r"allow at most \d+,\d+"):
        taxonomy.build(labels, levels=(60, 30))


# -- domains --------------------------------------------------------------------------------------------------

TWO = """
[[domain]]
key = "a"
name = "Inner"
definition = "What one is."
examples = ["calm", "courage"]

[[domain]]
key = "b"
name = "Outer"
definition = "What one does."
examples = ["efficiency", "planning"]
"""


def test_domains_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "domains.toml"
    path.write_text(TWO)
    tree = taxonomy.build([*SIX, "calm", "planning"], domains=path).tree
    assert [node.label for node in tree.top] == ["Inner", "Outer"]
    assert tree.path("calm")[0].label == "Inner"
    assert tree.node("Inner").definition == "What one is."
    path.write_text(TWO.replace('"Inner"', '"Within"'))
    renamed = taxonomy.build([*SIX, "calm", "planning"], domains=str(path)).tree
    assert renamed.node("Within").id == tree.node("Inner").id


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('name = "Outer"', 'name = "inner"', "name 'Inner' is used by more than one"),
        ('key = "b"', 'key = "a"', "key 'a' is used by more than one"),
        ('["efficiency", "planning"]', "[]", "is empty"),
        ('["efficiency", "planning"]', '["efficiency", "Calm"]', "'calm' is in more than one"),
        ('["efficiency", "planning"]', "[1]", "list of texts"),
        ('name = "Outer"', 'name = ""', "name must be a text"),
        ('name = "Outer"', 'name = "Out > Er"', "name holds ' > ', which stands between the labels of a path"),
        ('name = "Outer"', 'name = "Out\\ner"', "name holds a line break"),
        ('name = "Outer"', 'nome = "Outer"', "unknown entry 'nome'"),
        ("[[domain]]", "[domain", "not TOML"),
        ("[[domain]]", "[[domains]]", "no .*domain.* table"),
    ],
)
def test_a_domains_file_that_does_not_do(tmp_path: Path, before: str, after: str, problem: str) -> None:
    path = tmp_path / "domains.toml"
    path.write_text(TWO.replace(before, after))
    with pytest.raises(DomainsError, match=problem) as caught:
        taxonomy.build(SIX, domains=path)
    assert str(caught.value).startswith(str(path))


def test_the_bundled_domains_are_complete() -> None:
    domains = load_domains()
    assert sorted(domain.name for domain in domains) == DOMAINS
    for domain in domains:
        assert len(domain.examples) >= 12
        assert domain.definition.endswith(".")


# -- the published strings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "found", "rows"),
    [
        pytest.param("published_build", [266, 26, 5], None, marks=pytest.mark.slow),
        ("published_part_build", [40, 12, 5], 400),
    ],
)
def test_the_published_strings(
    published: Path, request: pytest.FixtureRequest, build: str, found: list[int], rows: int | None
) -> None:
    source = published / "values_frequencies.csv"
    tree = taxonomy.load(request.getfixturevalue(build) / "taxonomy.json")
    assert sizes(tree)[1:] == found
    strings = [name for node in tree.nodes if node.level == 0 for name in (node.label, *node.aliases)]
    with source.open(encoding="utf-8", newline="") as file:
        assert sorted(strings) == sorted(row["value"] for row in list(csv.DictReader(file))[:rows])


@pytest.mark.slow
def test_twenty_thousand_values() -> None:
    rows = sorted({word for row in fixture_rows() for word in row["value"].split() if word.isalpha() and len(word) > 3})
    strings = {f"{one} {other}": 1.0 for one in rows[:150] for other in rows[-150:]}
    tree = taxonomy.build(dict(list(strings.items())[:20_000])).tree
    assert sizes(tree)[-1] == 5
    assert len(tree.levels) == 4
    assert sum(len(tree.values(node)) for node in tree.top) == sizes(tree)[0]
