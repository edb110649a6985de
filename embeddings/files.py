"""Atomic writing of files and folders. All files are written here, except those of SQLite."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO


def replace_file(target: Path, content: bytes, *, private: bool = False) -> None:
    """Replace a file atomically: the content is written beside `target`, synced and moved over it.

    A symbolic link stays one, and its target is replaced; a file keeps its mode. A device or a pipe is
    written to.

    Parameters
    ----------
    target : Path
    content : bytes
    private : bool
        Whether its owner alone may read it (mode 0600), whatever its mode was.

    Raises
    ------
    OSError
        If it can't be written; the old file is then untouched.
    """
    mode = _mode(target)
    if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        with open(target, "wb") as device:
            device.write(content)
        return
    real = Path(os.path.realpath(target))
    # Cut, since the name may already be as long as the file system allows.
    staged = real.with_name(f".{real.name[:40]}.{secrets.token_hex(8)}.part")
    try:
        with open(staged, "xb", opener=_open_private if private else None) as file:
            if mode is not None and not private:
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
            _write(file, content)
        os.replace(staged, real)
    except BaseException:
        with contextlib.suppress(OSError):
            staged.unlink()
        raise


def replace_files(folder: Path, contents: Mapping[str, bytes], *, gone: Iterable[str] = ()) -> None:
    """Write the files of a folder: all are staged and synced before the first is moved, in their order.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    contents : mapping of str to bytes
        By name.
    gone : iterable of str
        Names of files to remove.

    Raises
    ------
    OSError
        If they can't be written; no old file is touched until all are staged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Inside the folder, since its parent may be on another disk.
    staging = folder / f".staged.{secrets.token_hex(8)}"
    try:
        staging.mkdir()
        for name, content in contents.items():
            with open(staging / name, "xb") as file:
                _write(file, content)
        for name in contents:
            os.replace(staging / name, folder / name)
        for name in gone:
            (folder / name).unlink(missing_ok=True)
        _sync(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def probe_folder(folder: Path) -> None:
    """Make a folder if need be, and check that a file can be made in it.

    Raises
    ------
    OSError
    """
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".probe.{secrets.token_hex(8)}"
    probe.touch()
    probe.unlink()


def _sync(folder: Path) -> None:
    """Wait until the folder's entries are on the disk, so that a moved file survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())
