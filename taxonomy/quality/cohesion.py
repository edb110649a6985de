"""How well the nodes of a tree hold together in the embedding, without a reference.

Each figure stands beside that of a random tree: the same tree with its values permuted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taxonomy.geometry import cluster_means
from taxonomy.model import Taxonomy

SEED = 0
# Values whose silhouette is computed: all of a tree up to this many, else as many drawn.
SAMPLE = 4000
# Values of a node shown beside an intruder, as in the study, and tests on each level.
SHOWN = 5
_TESTS = 500
_BLOCK = 500


@dataclass(frozen=True, slots=True)
class LevelCohesion:
    """How well the nodes of one level hold together.

    Attributes
    ----------
    level, nodes : int
        The level, counted from the leaves, and its nodes that hold a value.
    silhouette, random_silhouette : float or None
        Mean silhouette by cosine distance, from -1 to 1, over all values or 4,000 that are drawn: of this level, and of
        a random partition of the same sizes. None for a single node.
    intruder, random_intruder : float or None
        Word intrusion: the share of 500 tests in which a value from outside a node is farther from up to five of its
        values than each of those is from the others. Of this level, and of a random partition of the same sizes. None
        where there is no node of two values with a value outside it.
    """

    level: int
    nodes: int
    silhouette: float | None
    random_silhouette: float | None
    intruder: float | None
    random_intruder: float | None


def measure_cohesion(tree: Taxonomy, vectors: NDArray[np.float32]) -> tuple[LevelCohesion, ...]:
    """Measure each level above the values, finest first.

    Parameters
    ----------
    tree : Taxonomy
    vectors : ndarray of shape (n_values, dimension)
        Unit vectors of the values, in the order of `tree.nodes`; those that are dormant don't count.

    Returns
    -------
    tuple of LevelCohesion
        The same for the same tree: what is drawn is drawn with a fixed seed.
    """
    live = np.array([not value.is_dormant for value in tree.leaves], dtype=bool)
    vectors = vectors if live.all() else vectors[live]
    shuffle = np.random.default_rng(SEED).permutation(len(vectors))
    cohesion = []
    for level, nodes in enumerate(tree.ancestors[:, live], 1):
        labels = np.unique(nodes, return_inverse=True)[1]
        shuffled = labels[shuffle]
        cohesion.append(
            LevelCohesion(
                level=level,
                nodes=int(labels.max()) + 1,
                silhouette=silhouette(vectors, labels),
                random_silhouette=silhouette(vectors, shuffled),
                intruder=intruders_found(vectors, labels),
                random_intruder=intruders_found(vectors, shuffled),
            )
        )
    return tuple(cohesion)


def silhouette(vectors: NDArray[np.float32], labels: NDArray[np.intp]) -> float | None:
    """Return the mean silhouette by cosine distance (Rousseeuw 1987).

    The mean cosine distance of a unit vector to a cluster is 1 minus its product with the cluster's mean vector, so no
    distance between two values is computed: the time is that of (values x nodes) products, and the figure exact.

    Parameters
    ----------
    vectors : ndarray of shape (n, dimension)
        Unit vectors.
    labels : ndarray of shape (n,)
        Clusters, numbered from 0 without a gap.

    Returns
    -------
    float or None
        From -1 to 1, over all values, or over `SAMPLE` drawn ones against all clusters; None for a single cluster.
    """
    n, sizes = len(labels), np.bincount(labels)
    if len(sizes) < 2:
        return None
    means = cluster_means(vectors, labels)
    drawn = np.arange(n) if n <= SAMPLE else np.random.default_rng(SEED).choice(n, SAMPLE, replace=False)
    total = 0.0
    for start in range(0, len(drawn), _BLOCK):
        rows = drawn[start : start + _BLOCK]
        distances = (1 - vectors[rows] @ means.T).astype(np.float64)
        positions, own = np.arange(len(rows)), labels[rows]
        # A vector is not its own neighbour.
        inside = distances[positions, own] * sizes[own] / np.maximum(sizes[own] - 1, 1)
        distances[positions, own] = np.inf
        outside = distances.min(axis=1)
        widest = np.maximum(inside, outside)
        # Less is not a distance but the rounding of one.
        scores = np.divide(outside - inside, widest, out=np.zeros(len(rows)), where=widest > 1e-6)
        # By convention, what is alone scores 0.
        total += float(scores[sizes[own] > 1].sum())
    return total / len(drawn)


def intruders_found(vectors: NDArray[np.float32], labels: NDArray[np.intp]) -> float | None:
    """Return how often a value from outside a node is recognised among the node's values.

    Word intrusion (Chang et al. 2009) with the embedding in place of the judge. A test shows up to `SHOWN` values of a
    node and one from outside it, all drawn at random. The intruder is found if its mean cosine distance to the
    members shown is larger than that of each member to the other members.

    Parameters
    ----------
    vectors : ndarray of shape (n, dimension)
        Unit vectors.
    labels : ndarray of shape (n,)
        Clusters, numbered from 0 without a gap.

    Returns
    -------
    float or None
        Share of `_TESTS` tests, spread evenly over the clusters of two values or more; None where there is none, or
        no value outside it.
    """
    sizes = np.bincount(labels)
    testable = np.flatnonzero(sizes >= 2)
    if len(sizes) < 2 or not len(testable):
        return None
    rng = np.random.default_rng(SEED)
    order = np.argsort(labels, kind="stable")
    starts = np.cumsum(sizes) - sizes
    detected = 0
    for node in np.resize(rng.permutation(testable), _TESTS):
        start, size = starts[node], sizes[node]
        members = order[start + rng.choice(size, min(SHOWN, size), replace=False)]
        place = rng.integers(len(labels) - size)
        intruder = order[place if place < start else place + size]
        shown = vectors[members]
        likeness = shown @ shown.T
        inside = (likeness.sum(axis=1) - likeness.diagonal()) / (len(members) - 1)
        detected += bool((shown @ vectors[intruder]).mean() < inside.min())
    return detected / _TESTS
