"""Anthropic's message batches: half the price, answered within a day."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import anthropic

from taxonomy.llm.batch_server import BatchState
from taxonomy.llm.question import Request
from taxonomy.llm.reply import Outcome, Reply
from taxonomy.llm.transport import ElsewhereError, explain_error, is_of

_MOST_REQUESTS = 20_000
# An answer with all its room is smaller than 50 kB.
MOST_BYTES_OF_RESULTS = _MOST_REQUESTS * 50_000


class AnthropicBatches:
    """The batches of an account, as `batch_server.BatchAdapter` asks for them.

    Attributes
    ----------
    most_requests, most_bytes : int
        Of one batch: a fifth of the 100,000 and less than half of the 256 MB that the server takes, so that a batch
        fits in memory.
    """

    most_requests = _MOST_REQUESTS
    most_bytes = 100_000_000

    def __init__(
        self,
        client: anthropic.AsyncAnthropic,
        parameters: Callable[[Request], dict[str, Any]],
        read_message: Callable[[Any], Reply],
    ) -> None:
        self._client = client
        self._batches: Any = client.messages.batches
        self._parameters = parameters
        self._read_message = read_message

    async def submit(self, requests: Sequence[tuple[str, Request]]) -> str | None:
        """Submit requests, each under an id, and return the name of their batch; None from a server without batches."""
        sent = [{"custom_id": id, "params": self._parameters(request)} for id, request in requests]
        try:
            name = (await self._batches.create(requests=sent)).id
        except anthropic.NotFoundError:
            return None
        if not isinstance(name, str) or not name:
            raise TypeError("a batch without an id")
        return name

    async def find(self, since: float, requests: int) -> list[str]:
        """Return the names of batches of so many requests that were made since a moment, the newest first."""
        found = []
        async for batch in self._batches.list(limit=100):
            if batch.created_at < datetime.fromtimestamp(since, UTC):
                break
            if _total(batch) == requests:
                found.append(str(batch.id))
        return found

    async def state(self, name: str) -> BatchState | None:
        """Return how far a batch is; None where the server has it no more, or not its results."""
        try:
            batch = await self._batches.retrieve(name)
        except anthropic.NotFoundError:
            return None
        ended = batch.processing_status == "ended"
        if ended and batch.results_url is None:
            return None
        return BatchState(ended, _total(batch) - batch.request_counts.processing)

    async def results(self, name: str) -> AsyncGenerator[tuple[str, Reply], None]:
        """Yield what became of the requests of a batch that has ended, each with its id, in any order."""
        batch = await self._batches.retrieve(name)
        # The key goes where the results are.
        if not is_of(self._client.base_url.join(batch.results_url), self._client.base_url):
            raise ElsewhereError
        async for line in await self._batches.results(name):
            yield str(line.custom_id), self._read(line.result)

    async def cancel(self, name: str) -> None:
        """Let a batch end early; what is answered by then stays."""
        await self._batches.cancel(name)

    def _read(self, result: Any) -> Reply:
        try:
            if result.type == "succeeded":
                return self._read_message(result.message)
            if result.type == "errored":
                error = result.error.error
                return explain_error(f"{error.type} {error.message}", f"the batch has an error here: {error.type}")
            return Reply(Outcome.FAILED, reason=f"the batch left it: {result.type}")
        except (AttributeError, TypeError, ValueError):
            return Reply(Outcome.MALFORMED, reason="the result was not in the server's protocol")


def _total(batch: Any) -> int:
    counts = batch.request_counts
    return int(counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired)
