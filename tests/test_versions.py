"""Identity across builds: what stays, what goes, and the number."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Collection, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import taxonomy
from taxonomy.errors import InputError, LevelsError, LookupFailedError, TaxonomyError
from taxonomy.labels.naming import name_nodes
from taxonomy.model import Retired, Taxonomy
from taxonomy.model.draft import Draft
from taxonomy.values import ValueSet, read_values
from taxonomy.versions.carrying_over import carry_over
from taxonomy.versions.identity import assign, match_trees, value_ids
from taxonomy.versions.number import bump, next_version
from taxonomy.versions.retirement import succeed
from tests.conftest import FIXTURE, examples
from tests.trees import make_tree, trees

LABELS = [f"value {chr(97 + i)}" for i in range(16)]


def part_of(values: ValueSet, keys: Collection[str]) -> ValueSet:
    """Some of the values, as if the others had never been read."""
    kept = tuple(value for value in values.values if value.key in keys)
    return dataclasses.replace(values, values=kept, first_rows=())


def renumbered(tree: Taxonomy, prefix: str) -> Taxonomy:
    """The same tree under other ids above the values."""
    new = {node.id: f"{prefix}{node.id}" if node.level else node.id for node in tree.nodes}
    nodes = [
        node.model_copy(update={"id": new[node.id], "parent": node.parent and new[node.parent]}) for node in tree.nodes
    ]
    return Taxonomy.from_nodes(nodes, id=tree.id, weight_unit=tree.weight_unit)


def kept(old: Taxonomy, new: Taxonomy) -> tuple[float, float, float]:
    """The shares of old values under the same parent, of node ids kept, and of those above the values."""
    now = {node.id: node.parent for node in new.nodes}
    staying = [now[node.id] == node.parent for node in old.leaves if node.id in now]
    ids = [node.id in now for node in old.nodes]
    inner = [node.id in now for node in old.nodes if node.level]
    return sum(staying) / len(staying), sum(ids) / len(ids), sum(inner) / len(inner)


def one_percent_new(values: ValueSet, seed: int = 0) -> tuple[Taxonomy, Taxonomy]:
    keys = [value.key for value in values.values]
    new = set(random.Random(seed).sample(keys, len(keys) // 100))
    old = taxonomy.build(part_of(values, set(keys) - new)).tree
    return old, taxonomy.build(values, previous=old).tree


@pytest.fixture(scope="module")
def pair(cache: object) -> tuple[Taxonomy, Taxonomy]:

    return one_percent_new(read_values(FIXTURE))


# -- with real strings -----------------------------------------------------------------------------------------


def test_with_one_percent_new_strings_nearly_all_stays(pair: tuple[Taxonomy, Taxonomy]) -> None:
    old, new = pair
    same_parent, ids, inner = kept(old, new)
    assert same_parent >= 0.99
    assert ids >= 0.98
    assert inner >= 0.98
    assert {node.id for node in old.nodes} <= {node.id for node in new.nodes} | {gone.id for gone in new.retired}


@pytest.mark.slow
def test_with_one_percent_new_published_strings_nearly_all_stays(published: object, cache: object) -> None:

    old, new = one_percent_new(read_values(published / "values_frequencies.csv"), seed=1)  # type: ignore[operator]
    same_parent, ids, inner = kept(old, new)
    assert same_parent >= 0.99
    assert ids >= 0.98
    assert inner >= 0.98


def test_names_stay_with_ids(pair: tuple[Taxonomy, Taxonomy]) -> None:
    old, new = pair
    labels = {node.id: node.label for node in old.nodes if node.level}
    renamed = [node for node in new.nodes if labels.get(node.id, node.label) != node.label]
    assert len(renamed) <= 0.01 * len(labels)
    for level in new.levels:
        assert len({node.label for node in new.nodes if node.level == level.level}) == level.size


def test_a_build_of_the_same_values_is_the_same_version(pair: tuple[Taxonomy, Taxonomy]) -> None:

    _, new = pair
    assert taxonomy.build(read_values(FIXTURE), previous=new).tree is new


def test_a_theme_of_its_own_becomes_a_node(cache: object) -> None:
    values = dict.fromkeys((row.label for row in read_values(FIXTURE).values[::4]), 1.0)
    old = taxonomy.build(values).tree
    sea = [
        f"{what} {how}"
        for what in ("sailing", "seamanship", "boat", "ocean")
        for how in ("skill", "care", "joy", "craft")
    ]
    new = taxonomy.build(values | dict.fromkeys(sea, 1.0), previous=old).tree
    known = {node.id for node in old.nodes}
    fresh = [node for node in new.nodes if node.level == 1 and node.id not in known]
    assert any({value.label for value in new.values(node)} & set(sea) for node in fresh)


def test_stay_zero_is_the_rebuilt_tree_and_one_moves_nothing(cache: object) -> None:
    values = read_values(FIXTURE)
    keys = [value.key for value in values.values]
    new = set(random.Random(3).sample(keys, len(keys) // 5))

    old = taxonomy.build(part_of(values, set(keys) - new)).tree
    rebuilt = taxonomy.build(values, levels=[level.size for level in old.levels[1:-1]]).tree
    free = taxonomy.build(values, previous=old, stay=0).tree
    assert [level.size for level in free.levels] == [level.size for level in rebuilt.levels]
    assert partition(free) == partition(rebuilt)
    fixed = taxonomy.build(values, previous=old, stay=1).tree
    assert kept(old, fixed)[0] == 1
    assert kept(old, free)[0] < kept(old, fixed)[0]


def partition(tree: Taxonomy) -> set[frozenset[str]]:
    return {frozenset(value.label for value in tree.values(node)) for node in tree.nodes if node.level}


def test_withdrawn_values_are_retired_and_revived(cache: object) -> None:
    values = ["honesty", "candor", "patience", "calm", "craftsmanship", "efficiency"]
    first = taxonomy.build(values).tree
    second = taxonomy.build(values[1:], previous=first, absent="retire").tree
    honesty = first.node("honesty")
    gone = second.retired_node(honesty.id)
    assert (gone.label, gone.level, gone.since, second.version) == ("honesty", 0, "2.0.0", "2.0.0")
    with pytest.raises(LookupFailedError, match=r"'honesty'\) was retired in version 2\.0\.0 and replaced by nothing"):
        second.node(honesty.id)
    third = taxonomy.build(values, previous=second).tree
    assert third.node("honesty").id == honesty.id
    assert (third.retired, third.version) == ((), "2.1.0")
    with pytest.raises(LookupFailedError, match="no id"):
        third.retired_node(honesty.id)


def test_a_value_keeps_its_label_while_it_is_a_spelling(cache: object) -> None:
    first = taxonomy.build({"Well-being": 5, "wellbeing": 1, "honesty": 2}).tree
    second = taxonomy.build({"Well-being": 1, "wellbeing": 9, "honesty": 2}, previous=first).tree
    assert second.node("wellbeing").label == "Well-being"
    third = taxonomy.build({"wellbeing": 9, "honesty": 2}, previous=second).tree
    assert third.node("wellbeing").label == "wellbeing"
    assert third.node("wellbeing").id == first.node("wellbeing").id


def test_the_command_line_has_the_same_default() -> None:
    from taxonomy.cli.making import build_command

    assert {option.name: option.default for option in build_command.params}["stay"] == taxonomy.Recipe().stay


def test_other_levels_need_stay_zero(cache: object) -> None:
    old = taxonomy.build(FIXTURE).tree
    with pytest.raises(LevelsError, match="placements can't be carried over"):
        taxonomy.build(FIXTURE, previous=old, levels=(60,))
    new = taxonomy.build(FIXTURE, previous=old, levels=(60,), stay=0).tree
    assert [level.size for level in new.levels][1:] == [60, 5]
    assert {node.id for node in new.leaves} == {node.id for node in old.leaves}
    with pytest.raises(TaxonomyError, match="`stay` is 2"):
        taxonomy.build(FIXTURE, previous=old, stay=2)


# -- identity --------------------------------------------------------------------------------------------------


@given(tree=trees(LABELS))
@examples(15, all=40)
def test_a_tree_under_other_ids_gets_its_own_back(tree: Taxonomy) -> None:
    other = renumbered(tree, "new ")
    final = match_trees(tree, Draft(other.nodes))
    # Where one level repeats another's nodes there are equal leaf sets, but on each level every set is there once.
    assert {final[node.id] for node in other.nodes} == {node.id for node in tree.nodes}
    for node in other.nodes:
        old = tree.node(final[node.id])
        assert old.level == node.level
        assert {value.id for value in tree.values(old)} == {value.id for value in other.values(node)}


@given(old=trees(LABELS[:12]), new=trees(LABELS[4:]), seed=st.integers(0, 99), stay=st.sampled_from([0.0, 0.3, 1.0]))
@examples(20, all=60)
def test_the_next_version_of_any_tree_is_whole(old: Taxonomy, new: Taxonomy, seed: int, stay: float) -> None:
    new = renumbered(new, "new ")
    if len(old.levels) != len(new.levels) and stay > 0:
        return

    def encode(strings: Sequence[str]) -> NDArray[np.float32]:
        rows = [np.random.default_rng([seed, *text.encode()]).normal(size=6) for text in strings]
        vectors = np.array(rows, dtype=np.float32).reshape(len(strings), 6)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

    vectors = encode([node.label for node in new.leaves])
    unnamed = (node.model_copy(update={"label": ""}) if node.level else node for node in new.nodes)
    draft = carry_over(old, Draft(unnamed), lambda nodes: encode([node.label for node in nodes]), stay=stay)
    assert [node.label for node in draft.level(0)] == [node.label for node in new.leaves]
    known = {node.id: node.label for node in old.nodes}
    assert all(node.label == known.get(node.id) or not node.label for node in draft.nodes.values() if node.level)
    name_nodes(draft, vectors, encode)
    tree = succeed(old, new.with_nodes(draft.finish(), version=old.version), {})
    tree.check()
    assert {value.label for value in tree.leaves} == {value.label for value in new.leaves}
    present, retired = {node.id for node in tree.nodes}, {gone.id for gone in tree.retired}
    assert {node.id for node in old.nodes} <= present | retired
    assert not present & retired
    for gone in tree.retired:
        assert set(gone.replaced_by) <= present
    if stay == 1:
        labels = {value.label: old.path(value)[-2].id for value in old.leaves}
        for value in tree.leaves:
            assert labels.get(value.label) not in present or value.parent == labels[value.label]
    assert all(node.weight == pytest.approx(len(tree.values(node))) for node in tree.nodes)


def test_the_matching_is_the_best_one() -> None:
    # Greedy would take 0.9 first and get 0.9 + 0; the best is 0.8 + 0.7.
    rows, columns = np.array([0, 0, 1]), np.array([0, 1, 0])
    assert sorted(assign(rows, columns, np.array([0.9, 0.8, 0.7]))) == [(0, 1), (1, 0)]
    assert assign(rows[:0], columns[:0], np.array([])) == []


def test_no_id_is_minted_twice() -> None:
    tree = make_tree(["care", "truth"], [0, 0])
    minted = value_ids([("care",), ("play",)], None)
    taken = tree.nodes[1].model_copy(update={"id": minted[1]})
    previous = Taxonomy.from_nodes([tree.nodes[0], taken, tree.nodes[2]], id="t", weight_unit="strings")
    ids = value_ids([("care",), ("play",), ("truth",)], previous)
    assert len(set(ids)) == 3
    assert minted[1] in ids
    assert ids[1] != minted[1]


# -- the number ------------------------------------------------------------------------------------------------


def changed(tree: Taxonomy, id: str, **fields: object) -> Taxonomy:
    nodes = [node.model_copy(update=fields) if node.id == id else node for node in tree.nodes]
    return tree.model_copy(update={"nodes": tuple(nodes)})


def test_the_version_rule() -> None:
    tree = make_tree(LABELS, [i // 4 for i in range(16)], [0, 0, 1, 1])
    assert bump(tree, tree) is None
    assert next_version(tree, tree) is None
    assert next_version(tree, changed(tree, "1:0", definition="What it means.")) == "1.0.1"
    assert next_version(tree, changed(tree, "0:0", weight=7.0)) == "1.0.1"
    assert next_version(tree, changed(tree, "1:0", label="other")) == "1.1.0"
    assert next_version(tree, changed(tree, "0:0", aliases=("Other",))) == "1.1.0"
    assert next_version(tree, changed(tree, "0:0", parent="1:1")) == "1.1.0"
    assert next_version(tree, changed(tree, "0:0", parent="1:2")) == "2.0.0"
    assert next_version(tree, changed(tree, "1:0", parent="2:1")) == "2.0.0"
    without = tree.model_copy(update={"nodes": tuple(node for node in tree.nodes if node.id != "0:0")})
    assert next_version(tree, without) == "2.0.0"
    assert next_version(without, tree) == "1.1.0"
    with pytest.raises(InputError, match="has no next"):
        next_version(tree.model_copy(update={"version": "spring"}), without)


def test_a_chain_of_retired_ids_stays_readable() -> None:
    tree = make_tree(["care", "truth"], [0, 0]).model_copy(
        update={"retired": (Retired(id="old", label="older", since="1.0.0", replaced_by=("1:0", "unknown")),)}
    )
    with pytest.raises(LookupFailedError, match=r"replaced by 1:0 \('n1x0'\) and unknown"):
        tree.node("old")
