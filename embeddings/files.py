"""The one place that writes files, SQLite's own aside."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path


def replace_file(target: Path, content: bytes) -> None:
    """Write a file beside `target`, sync it and move it there: what stood there is replaced at once or not at all.

    A link stays a link, its file is replaced; the mode of a file that was there stays.

    Raises
    ------
    OSError
        If it can't be written; what was there is untouched.
    """
    real = Path(os.path.realpath(target))
    handle, staged = tempfile.mkstemp(prefix=f".{real.name}.", suffix=".part", dir=real.parent)
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), _mode(real))
            os.fsync(file.fileno())
        os.replace(staged, real)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(staged)
        raise


def _mode(path: Path) -> int:
    """Return the mode of a file, or that which a new one gets."""
    with contextlib.suppress(OSError):
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
