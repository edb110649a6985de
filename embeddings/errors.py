"""Every error a caller may catch, in one tree, and the warnings.

::

    EmbeddingError
    ├── InvalidStringError   a string with a NUL or a lone surrogate; also a ValueError
    ├── ModelNotFoundError   the model is not installed, not on this machine, or unknown
    ├── ModelDamagedError    the model's files cannot be used
    ├── DeviceError          the device cannot be used: there is none of the name, or its memory is full
    └── WorkerError          a worker process ended early
        └── WorkerMemoryError    it had no memory left

    DeviceWarning            a device is used otherwise than was asked for
    StoreWarning             the vectors on disk cannot be used; they are computed again
    GraphWarning             ONNX Runtime cannot run the model, or its graph on disk cannot be used

The text of each is one line: what was wrong, where, and what to do.
"""

from __future__ import annotations


def plain(text: str) -> str:
    """Return `text` on one line, with control characters and other unprintable ones escaped."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


class EmbeddingError(Exception):
    """An embedding model that cannot be found, loaded or run, or a string that cannot be embedded.

    It is the root of the errors of the package `embeddings`, which stands by itself: so it is no ``TaxonomyError``.
    """

    def __str__(self) -> str:
        """Return one printable line; control characters are escaped."""
        return plain(super().__str__())


class InvalidStringError(EmbeddingError, ValueError):
    """A string with a NUL or a lone surrogate."""


class ModelNotFoundError(EmbeddingError):
    """The model is not installed, not on this machine, or unknown."""


class ModelDamagedError(EmbeddingError):
    """The model's files are incomplete, altered, or not in safetensors."""


class WorkerError(EmbeddingError):
    """A worker process ended before it was done."""


class WorkerMemoryError(WorkerError):
    """A worker process had no memory left for what it was asked."""


class DeviceError(EmbeddingError):
    """The device cannot be used: there is none of the name, or its memory is full."""


class DeviceWarning(UserWarning):
    """A device is used otherwise than was asked for: not all GPUs are of one kind, or batches are smaller."""


class GraphWarning(UserWarning):
    """ONNX Runtime cannot run the model, which sentence-transformers then does, or its graph must be exported again."""


class StoreWarning(UserWarning):
    """The vectors on disk cannot be used: a file is damaged or of no use any more, or nothing can be written there."""
