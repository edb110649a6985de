"""How far a long work is: steps done, and steps in all."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]


def part_of(progress: Progress | None, start: int, total: int) -> Progress | None:
    """Return what a part tells, which begins after `start` of the `total` steps of the whole."""
    return None if progress is None else lambda done, _: progress(start + done, total)
