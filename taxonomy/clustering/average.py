"""Average linkage: clusters as large as a topic is, where Ward's come out of like size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taxonomy.clustering import linkage
from taxonomy.clustering.exact import make_exact
from taxonomy.geometry import Labels, Points


def partition(points: Points, n_clusters: int, *, weights: Points, min_size: int, seed: int) -> Labels:
    """Cut the tree of average linkage into exactly `n_clusters` clusters; it has no random part.

    Points in clusters below `min_size` go to the nearest others. Parameters and result are those of
    `taxonomy.clustering.ward.partition`, points being unit vectors or means of them.
    """
    labels = linkage.cut(merges(points, weights), n_clusters, min_size)
    return make_exact(points, labels, n_clusters, weights=weights, min_size=min_size)


def merges(points: Points, weights: Points) -> NDArray[np.intp]:
    """Merge weighted points bottom up by the mean cosine distance between the members of two clusters.

    UPGMA (Sokal & Michener 1958, "A statistical method for evaluating systematic relationships"). The mean over all
    pairs of two sets of unit vectors is one less the product of the sets' means, so a point may stand for many.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        Unit vectors, or means of them.
    weights : ndarray of shape (n,)
        How many each stands for.

    Returns
    -------
    ndarray of shape (n - 1, 2)
        As `linkage.merges` returns them.
    """

    def update(
        first: Points, second: Points, height: float, first_weight: float, second_weight: float, weights: Points
    ) -> Points:
        return (first_weight * first + second_weight * second) / (first_weight + second_weight)

    return linkage.merges(1 - points @ points.T, weights, update)
