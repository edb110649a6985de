"""Reading a taxonomy in any form that a command takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taxonomy.model import Taxonomy


def read_tree(path: Path) -> Taxonomy:
    """Read a taxonomy in the format that its suffix names."""
    from taxonomy.publishing import read_taxonomy

    return read_taxonomy(path)
