"""The clustering methods by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from taxonomy.clustering import average, density, kmeans, ward
from taxonomy.clustering.balanced import Balanced
from taxonomy.geometry import Labels, Points


class Partition(Protocol):
    """What cuts weighted points into exactly `n_clusters` clusters of `min_size` points or more."""

    def __call__(self, points: Points, n_clusters: int, *, weights: Points, min_size: int, seed: int) -> Labels:
        """Return labels 0 to ``n_clusters - 1``, shape (n,)."""


@dataclass(frozen=True)
class Method:
    """A clustering method.

    Attributes
    ----------
    values : Partition
        What cuts the values.
    above : callable
        Called with the nodes of a level and the groups to make of them; returns what cuts that level.
    project : callable
        Called with points and a seed; returns the points where they are compared.
    """

    values: Partition
    above: Callable[[int, int], Partition]
    project: Callable[[Points, int], Points] = lambda points, seed: points


METHODS = {
    "average": Method(average.partition, Balanced.of),
    "ward": Method(ward.partition, lambda n_points, n_groups: ward.partition),
    "kmeans": Method(kmeans.partition, lambda n_points, n_groups: kmeans.partition),
    "density": Method(density.partition, Balanced.of, density.project),
}
