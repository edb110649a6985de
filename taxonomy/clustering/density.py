"""UMAP and HDBSCAN: clusters where values lie dense, the rest placed in the nearest of them."""

from __future__ import annotations

import numpy as np

from taxonomy.clustering.exact import make_exact
from taxonomy.clustering.quiet_umap import umap_class
from taxonomy.geometry import Labels, Points

N_NEIGHBORS = 15
_N_COMPONENTS = 10
_MIN_CLUSTER_SIZES = (20, 15, 10, 8, 6, 5, 4, 3, 2)


def project(points: Points, seed: int) -> Points:
    """Return the points in the space where densities are compared: UMAP by cosine, 10 dimensions.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    seed : int

    Returns
    -------
    ndarray of shape (n, min(10, n - 2))
    """
    n = len(points)
    model = umap_class()(
        n_neighbors=min(N_NEIGHBORS, n - 1),
        n_components=max(1, min(_N_COMPONENTS, n - 2)),
        min_dist=0.0,
        metric="cosine",
        random_state=seed,
        n_jobs=1,
    )
    return np.asarray(model.fit_transform(points.astype(np.float32)), dtype=np.float64)


def partition(points: Points, n_clusters: int, *, weights: Points, min_size: int, seed: int) -> Labels:
    """Partition by HDBSCAN with leaf selection at the coarsest setting that finds `n_clusters` clusters.

    Noise goes to the nearest cluster; clusters too many are merged and, where even the finest setting finds too few,
    the loosest are split. Parameters and result are those of `taxonomy.clustering.ward.partition`.
    """
    from hdbscan import HDBSCAN

    labels = np.zeros(len(points), dtype=np.intp)
    for size in _MIN_CLUSTER_SIZES:
        if 2 * size > len(points):
            continue
        model = HDBSCAN(min_cluster_size=size, min_samples=1, cluster_selection_method="leaf", core_dist_n_jobs=1)
        labels = model.fit_predict(points).astype(np.intp)
        if labels.max() + 1 >= n_clusters:
            break
    return make_exact(points, labels, n_clusters, weights=weights, min_size=min_size)
