"""How servers are treated; the command line shows the defaults without loading the engine."""

from __future__ import annotations

from dataclasses import dataclass

# Seconds that a call may take, from its first byte to its last.
TIMEOUT = 120.0
# How often a failed call is made again.
RETRIES = 4
# Calls under way at once.
CONCURRENCY = 8


@dataclass(frozen=True)
class Limits:
    """How a server is treated, and what may be spent.

    Attributes
    ----------
    timeout : float
        Seconds that a call may take as a whole.
    retries : int
        How often a call that failed or timed out is made again.
    concurrency : int
        Calls under way at once, at most.
    requests_per_minute, tokens_per_minute : int or None
        Calls are spread evenly below these rates. Tokens are those that go in and those that come out.
    max_cost : float or None
        US dollars, after which no call is begun.
    """

    timeout: float = TIMEOUT
    retries: int = RETRIES
    concurrency: int = CONCURRENCY
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    max_cost: float | None = None
