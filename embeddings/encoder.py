"""Strings to unit vectors; a vector's bits do not depend on the other strings in the call."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from embeddings.cache import remember
from embeddings.errors import InvalidStringError
from embeddings.pool import WorkerPool
from embeddings.progress import Progress
from embeddings.runtimes import Runtime, sentence_transformers

# Part of every digest: raise it when a change here or in the worker may move a bit.
_ENCODING_VERSION = 1

# Tokens in a batch: larger ones are hardly faster, and a single string is computed as a whole batch.
_BATCH_TOKENS = 256
_BLOCK = 512
# From this many strings on, more workers pay off, though each takes seconds to load its model.
_PARALLEL_FROM = 1000
_MOST_WORKERS = 8


class Encoder(Protocol):
    """An object that turns strings into unit vectors.

    It may have a method ``unknown_words``, as `find_unknown_words` calls it.

    Attributes
    ----------
    name : str
        Name of the model, for messages and provenance.
    digest : str
        Equal digests mean equal vectors, bit for bit, on one kind of CPU.
    dimension : int
        Components of a vector.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def digest(self) -> str: ...  # noqa: D102

    @property
    def dimension(self) -> int: ...  # noqa: D102

    def encode(self, strings: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Return unit vectors, shape (n, dimension); `progress` is called with (strings done, strings in all)."""
        ...


def find_unknown_words(encoder: Encoder, strings: Sequence[str]) -> NDArray[np.bool_]:
    """Tell which strings hold words that the encoder's model does not know, so that their vectors mean little.

    Parameters
    ----------
    encoder : Encoder
        Where it has no method ``unknown_words``, which takes and returns the same, nothing is said to be unknown.
    strings : sequence of str

    Returns
    -------
    ndarray of shape (n,), bool
    """
    find = getattr(encoder, "unknown_words", None)
    return np.zeros(len(strings), dtype=bool) if find is None else np.asarray(find(strings), dtype=bool)


class SentenceTransformerEncoder:
    """A sentence-transformers model on the CPU, run in worker processes by that library or by ONNX Runtime.

    A vector's bits depend on the string alone: each process runs one thread, strings are batched by token count
    without padding, and all batches of a token count have one shape. Processes start at the first `encode` and
    stay until `close`, or until the encoder is gone.

    Parameters
    ----------
    folder : Path
        Folder of the model, as `embeddings.load_encoder` finds and checks it.
    name : str
        Name of the model.
    model_digest : str
        Digest of the model's files.
    weights_sha256 : str
        Digest of its weights, in hexadecimal.
    workers : int, optional
        Most processes to run at once; by default one per CPU, at most 8. Few strings use one.
    expected : int
        Strings expected in all, if known; for many, all processes start at the first call.
    runtime : Runtime, optional
        What runs the model; by default sentence-transformers.

    Attributes
    ----------
    name, digest, dimension
        As of any `Encoder`.
    folder, weights_sha256
        As given.
    runtime : str
        ``sentence-transformers`` or ``onnxruntime``: see `embeddings.runtimes`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        model_digest: str,
        weights_sha256: str,
        workers: int | None = None,
        expected: int = 0,
        runtime: Runtime | None = None,
    ) -> None:
        self.name = name
        self.weights_sha256 = weights_sha256
        self._model_digest = model_digest
        self._workers = workers or min(os.cpu_count() or 1, _MOST_WORKERS)
        self._expected = expected
        self.folder = folder
        self._runtime = runtime or sentence_transformers()
        self.runtime = self._runtime.name
        self._pool = WorkerPool(folder, self._runtime.prepare)
        self._lock = threading.Lock()

    @cached_property
    def digest(self) -> str:
        """Digest of everything that decides a vector's bits: the model, this code, what runs it and the versions."""
        parts = [
            f"encoding {_ENCODING_VERSION}",
            self._model_digest,
            *self._runtime.parts,
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @cached_property
    def dimension(self) -> int:
        """Components of a vector; the first use of a model on this machine loads it."""
        with self._lock:
            return remember(self._model_digest, self._pool.dimension)

    def encode(self, strings: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Return the unit vectors of strings.

        Parameters
        ----------
        strings : sequence of str
            The model's tokenizer truncates what is too long for it.
        progress : callable, optional
            Called with (strings done, strings in all) after each batch.

        Returns
        -------
        ndarray of shape (n, dimension), float32

        Raises
        ------
        InvalidStringError
            If a string has a NUL or a lone surrogate.
        ModelDamagedError
            If the model can't be loaded.
        WorkerError
            If a process ends before it is done.
        """
        check_strings(strings)
        vectors = np.empty((len(strings), self.dimension), dtype=np.float32)
        if not strings:
            return vectors
        workers = self._workers if max(len(strings), self._expected) >= _PARALLEL_FROM else 1
        done = 0
        with self._lock:
            batches = self._batches(strings, workers)
            requests = [{"encode": [strings[i] for i in batch], "rows": rows} for batch, rows in batches]
            for number, unit in self._pool.run(requests, workers=workers):
                batch, _ = batches[number]
                vectors[batch] = unit
                done += len(batch)
                if progress is not None:
                    progress(done, len(strings))
        return vectors

    def unknown_words(self, strings: Sequence[str]) -> NDArray[np.bool_]:
        """Tell which strings hold words that the model does not know: see `embeddings.vocabulary`.

        Parameters
        ----------
        strings : sequence of str

        Returns
        -------
        ndarray of shape (n,), bool

        Raises
        ------
        InvalidStringError, ModelDamagedError, WorkerError
            As for `encode`.
        """
        check_strings(strings)
        with self._lock:
            # By those that run, or one: loading the model takes longer than this does.
            return self._ask("unknown", strings, 1).astype(bool)

    def close(self) -> None:
        """Stop the processes and free their memory; the next `encode` starts them again."""
        self._pool.close()

    def _ask(self, what: str, strings: Sequence[str], workers: int) -> NDArray[np.intp]:
        """Return what the workers say of each string, a whole number, shape (n,)."""
        said = np.empty(len(strings), dtype=np.intp)
        starts = range(0, len(strings), _BLOCK)
        requests: list[dict[str, Any]] = [{what: list(strings[start : start + _BLOCK])} for start in starts]
        for number, block in self._pool.run(requests, workers=workers):
            said[starts[number] : starts[number] + _BLOCK] = block[:, 0]
        return said

    def _batches(self, strings: Sequence[str], workers: int) -> list[tuple[NDArray[np.intp], int]]:
        """Return batches of strings of equal token count, as positions and the rows to compute."""
        counts = self._ask("count", strings, workers)
        batches = []
        for count in np.unique(counts):
            positions = np.flatnonzero(counts == count)
            rows = max(1, _BATCH_TOKENS // int(count))
            batches += [(positions[start : start + rows], rows) for start in range(0, len(positions), rows)]
        return batches


def check_strings(strings: Sequence[str]) -> None:
    """Raise InvalidStringError for the first string with a NUL or a lone surrogate."""
    for position, string in enumerate(strings):
        try:
            string.encode()
        except UnicodeEncodeError:
            problem = "a lone surrogate"
        else:
            if "\0" not in string:
                continue
            problem = "a NUL"
        raise InvalidStringError(f"string {position}, {string!r}, has {problem}; decode it as UTF-8")
