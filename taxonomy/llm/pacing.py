"""How fast a server is asked: fewer calls at once when it is busy, more when it answers, and an end in an outage.

The number of calls at once follows additive increase and multiplicative decrease (Chiu and Jain, 1989, Computer
Networks and ISDN Systems 17).
"""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from taxonomy.llm.limits import Limits
from taxonomy.llm.reply import Outcome, Reply

# Seconds of the first pause; each further one is twice as long, up to the longest.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 15.0
# Calls that fail in a row before the server is given up: at first, and after it has answered.
HOPELESS = 10
OUTAGE = 20
# How often a question is told that the server is busy before it may be the question that is too much.
_BUSY_TIMES = 10
# Seconds that a server may say that it is busy, and nothing else.
PATIENCE = 600.0


def pause_after(failures: int) -> float:
    """Return the seconds to wait after so many failures: twice as many each time, give or take a quarter."""
    return min(FIRST_PAUSE * 2.0 ** min(failures, 10), LONGEST_PAUSE) * random.uniform(0.75, 1.25)  # noqa: S311


class Pace:
    """The pace at which one server is asked, within one event loop.

    Parameters
    ----------
    limits : Limits
    stopped : anyio.Event
        Ends every wait.

    Attributes
    ----------
    given_up : str
        Why the server is asked no more; empty while it is.
    """

    def __init__(self, limits: Limits, stopped: anyio.Event) -> None:
        self._stopped = stopped
        self._most = limits.concurrency
        self._slots = anyio.CapacityLimiter(limits.concurrency)
        self._requests = _Rate(limits.requests_per_minute)
        self._tokens = _Rate(limits.tokens_per_minute)
        self.given_up = ""
        self._answered = False
        self._good = 0
        self._strikes = 0
        self._bad_in_a_row = 0
        self._failed_in_a_row = 0
        self._last_good = time.monotonic()
        self._slowed = self._open_at = 0.0

    @asynccontextmanager
    async def turn(self, tokens: int) -> AsyncIterator[float]:
        """Wait until a call may begin; gives the moment. `tokens` is what the call is expected to take."""
        async with self._slots:
            await self.pause(self._requests.wait_for(1))
            await self.pause(self._tokens.wait_for(tokens))
            while (left := self._open_at - time.monotonic()) > 0 and not (self.given_up or self._stopped.is_set()):
                await self.pause(min(left, 1.0))
            yield time.monotonic()

    async def pause(self, seconds: float) -> None:
        """Wait so many seconds, or until all is stopped."""
        if seconds > 0:
            with anyio.move_on_after(seconds):
                await self._stopped.wait()

    def note(self, reply: Reply, begun: float, expected: int) -> None:
        """Take note of how a call ended that began at a moment, and was expected to take so many tokens."""
        if reply.tokens is not None:
            self._tokens.correct(reply.tokens.input + reply.tokens.output - expected)
        if not (reply.busy or reply.outcome in (Outcome.FAILED, Outcome.TIMED_OUT)):
            self._note_good()
            return
        self._bad_in_a_row += 1
        self._failed_in_a_row += not reply.busy
        # One failure may be of the question alone.
        if reply.busy or self._bad_in_a_row > 1:
            self._slow_down(begun, reply.wait)
        self._give_up(reply)

    def busy_for_one_alone(self, begun: float, times: int) -> bool:
        """Say whether the server answers others while it was too busy for a question, so many times since a moment.

        Some servers say so of a question that alone is more than they take in a minute.
        """
        return times >= _BUSY_TIMES and self._last_good > begun and time.monotonic() - begun > PATIENCE

    def _note_good(self) -> None:
        self._answered = True
        self._strikes = self._bad_in_a_row = self._failed_in_a_row = 0
        self._last_good = time.monotonic()
        self._good += 1
        # One more at once after as many good answers as there are calls at once.
        if self._good >= self._slots.total_tokens < self._most:
            self._slots.total_tokens += 1
            self._good = 0

    def _slow_down(self, begun: float, wait: float) -> None:
        now = time.monotonic()
        # Calls that were under way together are one event.
        if begun >= self._slowed:
            self._slowed = now
            self._slots.total_tokens = max(1, int(self._slots.total_tokens) // 2)
            self._good = 0
            wait = max(wait, pause_after(self._strikes))
            self._strikes += 1
        self._open_at = max(self._open_at, now + wait)

    def _give_up(self, reply: Reply) -> None:
        if self._failed_in_a_row >= (OUTAGE if self._answered else HOPELESS):
            self.given_up = f"{self._failed_in_a_row} calls failed in a row, the last one: {reply.reason}"
        silent = self._open_at - self._last_good
        if (reply.busy or reply.wait) and silent > PATIENCE:
            self.given_up = f"the server has been busy, or wants to be, for {silent:,.0f} seconds: {reply.reason}"


class _Rate:
    """An even rate below so much a minute; None for no limit."""

    def __init__(self, per_minute: int | None) -> None:
        self._seconds = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0

    def wait_for(self, amount: int) -> float:
        """Return the seconds until the turn of an amount, which is taken."""
        now = time.monotonic()
        at = max(self._next, now)
        self._next = at + amount * self._seconds
        return at - now

    def correct(self, more: int) -> None:
        """Take note that an amount was larger than was said, or smaller."""
        self._next += more * self._seconds
