"""Questions in batches, which a server answers within a day for less: submitted once, resumed after a kill."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import anyio

from taxonomy.english.plurals import count_of
from taxonomy.errors import LanguageModelError
from taxonomy.llm import pacing
from taxonomy.llm.answer_store import AnswerStore, SubmittedBatch
from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.engine import GO_ON, Engine, Model
from taxonomy.llm.question import Question, Request
from taxonomy.llm.reply import LASTING, Outcome, Reply
from taxonomy.llm.spending import Usage
from taxonomy.llm.transport import explain

Found = TypeVar("Found")

# Seconds between looks at the batches under way.
POLL = 30.0
# Batches under way at once: their questions are held in memory.
AT_ONCE = 8
# Clocks of servers may differ from ours by so many seconds.
_SKEW = 600.0


@dataclass(frozen=True)
class BatchState:
    """Whether a batch has ended, and how many of its requests are done."""

    ended: bool
    done: int


class BatchAdapter(Protocol):
    """The batches of a provider; `AnthropicBatches` is one."""

    most_requests: int
    most_bytes: int

    async def submit(self, requests: Sequence[tuple[str, Request]]) -> str | None:
        """Submit requests, each under an id, and return the name of their batch; None from a server without batches."""

    async def find(self, since: float, requests: int) -> list[str]:
        """Return the names of batches of so many requests that were made since a moment, the newest first."""

    async def state(self, name: str) -> BatchState | None:
        """Return how far a batch is; None where the server has it no more."""

    def results(self, name: str) -> AsyncGenerator[tuple[str, Reply], None]:
        """Yield what became of the requests of a batch that has ended, each with its id, in any order."""

    async def cancel(self, name: str) -> None:
        """Let a batch end early; what is answered by then stays."""


class _CallError(Exception):
    """A call that failed; the reply says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.reason)
        self.reply = reply


@dataclass
class _Batch:
    """Questions of one model that are, or will be, in one batch.

    A name that was found on the server is ours only once an id in the results is; `others` are names that were not.
    """

    model: Model
    noted: SubmittedBatch | None = None
    name: str | None = None
    is_ours: bool = False
    others: set[str] = field(default_factory=set)
    questions: dict[str, list[Question]] = field(default_factory=dict)
    size: int = 0
    cost: float = 0.0

    @property
    def adapter(self) -> BatchAdapter:
        adapter: BatchAdapter = self.model.protocol.batches
        return adapter

    @property
    def key(self) -> str:
        """What the store knows it by: of the questions that were noted first."""
        return self.noted.key if self.noted else hashlib.sha256("".join(sorted(self.questions)).encode()).hexdigest()

    @property
    def is_full(self) -> bool:
        return len(self.questions) >= self.adapter.most_requests or self.size >= self.adapter.most_bytes


