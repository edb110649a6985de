"""Progress of long work: steps done, and steps in all."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]


def part_of(progress: Progress | None, start: int, total: int) -> Progress | None:
    """Return the callback of a part that begins after `start` of `total` steps."""
    return None if progress is None else lambda done, _: progress(start + done, total)
