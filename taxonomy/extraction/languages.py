"""The language of a text."""

from __future__ import annotations

from functools import cache
from typing import Any

# Characters of a text that tell its language, and the certainty from which it is told.
_ENOUGH = 600
_CERTAIN = 0.5
# Letters of the shortest text that tells it; of a script that one language has, fewer will do.
_LEAST = 12


def detect_language(text: str) -> str | None:
    """Return the language of a text by ISO 639-1, None where it is too short or too mixed to tell.

    Notes
    -----
    By the naive Bayes classifier of Lui and Baldwin, "langid.py: An Off-the-shelf Language Identification Tool" (ACL
    2012), as py3langid has it.
    """
    start = text[:_ENOUGH]
    if sum(map(str.isalpha, start)) < _LEAST and start.isascii():
        return None
    language, certainty = _identifier().classify(start)
    # Those without a code of two letters are small, and mistaken for large ones.
    return str(language) if certainty >= _CERTAIN and len(language) == 2 else None


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
