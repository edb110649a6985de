"""Operations on many vectors: scaling to unit length, and work in threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Float = TypeVar("Float", bound=np.floating[Any])


def normalize(vectors: NDArray[Float]) -> NDArray[Float]:
    """Scale rows to unit length, shape (n, dimension); a zero row stays zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(norms == 0, 1, norms))


def in_parallel(work: Callable[[Item], None], items: Iterable[Item]) -> None:
    """Work on items in one thread per processor; each product runs in one thread, so that its bits do not vary."""
    with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as threads:
        for _ in threads.map(work, items):
            pass
