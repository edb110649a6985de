"""Questions in batches, which a server answers within a day for less: submitted once, resumed after a kill."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol, TypeVar

import anyio

from taxonomy.english.plurals import count_of
from taxonomy.errors import LanguageModelError
from taxonomy.llm.engine import GO_ON, Engine, Model
from taxonomy.llm.pacing import pause_after
from taxonomy.llm.question import Question, Request
from taxonomy.llm.reply import LASTING, Outcome, Reply
from taxonomy.llm.transport import explain

Found = TypeVar("Found")

# Seconds between looks at the batches under way.
POLL = 30.0
# Batches under way at once: their questions are held in memory.
_AT_ONCE = 8
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

    async def submit(self, requests: Sequence[tuple[str, Request]]) -> str:
        """Submit requests, each under an id, and return the name of their batch."""

    async def find(self, since: float, requests: int) -> list[str]:
        """Return the names of batches of so many requests that were made since a moment, the oldest first."""

    async def state(self, name: str) -> BatchState:
        """Return how far a batch is."""

    def results(self, name: str) -> AsyncIterator[tuple[str, Reply]]:
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
    """Questions of one model that are, or will be, in one batch; `others` are batches that were taken for it."""

    model: Model
    key: str = ""
    name: str | None = None
    questions: dict[str, list[Question]] = field(default_factory=dict)
    size: int = 0
    others: set[str] = field(default_factory=set)

    @property
    def adapter(self) -> BatchAdapter:
        adapter: BatchAdapter = self.model.protocol.batches
        return adapter


class Batched:
    """Gets questions answered in batches; to be used where an engine is.

    A batch is noted in the store before it is submitted, with its questions, so that a run that was killed finds it
    again: by the name that the server gave it, or else among the batches that the server lists.

    Parameters
    ----------
    engine : Engine
    ask_rest : bool
        Ask live what a batch leaves without an answer: what expired, or is cut off or not in form.
    poll : float
        Seconds between looks at the batches under way.
    report : callable, optional
        Called with (requests done, requests in all) at each look.

    Raises
    ------
    LanguageModelError
        If a model's server has no batches.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        ask_rest: bool = False,
        poll: float = POLL,
        report: Callable[[int, int], None] | None = None,
    ) -> None:
        self._engine = engine
        self._ask_rest = ask_rest
        self._poll = poll
        self._report = report
        self.usage = engine.usage
        for model in engine.models:
            if model.protocol.batches is None:
                problem = f"{model.endpoint.asked_at}: there are no batches in the protocol of this server"
                raise LanguageModelError(problem, remedy="ask it live")

    def ask(self, questions: Iterable[Question]) -> Iterator[tuple[Question, Reply]]:
        """Yield questions with their replies, batch by batch, in no order.

        Raises
        ------
        LanguageModelError
            If a batch can't be submitted or its results can't be had, or `max_cost` would be spent.
        """
        filling: dict[Model, _Batch] = {}
        running: dict[str, _Batch] = {}
        store = self._engine.store
        for question in questions:
            model = self._engine.model_of(question)
            digest = question.digest(model.endpoint.asked_at)
            stored = store.get(digest)
            if stored is not None:
                self._engine.count_stored(stored)
                yield question, stored
                continue
            key = store.batch_of(digest)
            if key is None:
                batch = filling.setdefault(model, _Batch(model))
            else:
                batch = running.setdefault(key, _Batch(model, key))
            batch.questions.setdefault(digest, []).append(question)
            batch.size += question.bytes_in()
            if key is None and self._is_full(batch):
                self._submit(filling.pop(model), running)
                while len(running) >= _AT_ONCE:
                    yield from self._wait(running)
        for batch in filling.values():
            self._submit(batch, running)
        while running:
            yield from self._wait(running)

    def _is_full(self, batch: _Batch) -> bool:
        return len(batch.questions) >= batch.adapter.most_requests or batch.size >= batch.adapter.most_bytes

    # -- submitting --------------------------------------------------------------------------------------------

    def _submit(self, batch: _Batch, running: dict[str, _Batch]) -> None:
        self._check_cost(batch)
        batch.key = hashlib.sha256("".join(sorted(batch.questions)).encode()).hexdigest()
        self._engine.store.note_batch(batch.key, batch.model.endpoint.asked_at, batch.questions)
        running[batch.key] = batch
        self._send(batch)

    def _check_cost(self, batch: _Batch) -> None:
        limit = self._engine.limits.max_cost
        if limit is None:
            return
        spent = self._engine.usage.cost or 0.0
        spent += sum(batch.model.expected_cost(same[0], batched=True) or 0.0 for same in batch.questions.values())
        if spent > limit:
            problem = f"with the next batch about ${spent:.4f} would be spent, above `max_cost` {limit:g}"
            raise LanguageModelError(problem, remedy=GO_ON)

    def _send(self, batch: _Batch) -> None:
        """Submit a batch that is noted; where the answer of the server is lost, see whether it has the batch."""
        requests = [(digest, self._engine.request(same[0])) for digest, same in batch.questions.items()]
        try:
            batch.name = self._call(lambda: batch.adapter.submit(requests), _arrived_not)
        except _CallError as error:
            if not error.reply.again:
                self._engine.store.forget_batch(batch.key)
                raise self._failure(batch, error.reply) from None
            self._look_for(batch)
            return
        self._engine.store.name_batch(batch.key, batch.name)

    def _look_for(self, batch: _Batch) -> None:
        """Find a batch that was noted, and whose name is not known, among those on the server; else submit it."""
        noted = next(one for one in self._engine.store.batches() if one.key == batch.key)
        taken = batch.others | {one.name for one in self._engine.store.batches()}
        names = self._patiently(batch, lambda: batch.adapter.find(noted.at - _SKEW, noted.requests))
        batch.name = next((name for name in names if name not in taken), None)
        if batch.name is None:
            self._send(batch)

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
            time.sleep(self._poll)

    def _state(self, batch: _Batch) -> BatchState:
        if batch.name is None:
            batch.name = next(one.name for one in self._engine.store.batches() if one.key == batch.key)
        if batch.name is None:
            self._look_for(batch)
        return self._patiently(batch, lambda: batch.adapter.state(str(batch.name)))

    def _results(self, batch: _Batch) -> dict[str, Reply] | None:
        """Store the results of a batch that has ended, and return them; None if it is another's."""
        members = self._engine.store.members(batch.key)

        async def read() -> tuple[dict[str, Reply], bool]:
            replies: dict[str, Reply] = {}
            is_ours = False
            async for digest, raw in batch.adapter.results(str(batch.name)):
                is_ours |= digest in members
                if digest in batch.questions and digest not in replies:
                    question = batch.questions[digest][0]
                    replies[digest] = self._engine.note(batch.model, question, raw, batched=True)
            return replies, is_ours

        replies, is_ours = self._patiently(batch, read)
        named = any(one.key == batch.key and one.name for one in self._engine.store.batches())
        if is_ours or named:
            return replies
        batch.others.add(str(batch.name))
        batch.name = None
        return None

    def _finish(self, batch: _Batch, replies: dict[str, Reply]) -> Iterator[tuple[Question, Reply]]:
        """Yield the replies of a batch; what it left is asked live, or yielded as it is."""
        self._engine.store.forget_batch(batch.key, batch.questions)
        rest = []
        for digest, same in batch.questions.items():
            reply = replies.get(digest, Reply(Outcome.FAILED, reason="the results of the batch lack it"))
            if self._ask_rest and reply.outcome not in LASTING:
                rest += same
            else:
                self._engine.count(batch.model, same[0], reply)
                yield from ((question, reply) for question in same)
        yield from self._engine.ask(rest)

    # -- calls -------------------------------------------------------------------------------------------------

    def _patiently(self, batch: _Batch, call: Callable[[], Awaitable[Found]]) -> Found:
        try:
            return self._call(call, _may_end_otherwise)
        except _CallError as error:
            raise self._failure(batch, error.reply) from None

    def _call(self, call: Callable[[], Awaitable[Found]], again: Callable[[Reply], bool]) -> Found:
        """Make a call, and make it again where that may help."""

        async def within() -> Found:
            with anyio.fail_after(10 * self._engine.limits.timeout):
                return await call()

        for attempt in count():
            try:
                return self._engine.run(within)
            except LanguageModelError:
                raise
            except Exception as error:
                reply = explain(error)
            if not again(reply) or attempt >= self._engine.limits.retries:
                raise _CallError(reply)
            time.sleep(max(reply.wait, pause_after(attempt)))
        raise AssertionError

    def _failure(self, batch: _Batch, reply: Reply) -> LanguageModelError:
        where = batch.model.endpoint.asked_at
        problem = f"{where}: a batch of {count_of(len(batch.questions), 'question')}: {reply.reason}"
        return LanguageModelError(problem, remedy=GO_ON)


def _may_end_otherwise(reply: Reply) -> bool:
    return reply.again or reply.busy


def _arrived_not(reply: Reply) -> bool:
    """Say whether a call that failed has surely done nothing: the server was too busy for it."""
    return reply.busy
