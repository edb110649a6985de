"""How much each value belongs to each domain, by likeness to the domains' example values."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from embeddings.arrays import in_parallel, one_thread
from embeddings.cache import remember
from taxonomy.clustering.smoothing import diffuse

# Cosines of short strings lie within some tenths: a tenth lets an example's neighbourhood count, not only the nearest.
_EXAMPLE_TEMPERATURE = 0.1
_DOMAIN_TEMPERATURE = 0.05
_BLOCK = 4096
# Part of the key of what was fitted: raise its number when another regression is.
_FITTED = b"regression on examples 1"


def domain_affinity(
    vectors: NDArray[np.float32],
    transition: sp.csr_array,
    examples: NDArray[np.float32],
    example_domains: NDArray[np.intp],
    known: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Return the affinity of values to domains.

    Two judges look at a value. One goes by likeness: the log of the mean exponentiated cosine to a domain's examples,
    turned into shares by a softmax. The other is a logistic regression on the examples. The shares of each are spread
    over the neighbour graph, and fixed for the values that are themselves an example (label spreading with seeds, Zhou
    et al. 2004). The affinity is the mean of their logs (a logarithmic opinion pool, Genest & Zidek 1986, "Combining
    probability distributions").

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
    if n_domains == 1:
        return np.ones((len(vectors), 1))
    judges = ExampleJudges(examples, example_domains)
    likeness, learned = (np.empty((len(vectors), n_domains)) for _ in range(2))

    def judge(start: int) -> None:
        rows = slice(start, start + _BLOCK)
        likeness[rows], learned[rows] = judges.shares(vectors[rows])

    in_parallel(judge, range(0, len(vectors), _BLOCK))
    return pooled(_spread(likeness, transition, known), _spread(learned, transition, known))


class ExampleJudges:
    """The two judges of `domain_affinity`, for two domains or more; each goes by a vector alone.

    Parameters
    ----------
    examples : ndarray of shape (m, dimension)
        Unit vectors of the examples.
    domains : ndarray of shape (m,)
        Domain of each, 0 to D - 1.
    """

    def __init__(self, examples: NDArray[np.float32], domains: NDArray[np.intp]) -> None:
        self._examples = examples.astype(np.float64)
        self._domains = domains
        # Kept in the cache folder, since loading scikit-learn takes longer than placing some hundred strings.
        parts = (_FITTED, version("scikit-learn").encode(), self._examples.tobytes(), domains.astype("<i8").tobytes())
        fitted = remember(hashlib.sha256(b"\n".join(parts)).hexdigest(), self._fit)
        self._coefficients, self._intercepts = (np.array(fitted[name]) for name in ("coefficients", "intercepts"))

    def _fit(self) -> dict[str, Any]:
        from sklearn.linear_model import LogisticRegression

        # One thread, so that sums are taken in the same order on every machine.
        with one_thread():
            model = LogisticRegression().fit(self._examples, self._domains)
        return {"coefficients": model.coef_.tolist(), "intercepts": model.intercept_.tolist()}

    def shares(self, vectors: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the shares of the domains by likeness, and by regression, each of shape (n, D)."""
        block = vectors.astype(np.float64)
        cosines = block @ self._examples.T
        likeness = np.empty((len(block), int(self._domains.max()) + 1))
        for domain in range(likeness.shape[1]):
            own = cosines[:, self._domains == domain]
            likeness[:, domain] = _EXAMPLE_TEMPERATURE * (
                logsumexp(own / _EXAMPLE_TEMPERATURE, axis=1) - np.log(own.shape[1])
            )
        decision = block @ self._coefficients.T + self._intercepts
        if decision.shape[1] == 1:
            # Of two domains one regression tells.
            decision = np.column_stack([np.zeros(len(decision)), decision])
        return softmax(likeness / _DOMAIN_TEMPERATURE, axis=1), np.asarray(softmax(decision, axis=1))


def pooled(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shares of domains on which two judges settle, shape (n, D)."""
    shares = np.sqrt(first * second)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _spread(shares: NDArray[np.float64], transition: sp.csr_array, known: NDArray[np.intp]) -> NDArray[np.float64]:
    """Spread shares over the graph; those of known values are certain before and after."""
    certain = np.eye(shares.shape[1])[known[known >= 0]]
    shares[known >= 0] = certain
    spread = diffuse(shares, transition)
    spread[known >= 0] = certain
    return np.asarray(spread / spread.sum(axis=1, keepdims=True))
