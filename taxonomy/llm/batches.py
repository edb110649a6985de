"""Questions in batches, which a server answers within a day for less: submitted once, resumed after a kill."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field

from taxonomy.errors import LanguageModelError
from taxonomy.llm.batch_server import Batch, BatchServer
from taxonomy.llm.engine import GO_ON, Engine, Model
from taxonomy.llm.question import Question
from taxonomy.llm.reply import LASTING, Outcome, Reply
from taxonomy.llm.spending import Usage

# Seconds between looks at the batches under way.
POLL = 30.0
# Batches at once, under way or left to be asked live: their questions are held in memory.
AT_ONCE = 8


@dataclass
class _Held:
    """What is in memory: the batches under way, by their keys, and what those left that have ended."""

    running: dict[str, Batch] = field(default_factory=dict)
    rest: list[Question] = field(default_factory=list)
    # In batches.
    size_of_rest: float = 0.0

    @property
    def is_full(self) -> bool:
        return len(self.running) + self.size_of_rest > AT_ONCE - 1


class Batched:
    """Gets questions answered in batches; to be used where an engine is.

    A batch is noted in the store before it is submitted, with its questions, so that a run that was killed finds it
    again: by the name that the server gave it, or else among the batches that the server lists. A server that lists a
    batch late may get it twice.

    The questions of the batches under way are held in memory, with those that are to be asked live: at most `AT_ONCE`
    times the largest batch of the adapter.

    Parameters
    ----------
    engine : Engine
    ask_rest : bool
        Ask live what a batch leaves without an answer: what expired, or is cut off or not in form. This waits until no
        batch is under way, so that all that was spent is known.
    report : callable, optional
        Called with (requests done, requests in all) of the batches under way, at each look.

    Attributes
    ----------
    usage, expected : Usage
        Those of the engine.

    Raises
    ------
    LanguageModelError
        If a model's server has no batches.
    """

    def __init__(
        self, engine: Engine, *, ask_rest: bool = False, report: Callable[[int, int], None] | None = None
    ) -> None:
        self._engine = engine
        self._store = engine.store
        self._server = BatchServer(engine)
        self._ask_rest = ask_rest
        self._report = report
        self.usage = engine.usage
        self.expected = engine.expected

    def ask(self, questions: Iterable[Question]) -> Iterator[tuple[Question, Reply]]:
        """Yield questions with their replies, batch by batch, in no order.

        Raises
        ------
        LanguageModelError
            If a batch can't be submitted or its results can't be had, or `max_cost` would be spent.
        """
        filling: dict[Model, Batch] = {}
        held = _Held()
        self._store.forget_answered()
        for question in questions:
            model = self._engine.model_of(question)
            digest = question.digest(model.endpoint.asked_at)
            stored = self._store.get(digest)
            if stored is not None:
                self._engine.count_stored(stored)
                yield question, stored
                continue
            noted = self._store.batch_of(digest)
            if noted is not None:
                adopted = Batch(model, noted, noted.name, is_ours=noted.name is not None)
                self._add(held.running.setdefault(noted.key, adopted), digest, question)
                continue
            batch = filling.setdefault(model, Batch(model))
            self._add(batch, digest, question)
            if batch.is_full:
                yield from self._submit_in_turn(filling.pop(model), held)
        for batch in filling.values():
            yield from self._submit_in_turn(batch, held)
        while held.running:
            yield from self._wait(held)
        yield from self._ask_live(held)

    def took(self, question: Question, usage: Usage) -> None:
        """Add to a usage what all calls about a question took, those of earlier runs too."""
        self._engine.took(question, usage)

    def _add(self, batch: Batch, digest: str, question: Question) -> None:
        same = batch.questions.setdefault(digest, [])
        same.append(question)
        if len(same) == 1:
            batch.size += question.bytes_in()
            if self._engine.limits.max_cost is not None:
                batch.cost += batch.model.expected_cost(question, batched=True) or 0.0

    # -- submitting --------------------------------------------------------------------------------------------

    def _submit_in_turn(self, batch: Batch, held: _Held) -> Iterator[tuple[Question, Reply]]:
        """Submit a batch, once others have ended where they are too many, or may cost what is left to be spent."""
        while held.running and (held.is_full or self._excess(batch, held) is not None):
            yield from self._wait(held)
        if held.is_full:
            yield from self._ask_live(held)
        if (cost := self._excess(batch, held)) is not None:
            problem = f"with the next batch about ${cost:.4f} would be spent"
            problem += f", above `max_cost` {self._engine.limits.max_cost:g}"
            raise LanguageModelError(problem, remedy=GO_ON)
        self._server.submit(batch)
        held.running[batch.key] = batch

    def _excess(self, batch: Batch, held: _Held) -> float | None:
        """Return what would be spent with another batch; None where that is not above the limit."""
        limit = self._engine.limits.max_cost
        cost = (self.usage.cost or 0.0) + batch.cost + sum(one.cost for one in held.running.values())
        return cost if limit is not None and cost > limit else None

    # -- waiting -----------------------------------------------------------------------------------------------

    def _wait(self, held: _Held) -> Iterator[tuple[Question, Reply]]:
        """Look at the batches under way, and yield what those say that have ended; sleep if none has."""
        running = held.running
        states = {key: self._server.state(batch) for key, batch in running.items()}
        if self._report is not None:
            done = sum(state.done for state in states.values())
            self._report(done, sum(len(batch.questions) for batch in running.values()))
        ended = [key for key, state in states.items() if state.ended]
        for key in ended:
            if (replies := self._results(running[key])) is not None:
                yield from self._finish(running.pop(key), replies, held)
        if not ended:
            time.sleep(POLL)

    def _results(self, batch: Batch) -> dict[str, Reply] | None:
        """Store the results of a batch that has ended, and return them; None if it is another's."""
        name = str(batch.name)
        # What was answered live since it was submitted is no member any more: any line may be the one that tells.
        members = self._store.members(batch.key) | batch.questions.keys()
        replies: dict[str, Reply] = {}

        async def read() -> None:
            async with aclosing(batch.adapter.results(name)) as results:
                async for digest, raw in results:
                    if not batch.is_ours and digest in members:
                        self._server.name(batch, name)
                    # A second line, or a second reading, is not counted again.
                    if digest in batch.questions and digest not in replies:
                        question = batch.questions[digest][0]
                        replies[digest] = self._engine.note(batch.model, question, raw, batched=True)

        self._server.patiently(batch, read)
        if batch.is_ours:
            return replies
        batch.pass_over()
        return None

    def _finish(self, batch: Batch, replies: dict[str, Reply], held: _Held) -> Iterator[tuple[Question, Reply]]:
        """Yield the replies of a batch; what it left is kept to be asked live, or yielded as it is."""
        self._store.forget_batch(batch.key, batch.questions)
        left = 0
        for digest, same in batch.questions.items():
            reply = replies.get(digest, Reply(Outcome.FAILED, reason="the results of the batch lack it"))
            if self._ask_rest and reply.outcome not in LASTING:
                held.rest += same
                left += 1
            else:
                self._engine.count(batch.model, same[0], reply, batched=True)
                yield from ((question, reply) for question in same)
        held.size_of_rest += left / len(batch.questions)

    def _ask_live(self, held: _Held) -> Iterator[tuple[Question, Reply]]:
        """Ask what batches left."""
        rest, held.rest, held.size_of_rest = held.rest, [], 0.0
        yield from self._engine.ask(rest)
