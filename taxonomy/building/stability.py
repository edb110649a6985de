"""How often the nodes of a tree come back when it is built again, with another seed or with fewer values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from embeddings.progress import Progress
from taxonomy.model import Taxonomy

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
    """What `stability` found.

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


def stability(
    tree: Taxonomy,
    rebuild: Rebuild,
    *,
    runs: int = 10,
    progress: Progress | None = None,
) -> Stability:
    """Build a tree again and again and count how often each node comes back.

    Cluster-wise assessment of stability by resampling (Hennig 2007, "Cluster-wise assessment of cluster stability"),
    each run with a seed of its own; every other run, the second first, on a random 90% of the values.

    Parameters
    ----------
    tree : Taxonomy
    rebuild : callable
        Builds the levels again; see `Rebuild`.
    runs : int
        Two at least, so that there is one of each kind.
    progress : callable, optional
        Told (runs done, runs in all).

    Returns
    -------
    Stability
    """
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


def with_stability(tree: Taxonomy, found: Stability) -> Taxonomy:
    """Return the tree with the figure of each node on it."""
    nodes = [node.model_copy(update={"stability": found.nodes.get(node.id)}) for node in tree.nodes]
    fields = {
        name: getattr(tree, name) for name in type(tree).model_fields if name not in ("nodes", "levels", "digest")
    }
    return Taxonomy.from_nodes(nodes, level_names=[level.name for level in tree.levels], **fields)


def _best_matches(
    old: NDArray[np.intp], new: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.intp]]:
    """Return each cluster of `old`, its highest Jaccard similarity with one of `new`, and which that is."""
    from scipy.sparse import coo_array

    nodes, one = np.unique(old, return_inverse=True)
    others, other = np.unique(new, return_inverse=True)
    overlap = coo_array((np.ones(len(old)), (one, other)), shape=(len(nodes), len(others))).tocsr()
    overlap.sum_duplicates()
    rows = np.repeat(np.arange(len(nodes)), np.diff(overlap.indptr))
    union = np.bincount(one)[rows] + np.bincount(other)[overlap.indices] - overlap.data
    jaccard = overlap.data / union
    # Of the pairs of a row, sorted by similarity, the last is the best.
    order = np.lexsort((-overlap.indices, jaccard, rows))
    best = order[np.cumsum(np.diff(overlap.indptr)) - 1]
    return nodes, jaccard[best], others[overlap.indices[best]]
