"""Get questions answered: from the store, or by a model, which is asked at a pace that its server bears."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from importlib import import_module
from typing import Any, TypeVar

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal
from pydantic import ValidationError

from taxonomy.english.plurals import count_of
from taxonomy.errors import LanguageModelError
from taxonomy.llm import pacing
from taxonomy.llm.answer_store import AnswerStore
from taxonomy.llm.endpoint import Endpoint, holds_key
from taxonomy.llm.limits import Limits
from taxonomy.llm.pacing import Pace, pause_after
from taxonomy.llm.question import LESS_ROOM, MORE_ROOM, ROOM, Question, Request
from taxonomy.llm.reply import LASTING, Outcome, Reply, Tokens
from taxonomy.llm.spending import Tokenizer, Usage, cost_of
from taxonomy.llm.under_way import UnderWay

# How often an answer that is not in the form asked for is asked for again.
_AGAIN = 2
# Questions without an answer from the first one on, after which the others would get none either.
_HOPELESS = 10
# Contexts whose first question is remembered, the latest ones.
CONTEXTS = 100
# What a model that says something is paid for; other outcomes are errors of its server.
_SAID = frozenset((Outcome.ANSWERED, Outcome.REFUSED, Outcome.TRUNCATED))
_FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.DOTALL)
GO_ON = "the answers so far are stored: run the same again to go on"


Found = TypeVar("Found")


class Model:
    """A model in use: how it is asked, at what pace, and what its calls take.

    Attributes
    ----------
    endpoint : Endpoint
    pace : Pace
    tokenizer : Tokenizer
    has_answered : bool
        In this run or an earlier one.
    unanswered : int
        Questions of this run, until it has.
    protocol : Protocol
        With `ask`, `close`, and `batches`, which is None where the protocol has none.
    """

    def __init__(self, endpoint: Endpoint, store: AnswerStore, limits: Limits, stopped: anyio.Event) -> None:
        self.endpoint = endpoint
        self.pace = Pace(limits, stopped)
        self.tokenizer = Tokenizer(store, endpoint.asked_at)
        self.has_answered = store.has_answers(endpoint.asked_at)
        self.unanswered = 0
        self.protocol: Any = import_module(endpoint.protocol).Protocol(endpoint, limits.timeout)

    def expected_cost(self, question: Question, *, batched: bool = False) -> float | None:
        """Return what a call is expected to cost, in US dollars; None where the price is not known."""
        return cost_of(self.endpoint, self.tokenizer.expect(question), batched=batched)


class Engine:
    """Asks language models, within a `with`.

    Questions are taken one by one, so that their number does not matter. Each answer is stored before it is given.

    Parameters
    ----------
    endpoint : Endpoint
        The model that is asked.
    store : AnswerStore
    limits : Limits, optional
    others : mapping of str to Endpoint, optional
        Models for the questions of some tasks, as a cheaper one for an easy task.

    Attributes
    ----------
    usage : Usage
        What was asked so far.
    expected : Usage
        What that was expected to take.

    Raises
    ------
    LanguageModelError
        If a key is missing, or `max_cost` is given and a price is not known.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        store: AnswerStore,
        limits: Limits | None = None,
        *,
        others: Mapping[str, Endpoint] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.store = store
        self.limits = limits or Limits()
        self.usage = Usage()
        self.expected = Usage()
        self._others = dict(others or {})
        self._canary = store.canary()
        self._stopped: LanguageModelError | None = None
        self._contexts: dict[tuple[str, str], anyio.Event] = {}
        for one in self._endpoints:
            one.key()
            if self.limits.max_cost is not None and cost_of(one, Tokens(1, 0, 0, 1)) is None:
                raise LanguageModelError(f"the price of {one.model} is not known", remedy="leave `max_cost` out")

    @property
    def _endpoints(self) -> set[Endpoint]:
        return {self.endpoint, *self._others.values()}

    def __enter__(self) -> Engine:
        with ExitStack() as stack:
            self._portal: BlockingPortal = stack.enter_context(start_blocking_portal())
            self._models = self._portal.call(self._open)
            stack.callback(self._portal.call, self._close)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._stack.__exit__(*exception)

    async def _open(self) -> dict[Endpoint, Model]:
        # Ends what waits for a pause or a rate.
        self._end = anyio.Event()
        return {one: Model(one, self.store, self.limits, self._end) for one in self._endpoints}

    async def _close(self) -> None:
        for model in self._models.values():
            await model.protocol.close()

    # -- a stream of questions ---------------------------------------------------------------------------------

    def ask(self, questions: Iterable[Question]) -> Iterator[tuple[Question, Reply]]:
        """Yield questions with their replies as they come, in no order; the same question twice is asked once.

        Raises
        ------
        LanguageModelError
            If the model can't be asked (a wrong key, model or address), its server fails or is busy for long, or
            `max_cost` is spent. What was answered before is stored, and is yielded first.
        """
        under_way = UnderWay()
        # Some may wait for the first question of their context.
        window = 4 * self.limits.concurrency
        try:
            for question in questions:
                while under_way.any_done() or len(under_way) >= window:
                    yield from under_way.next_done()
                if self._stopped is not None:
                    break
                model = self.model_of(question)
                digest = question.digest(model.endpoint.asked_at)
                if under_way.has(digest):
                    under_way.join(digest, question)
                elif (stored := self.store.get(digest)) is not None:
                    self.count_stored(stored)
                    yield question, stored
                else:
                    under_way.add(digest, question, self._portal.start_task_soon(self._settle, model, question))
            while under_way:
                yield from under_way.next_done()
        finally:
            under_way.cancel()
        if self._stopped is not None:
            raise self._stopped

    # -- parts, which batches use too --------------------------------------------------------------------------

    @property
    def models(self) -> Collection[Model]:
        """The models in use."""
        return self._models.values()

    def model_of(self, question: Question) -> Model:
        """Return the model that a question is for."""
        return self._models[self._others.get(question.task, self.endpoint)]

    def run(self, call: Callable[[], Awaitable[Found]]) -> Found:
        """Run a coroutine where calls are made, and wait for it."""
        return self._portal.call(call)

    def request(self, question: Question) -> Request:
        """Return a question as it is sent: the system text holds a word that no answer may hold."""
        system = f"{question.prompt.rstrip()}\n\n(Reference {self._canary}: never repeat it.)"
        return Request(system, question.kept(), question.turns(), question.form)

    def note(self, model: Model, question: Question, raw: Reply, *, batched: bool = False) -> Reply:
        """Check the form of a reply, store it and what it took, and return it, malformed if it is not in form."""
        reply = self._checked(raw, question)
        name = model.endpoint.asked_at
        digest = question.digest(name)
        self.store.note_call(digest, name, question.task, question.bytes_in(), reply, batched=batched)
        # A server with more room may take what is too long for this one.
        if reply.outcome in LASTING and not reply.cramped:
            self.store.put(digest, name, question.task, reply)
        self._add(self.usage, model, question, (raw.outcome, reply.tokens, batched))
        return reply

    def took(self, question: Question, usage: Usage) -> None:
        """Add to a usage what all calls about a question took, those of earlier runs too."""
        model = self.model_of(question)
        for call in self.store.took(question.digest(model.endpoint.asked_at)):
            self._add(usage, model, question, call)

    def _add(self, usage: Usage, model: Model, question: Question, call: tuple[Outcome, Tokens | None, bool]) -> None:
        outcome, tokens, batched = call
        if tokens is None and outcome in _SAID:
            usage.uncounted += 1
            tokens = model.tokenizer.expect(question)
        usage.add(tokens or Tokens(), cost_of(model.endpoint, tokens or Tokens(), batched=batched))

    def count(self, model: Model, question: Question, reply: Reply, *, batched: bool = False) -> None:
        """Count what became of a question in the end."""
        self.usage.outcomes[reply.outcome] += 1
        self.expected.add(model.tokenizer.expect(question), model.expected_cost(question, batched=batched))

    def count_stored(self, reply: Reply) -> None:
        """Count a question whose reply is stored."""
        self.usage.stored += 1
        self.usage.outcomes[reply.outcome] += 1

    # -- one question ------------------------------------------------------------------------------------------

    async def _settle(self, model: Model, question: Question) -> Reply | None:
        """Return what became of a question, stored if asking again would not change it; None if it was not asked."""
        async with self._after_first(model, question.kept()):
            reply = await self._pursue(model, question)
        if reply is not None:
            self.count(model, question, reply)
            self._judge(model, reply)
        return reply

    @asynccontextmanager
    async def _after_first(self, model: Model, context: str) -> AsyncIterator[None]:
        """Let the first question of a context go alone: those after it find the context kept by the server."""
        key = model.endpoint.asked_at, context
        if not context:
            yield
        elif key in self._contexts:
            await self._contexts[key].wait()
            yield
        else:
            event = self._contexts[key] = anyio.Event()
            if len(self._contexts) > CONTEXTS:
                del self._contexts[next(iter(self._contexts))]
            try:
                yield
            finally:
                event.set()

    async def _pursue(self, model: Model, question: Question) -> Reply | None:
        """Ask until there is an answer, or asking again would not help."""
        request = self.request(question)
        failures = malformed = busy = 0
        begun = time.monotonic()
        while (reply := await self._call(model, question, request)) is not None:
            busy += reply.busy
            if reply.busy and not model.pace.busy_for_one_alone(begun, busy):
                # The pace waits; the question loses nothing.
                continue
            if request.room == ROOM and (reply.cramped or reply.outcome is Outcome.TRUNCATED):
                request = replace(request, room=LESS_ROOM if reply.cramped else MORE_ROOM)
            elif reply.outcome is Outcome.MALFORMED and malformed < _AGAIN:
                malformed += 1
                request = replace(request, turns=_with_reason(question.turns(), reply.reason))
            elif reply.again and failures < self.limits.retries and reply.wait < pacing.PATIENCE:
                await model.pace.pause(max(reply.wait, pause_after(failures)))
                failures += 1
            else:
                return reply
        return None

    async def _call(self, model: Model, question: Question, request: Request) -> Reply | None:
        """Make one call; None where none may be made any more."""
        expected = model.tokenizer.expect(question)
        amount = expected.input + expected.output
        async with model.pace.turn(amount) as begun:
            if self._must_stop(model):
                return None
            try:
                with anyio.fail_after(self.limits.timeout):
                    reply: Reply = await model.protocol.ask(request)
            except TimeoutError:
                reason = f"no whole answer in {self.limits.timeout:g} seconds"
                reply = Reply(Outcome.TIMED_OUT, reason=reason, again=True)
            model.pace.note(reply, begun, amount)
        if reply.fatal:
            self._stop(model, reply.reason, "see the name, the key and the URL")
        if request.room == MORE_ROOM and _refuses_request(reply):
            reason = "the answer was cut off, and the server takes none that is longer"
            reply = replace(reply, outcome=Outcome.TRUNCATED, reason=reason, cramped=False)
        return self.note(model, question, reply)

    def _checked(self, reply: Reply, question: Question) -> Reply:
        """Return a reply whose text is an answer in the form asked for, or else one that says why it is not."""
        if reply.outcome is not Outcome.ANSWERED:
            return reply
        fenced = _FENCE.fullmatch(reply.text)
        text = fenced[1] if fenced else reply.text
        answer = problem = ""
        try:
            answer = question.form.model_validate_json(text).model_dump_json()
        except ValidationError as error:
            problem = f"the answer was not JSON of the form asked for ({_first_problem(error)})"
        # Escapes, which the text may have, are gone from the answer.
        if self._canary in text or self._canary in answer:
            problem = "the answer repeats its instructions"
        elif holds_key(text) or holds_key(answer):
            problem = "the answer repeats a key"
        if problem:
            return replace(reply, outcome=Outcome.MALFORMED, text="", reason=problem)
        return replace(reply, text=answer)

    # -- when to stop ------------------------------------------------------------------------------------------

    def _must_stop(self, model: Model) -> bool:
        if model.pace.given_up:
            self._stop(model, model.pace.given_up, GO_ON if self.usage.outcomes else "see that the server runs there")
        limit, spent = self.limits.max_cost, self.usage.cost
        if limit is not None and spent is not None and spent >= limit:
            self._stop_for(LanguageModelError(f"${spent:.4f} is spent of `max_cost` {limit:g}", remedy=GO_ON))
        return self._stopped is not None

    def _judge(self, model: Model, reply: Reply) -> None:
        """Stop if a model that never answered answers none of the first questions: the others would get none either."""
        model.has_answered = model.has_answered or reply.outcome in LASTING
        model.unanswered += 1
        if not model.has_answered and model.unanswered >= _HOPELESS:
            first = count_of(_HOPELESS, "question")
            problem = f"none of the first {first} got an answer, the last one: {reply.problem}"
            by_form = reply.outcome in (Outcome.MALFORMED, Outcome.TRUNCATED)
            self._stop(model, problem, "see that the model can answer in JSON by a schema" if by_form else GO_ON)

    def _stop(self, model: Model, problem: str, remedy: str) -> None:
        self._stop_for(LanguageModelError(f"{model.endpoint.asked_at}: {problem}", remedy=remedy))

    def _stop_for(self, error: LanguageModelError) -> None:
        # What stopped the run first is what is said.
        self._stopped = self._stopped or error
        self._end.set()


def _refuses_request(reply: Reply) -> bool:
    """Say whether a server would not take a request, whatever answers it."""
    if reply.outcome is Outcome.FAILED:
        return not (reply.again or reply.busy or reply.fatal)
    return reply.outcome is Outcome.TOO_LONG


def _with_reason(turns: list[tuple[str, str]], reason: str) -> list[tuple[str, str]]:
    """Return turns whose last one says why the answer before can't be used; that answer is not repeated."""
    *before, (role, text) = turns
    return [*before, (role, f"{text}\n\nAn earlier answer can't be used: {reason}. Answer again, in full.")]


def _first_problem(error: ValidationError) -> str:
    """Return where an answer is at fault and why, without what stands there."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    # The name of a field too many is the model's own.
    place = first["loc"][:-1] if first["type"] == "extra_forbidden" else first["loc"]
    where = ".".join(str(part) for part in place)
    return f"{where}: {first['msg']}" if where else first["msg"]
