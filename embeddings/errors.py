"""Every error a caller may catch, in one tree, and the one warning.

::

    EmbeddingError
    ├── InvalidStringError   a string that is no text; also a ValueError
    ├── ModelNotFoundError   nothing is where the model's name points
    ├── ModelDamagedError    what is there is not a model that can be used
    └── WorkerError          a process that was computing vectors ended

    StoreWarning             the vectors on disk can't be used; work goes on without them

The text of each is one line: what was wrong, where, and what to do.
"""

from __future__ import annotations


def plain(text: str) -> str:
    """Return `text` on one line, with what could steer a terminal or a page escaped."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


class EmbeddingError(Exception):
    """Root of the tree: catching it catches every error of this package."""

    def __str__(self) -> str:
        """Return one printable line; whatever would break it or steer a terminal is escaped."""
        return plain(super().__str__())


class InvalidStringError(EmbeddingError, ValueError):
    """A string with a NUL or a lone surrogate, which is not text."""


class ModelNotFoundError(EmbeddingError):
    """Nothing is where the model's name points."""


class ModelDamagedError(EmbeddingError):
    """The model's files are incomplete, altered, or of a kind that is not read."""


class WorkerError(EmbeddingError):
    """A process that was computing vectors ended before it was done."""


class StoreWarning(UserWarning):
    """The vectors kept on disk can't be used: they were set aside, or nothing can be kept there."""
