"""Every file of ours that is written goes through here; `embeddings.files` does the writing."""

from __future__ import annotations

from pathlib import Path

from embeddings import files
from taxonomy.errors import OutputError


def replace_file(target: Path, content: bytes) -> None:
    """Write a file; what stood at `target` is replaced at once or not at all.

    Raises
    ------
    OutputError
    """
    try:
        files.replace_file(target, content)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write {target}: {reason}; choose another place or free some space") from error
