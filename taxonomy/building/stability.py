"""How often the nodes of a tree come back when it is built again, with another seed or with fewer values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from operator import attrgetter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder
from embeddings.progress import Progress
from taxonomy.building.defaults import RUNS
from taxonomy.building.pipeline import find_anchors
from taxonomy.building.recipe import Recipe
from taxonomy.clustering.recursion import Settings, build_hierarchy
from taxonomy.errors import InputError, check_type
from taxonomy.model import Taxonomy
from taxonomy.quality.vectors import tree_encoder
from taxonomy.values import Value, ValueSet, value_keys

# Share of the values that a run on a subsample keeps.
KEPT = 0.9
# From this Jaccard similarity on a cluster counts as the same: below it, it is dissolved (Hennig 2008, sec. 4).
SAME = 0.5


class Rebuild(Protocol):
    """What builds a tree's levels again from some of its values."""

    def __call__(self, kept: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
        """Return the ancestors of the values `kept`, finest level first, shape (n_levels - 1, len(kept))."""


@dataclass(frozen=True, slots=True)
class LevelStability:
    """How far one level comes back.

    Attributes
    ----------
    level : int
        Counted from the leaves.
    seeds, subsamples : float or None
        Mean adjusted mutual information with the tree, over runs with another seed on all values, and over runs with
        another seed on 90% of them; None where there was no such run.
    """

    level: int
    seeds: float | None
    subsamples: float | None


@dataclass(frozen=True, slots=True)
class Stability:
    """What `measure_stability` found.

    Attributes
    ----------
    levels : tuple of LevelStability
        Finest first.
    nodes : dict of str to float
        Share of the runs in which a node came back, 0 to 1, by id. A node above the values comes back where a node of
        the new tree's level has a Jaccard similarity of at least 0.5 with it; a value where it is in the node that is
        most like its parent.
    """

    levels: tuple[LevelStability, ...]
    nodes: dict[str, float]

    def add_to(self, tree: Taxonomy) -> Taxonomy:
        """Return the tree with each node's share on it, as its `stability`."""
        return tree.with_nodes(node.model_copy(update={"stability": self.nodes.get(node.id)}) for node in tree.nodes)


def measure_stability(
    tree: Taxonomy, *, runs: int = RUNS, model: str | None = None, progress: Progress | None = None
) -> Stability:
    """Build a tree again and again and count how often each node comes back.

    Cluster-wise assessment of stability by resampling (Hennig 2007, "Cluster-wise assessment of cluster stability"),
    each run with a seed of its own; every other run, the second first, on a random 90% of the values.

    Parameters
    ----------
    tree : Taxonomy
        Its provenance says how it was built.
    runs : int
        Two at least, so that there is one of each kind; 10 by default.
    model : str, optional
        The embedding model; by default the one that the tree was built with.
    progress : callable, optional
        Called with (runs done, runs in all).

    Returns
    -------
    Stability
        With `levels` (mean adjusted mutual information), `nodes` (the share of runs in which each came back, by id),
        and `add_to(tree)`.

    Raises
    ------
    InputError
        If the tree does not say how it was built.
    embeddings.EmbeddingError
        If the model is not there.
    """
    check_type(tree, Taxonomy, "tree", "give a Taxonomy, as taxonomy.read returns it")
    if runs < 2:
        raise InputError(f"`runs` is {runs}", remedy="give 2 or more")
    encoder = tree_encoder(tree, model)
    vectors = encoder.encode([node.label for node in tree.leaves])
    return count_returns(tree, _rebuilder(tree, vectors, encoder), runs=runs, progress=progress)


def count_returns(tree: Taxonomy, rebuild: Rebuild, *, runs: int, progress: Progress | None = None) -> Stability:
    """Count how often each node comes back in so many runs of `rebuild`."""
    from sklearn.metrics import adjusted_mutual_info_score

    before = tree.ancestors
    n_levels, n_values = before.shape
    came_back = np.zeros(len(tree.nodes))
    present = np.zeros(len(tree.nodes))
    value_at = np.array([index for index, node in enumerate(tree.nodes) if node.level == 0])
    scores: list[list[list[float]]] = [[[], []] for _ in range(n_levels)]
    for run in range(runs):
        kept = np.arange(n_values)
        if subsample := run % 2:
            drawn = np.random.default_rng(run).permutation(n_values)
            kept = np.sort(drawn[: max(1, round(KEPT * n_values))])
        after = rebuild(kept, run + 1)
        for level in range(n_levels):
            old, new = before[level, kept], after[level]
            scores[level][subsample].append(float(adjusted_mutual_info_score(old, new)))
            nodes, jaccard, match = _best_matches(old, new)
            present[nodes] += 1
            came_back[nodes[jaccard >= SAME]] += 1
            if level == 0:
                present[value_at[kept]] += 1
                at_home = match[np.searchsorted(nodes, old)] == new
                came_back[value_at[kept[at_home]]] += 1
        if progress is not None:
            progress(run + 1, runs)
    return Stability(
        levels=tuple(
            LevelStability(level, *(float(np.mean(kind)) if kind else None for kind in kinds))
            for level, kinds in enumerate(scores, 1)
        ),
        nodes={
            node.id: round(float(came_back[index] / present[index]), 6)
            for index, node in enumerate(tree.nodes)
            if present[index]
        },
    )


def _rebuilder(tree: Taxonomy, vectors: NDArray[np.float32], encoder: Encoder) -> Rebuild:
    """Return what builds the levels of a tree again, as `count_returns` asks for it.

    Parameters
    ----------
    tree : Taxonomy
        Its provenance says how it was built.
    vectors : ndarray of shape (n_values, dimension)
        Of its values, in the order of `tree.leaves`.
    encoder : Encoder
        What embedded them, for the domains' examples.

    Raises
    ------
    InputError
        If the tree does not say how it was built.
    """
    recipe = Recipe.of(tree)
    # The order in which a build sees them, which decides ties.
    keys = value_keys(node.label for node in tree.leaves)
    by_key = np.argsort(keys, kind="stable")
    values = (Value(key, node.label, node.aliases, node.weight) for key, node in zip(keys, tree.leaves, strict=True))
    ordered = tuple(sorted(values, key=attrgetter("key")))
    value_set = ValueSet(ordered, (), tree.weight_unit, rows=len(ordered), repeats=0)
    anchors = find_anchors(recipe.tops, value_set, encoder) if recipe.tops else None

    def rebuild(kept: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
        is_kept = np.zeros(len(ordered), dtype=bool)
        is_kept[kept] = True
        chosen = is_kept[by_key]
        layers = build_hierarchy(
            vectors[by_key][chosen],
            [level.size for level in tree.levels[1:-1]],
            Settings(recipe.method, seed, recipe.min_children, exact=False),
            anchors=None if anchors is None else dataclasses.replace(anchors, known=anchors.known[chosen]),
            n_top=tree.levels[-1].size,
            labels=[value.label for value, stays in zip(ordered, chosen, strict=True) if stays],
        )
        place = np.empty(len(ordered), dtype=np.intp)
        place[by_key[chosen]] = np.arange(len(kept))
        at = place[kept]
        rows = []
        for layer in layers:
            at = layer.parents[at]
            rows.append(at)
        return np.stack(rows)

    return rebuild


def _best_matches(
    old: NDArray[np.intp], new: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.intp]]:
    """Return each cluster of `old`, its highest Jaccard similarity with one of `new`, and which that is."""
    from scipy.sparse import coo_array

    nodes, old_rows = np.unique(old, return_inverse=True)
    others, new_rows = np.unique(new, return_inverse=True)
    overlap = coo_array((np.ones(len(old)), (old_rows, new_rows)), shape=(len(nodes), len(others))).tocsr()
    overlap.sum_duplicates()
    rows = np.repeat(np.arange(len(nodes)), np.diff(overlap.indptr))
    union = np.bincount(old_rows)[rows] + np.bincount(new_rows)[overlap.indices] - overlap.data
    jaccard = overlap.data / union
    # Of the pairs of a row, sorted by similarity, the last is the best.
    order = np.lexsort((-overlap.indices, jaccard, rows))
    best = order[np.cumsum(np.diff(overlap.indptr)) - 1]
    return nodes, jaccard[best], others[overlap.indices[best]]
