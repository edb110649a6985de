"""Operations on many vectors: scaling to unit length, and work in threads."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Float = TypeVar("Float", bound=np.floating[Any])


def normalize(vectors: NDArray[Float]) -> NDArray[Float]:
    """Scale rows to unit length, shape (n, dimension); a zero row stays zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(norms == 0, 1, norms))


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute each product in one thread, so that its bits do not vary with the processors."""
    with _thread_pools(len(sys.modules)).limit(limits=1):
        yield


@lru_cache(maxsize=1)
def _thread_pools(n_modules: int) -> ThreadpoolController:
    """Return the libraries that have threads; finding them takes milliseconds, so only after an import."""
    return ThreadpoolController()


def in_parallel(work: Callable[[Item], None], items: Iterable[Item]) -> None:
    """Work on items in one thread per processor; each product runs in one thread, so that its bits do not vary."""
    todo = list(items)
    with one_thread(), ThreadPoolExecutor(os.cpu_count()) as threads:
        # Starting a thread takes longer than most single items.
        for _ in threads.map(work, todo) if len(todo) > 1 else map(work, todo):
            pass
