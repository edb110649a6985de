"""Write files by `embeddings.files`; errors are raised as OutputError."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from embeddings import files
from taxonomy.errors import OutputError

_ROOM = "free some space, or choose another place"
_RIGHTS = "ask for the right to it, or choose another place"
_REMEDIES = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: _RIGHTS,
    errno.ENOENT: "see that it is there, and the folder that it is in",
    errno.EEXIST: "choose another name",
    errno.EISDIR: "give a file, not a folder",
    errno.ENOTDIR: "give a path whose folders are folders",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.ELOOP: "mend the link, which leads to itself",
    errno.EMFILE: "raise the number of files that may be open: ulimit -n",
}


def replace_file(target: Path, content: bytes, *, private: bool = False) -> None:
    """Write a file, which only its owner can read if it is `private`; a file at `target` is replaced atomically.

    Raises
    ------
    OutputError
    """
    with _one_error(target, "cannot be written"):
        files.replace_file(target, content, private=private)


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
    with _one_error(folder, "the folder cannot be written"):
        files.replace_files(folder, contents, gone=gone)


def check_folder(folder: Path) -> None:
    """Make a folder if need be and see that it can be written, before hours of work.

    Raises
    ------
    OutputError
    """
    with _one_error(folder, "the folder cannot be written"):
        files.probe_folder(folder)


def remedy_of(error: OSError) -> str:
    """Return what to do about an error of the system."""
    return _REMEDIES.get(error.errno or 0, "see that it can be used, and try again")


@contextmanager
def _one_error(path: Path, problem: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{problem}: {reason}", path=str(path), remedy=remedy_of(error)) from error
