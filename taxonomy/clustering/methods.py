"""The clustering methods by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from taxonomy.clustering import average, density, kmeans, ward
from taxonomy.geometry import Labels, Points


class Partition(Protocol):
    """What cuts weighted points into exactly `n_clusters` clusters of `min_size` points or more."""

    def __call__(self, points: Points, n_clusters: int, *, weights: Points, min_size: int, seed: int) -> Labels:
        """Return labels 0 to ``n_clusters - 1``, shape (n,)."""


@dataclass(frozen=True)
class Method:
    """A clustering method: where points are compared, what cuts the values, and what cuts the levels above."""

    values: Partition
    above: Partition
    project: Callable[[Points, int], Points] = lambda points, seed: points


METHODS = {
    "average": Method(average.partition, ward.relocate),
    "ward": Method(ward.partition, ward.partition),
    "kmeans": Method(kmeans.partition, kmeans.partition),
    "density": Method(density.partition, ward.relocate, density.project),
}
