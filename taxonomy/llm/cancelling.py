"""Let batches end early, as far as it is known which ones are ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from taxonomy.english.plurals import count_of
from taxonomy.errors import LanguageModelError
from taxonomy.llm.answer_store import AnswerStore, SubmittedBatch
from taxonomy.llm.batch_server import Batch, BatchServer
from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.engine import Engine

# Names that are listed of batches that may be ours.
_LISTED = 3


@dataclass
class Cancelled:
    """What became of the batches under way.

    Attributes
    ----------
    count : int
        How many were cancelled.
    problems : list of str
        A line for each batch that may still be under way, or for all of a model that can't be asked.
    """

    count: int = 0
    problems: list[str] = field(default_factory=list)


def cancel_batches(store: AnswerStore) -> Cancelled:
    """Let all batches end early that a store notes.

    They stay noted, so that a later run gets what was answered. One whose name was never stored is left alone, since
    only its results tell which of the server's it is. A failure is no end: the others are cancelled.
    """
    cancelled = Cancelled()
    noted: dict[str, list[SubmittedBatch]] = {}
    for one in store.batches():
        noted.setdefault(one.model, []).append(one)
    for model, those in sorted(noted.items()):
        try:
            with Engine(Endpoint.parse(model), store) as engine:
                for problem in _cancel(engine, those):
                    if problem is None:
                        cancelled.count += 1
                    else:
                        cancelled.problems.append(problem)
        except LanguageModelError as error:
            reason = str(error).removeprefix(f"{model}: ")
            cancelled.problems.append(f"{count_of(len(those), 'batch')} for {model}: {reason}")
    return cancelled


def _cancel(engine: Engine, those: list[SubmittedBatch]) -> Iterator[str | None]:
    """Yield None for a batch that was cancelled, a problem for one that was not; nothing for one that has ended."""
    server = BatchServer(engine)
    (model,) = engine.models
    for noted in those:
        batch = Batch(model, noted, noted.name)
        try:
            names = server.candidates(batch) if noted.name is None else [noted.name]
            running = [name for name in names if server.is_running(batch, name)]
            if running and noted.name is not None:
                server.cancel(batch)
                yield None
            elif running:
                maybe = ", ".join(running[:_LISTED]) + (" and others" if running[_LISTED:] else "")
                size = count_of(noted.requests, "question")
                yield f"a batch of {size} for {noted.model}: its name was not stored; it may be {maybe}, or another's"
        except LanguageModelError as error:
            yield error.problem
