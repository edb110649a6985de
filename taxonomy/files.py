"""Every file of ours that is written goes through here; `embeddings.files` does the writing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embeddings import files
from taxonomy.errors import OutputError


def replace_file(target: Path, content: bytes) -> None:
    """Write a file; what stood at `target` is replaced at once or not at all.

    Raises
    ------
    OutputError
    """
    with _one_error(target):
        files.replace_file(target, content)


def write_file(path: Path, content: bytes) -> None:
    """Write a file and sync it, over what stood there: for a folder that nobody reads yet.

    Raises
    ------
    OutputError
    """
    with _one_error(path):
        files.write_file(path, content)


def sync_folder(path: Path) -> None:
    """Wait until the names of a folder are on the disk, so that a file moved there stays there.

    Raises
    ------
    OutputError
    """
    with _one_error(path):
        files.sync_folder(path)


@contextmanager
def _one_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write {path}: {reason}; choose another place or free some space") from error
