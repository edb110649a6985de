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
        vectors = np.zeros((len(strings), self.dimension), dtype=np.float32)
        for row, string in enumerate(strings):
            text = f"  {string.casefold()}  "
            for at in range(len(text) - 2):
                vectors[row, sum(ord(char) * 31**place for place, char in enumerate(text[at : at + 3])) % 64] += 1
        if progress is not None:
            progress(len(strings), len(strings))
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
