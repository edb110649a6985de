"""Ask several questions at once, so that what they disclose is suppressed together."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeVar

from taxonomy.mentions.disclosure import Disclosure
from taxonomy.mentions.linked_cells import Cells
from taxonomy.mentions.suppression import Disclosed, suppress_together

Result = TypeVar("Result")
# A question that was asked: it yields the cells that it would publish, is sent what is disclosed of them, and returns
# its result. One that yields nothing has no cells.
Asking = Generator[Sequence[Cells], Sequence[Disclosed], Result]


def answer_alone(asking: Asking[Result], disclosure: Disclosure) -> Result:
    """Answer one question by itself."""
    cells = next(asking)
    return finish(asking, suppress_together(cells, disclosure=disclosure))


def ask_all(askings: Sequence[Asking[Result]]) -> Asking[list[Result]]:
    """Ask several questions as one, and return their results."""
    cells = [next(asking) for asking in askings]
    disclosed = yield [table for tables in cells for table in tables]
    parts = split(disclosed, [len(tables) for tables in cells])
    return [finish(asking, part) for asking, part in zip(askings, parts, strict=True)]


def finish(asking: Asking[Result], disclosed: Sequence[Disclosed]) -> Result:
    """Send a question what is disclosed, and return its result."""
    try:
        asking.send(disclosed)
    except StopIteration as done:
        result: Result = done.value
        return result
    raise AssertionError("a question yields its cells once")


def split(disclosed: Sequence[Disclosed], sizes: Sequence[int]) -> list[Sequence[Disclosed]]:
    """Split what is disclosed into consecutive parts of these sizes."""
    rest = iter(disclosed)
    return [[next(rest) for _ in range(size)] for size in sizes]
