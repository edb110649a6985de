"""Atomic writing of files, and their locks. All files are written here and in `journal`, except those of SQLite."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

# Seconds to wait for a lock, and between two looks at it.
_PATIENCE = 60.0
_PAUSE = 0.02
_PART = ".part"

# In one piece, or in parts that are made while it is written.
Content = bytes | Iterable[bytes]


def replace_file(target: Path, content: Content, *, private: bool = False) -> None:
    """Replace a file atomically by a content: see `replacing`."""
    with replacing(target, private=private) as file:
        for part in parts_of(content):
            file.write(part)


def parts_of(content: Content) -> Iterable[bytes]:
    """Return the parts of a content that is in one piece, or is made while it is written."""
    return [content] if isinstance(content, bytes) else content


@contextlib.contextmanager
def replacing(target: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """Replace a file atomically: what is written goes beside `target`, is synced and moved over it at the end.

    A symbolic link stays one, and its target is replaced; a file keeps its mode. A device or a pipe is
    written to.

    Parameters
    ----------
    target : Path
    private : bool
        Whether its owner alone may read it (mode 0600), whatever its mode was.

    Yields
    ------
    binary file
        To write to.

    Raises
    ------
    OSError
        If it can't be written; the old file is then untouched, as it is whatever is raised inside.
    """
    mode = mode_of(target)
    if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        with open(target, "wb") as device:
            yield device
        return
    real = Path(os.path.realpath(target))
    # Cut, since the name may already be as long as the file system allows.
    start = f".{real.name[:40]}."
    _sweep(real.parent, start)
    staged = real.with_name(f"{start}{secrets.token_hex(8)}{_PART}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        with locked_handle(lambda: os.open(staged, flags, 0o600 if private else 0o666), staged) as handle:
            with open(handle, "wb", closefd=False) as file:
                if mode is not None and not private:
                    os.fchmod(handle, stat.S_IMODE(mode))
                yield file
                _sync(file)
            os.replace(staged, real)
    except BaseException:
        with contextlib.suppress(OSError):
            staged.unlink()
        raise


def _sweep(folder: Path, start: str) -> None:
    """Remove what writers of a file left beside it when they were killed; those that live hold its lock."""
    from filelock import lock_descriptor

    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if name.startswith(start) and name.endswith(_PART):
                # Never waits, as for a pipe that somebody put there.
                stray = os.open(folder / name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
                try:
                    if lock_descriptor(stray, blocking=False):
                        os.unlink(folder / name)
                finally:
                    os.close(stray)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[Callable[[], bool]]:
    """Keep a file from others that lock it, from when it is read until it is written back.

    The lock is on the file itself, so no lock file stays behind. Where there is no file, an empty one is made, and goes
    again if nothing is written.

    Yields
    ------
    callable
        Tells whether the file is still the one that was locked: who does not change a file but writes it anew, takes no
        lock.

    Raises
    ------
    OSError
        If it can't be opened or locked; `BlockingIOError` if another process holds it for a minute.
    """
    real = Path(os.path.realpath(path))
    was_there = real.exists()
    # To be read and written, since NFS locks no other for one alone.
    flags = os.O_CREAT | (os.O_RDWR if not was_there or os.access(real, os.W_OK) else os.O_RDONLY)
    with locked_handle(lambda: os.open(real, flags, 0o666), real) as handle:
        try:
            yield lambda: _is_at(handle, real)
        finally:
            if not was_there and not os.fstat(handle).st_size and _is_at(handle, real):
                real.unlink()


@contextlib.contextmanager
def locked_handle(open_it: Callable[[], int], path: Path, *, wait: bool = True) -> Iterator[int]:
    """Hold the lock of what is at a path, opened by `open_it`; where the file system has no locks, go without.

    Raises
    ------
    OSError
        `BlockingIOError` if another process holds it: for a minute, or with `wait` False at once.
    """
    end = time.monotonic() + (_PATIENCE if wait else 0)
    while True:
        handle = open_it()
        try:
            while not _try_lock(handle):
                if time.monotonic() >= end:
                    raise BlockingIOError(errno.EAGAIN, "another command is changing it", str(path))
                time.sleep(_PAUSE)
            # Whoever had the lock may have put another file in its place.
            if _is_at(handle, path):
                yield handle
                return
        finally:
            os.close(handle)


def _try_lock(handle: int) -> bool:
    # Not needed to read, and it takes a moment to import.
    from filelock import lock_descriptor

    try:
        return lock_descriptor(handle, blocking=False)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP):
            return True
        raise


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def probe_folder(folder: Path) -> None:
    """Make a folder if need be, and check that a file can be made in it.

    Raises
    ------
    OSError
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def sync(folder: Path) -> None:
    """Wait until the folder's entries are on the disk, so that a moved file survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def mode_of(path: Path) -> int | None:
    """Return the mode of a file, None where there is none."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def write_synced(file: BinaryIO, content: Content) -> str:
    """Write a file, wait until it is on the disk, and return the sha256 of its content, in hexadecimal."""
    digest = hashlib.sha256()
    for part in parts_of(content):
        file.write(part)
        digest.update(part)
    _sync(file)
    return digest.hexdigest()


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
