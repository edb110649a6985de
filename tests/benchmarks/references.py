"""Agreement with two references: the visible half of the published tree, and a tree made from WordNet's nouns."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from taxonomy.model import Taxonomy
from taxonomy.values import ValueSet, read_values
from tests.benchmarks.content import (
    clusters_of,
    found_shares,
    group_sizes,
    joined_share,
    largest_share,
    one_word_share,
    repeating,
)
from tests.benchmarks.data import FIXTURE, PUBLISHED, SHARED, vectors_of

METHODS = ("average", "ward", "kmeans", "density")
# How much neighbours say, from nothing on.
ALPHAS = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7)


@dataclass(frozen=True)
class Reference:
    """A reference tree, and how its strings are built to be compared with it.

    Attributes
    ----------
    strings, tree : Path
        The values, and the tree in the layout of the published release.
    recipe : dict of str to object
        Fields of `taxonomy.Recipe`.
    sizes : tuple of int
        Of all levels above the values.
    """

    strings: Path
    tree: Path
    recipe: dict[str, Any]
    sizes: tuple[int, ...]

    def read(self) -> Taxonomy:
        """Return the tree; nodes under one parent that have one name, as synsets may, have their id behind it."""
        from taxonomy.formats.csv import read_taxonomy_csv

        rows = pd.read_csv(self.tree, dtype=str, keep_default_na=False)
        same = rows.duplicated(["level", "parent_cluster_id", "name"], keep=False)
        rows.loc[same, "name"] += " (" + rows["cluster_id"] + ")"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / self.tree.name
            rows.to_csv(path, index=False)
            return read_taxonomy_csv(path)


_WORDNET = SHARED / "wordnet-traits"
_ALL = {
    "published": Reference(PUBLISHED, PUBLISHED.with_name("reference_tree.csv"), {"levels": (266, 26)}, (266, 26, 5)),
    "wordnet": Reference(
        _WORDNET / "values.csv",
        _WORDNET / "reference_tree.csv",
        {"levels": (391, 126), "domains": None, "top": 4},
        (391, 126, 4),
    ),
}
# Those that lie beside the checkout.
REFERENCES = {name: one for name, one in _ALL.items() if one.tree.is_file()}


def agreement(model: str, method: str, name: str) -> dict[str, Any]:
    """Score a build against a reference."""
    import taxonomy

    reference = REFERENCES[name]
    tree = taxonomy.build(reference.strings, model=model, method=method, **reference.recipe).tree
    scores = taxonomy.compare(tree, reference.read()).scores
    return {
        "ami": [round(level.ami or 0, 3) for level in scores.levels],
        "domain_accuracy": round(scores.domain_accuracy, 3),
        "triplets": round(scores.triplets or 0, 3),
    }


def content(name: str) -> dict[str, Any]:
    """Count what a taxonomist sees of a build."""
    import taxonomy

    source, recipe = (FIXTURE, {}) if name == "fixture" else (REFERENCES[name].strings, REFERENCES[name].recipe)
    tree = taxonomy.build(source, **recipe).tree
    sizes = group_sizes(tree)
    return {
        "one_word": round(one_word_share(clusters_of(tree)), 3),
        "five_largest": round(largest_share(sizes), 3),
        "largest": sizes[0],
        "smallest": sizes[-1],
        "outlying": sum("outlying" in node.flags for node in tree.nodes if node.level == 1),
        "clusters": sum(sizes),
        "groups": len(sizes),
        "joined": [round(joined_share(tree, level), 3) for level in (1, 2)],
        "first": [round(share, 3) for share in found_shares(tree, 1)],
        "among_three": [round(share, 3) for share in found_shares(tree, 3)],
        "repeating": sum(repeating(tree)),
        "defined": len(repeating(tree)),
    }


def curve() -> dict[str, Any]:
    """Cluster the strings of the references with more and less of their neighbours, of any and of those in other words.

    Each point is the share of the published clusters that one word holds together, and the AMI of level 1 of each
    reference.
    """
    found: dict[str, Any] = {"points": []}
    sets = {name: _Clustered(one) for name, one in REFERENCES.items()}
    for apart in (False, True):
        for alpha in ALPHAS:
            labels = {name: one.cluster(alpha, apart=apart) for name, one in sets.items()}
            found["points"].append(
                {
                    "apart": apart,
                    "alpha": alpha,
                    "one_word": round(one_word_share(sets["published"].members(labels["published"])), 3),
                    "ami": {name: round(one.score([labels[name]])[0], 3) for name, one in sets.items()},
                }
            )
    return found


class _Clustered:
    """The strings of a reference with their domains, to be clustered in several ways."""

    def __init__(self, reference: Reference) -> None:
        from embeddings import load_encoder
        from taxonomy.building.pipeline import find_anchors
        from taxonomy.building.recipe import Recipe
        from taxonomy.clustering.recursion import Settings, build_hierarchy
        from taxonomy.clustering.sizes import allocate

        self._reference = reference
        self.values = read_values(reference.strings)
        self.vectors = vectors_of(reference.strings)
        self._settings = Settings("average", 0)
        self._roots = np.zeros(len(self.vectors), dtype=np.intp)
        if tops := Recipe(**reference.recipe).tops:
            anchors = find_anchors(tops, self.values, load_encoder())
            (layer,) = build_hierarchy(self.vectors, (), self._settings, anchors=anchors, n_top=len(tops))
            self._roots = layer.parents
        (self._shares,) = allocate(
            np.bincount(self._roots), reference.sizes[:1], min_children=2, root_children=2, exact=True
        )

    def cluster(self, alpha: float, *, apart: bool) -> NDArray[np.intp]:
        """Return the cluster of each value."""
        from taxonomy.clustering.recursion import build_layers
        from taxonomy.clustering.smoothing import sharpen, transition_matrices

        with threadpool_limits(1):
            walks = transition_matrices(self.vectors, self.values.labels)
            points = sharpen(self.vectors, walks[int(apart)], alpha)
            (layer,) = build_layers(points, self._roots, [self._shares], self._settings, lambda done, total: None)
        return layer.parents

    def members(self, labels: NDArray[np.intp]) -> Iterator[list[str]]:
        """Yield the values of each cluster."""
        for cluster in range(int(labels.max()) + 1):
            yield [self.values.labels[index] for index in np.flatnonzero(labels == cluster)]

    def score(self, partitions: Sequence[NDArray[np.intp]]) -> list[float]:
        """Return the AMI of each level."""
        return score(partitions, self.vectors, self.values, self._reference)


def score(
    partitions: Sequence[NDArray[np.intp]], vectors: NDArray[np.float32], values: ValueSet, reference: Reference
) -> list[float]:
    """Return the AMI of each level with the reference's, what was left out given to the nearest cluster."""
    from sklearn.metrics import adjusted_mutual_info_score

    tree = reference.read()
    known = {node.label: tree.path(node) for node in tree.leaves}
    rows = [
        (index, known[name])
        for index, value in enumerate(values.values)
        for name in (value.label, *value.aliases)
        if name in known
    ]
    at = [index for index, _ in rows]
    scores = []
    for level, labels in enumerate(partitions, 1):
        full = labels.copy()
        if (labels < 0).any():
            groups = np.unique(labels[labels >= 0])
            centers = np.stack([vectors[labels == group].mean(axis=0) for group in groups])
            centers /= np.linalg.norm(centers, axis=1, keepdims=True)
            out = labels < 0
            full[out] = groups[(vectors[out] @ centers.T).argmax(axis=1)]
        scores.append(float(adjusted_mutual_info_score([path[-1 - level].id for _, path in rows], full[at])))
    return scores
