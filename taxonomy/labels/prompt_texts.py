"""The prompts for a language model, from the files in `prompts`."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files

PROMPTS = ("cluster", "parent", "move")


@cache
def prompt_text(name: str) -> str:
    """Return one of `PROMPTS`."""
    return (files("taxonomy.labels") / "prompts" / f"{name}.txt").read_text(encoding="utf-8")


def prompts_digest() -> str:
    """Return ``sha256:`` and the digest of all prompts: their version."""
    text = json.dumps([prompt_text(name) for name in PROMPTS])
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
