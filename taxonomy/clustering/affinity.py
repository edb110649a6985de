"""How much each value belongs to each domain, by likeness to the domains' example values."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from embeddings.arrays import in_parallel
from taxonomy.clustering.smoothing import diffuse

# Cosines of short strings lie within some tenths: a tenth lets an example's neighbourhood count, not only the nearest.
_EXAMPLE_TEMPERATURE = 0.1
_DOMAIN_TEMPERATURE = 0.05
_BLOCK = 4096


def domain_affinity(
    vectors: NDArray[np.float32],
    transition: sp.csr_array,
    examples: NDArray[np.float32],
    example_domains: NDArray[np.intp],
    known: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Return the affinity of values to domains.

    Likeness is the log of the mean exponentiated cosine to a domain's examples; it is turned into shares by a
    softmax, spread over the neighbour graph, and fixed for the values that are themselves an example
    (label spreading with seeds, Zhou et al. 2004).

    Parameters
    ----------
    vectors : ndarray of shape (n, dimension)
        Unit vectors of the values.
    transition : csr_array of shape (n, n)
        Random walk on their neighbour graph.
    examples : ndarray of shape (m, dimension)
        Unit vectors of the examples.
    example_domains : ndarray of shape (m,)
        Domain of each example, 0 to D - 1; each domain has one at least.
    known : ndarray of shape (n,)
        Domain of the values that are an example, -1 for the others.

    Returns
    -------
    ndarray of shape (n, D)
        Rows sum to 1.
    """
    n_domains = int(example_domains.max()) + 1
    likeness = np.empty((len(vectors), n_domains))

    def compare(start: int) -> None:
        rows = slice(start, start + _BLOCK)
        cosines = vectors[rows].astype(np.float64) @ examples.T.astype(np.float64)
        for domain in range(n_domains):
            own = cosines[:, example_domains == domain]
            likeness[rows, domain] = _EXAMPLE_TEMPERATURE * (
                logsumexp(own / _EXAMPLE_TEMPERATURE, axis=1) - np.log(own.shape[1])
            )

    in_parallel(compare, range(0, len(vectors), _BLOCK))
    shares = softmax(likeness / _DOMAIN_TEMPERATURE, axis=1)
    certain = np.eye(n_domains)
    shares[known >= 0] = certain[known[known >= 0]]
    spread = diffuse(shares, transition)
    spread[known >= 0] = certain[known[known >= 0]]
    return np.asarray(spread / spread.sum(axis=1, keepdims=True))
