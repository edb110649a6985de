"""Reading a taxonomy in any form that a command takes."""

from __future__ import annotations

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
