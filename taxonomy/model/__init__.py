"""The taxonomy as a graph: its nodes, its invariants and its JSON form."""

from taxonomy.model.ids import default_level_names, mint_id, slugify
from taxonomy.model.loading import load
from taxonomy.model.lookup import values_by_spelling
from taxonomy.model.nodes import (
    Conversations,
    Decision,
    InputProvenance,
    LabelFit,
    LabelSource,
    Level,
    ModelProvenance,
    Node,
    Placement,
    Provenance,
    Retired,
    ancestor_positions,
)
from taxonomy.model.taxonomy import SCHEMA_VERSION, Taxonomy
from taxonomy.values import WeightUnit

__all__ = [
    "SCHEMA_VERSION",
    "Conversations",
    "Decision",
    "InputProvenance",
    "LabelFit",
    "LabelSource",
    "Level",
    "ModelProvenance",
    "Node",
    "Placement",
    "Provenance",
    "Retired",
    "Taxonomy",
    "WeightUnit",
    "ancestor_positions",
    "default_level_names",
    "load",
    "mint_id",
    "slugify",
    "values_by_spelling",
]
