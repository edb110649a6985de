"""K-means at each level: the recipe of the paper and of Clio."""

from __future__ import annotations

from taxonomy.clustering.exact import make_exact
from taxonomy.geometry import Labels, Points


def partition(points: Points, n_clusters: int, *, weights: Points, min_size: int, seed: int) -> Labels:
    """Partition by weighted k-means (k-means++ start, the best of four) into exactly `n_clusters`.

    Parameters and result are those of `taxonomy.clustering.ward.partition`.
    """
    from sklearn.cluster import KMeans

    model = KMeans(n_clusters=n_clusters, n_init=4, random_state=seed)
    labels = model.fit_predict(points, sample_weight=weights)
    return make_exact(points, labels.astype(int), n_clusters, weights=weights, min_size=min_size)
