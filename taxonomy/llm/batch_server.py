"""Batches as a server has them: noted before they are submitted, and found again by their size and their results."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import anyio

from taxonomy.english.plurals import count_of
from taxonomy.errors import LanguageModelError
from taxonomy.llm import pacing
from taxonomy.llm.answer_store import SubmittedBatch
from taxonomy.llm.engine import GO_ON, Engine, Model
from taxonomy.llm.question import Question, Request
from taxonomy.llm.reply import Reply
from taxonomy.llm.transport import explain

Found = TypeVar("Found")

# Clocks of servers may differ from ours by so many seconds.
_SKEW = 600.0
# Errors of the request by their status, though not of what it asks for: it may have been done.
_MAYBE_DONE = (408, 409, 425, 429)


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


@dataclass
class Batch:
    """Questions of one model that are, or will be, in one batch.

    A name that was found on the server is ours only once an id in the results is; `others` are names that were not, or
    whose batch is gone.
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
        """The batches of the model's provider."""
        adapter: BatchAdapter = self.model.protocol.batches
        return adapter

    @property
    def key(self) -> str:
        """What the store knows it by: of the questions that were noted first."""
        return self.noted.key if self.noted else hashlib.sha256("".join(sorted(self.questions)).encode()).hexdigest()

    @property
    def is_full(self) -> bool:
        """Whether the server takes no more in one batch."""
        return len(self.questions) >= self.adapter.most_requests or self.size >= self.adapter.most_bytes

    def pass_over(self) -> None:
        """Look no more at the batch of this name."""
        self.others.add(str(self.name))
        self.name, self.is_ours = None, False


class BatchServer:
    """Makes the calls about batches, and again where that may help; the store notes what is submitted.

    Parameters
    ----------
    engine : Engine

    Raises
    ------
    LanguageModelError
        If a model's server has no batches. All methods raise it where a call fails for good.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._store = engine.store
        for model in engine.models:
            if model.protocol.batches is None:
                raise _no_batches(model)

    def submit(self, batch: Batch) -> None:
        """Note a batch, and submit it; where it may have arrived all the same, see whether the server has it.

        The note stays unless the server refused the batch, so that a later run looks for it, too.
        """
        batch.noted = self._store.note_batch(batch.key, batch.model.endpoint.asked_at, batch.questions)
        requests = [(digest, self._engine.request(same[0])) for digest, same in batch.questions.items()]
        patience = _Patience(self._engine.limits.retries)
        while True:
            try:
                name = self._call(lambda: batch.adapter.submit(requests))
            except _CallError as error:
                failed = error
            else:
                break
            if failed.is_refusal:
                self._store.forget_batch(batch.key)
            if failed.is_refusal or not patience.wait_after(failed.reply):
                raise self._failure(batch, failed.reply)
            if self._find(batch):
                return
        if name is None:
            self._store.forget_batch(batch.key)
            raise _no_batches(batch.model)
        self.name(batch, name)

    def name(self, batch: Batch, name: str) -> None:
        """Note the name of a batch that is ours."""
        batch.name, batch.is_ours = name, True
        self._store.name_batch(batch.key, name)

    def state(self, batch: Batch) -> BatchState:
        """Return how far a batch is; it is submitted anew only if the server has none that may be it."""
        while batch.name is not None or self._find(batch):
            if (state := self._state_of(batch, str(batch.name))) is not None:
                return state
            was_ours = batch.is_ours
            batch.pass_over()
            if was_ours:
                break
        self.submit(batch)
        return BatchState(ended=False, done=0)

    def candidates(self, batch: Batch) -> list[str]:
        """Return the names on the server that a batch may have which was noted without one, the newest first."""
        assert batch.noted is not None
        since, requests = batch.noted.at - _SKEW, batch.noted.requests
        names = self.patiently(batch, lambda: batch.adapter.find(since, requests))
        taken = batch.others | {one.name for one in self._store.batches()}
        return [name for name in names if name not in taken]

    def is_running(self, batch: Batch, name: str) -> bool:
        """Say whether the batch of a name has not ended."""
        state = self._state_of(batch, name)
        return state is not None and not state.ended

    def cancel(self, batch: Batch) -> None:
        """Let a batch end early."""
        self.patiently(batch, lambda: batch.adapter.cancel(str(batch.name)))

    def patiently(self, batch: Batch, call: Callable[[], Awaitable[Found]]) -> Found:
        """Make a call that may be made twice, and make it again where that may help."""
        patience = _Patience(self._engine.limits.retries)
        while True:
            try:
                return self._call(call)
            except _CallError as error:
                failed = error
            if not patience.wait_after(failed.reply):
                raise self._failure(batch, failed.reply)

    def _state_of(self, batch: Batch, name: str) -> BatchState | None:
        """Return how far the batch of a name is; None where the server has it no more."""
        return self.patiently(batch, lambda: batch.adapter.state(name))

    def _find(self, batch: Batch) -> bool:
        """Take the newest batch on the server that may be one whose name is not known."""
        batch.name = next(iter(self.candidates(batch)), None)
        return batch.name is not None

    def _call(self, call: Callable[[], Awaitable[Found]]) -> Found:
        """Make a call once."""

        async def within() -> Found:
            with anyio.fail_after(10 * self._engine.limits.timeout):
                return await call()

        try:
            return self._engine.run(within)
        except LanguageModelError:
            raise
        except Exception as error:
            status = getattr(error, "status_code", 0)
            failed = _CallError(explain(error), 400 <= status < 500 and status not in _MAYBE_DONE)
        # Outside of the handler, so that no traceback leads to what the server said.
        raise failed

    def _failure(self, batch: Batch, reply: Reply) -> LanguageModelError:
        size = batch.noted.requests if batch.noted else len(batch.questions)
        problem = f"{batch.model.endpoint.asked_at}: a batch of {count_of(size, 'question')}: {reply.reason}"
        return LanguageModelError(problem, remedy=GO_ON)


class _CallError(Exception):
    """A call that failed; the reply says why, and the status may prove that the server did nothing."""

    def __init__(self, reply: Reply, is_refusal: bool) -> None:
        super().__init__(reply.reason)
        self.reply = reply
        self.is_refusal = is_refusal


class _Patience:
    """Waits before a call is made again, as often as that may help."""

    def __init__(self, retries: int) -> None:
        self._retries = retries
        self._begun = time.monotonic()
        self._attempt = 0

    def wait_after(self, reply: Reply) -> bool:
        """Wait as a failure asks for, and return True; False where another call would not help."""
        in_time = time.monotonic() - self._begun + reply.wait < pacing.PATIENCE
        if reply.fatal or not in_time or (self._attempt >= self._retries and not reply.busy):
            return False
        time.sleep(max(reply.wait, pacing.pause_after(self._attempt)))
        self._attempt += 1
        return True


def _no_batches(model: Model) -> LanguageModelError:
    return LanguageModelError(f"{model.endpoint.asked_at}: this server has no batches", remedy="ask it live")
