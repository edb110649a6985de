"""Groups of like standing: Ward's, whose members then move to the nearest group that has room for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from taxonomy.clustering import ward
from taxonomy.clustering.exact import relabel
from taxonomy.geometry import Labels, Points, centroids, squared_distances

# The bounds on a group's members, as multiples of the mean; the lower one holds from so many groups on.
_LEAST, _MOST, _MANY = 0.3, 3.0, 20
# The five largest of many groups hold at most this part of all members.
_FIVE_LARGEST = 0.38
# Rounds after which members stay; some ten are needed.
_ROUNDS = 100


@dataclass(frozen=True)
class Balanced:
    """A partition into groups of which none is a catch-all.

    Attributes
    ----------
    least, most : int
        Members of a group. They give way where so many points in so few groups can't keep them.
    """

    least: int
    most: int

    @classmethod
    def of(cls, n_points: int, n_groups: int) -> Self:
        """Return the partition of a level: both are of the whole level, of which a call sees a part."""
        mean = n_points / n_groups
        if n_groups < _MANY:
            return cls(1, int(_MOST * mean))
        return cls(int(_LEAST * mean), int(min(_MOST * mean, _FIVE_LARGEST * n_points / 5)))

    def __call__(self, points: Points, n_clusters: int, *, weights: Points, min_size: int, seed: int) -> Labels:
        """Cut Ward's tree, then move points to the nearest mean until none moves.

        K-means with bounds on the sizes (Bradley, Bennett & Demiriz 2000, "Constrained k-means clustering") from a
        hierarchical start (Milligan 1980, "An examination of the effect of six types of error perturbation on fifteen
        clustering algorithms"): what was merged early and turned out wrong can still leave. Parameters and result are
        those of `taxonomy.clustering.ward.partition`.
        """
        fit = len(points) / n_clusters
        least, most = min(max(min_size, self.least), int(fit)), max(self.most, int(np.ceil(fit)))
        labels = ward.partition(points, n_clusters, weights=weights, min_size=least, seed=seed)
        for _ in range(_ROUNDS):
            means, _ = centroids(points, labels, weights)
            moved = assign_bounded(weights[:, None] * squared_distances(points, means), least, most)
            if np.array_equal(moved, labels):
                break
            labels = moved
        return relabel(labels)


def assign_bounded(cost: Points, least: int, most: int) -> Labels:
    """Return the group of each point so that the sum of costs is least, with `least` to `most` points a group.

    Successive shortest paths (Ahuja, Magnanti & Orlin 1993, "Network flows", sec. 9.7). Each point begins in its
    nearest group; then one point at a time goes from where there are too many to where there are too few, or through
    groups between, by the cheapest moves. SciPy's assignment wants a column for every place in every group, and takes
    a hundred times as long.

    Parameters
    ----------
    cost : ndarray of shape (n, k)
        Of each point in each group.
    """
    n_groups = cost.shape[1]
    labels: Labels = cost.argmin(axis=1)
    sizes = np.bincount(labels, minlength=n_groups)
    moves = np.empty((n_groups, n_groups))
    movers = np.empty((n_groups, n_groups), dtype=np.intp)
    changed: list[int] = list(range(n_groups))
    while sizes.max() > most or sizes.min() < least:
        for group in changed:
            moves[group], movers[group] = _cheapest_moves(cost, np.flatnonzero(labels == group), group)
        path = _shortest_path(moves, sizes, least, most)
        for start, end in path:
            labels[movers[start, end]] = end
        sizes = np.bincount(labels, minlength=n_groups)
        changed = sorted({group for step in path for group in step})
    return labels


def _cheapest_moves(cost: Points, members: Labels, group: int) -> tuple[Points, Labels]:
    """Return what it costs to move a member of a group to each other, and the member that it costs least."""
    if not len(members):
        return np.full(cost.shape[1], np.inf), np.zeros(cost.shape[1], dtype=np.intp)
    more = cost[members] - cost[members, group, None]
    more[:, group] = np.inf
    return more.min(axis=0), members[more.argmin(axis=0)]


def _shortest_path(moves: Points, sizes: Labels, least: int, most: int) -> list[tuple[int, int]]:
    """Return the moves between groups by which the sizes come nearer to their bounds at the least cost.

    The last node of the graph stands for room: a group within its bounds may take one more, or give one away.
    """
    n_groups = len(sizes)
    edges = np.full((n_groups + 1, n_groups + 1), np.inf)
    edges[:-1, :-1] = moves
    edges[:-1, -1] = np.where((least <= sizes) & (sizes < most), 0.0, np.inf)
    edges[-1, :-1] = np.where(sizes > least, 0.0, np.inf)
    missing = int(np.maximum(least - sizes, 0).sum() - np.maximum(sizes - most, 0).sum())
    sources = np.append(sizes > most, missing > 0)
    sinks = np.append(sizes < least, missing < 0)
    distance = np.where(sources, 0.0, np.inf)
    before = np.full(n_groups + 1, -1)
    # Rounding must not make a way round look like a gain.
    tie = 1e-12 * (1 + np.abs(moves[np.isfinite(moves)]).max(initial=0.0))
    while True:
        through = distance[:, None] + edges
        nearest = through.argmin(axis=0)
        nearer = through[nearest, np.arange(n_groups + 1)] < distance - tie
        if not nearer.any():
            break
        distance[nearer] = through[nearest, np.arange(n_groups + 1)][nearer]
        before[nearer] = nearest[nearer]
    node = int(np.where(sinks, distance, np.inf).argmin())
    path = []
    while before[node] >= 0:
        path.append((int(before[node]), node))
        node = int(before[node])
    return [(start, end) for start, end in reversed(path) if n_groups not in (start, end)]
