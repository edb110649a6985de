"""Every file of ours that is written goes through here; `embeddings.files` does the writing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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


def replace_files(folder: Path, contents: Mapping[str, bytes], *, gone: Iterable[str] = ()) -> None:
    """Write the files of a folder, in their order; while they are staged, what was there is untouched.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    contents : mapping of str to bytes
        By name.
    gone : iterable of str
        Names of files that must not stay beside them.

    Raises
    ------
    OutputError
    """
    with _one_error(folder):
        files.replace_files(folder, contents, gone=gone)


def check_folder(folder: Path) -> None:
    """Make a folder if need be and see that it can be written, before hours of work.

    Raises
    ------
    OutputError
    """
    with _one_error(folder):
        files.probe_folder(folder)


@contextmanager
def _one_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write {path}: {reason}; choose another place or free some space") from error
