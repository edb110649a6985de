"""Reading a taxonomy in any form that a command takes, and writing a text at once or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taxonomy.model import Taxonomy


def read_tree(path: Path) -> Taxonomy:
    """Read a taxonomy by its suffix: a .csv of the published six columns, else a taxonomy.json."""
    if path.suffix.lower() == ".csv":
        from taxonomy.formats.csv import read_taxonomy_csv

        return read_taxonomy_csv(path)
    from taxonomy.model import load

    return load(path)


def write_text(path: Path, text: str) -> None:
    """Write a file; what stood there is replaced at once or not at all."""
    from taxonomy.errors import OutputError

    staged = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        staged.write_text(text, encoding="utf-8", newline="")
        os.replace(staged, path)
    except OSError as error:
        staged.unlink(missing_ok=True)
        raise OutputError(f"cannot write {path}: {error.strerror or error}; choose another place") from error
