"""Strings to unit vectors; a vector's bits do not depend on the other strings in the call."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from embeddings._worker import DEVICE
from embeddings.cache import remember
from embeddings.devices import BLOCK, CPU, FP32, GPU_FROM, Batches
from embeddings.errors import InvalidStringError, WorkerMemoryError
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
# Strings embedded between two writes on the CPU.
CHUNK = 2048

# Positions of strings, and what a worker is asked about them.
_Job = tuple[NDArray[np.intp], dict[str, Any]]


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
    """A sentence-transformers model, run in worker processes by that library or, on the CPU, by ONNX Runtime.

    A vector's bits depend on the string alone: each process runs one thread or one GPU, strings are batched by token
    count without padding, and all batches of a token count have one shape. Processes start at the first `encode` and
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
        What runs the model, and on which GPUs, by one process each; by default sentence-transformers on the CPU.

    Attributes
    ----------
    name, digest, dimension
        As of any `Encoder`.
    folder, weights_sha256
        As given.
    runtime : str
        ``sentence-transformers`` or ``onnxruntime``: see `embeddings.runtimes`.
    device : str
        ``cpu``, or the kind of GPU.
    precision : str
        ``fp32`` or ``bf16``. Vectors are float32 in either.
    chunk : int
        Strings to encode between two writes of their vectors.
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
        self.device, self.precision, self.chunk = CPU, FP32, CHUNK
        self._batch_tokens: Batches | None = None
        devices: list[tuple[str, ...]] = []
        parts = (f"encoding {_ENCODING_VERSION}", model_digest, *self._runtime.parts)
        device = self._runtime.device
        if device is not None:
            self.device, self.precision, self.chunk = device.kind, device.precision, BLOCK * len(device.places)
            self._workers = len(device.places)
            self._batch_tokens = Batches(device, parts)
            devices = [(DEVICE, place, device.precision) for place in device.places]
        self._parts = parts
        self._pool = WorkerPool(folder, self._runtime.prepare, devices)
        self._lock = threading.Lock()
        self._answered = False

    @property
    def digest(self) -> str:
        """Digest of everything that decides a vector's bits: the model, this code, what runs it and the versions.

        On a GPU without memory for large batches, `settle` may change it.
        """
        batches = self._batch_tokens
        parts = self._parts if batches is None else (*batches.parts, f"batch tokens {batches.tokens}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def settle(self, count: int, *, may_change: bool = True) -> None:
        """See how large the batches on a GPU can be, before the first vector.

        Parameters
        ----------
        count : int
            Strings to be encoded next.
        may_change : bool
            Whether the digest may change: False where vectors of it were taken from elsewhere.

        Raises
        ------
        DeviceError
            If there is no memory for batches that leave the digest as it is, or for the smallest.

        Warns
        -----
        DeviceWarning
            If they are smaller than before.
        """
        if self._batch_tokens is not None:
            with self._lock:
                may_change = may_change and not self._answered
                self._batch_tokens.settle(self._pool, self._useful_workers(count), may_change=may_change)

    @cached_property
    def dimension(self) -> int:
        """Components of a vector; the first use of a model on this machine loads it."""
        with self._lock, self._device_errors():
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
        DeviceError
            If the memory of a GPU is full.
        WorkerError
            If a process ends before it is done.
        """
        check_strings(strings)
        vectors = np.empty((len(strings), self.dimension), dtype=np.float32)
        if not strings:
            return vectors
        self.settle(len(strings))
        workers = self._useful_workers(len(strings))
        done = 0
        with self._lock, self._device_errors():
            jobs = self._batches(strings, workers) if self._batch_tokens is None else self._blocks(strings, workers)
            for number, unit in self._pool.run([request for _, request in jobs], workers=workers):
                positions, _ = jobs[number]
                vectors[positions] = unit
                done += len(positions)
                if progress is not None:
                    progress(done, len(strings))
        self._answered = True
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
        with self._lock, self._device_errors():
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

    def _useful_workers(self, count: int) -> int:
        """Return how many workers to use for so many strings, which must be worth the start of each."""
        most = max(count, self._expected)
        if self._batch_tokens is not None:
            return min(self._workers, -(-most // GPU_FROM))
        return self._workers if most >= _PARALLEL_FROM else 1

    def _batches(self, strings: Sequence[str], workers: int) -> list[_Job]:
        """Return batches of strings of equal token count, all of a count with the same rows."""
        counts = self._ask("count", strings, workers)
        jobs: list[_Job] = []
        for count in np.unique(counts):
            positions = np.flatnonzero(counts == count)
            rows = max(1, _BATCH_TOKENS // int(count))
            for start in range(0, len(positions), rows):
                batch = positions[start : start + rows]
                jobs.append((batch, {"encode": [strings[i] for i in batch], "rows": rows}))
        return jobs

    def _blocks(self, strings: Sequence[str], workers: int) -> list[_Job]:
        """Return blocks of strings, as many as workers or more, which a worker makes batches of."""
        assert self._batch_tokens is not None
        size = min(BLOCK, -(-len(strings) // workers))
        return [
            (
                np.arange(start, min(start + size, len(strings))),
                {"encode": list(strings[start : start + size]), "tokens": self._batch_tokens.tokens},
            )
            for start in range(0, len(strings), size)
        ]

    @contextlib.contextmanager
    def _device_errors(self) -> Iterator[None]:
        """Say which GPU's memory is full."""
        try:
            yield
        except WorkerMemoryError:
            if self._batch_tokens is None:
                raise
            raise self._batch_tokens.full() from None


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
