"""Write files by `embeddings.files` and `embeddings.journal`; errors are raised as OutputError."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from embeddings import files, journal
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
    errno.EAGAIN: "wait until that is done, and try again",
    errno.EBADMSG: "remove that, and write the files again",
    errno.EMFILE: "raise the number of files that may be open: ulimit -n",
}


def replace_file(target: Path, content: files.Content, *, private: bool = False) -> None:
    """Write a file, which only its owner can read if it is `private`; a file at `target` is replaced atomically.

    Raises
    ------
    OutputError
    """
    settle(target)
    with _one_error(target, "cannot be written"):
        files.replace_file(target, content, private=private)


@contextmanager
def replacing(target: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """Write a file part by part, as `replace_file` does at once.

    Yields
    ------
    binary file
        To write to; what is raised inside leaves a file at `target` as it was.

    Raises
    ------
    OutputError
    """
    settle(target)
    with _one_error(target, "cannot be written"), files.replacing(target, private=private) as file:
        yield file


def replace_files(
    folder: Path, contents: Mapping[str, files.Content], *, gone: Mapping[str, str] | None = None, private: bool = False
) -> None:
    """Write files of a folder, all or none: what is cut short is finished or undone by who comes next.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    contents : mapping of str to bytes or iterable of bytes
        By name. Parts are asked for in this order, each file's at once.
    gone : mapping of str to str, optional
        Files that must not stay beside them, each with the sha256 of its content: with other content it stays.
    private : bool
        Whether only their owner can read the files.

    Raises
    ------
    OutputError
    """
    with _one_error(folder, "the folder cannot be written"):
        try:
            journal.replace_files(folder, contents, gone=gone, private=private)
        except IsADirectoryError as error:
            remedy = "move it away, or choose another place"
            raise OutputError("a folder is in the way of this file", path=error.filename, remedy=remedy) from error


def settle(path: Path) -> None:
    """Finish or undo what was cut short in the folder of a file; one look at the disk where there is nothing.

    Raises
    ------
    OutputError
        If it can't be finished.
    """
    # A link may lead into a build.
    folder = Path(os.path.realpath(path)).parent
    with _one_error(folder, "files were being replaced here, which cannot be finished"):
        journal.settle_folder(folder)


@contextmanager
def updating(source: Path, target: Path | None) -> Iterator[Callable[[], None]]:
    """Lock a file from when it is read until it is written back; where the two are not one file, do nothing.

    Yields
    ------
    callable
        To be called right before it is written: raises an OutputError if another command wrote it anew meanwhile.

    Raises
    ------
    OutputError
        If it can't be locked.
    """
    if target is None or not (source.is_file() and target.is_file() and source.samefile(target)):
        yield lambda: None
        return
    settle(target)
    with locked(target) as is_there:

        def check() -> None:
            if not is_there():
                problem = "another command wrote it anew meanwhile, so it was left"
                raise OutputError(problem, path=str(target), remedy="run this again")

        yield check


@contextmanager
def locked(path: Path) -> Iterator[Callable[[], bool]]:
    """Lock a file, which need not be there: see `embeddings.files.locked`.

    Raises
    ------
    OutputError
    """
    with ExitStack() as stack:
        with _one_error(path, "cannot be written"):
            is_there = stack.enter_context(files.locked(path))
        yield is_there


def check_folder(folder: Path) -> None:
    """Make a folder if need be and see that it can be written, before hours of work.

    Raises
    ------
    OutputError
    """
    with _one_error(folder, "the folder cannot be written"):
        files.probe_folder(folder)
        journal.settle_folder(folder)


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
