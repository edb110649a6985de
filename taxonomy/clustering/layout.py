"""A map: each value as a point of the plane, near to those it is like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

N_NEIGHBORS = 15
MIN_DIST = 0.1
# UMAP needs some neighbours to speak of; fewer points than this lie on a circle.
FEWEST = 5


def layout(vectors: NDArray[np.float32], *, seed: int = 0) -> NDArray[np.float64]:
    """Lay values out in two dimensions: UMAP by cosine (McInnes, Healy and Melville 2018, arXiv 1802.03426).

    Started from the first two principal components, which keeps far apart what is far apart (Kobak and Linderman 2021).

    Parameters
    ----------
    vectors : ndarray of shape (n, dimension)
        Unit vectors.
    seed : int

    Returns
    -------
    ndarray of shape (n, 2)
        Centred, the farthest coordinate at 1 or -1, rounded to 6 places. Fewer than 5 values lie evenly on a circle.
    """
    from threadpoolctl import threadpool_limits
    from umap import UMAP

    n = len(vectors)
    if n < FEWEST:
        angles = 2 * np.pi * np.arange(n) / max(n, 1)
        points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    else:
        model = UMAP(
            n_neighbors=min(N_NEIGHBORS, n - 1),
            min_dist=MIN_DIST,
            metric="cosine",
            init="pca",
            random_state=seed,
            n_jobs=1,
        )
        # Sums are taken in one order whatever the machine offers.
        with threadpool_limits(1):
            points = np.asarray(model.fit_transform(vectors), dtype=np.float64)
    points = points - (points.min(axis=0) + points.max(axis=0)) / 2
    return np.round(points / max(np.abs(points).max(initial=0), 1e-12), 6) + 0.0
