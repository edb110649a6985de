"""Stability: what comes back counts, what does not does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from taxonomy.building.stability import count_returns
from taxonomy.model import Taxonomy
from tests.conftest import examples
from tests.trees import make_tree, trees

LABELS = [f"value {number:02}" for number in range(40)]


def same(tree: Taxonomy, kept: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    return tree.ancestors[:, kept] + 1000


@examples(25)
@given(trees(LABELS))
def test_a_tree_that_always_comes_back_is_wholly_stable(tree: Taxonomy) -> None:
    found = count_returns(tree, lambda kept, seed: same(tree, kept, seed), runs=4)
    assert set(found.nodes) == {node.id for node in tree.nodes}
    assert set(found.nodes.values()) == {1.0}
    for level in found.levels:
        assert level.seeds == pytest.approx(1)
        assert level.subsamples == pytest.approx(1)


@examples(25)
@given(trees(LABELS), st.integers(0, 9))
def test_figures_are_shares_of_runs(tree: Taxonomy, seed: int) -> None:
    def shuffled(kept: NDArray[np.intp], run: int) -> NDArray[np.intp]:
        rng = np.random.default_rng((seed, run))
        return tree.ancestors[:, rng.permutation(40)[: len(kept)]]

    found = count_returns(tree, shuffled, runs=4)
    assert all(figure * 4 == pytest.approx(round(figure * 4)) or figure < 1 for figure in found.nodes.values())
    assert all(0 <= figure <= 1 for figure in found.nodes.values())


def test_a_node_that_falls_apart_is_not_stable_and_its_neighbour_is() -> None:
    tree = make_tree(LABELS, [index // 10 for index in range(40)], [0, 0, 1, 1])

    def torn(kept: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
        rows = tree.ancestors[:, kept]
        # The first node's values go to five nodes of two.
        rows[0] = np.where(kept < 10, 100 + kept // 2, rows[0])
        return rows

    found = count_returns(tree, torn, runs=6)
    assert found.nodes["1:0"] == 0
    assert [found.nodes[f"1:{node}"] for node in (1, 2, 3)] == [1, 1, 1]
    assert found.nodes["2:0"] == 1
    assert max(found.nodes[f"0:{value}"] for value in range(2, 10)) <= 0.5
    assert found.levels[0].seeds is not None
    assert 0.5 < found.levels[0].seeds < 1
    assert found.levels[1].seeds == 1


def test_the_figures_are_written_on_the_nodes() -> None:
    tree = make_tree(LABELS, [index // 10 for index in range(40)], [0, 0, 1, 1])
    marked = count_returns(tree, lambda kept, seed: same(tree, kept, seed), runs=2).add_to(tree)
    assert {node.stability for node in marked.nodes} == {1.0}
    assert [node.model_copy(update={"stability": None}) for node in marked.nodes] == list(tree.nodes)
    assert marked.digest != tree.digest