class Batched:
    """Gets questions answered in batches; to be used where an engine is.

    A batch is noted in the store before it is submitted, with its questions, so that a run that was killed finds it
    again: by the name that the server gave it, or else among the batches that the server lists. A server that lists a
    batch late may get it twice.

    The questions of the batches under way are held in memory, at most `AT_ONCE` times the largest batch of the adapter.

    Parameters
    ----------
    engine : Engine
    ask_rest : bool
        Ask live what a batch leaves without an answer: what expired, or is cut off or not in form.
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
        self._ask_rest = ask_rest
        self._report = report
        self.usage = engine.usage
        self.expected = engine.expected
        for model in engine.models:
            if model.protocol.batches is None:
                raise _no_batches(model)

    def ask(self, questions: Iterable[Question]) -> Iterator[tuple[Question, Reply]]:
        """Yield questions with their replies, batch by batch, in no order.

        Raises
        ------
        LanguageModelError
            If a batch can't be submitted or its results can't be had, or `max_cost` would be spent.
        """
        filling: dict[Model, _Batch] = {}
        running: dict[str, _Batch] = {}
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
                adopted = _Batch(model, noted, noted.name, is_ours=noted.name is not None)
                self._add(running.setdefault(noted.key, adopted), digest, question)
                continue
            batch = filling.setdefault(model, _Batch(model))
            self._add(batch, digest, question)
            if batch.is_full:
                yield from self._submit_in_turn(filling.pop(model), running)
        for batch in filling.values():
            yield from self._submit_in_turn(batch, running)
        while running:
            yield from self._wait(running)

    def took(self, question: Question, usage: Usage) -> None:
        """Add to a usage what all calls about a question took, those of earlier runs too."""
        self._engine.took(question, usage)

    def cancel(self) -> int:
        """Let the batches end early that the store notes for the models of the engine, and return how many.

        They stay noted, so that a later run gets what was answered. One whose name was never stored is left alone.
        """
        cancelled = 0
        for model in self._engine.models:
            for noted in self._store.batches():
                if noted.model == model.endpoint.asked_at and noted.name is not None:
                    cancelled += self._cancel(_Batch(model, noted, noted.name))
        return cancelled

    def _cancel(self, batch: _Batch) -> bool:
        name = str(batch.name)
        state = self._patiently(batch, lambda: batch.adapter.state(name))
        if state is None or state.ended:
            return False
        self._patiently(batch, lambda: batch.adapter.cancel(name))
        return True

    def _add(self, batch: _Batch, digest: str, question: Question) -> None:
        same = batch.questions.setdefault(digest, [])
        same.append(question)
        if len(same) == 1:
            batch.size += question.bytes_in()
            if self._engine.limits.max_cost is not None:
                batch.cost += batch.model.expected_cost(question, batched=True) or 0.0

    # -- submitting --------------------------------------------------------------------------------------------

    def _submit_in_turn(self, batch: _Batch, running: dict[str, _Batch]) -> Iterator[tuple[Question, Reply]]:
        """Submit a batch, once others have ended where they are too many, or may cost what is left to be spent."""
        while running and (len(running) >= AT_ONCE or self._excess(batch, running) is not None):
            yield from self._wait(running)
        if (cost := self._excess(batch, running)) is not None:
            problem = f"with the next batch about ${cost:.4f} would be spent"
            problem += f", above `max_cost` {self._engine.limits.max_cost:g}"
            raise LanguageModelError(problem, remedy=GO_ON)
        self._submit(batch)
        running[batch.key] = batch

    def _excess(self, batch: _Batch, running: dict[str, _Batch]) -> float | None:
        """Return what would be spent with another batch; None where that is not above the limit."""
        limit = self._engine.limits.max_cost
        cost = (self.usage.cost or 0.0) + batch.cost + sum(one.cost for one in running.values())
        return cost if limit is not None and cost > limit else None

    def _submit(self, batch: _Batch) -> None:
        """Note a batch, and submit it; where the answer of the server is lost, see whether it has the batch."""
        batch.noted = self._store.note_batch(batch.key, batch.model.endpoint.asked_at, batch.questions)
        requests = [(digest, self._engine.request(same[0])) for digest, same in batch.questions.items()]
        for attempt in range(self._engine.limits.retries + 1):
            if attempt:
                time.sleep(pacing.pause_after(attempt))
                if self._find(batch):
                    return
            try:
                # Else it may have arrived, and be there.
                name = self._call(lambda: batch.adapter.submit(requests), lambda reply: reply.busy)
            except _CallError as error:
                failed = error.reply
                if failed.again:
                    continue
                self._store.forget_batch(batch.key)
                break
            if name is None:
                self._store.forget_batch(batch.key)
                raise _no_batches(batch.model)
            self._name(batch, name)
            return
        raise self._failure(batch, failed)

    def _name(self, batch: _Batch, name: str) -> None:
        batch.name, batch.is_ours = name, True
        self._store.name_batch(batch.key, name)

    def _find(self, batch: _Batch) -> bool:
        """Look among the batches on the server for one that was noted, and whose name is not known."""
        assert batch.noted is not None
        since, requests = batch.noted.at - _SKEW, batch.noted.requests
        names = self._patiently(batch, lambda: batch.adapter.find(since, requests))
        taken = batch.others | {one.name for one in self._store.batches()}
        batch.name = next((name for name in names if name not in taken), None)
        return batch.name is not None

    # -- waiting -----------------------------------------------------------------------------------------------

    def _wait(self, running: dict[str, _Batch]) -> Iterator[tuple[Question, Reply]]:
        """Look at the batches under way, and yield what those say that have ended; sleep if none has."""
        states = {key: self._state(batch) for key, batch in running.items()}
        if self._report is not None:
            done = sum(state.done for state in states.values())
            self._report(done, sum(len(batch.questions) for batch in running.values()))
        ended = [key for key, state in states.items() if state.ended]
        for key in ended:
            if (replies := self._results(running[key])) is not None:
                yield from self._finish(running.pop(key), replies)
        if not ended:
            time.sleep(POLL)

    def _state(self, batch: _Batch) -> BatchState:
        if batch.name is None and not self._find(batch):
            self._submit(batch)
        state = self._patiently(batch, lambda: batch.adapter.state(str(batch.name)))
        if state is None:
            batch.name = None
            self._submit(batch)
        return state or BatchState(ended=False, done=0)

    def _results(self, batch: _Batch) -> dict[str, Reply] | None:
        """Store the results of a batch that has ended, and return them; None if it is another's."""
        name = str(batch.name)
        members = self._store.members(batch.key)
        replies: dict[str, Reply] = {}

        async def read() -> None:
            async with aclosing(batch.adapter.results(name)) as results:
                async for digest, raw in results:
                    if not batch.is_ours:
                        if digest not in members:
                            return
                        self._name(batch, name)
                    # A second line, or a second reading, is not counted again.
                    if digest in batch.questions and digest not in replies:
                        question = batch.questions[digest][0]
                        replies[digest] = self._engine.note(batch.model, question, raw, batched=True)

        self._patiently(batch, read)
        if batch.is_ours:
            return replies
        batch.others.add(name)
        batch.name = None
        return None

    def _finish(self, batch: _Batch, replies: dict[str, Reply]) -> Iterator[tuple[Question, Reply]]:
        """Yield the replies of a batch; what it left is asked live, or yielded as it is."""
        self._store.forget_batch(batch.key, batch.questions)
        rest = []
        for digest, same in batch.questions.items():
            reply = replies.get(digest, Reply(Outcome.FAILED, reason="the results of the batch lack it"))
            if self._ask_rest and reply.outcome not in LASTING:
                rest += same
            else:
                self._engine.count(batch.model, same[0], reply, batched=True)
                yield from ((question, reply) for question in same)
        yield from self._engine.ask(rest)

    # -- calls -------------------------------------------------------------------------------------------------

    def _patiently(self, batch: _Batch, call: Callable[[], Awaitable[Found]]) -> Found:
        """Make a call that may be made twice, and make it again where that may help."""
        try:
            return self._call(call, lambda reply: not reply.fatal)
        except _CallError as error:
            raise self._failure(batch, error.reply) from None

    def _call(self, call: Callable[[], Awaitable[Found]], again: Callable[[Reply], bool]) -> Found:
        """Make a call, and again after a failure that allows it."""

        async def within() -> Found:
            with anyio.fail_after(10 * self._engine.limits.timeout):
                return await call()

        begun, attempt = time.monotonic(), 0
        while True:
            try:
                return self._engine.run(within)
            except LanguageModelError:
                raise
            except Exception as error:
                reply = explain(error)
            in_time = time.monotonic() - begun + reply.wait < pacing.PATIENCE
            if not again(reply) or not in_time or (attempt >= self._engine.limits.retries and not reply.busy):
                raise _CallError(reply)
            time.sleep(max(reply.wait, pacing.pause_after(attempt)))
            attempt += 1

    def _failure(self, batch: _Batch, reply: Reply) -> LanguageModelError:
        size = batch.noted.requests if batch.noted else len(batch.questions)
        problem = f"{batch.model.endpoint.asked_at}: a batch of {count_of(size, 'question')}: {reply.reason}"
        return LanguageModelError(problem, remedy=GO_ON)


def cancel_batches(store: AnswerStore) -> int:
    """Let all batches end early that a store notes, and return how many; see `Batched.cancel`.

    Raises
    ------
    LanguageModelError
        If a key is missing, or a server can't be asked.
    """
    cancelled = 0
    for model in sorted({noted.model for noted in store.batches()}):
        with Engine(Endpoint.parse(model), store) as engine:
            cancelled += Batched(engine).cancel()
    return cancelled


def _no_batches(model: Model) -> LanguageModelError:
    return LanguageModelError(f"{model.endpoint.asked_at}: this server has no batches", remedy="ask it live")
