"""Defaults of an extraction; here, since the command line shows them without loading the rest."""

from __future__ import annotations

from typing import Literal, get_args

Subjectivity = Literal["objective", "mostly objective", "mostly subjective", "subjective"]
# From the least to the most.
LEVELS: tuple[Subjectivity, ...] = get_args(Subjectivity)
# The least subjective one that is kept.
DEFAULT_LEVEL: Subjectivity = "mostly subjective"
# Characters that a model is shown at once: some ten thousand tokens of English.
WINDOW = 40_000
# The least cosine of two values that count as alike in an evaluation.
LIKENESS = 0.7
