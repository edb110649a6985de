"""Groups of like standing: Ward's, whose members then move to the nearest group that has room for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.optimize import linear_sum_assignment

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
            moved = _assign(weights[:, None] * squared_distances(points, means), least, most)
            if np.array_equal(moved, labels):
                break
            labels = moved
        return relabel(labels)


def _assign(cost: Points, least: int, most: int) -> Labels:
    """Return the group of each point so that the sum of costs is least, with `least` to `most` points a group.

    Parameters
    ----------
    cost : ndarray of shape (n, k)
        Of each point in each group.
    """
    n_groups = cost.shape[1]
    nearest: Labels = cost.argmin(axis=1)
    sizes = np.bincount(nearest, minlength=n_groups)
    if least <= sizes.min() and sizes.max() <= most:
        return nearest
    # A place for each member that a group may have; all of those that it must have are taken, at a reward.
    groups = np.repeat(np.arange(n_groups), most)
    required = np.tile(np.arange(most) < least, n_groups)
    _, places = linear_sum_assignment(cost[:, groups] - required * (1 + cost.max() * len(cost)))
    return np.asarray(groups[places])
