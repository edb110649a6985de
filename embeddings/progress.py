"""Progress of long work: steps done, and steps in all; and work without steps, which is announced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Progress = Callable[[int, int], None]

_announced: ContextVar[Callable[[str], object] | None] = ContextVar("_announced", default=None)


@contextmanager
def announcing(show: Callable[[str], object]) -> Iterator[None]:
    """Show what `announce` says within a ``with`` block."""
    token = _announced.set(show)
    try:
        yield
    finally:
        _announced.reset(token)


def announce(what: str) -> None:
    """Say that something without steps begins, where somebody is to be told."""
    if (show := _announced.get()) is not None:
        show(what)


def part_of(progress: Progress | None, start: int, total: int) -> Progress | None:
    """Return the callback of a part that begins after `start` of `total` steps."""
    return None if progress is None else lambda done, _: progress(start + done, total)
