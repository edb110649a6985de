"""Value strings in, a versioned multi-level taxonomy out.

>>> import taxonomy
>>> built = taxonomy.build(["patience", "honesty", "craftsmanship"])  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taxonomy.building.built import Built
    from taxonomy.building.pipeline import build
    from taxonomy.building.recipe import Recipe
    from taxonomy.errors import TaxonomyError
    from taxonomy.model import Node, Taxonomy, load
    from taxonomy.values import ValueSet, canonical_key, read_values

__all__ = [
    "Built",
    "Node",
    "Recipe",
    "Taxonomy",
    "TaxonomyError",
    "ValueSet",
    "build",
    "canonical_key",
    "load",
    "read_values",
]

_HOMES = {
    "Built": "building.built",
    "Node": "model",
    "Recipe": "building.recipe",
    "Taxonomy": "model",
    "TaxonomyError": "errors",
    "ValueSet": "values",
    "build": "building.pipeline",
    "canonical_key": "values",
    "load": "model",
    "read_values": "values",
}


def __getattr__(name: str) -> Any:
    # Imported where used, so that the command line answers at once.
    if name not in _HOMES:
        raise AttributeError(f"module 'taxonomy' has no attribute {name!r}")
    return getattr(import_module(f"taxonomy.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
