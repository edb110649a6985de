"""A map: each value as a point of the plane, near to those it is like."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from embeddings.progress import Progress
from taxonomy.clustering.quiet_umap import umap_class

N_NEIGHBORS = 15
_EPOCHS = 200
_MIN_DIST = 0.1
# UMAP needs some neighbours to speak of; fewer points than this lie on a circle.
_FEWEST = 5


def lay_out(vectors: NDArray[np.float32], *, seed: int = 0, progress: Progress | None = None) -> NDArray[np.float64]:
    """Lay values out in two dimensions: UMAP by cosine (McInnes, Healy and Melville 2018, arXiv 1802.03426).

    Started from the first two principal components, which keeps far apart what is far apart (Kobak and Linderman 2021).

    Parameters
    ----------
    vectors : ndarray of shape (n, dimension)
        Unit vectors.
    seed : int
    progress : callable, optional
        Called with (0, 1) before and (1, 1) after, since UMAP does not report its progress.

    Returns
    -------
    ndarray of shape (n, 2)
        Centred, the farthest coordinate at 1 or -1, rounded to 6 places. Fewer than 5 values lie evenly on a circle.
    """
    if progress:
        progress(0, 1)
    n = len(vectors)
    if n < _FEWEST:
        angles = 2 * np.pi * np.arange(n) / n
        points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    else:
        points = _umap(vectors, seed)
    points = points - (points.min(axis=0) + points.max(axis=0)) / 2
    if progress:
        progress(1, 1)
    scaled = points / max(float(np.abs(points).max()), 1e-12)
    # Adding nothing turns -0 into 0.
    return np.asarray(np.round(scaled, 6) + 0.0, dtype=np.float64)


def _umap(vectors: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    from embeddings import nearest_neighbors
    from embeddings.arrays import one_thread

    n = len(vectors)
    # UMAP counts a point among its own neighbours.
    others, cosines = nearest_neighbors(vectors, min(N_NEIGHBORS, n) - 1)
    indices = np.column_stack([np.arange(n), others]).astype(np.int32)
    distances = np.column_stack([np.zeros(n), 1 - cosines]).clip(0).astype(np.float32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "precomputed_knn.*transform will be unavailable", UserWarning)
        model = umap_class()(
            n_neighbors=indices.shape[1],
            n_epochs=_EPOCHS,
            min_dist=_MIN_DIST,
            metric="cosine",
            init="pca",
            random_state=seed,
            n_jobs=1,
            precomputed_knn=(indices, distances),
            # Else the neighbours are looked for again where there are few.
            force_approximation_algorithm=True,
        )
        # Sums are taken in one order whatever the machine offers.
        with one_thread():
            return np.asarray(model.fit_transform(vectors), dtype=np.float64)
