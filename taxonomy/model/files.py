"""Writing a file so that what stood there is replaced at once or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from taxonomy.errors import OutputError


def replace_file(target: Path, content: bytes) -> None:
    """Write a file beside `target`, sync it and move it there, so that what stood there is replaced at once or not.

    Raises
    ------
    OutputError
    """
    staged = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(staged, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(staged, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write {target}: {reason}; choose another place or free some space") from error
    finally:
        with suppress(OSError):
            staged.unlink()
