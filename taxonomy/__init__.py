"""Value strings in, a versioned multi-level taxonomy out; from records of conversations, what they show.

>>> import taxonomy
>>> built = taxonomy.build(["patience", "honesty", "craftsmanship"])  # doctest: +SKIP
>>> built.tree.write("taxonomy.json")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from sys import intern
from typing import TYPE_CHECKING, Any

from taxonomy.installation import find_foreign_package

if TYPE_CHECKING:
    from embeddings import EmbeddingError, Encoder
    from taxonomy.building.built import Built
    from taxonomy.building.labelling import label
    from taxonomy.building.pipeline import build
    from taxonomy.building.recipe import Recipe
    from taxonomy.building.stability import measure_stability
    from taxonomy.errors import (
        AmbiguousKeyError,
        DomainsError,
        EditsError,
        FetchError,
        InputError,
        InvariantError,
        LanguageModelError,
        LevelsError,
        LookupFailedError,
        OutputError,
        TaxonomyError,
    )
    from taxonomy.extraction.audit.audit_fixes import fix_extraction
    from taxonomy.extraction.audit.extraction_purge import purge_extraction
    from taxonomy.extraction.audit.privacy_audit import audit_extraction
    from taxonomy.extraction.conversation_set import open_conversations
    from taxonomy.extraction.evaluation import evaluate_extraction
    from taxonomy.extraction.extraction_recipe import ExtractionRecipe
    from taxonomy.extraction.extraction_run import extract_values
    from taxonomy.extraction.repeated_extraction import compare_extractions
    from taxonomy.extraction.verification.review_page import write_review_page
    from taxonomy.extraction.verification.sampled_items import sample_extraction
    from taxonomy.extraction.verification.scored_answers import score_review
    from taxonomy.formats.readers import read
    from taxonomy.labels.language_model import LanguageModel
    from taxonomy.mentions.disclosure import Disclosure
    from taxonomy.mentions.opening import open_mentions
    from taxonomy.model import Node, Taxonomy, load
    from taxonomy.placement import assign
    from taxonomy.quality.agreement import compare
    from taxonomy.quality.findings import lint
    from taxonomy.questions.anomalies import find_anomalies
    from taxonomy.questions.compared_models import compare_models
    from taxonomy.questions.contexts import compare_contexts
    from taxonomy.questions.drift import detect_drift
    from taxonomy.questions.frequency import measure_frequency
    from taxonomy.questions.mirroring import measure_mirroring
    from taxonomy.questions.principles import measure_principles
    from taxonomy.questions.responses import describe_responses
    from taxonomy.report.writing import write_report
    from taxonomy.study import run_study
    from taxonomy.versions.diff import Diff
    from taxonomy.versions.edits import Edit
    from taxonomy.versions.edits_file import read_edits
    from taxonomy.versions.replay import apply_edits
    from taxonomy.views.plots import plot_flow

    __version__: str

_ERRORS = (
    "AmbiguousKeyError",
    "DomainsError",
    "EditsError",
    "FetchError",
    "InputError",
    "InvariantError",
    "LanguageModelError",
    "LevelsError",
    "LookupFailedError",
    "OutputError",
    "TaxonomyError",
)
# Where each public name is defined; imported when it is used, so that the command line answers at once.
_HOMES = {
    **dict.fromkeys(_ERRORS, "taxonomy.errors"),
    "Built": "taxonomy.building.built",
    "Diff": "taxonomy.versions.diff",
    "Disclosure": "taxonomy.mentions.disclosure",
    "Edit": "taxonomy.versions.edits",
    "EmbeddingError": "embeddings.errors",
    "Encoder": "embeddings.encoder",
    "ExtractionRecipe": "taxonomy.extraction.extraction_recipe",
    "LanguageModel": "taxonomy.labels.language_model",
    "Node": "taxonomy.model",
    "Recipe": "taxonomy.building.recipe",
    "Taxonomy": "taxonomy.model",
    "apply_edits": "taxonomy.versions.replay",
    "assign": "taxonomy.placement",
    "audit_extraction": "taxonomy.extraction.audit.privacy_audit",
    "build": "taxonomy.building.pipeline",
    "compare": "taxonomy.quality.agreement",
    "compare_contexts": "taxonomy.questions.contexts",
    "compare_extractions": "taxonomy.extraction.repeated_extraction",
    "compare_models": "taxonomy.questions.compared_models",
    "describe_responses": "taxonomy.questions.responses",
    "detect_drift": "taxonomy.questions.drift",
    "evaluate_extraction": "taxonomy.extraction.evaluation",
    "extract_values": "taxonomy.extraction.extraction_run",
    "find_anomalies": "taxonomy.questions.anomalies",
    "fix_extraction": "taxonomy.extraction.audit.audit_fixes",
    "label": "taxonomy.building.labelling",
    "lint": "taxonomy.quality.findings",
    "load": "taxonomy.model",
    "measure_frequency": "taxonomy.questions.frequency",
    "measure_mirroring": "taxonomy.questions.mirroring",
    "measure_principles": "taxonomy.questions.principles",
    "measure_stability": "taxonomy.building.stability",
    "open_conversations": "taxonomy.extraction.conversation_set",
    "open_mentions": "taxonomy.mentions.opening",
    "plot_flow": "taxonomy.views.plots",
    "purge_extraction": "taxonomy.extraction.audit.extraction_purge",
    "read": "taxonomy.formats.readers",
    "read_edits": "taxonomy.versions.edits_file",
    "run_study": "taxonomy.study",
    "sample_extraction": "taxonomy.extraction.verification.sampled_items",
    "score_review": "taxonomy.extraction.verification.scored_answers",
    "write_report": "taxonomy.report.writing",
    "write_review_page": "taxonomy.extraction.verification.review_page",
}

__all__ = [
    "AmbiguousKeyError",
    "Built",
    "Diff",
    "Disclosure",
    "DomainsError",
    "Edit",
    "EditsError",
    "EmbeddingError",
    "Encoder",
    "ExtractionRecipe",
    "FetchError",
    "InputError",
    "InvariantError",
    "LanguageModel",
    "LanguageModelError",
    "LevelsError",
    "LookupFailedError",
    "Node",
    "OutputError",
    "Recipe",
    "Taxonomy",
    "TaxonomyError",
    "__version__",
    "apply_edits",
    "assign",
    "audit_extraction",
    "build",
    "compare",
    "compare_contexts",
    "compare_extractions",
    "compare_models",
    "describe_responses",
    "detect_drift",
    "evaluate_extraction",
    "extract_values",
    "find_anomalies",
    "fix_extraction",
    "label",
    "lint",
    "load",
    "measure_frequency",
    "measure_mirroring",
    "measure_principles",
    "measure_stability",
    "open_conversations",
    "open_mentions",
    "plot_flow",
    "purge_extraction",
    "read",
    "read_edits",
    "run_study",
    "sample_extraction",
    "score_review",
    "write_report",
    "write_review_page",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return intern(version("value-taxonomy"))
    if name not in _HOMES:
        raise AttributeError(f"module 'taxonomy' has no attribute {name!r}")
    if problem := find_foreign_package():
        raise ImportError(problem)
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
