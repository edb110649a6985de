"""From vectors to a hierarchy: domains by affinity, then each level built from the one below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from embeddings.arrays import normalize, one_thread
from embeddings.neighbors import nearest_neighbors
from embeddings.progress import Progress
from taxonomy.clustering.affinity import domain_affinity
from taxonomy.clustering.many import partition_many
from taxonomy.clustering.methods import METHODS, Partition
from taxonomy.clustering.sizes import allocate
from taxonomy.clustering.smoothing import sharpen, transition_matrices, transition_matrix
from taxonomy.errors import LevelsError
from taxonomy.geometry import (
    Labels,
    Points,
    centroids,
    confidence,
    distance_to,
    squared_distances,
    two_nearest,
)

# Nearest clusters among which a point's runner-up is sought.
RIVALS = 64


@dataclass(frozen=True)
class Anchors:
    """Example values of the domains.

    Attributes
    ----------
    vectors : ndarray of shape (m, dimension)
        Unit vectors of the examples.
    domains : ndarray of shape (m,)
        Domain of each, 0 to D - 1.
    known : ndarray of shape (n,)
        Domain of the values that are an example, -1 for the others.
    """

    vectors: NDArray[np.float32]
    domains: Labels
    known: Labels

    @property
    def n_domains(self) -> int:
        """Number of domains."""
        return int(self.domains.max()) + 1


@dataclass(frozen=True)
class Layer:
    """The parents of the nodes of one level.

    Attributes
    ----------
    parents : ndarray of shape (n,)
        Node of the level above, 0 to K - 1.
    confidence : ndarray of shape (n,)
        From 0 to 1; 0.5 is a tie with the runner-up.
    runner_up : ndarray of shape (n,)
        The next best node of the level above, -1 where there is no other.
    outlying : ndarray of shape (n,), bool
        Nodes that fit none of the level above; no value, and no node right below a domain.
    """

    parents: Labels
    confidence: Points
    runner_up: Labels
    outlying: NDArray[np.bool_]


@dataclass(frozen=True)
class Settings:
    """How each level is clustered.

    Attributes
    ----------
    method : {"average", "ward", "kmeans", "density"}
    seed : int
    min_children : int
        Children that each node has at least, wherever a domain has values enough.
    exact : bool
        Whether the sizes of the levels must be met; if not, the nearest sizes that fit are taken.
    """

    method: str
    seed: int
    min_children: int = 2
    exact: bool = True


def build_hierarchy(
    vectors: NDArray[np.float32],
    sizes: Sequence[int],
    settings: Settings,
    *,
    anchors: Anchors | None,
    n_top: int,
    labels: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> list[Layer]:
    """Cluster values into levels that end at the domains or at a data-driven top.

    Parameters
    ----------
    vectors : ndarray of shape (n, dimension)
        Unit vectors of the values.
    sizes : sequence of int
        Nodes of each level between values and top, finest first.
    settings : Settings
    anchors : Anchors or None
        Examples of the domains; None for a top found in the data.
    n_top : int
        Nodes of a data-driven top.
    labels : sequence of str, optional
        The values, so that those that share a word are not clustered for that.
    progress : callable, optional
        Called with (steps done, steps in all): the affinity to the domains, the sharpened vectors, and each level.

    Returns
    -------
    list of Layer
        One for each level below the top, finest first.

    Raises
    ------
    LevelsError
        If `sizes` don't fit and must be met, or if `n_top` does not fit.
    """
    # One thread, so that sums are taken in the same order on every machine.
    with one_thread():
        done = progress or (lambda step, steps: None)
        steps = 2 + len(sizes) + (anchors is None)
        # A word that two values share often speaks for one domain, but is no reason to be in one cluster.
        usual, apart = _transitions(vectors, labels)
        points = sharpen(vectors, apart)
        done(1, steps)
        if anchors is None:
            done(2, steps)
            roots = np.zeros(len(vectors), dtype=np.intp)
            counts = np.array([len(vectors)])
            shares = allocate(
                counts, [*sizes, n_top], min_children=settings.min_children, root_children=1, exact=settings.exact
            )
            if shares[-1].sum() != n_top:
                fits = int(shares[-1].sum())
                raise LevelsError(f"`top` is {n_top}, and these values and levels allow {fits}", remedy="ask for that")
            return build_layers(points, roots, shares, settings, done)
        affinity = domain_affinity(vectors, usual, anchors.vectors, anchors.domains, anchors.known)
        done(2, steps)
        roots = affinity.argmax(axis=1)
        counts = np.bincount(roots, minlength=anchors.n_domains)
        least = settings.min_children
        shares = allocate(counts, sizes, min_children=least, root_children=least, exact=settings.exact)
        layers = build_layers(points, roots, shares, settings, done)
        return [*layers, _domain_layer(affinity, roots, layers)]


def _transitions(vectors: NDArray[np.float32], labels: Sequence[str] | None) -> tuple[sp.csr_array, sp.csr_array]:
    """Return the random walks by which domains are told, and by which vectors are sharpened."""
    if labels is not None:
        return transition_matrices(vectors, labels)
    any_neighbors = transition_matrix(vectors)
    return any_neighbors, any_neighbors


def build_layers(
    points: Points, roots: Labels, shares: Sequence[Labels], settings: Settings, done: Progress
) -> list[Layer]:
    """Build each level from the level below, inside each root, `shares` being what `allocate` returns."""
    method = METHODS[settings.method]
    weights = np.ones(len(points))
    layers: list[Layer] = []
    if shares:
        points = method.project(points, settings.seed)
    for step, share in enumerate(shares):
        cut = method.above(len(points), int(share.sum())) if step else method.values
        labels = _within(roots, points, weights, share, cut, settings)
        centers, mass = centroids(points, labels, weights)
        outlying = _fits_none(points, weights, labels, centers, mass) if step else np.zeros(len(points), dtype=np.bool_)
        layers.append(Layer(labels, *_placements(points, weights, labels, centers, mass), outlying))
        roots = _first(roots, labels)
        points, weights = centers, mass
        done(3 + step, 2 + len(shares))
    return layers


def _within(
    roots: Labels, points: Points, weights: Points, share: Labels, cut: Partition, settings: Settings
) -> Labels:
    """Cut the points of each root into its share of clusters; labels are numbered across roots."""
    labels = np.empty(len(points), dtype=np.intp)
    offset = 0
    for root, n_clusters in enumerate(share):
        members = np.flatnonzero(roots == root)
        if not len(members):
            continue
        labels[members] = offset
        if n_clusters > 1:
            labels[members] += partition_many(
                cut,
                points[members],
                int(n_clusters),
                weights=weights[members],
                min_size=settings.min_children,
                seed=settings.seed,
            )
        offset += int(n_clusters)
    return labels


def _first(roots: Labels, labels: Labels) -> Labels:
    """Return the root of each cluster."""
    roots_of = np.empty(labels.max() + 1, dtype=np.intp)
    roots_of[labels] = roots
    return roots_of


def _placements(
    points: Points, weights: Points, labels: Labels, centers: Points, mass: Points
) -> tuple[NDArray[np.float64], Labels]:
    """Return the simplified silhouette (Hruschka et al. 2004) of each point, from 0 to 1, and its runner-up.

    A point is left out of its own cluster's mean, else small clusters would always look sure. Its runner-up is sought
    among the 64 clusters nearest to its own, so that time grows with the points alone.
    """
    n_clusters = len(centers)
    sure = np.ones(len(points))
    runner_up = np.full(len(points), -1, dtype=np.intp)
    if n_clusters == 1:
        return sure, runner_up
    rivals = np.sort(nearest_neighbors(normalize(centers).astype(np.float32), RIVALS)[0], axis=1)
    order = np.argsort(labels, kind="stable")
    for cluster, members in enumerate(np.split(order, np.cumsum(np.bincount(labels))[:-1])):
        others = rivals[cluster]
        part = points[members].astype(np.float64)
        rest = mass[cluster] - weights[members]
        scale = np.divide(mass[cluster], rest, out=np.ones(len(part)), where=rest > 0)
        near = np.sqrt(squared_distances(part, centers[cluster : cluster + 1])[:, 0]) * scale
        cost = squared_distances(part, centers[others])
        best = cost.argmin(axis=1)
        far = np.sqrt(cost[np.arange(len(part)), best])
        sure[members] = confidence(near, far)
        runner_up[members] = others[best]
    return sure, runner_up


def _fits_none(points: Points, weights: Points, labels: Labels, centers: Points, mass: Points) -> NDArray[np.bool_]:
    """Return which points lie nearer to the mean of all others than to the mean of any cluster, left out of its own."""
    own = distance_to(points, weights, labels, centers, mass)
    nearest, _, near, far = two_nearest(points, centers)
    everything = np.zeros(len(points), dtype=np.intp)
    whole = distance_to(points, weights, everything, *centroids(points, everything, weights))
    return np.asarray(np.minimum(own, np.where(nearest == labels, far, near)) > whole)


def _domain_layer(affinity: Points, roots: Labels, layers: list[Layer]) -> Layer:
    """Return the layer below the domains, its confidence from the mean affinity of the values of each node."""
    nodes = np.arange(len(roots))
    for layer in layers:
        nodes = layer.parents[nodes]
    parents = _first(roots, nodes)
    mean, _ = centroids(affinity, nodes, np.ones(len(nodes)))
    rows = np.arange(len(parents))
    own = mean[rows, parents].copy()
    nowhere = np.zeros(len(parents), dtype=np.bool_)
    if mean.shape[1] == 1:
        return Layer(parents, np.ones(len(parents)), np.full(len(parents), -1, dtype=np.intp), nowhere)
    mean[rows, parents] = -1.0
    runner_up = mean.argmax(axis=1)
    return Layer(parents, own / (own + mean[rows, runner_up]), runner_up, nowhere)
