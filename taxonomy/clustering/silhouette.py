"""How surely a point belongs to its cluster."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def silhouette(near: ArrayLike, far: ArrayLike) -> NDArray[np.float64]:
    """Return the simplified silhouette (Hruschka et al. 2004): the difference of the distances over the larger one.

    Parameters
    ----------
    near, far : array_like of shape (n,)
        Distances from the cluster and from another; infinite where there is no such cluster.

    Returns
    -------
    ndarray of shape (n,)
        From -1 to 1; 0 where both distances are 0, 1 where one is infinite.
    """
    near, far = np.asarray(near, dtype=np.float64), np.asarray(far, dtype=np.float64)
    widest = np.maximum(near, far)
    alone = ~np.isfinite(widest)
    with np.errstate(invalid="ignore"):
        score = np.divide(far - near, widest, out=np.zeros(widest.shape), where=(widest > 0) & ~alone)
    return np.where(alone, 1.0, score)


def confidence(near: ArrayLike, far: ArrayLike) -> NDArray[np.float64]:
    """Return the simplified silhouette moved to 0..1: 1/2 is a tie with the runner-up, 1 is certain."""
    return (1 + silhouette(near, far)) / 2
