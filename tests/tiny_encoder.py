"""A small encoder in process: strings that share letters are near each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray


class TinyEncoder:
    """Hashed letter trigrams, and a record of what was asked for."""

    name = "tiny"
    dimension = 64

    def __init__(self, digest: str = "tiny") -> None:
        self.digest = digest
        self.asked: list[str] = []

    def encode(
        self, strings: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        self.asked += strings
        vectors = np.empty((len(strings), self.dimension), dtype=np.float32)
        for row, string in enumerate(strings):
            codes = np.frombuffer(f"  {string.casefold()}  ".encode("utf-32-le"), dtype="<u4")
            vectors[row] = np.bincount((codes[:-2] + 31 * codes[1:-1] + 31**2 * codes[2:]) % 64, minlength=64)
        if progress is not None:
            progress(len(strings), len(strings))
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
