"""umap, imported without its notices."""

from __future__ import annotations

import warnings
from typing import Any


def umap_class() -> Any:
    """Return `umap.UMAP`; umap says at import that its parametric part is not there, and in a notebook no widgets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)
        warnings.filterwarnings("ignore", "IProgress not found")
        from umap import UMAP
    return UMAP
