"""Progress of long work in stages."""

from __future__ import annotations

from collections.abc import Callable

from embeddings.progress import Progress

# Called with a stage, steps done, and steps in all.
StageProgress = Callable[[str, int, int], None]


def stage_of(progress: StageProgress | None, stage: str) -> Progress | None:
    """Return the callback of one stage: steps done, and steps in all."""
    return None if progress is None else lambda done, total: progress(stage, done, total)
