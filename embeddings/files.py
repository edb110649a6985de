"""The one place that writes files, SQLite's own aside."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import BinaryIO


def replace_file(target: Path, content: bytes) -> None:
    """Write a file beside `target`, sync it and move it there: what stood there is replaced at once or not at all.

    A link stays a link, its file is replaced; the mode of a file that was there stays. A device or a pipe is
    written to.

    Raises
    ------
    OSError
        If it can't be written; what was there is untouched.
    """
    mode = _mode(target)
    if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        with open(target, "wb") as device:
            device.write(content)
        return
    real = Path(os.path.realpath(target))
    # Not the whole name, which may be as long as a name can be.
    staged = real.with_name(f".{real.name[:40]}.{secrets.token_hex(8)}.part")
    try:
        with open(staged, "xb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
            _write(file, content)
        os.replace(staged, real)
    except BaseException:
        with contextlib.suppress(OSError):
            staged.unlink()
        raise


def write_file(path: Path, content: bytes) -> None:
    """Write a file and sync it, over what stood there: for a folder that nobody reads yet.

    Raises
    ------
    OSError
    """
    with open(path, "wb") as file:
        _write(file, content)


def sync_folder(path: Path) -> None:
    """Wait until the names of a folder are on the disk, so that a file moved there stays there.

    Raises
    ------
    OSError
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())
