"""HTTP to servers that may be slow or lie, and what their errors mean."""

from __future__ import annotations

import math
import re
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpx2

from taxonomy.llm.reply import Outcome, Reply

# Bytes of a reply; an answer with all its room has a tenth of them.
MOST_BYTES = 2_000_000

# Answers are one line of JSON, and what is read of an error is a name or a message.
_FATAL = {401: "refused the key", 403: "refused the key", 404: "does not know the model or the address"}
_BUSY = (429, 529)
# Errors of the request; a call with the same request would end in the same way.
_OURS = (400, 403, 413, 422)
_NO_MONEY = re.compile(r"insufficient_quota|billing|credit balance", re.IGNORECASE)
_FILTER = re.compile(r"content[ _](filter|policy|management)|responsibleai", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"context[ _](length|window|size)|maximum context|prompt is too long|request_too_large|too many tokens",
    re.IGNORECASE,
)
# The room for the answer, which a server counts as part of its context or limits alone.
_ROOM = re.compile(r"max_(completion_)?tokens|in the completion", re.IGNORECASE)
_LARGE = re.compile(r"too large|maximum|exceed|at most|less than", re.IGNORECASE)
# What reading a reply raises that is not what it should be.
_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError)


class ElsewhereError(Exception):
    """A redirect to another server, which would be told the key and the question."""


class OversizeError(Exception):
    """A reply that is larger than any answer, or is packed so that its size can't be told."""


def open_http(timeout: float, most_bytes: int = MOST_BYTES) -> httpx2.AsyncClient:
    """Return a client that follows no redirect to another server, and reads no reply without end."""

    async def check(response: httpx2.Response) -> None:
        if response.has_redirect_location and not is_of(response.url.join(response.headers["location"]), response.url):
            raise ElsewhereError
        if response.headers.get("content-encoding", "identity") != "identity":
            raise OversizeError
        response.stream = _Capped(response.stream, most_bytes)

    return httpx2.AsyncClient(
        verify=_certificates(),
        timeout=timeout,
        follow_redirects=True,
        headers={"Accept-Encoding": "identity"},
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=100),
        event_hooks={"response": [check]},
    )


@cache
def _certificates() -> ssl.SSLContext:
    """Return the certificates that clients trust: reading them takes longer than many a call."""
    return httpx2.create_ssl_context()


class _Capped(httpx2.AsyncByteStream):
    """The bytes of a reply, up to a limit."""

    def __init__(self, stream: Any, most_bytes: int) -> None:
        self._stream = stream
        self._most = most_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        async for chunk in self._stream:
            total += len(chunk)
            if total > self._most:
                raise OversizeError
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def is_of(url: httpx2.URL, server: httpx2.URL) -> bool:
    """Say whether an address is of a server, and spoken to in the same way."""
    return (url.scheme, url.host, url.port) == (server.scheme, server.host, server.port)


async def reply_to(call: Awaitable[Any], read: Callable[[Any], Reply]) -> Reply:
    """Wait for a call of a client, and return what its result means, or its error."""
    try:
        return read(await call)
    except Exception as error:
        caught = error
    # Outside of the handler, so that no traceback leads to what the server said.
    return explain(caught)


def explain(error: BaseException) -> Reply:
    """Return what an exception of a client means."""
    chain = list(_causes(error))
    for cause in chain:
        status = getattr(cause, "status_code", None)
        # A client says 200 of a reply that it can't read.
        if isinstance(status, int) and status >= 400:
            return _of_status(status, cause)
    if any(isinstance(cause, ElsewhereError) for cause in chain):
        return Reply(Outcome.FAILED, reason="the server sends questions on to another server", fatal=True)
    if any(isinstance(cause, OversizeError) for cause in chain):
        return Reply(Outcome.FAILED, reason="the reply was larger than any answer", again=True)
    names = {type(cause).__name__ for cause in chain}
    if "APITimeoutError" in names or any(isinstance(cause, TimeoutError) for cause in chain):
        return Reply(Outcome.TIMED_OUT, reason="the server did not answer in time", again=True)
    # What breaks off while it is read is no error of the client.
    if "APIConnectionError" in names or any(isinstance(cause, httpx2.TransportError) for cause in chain):
        return Reply(Outcome.FAILED, reason="the connection failed or was dropped", again=True)
    if any(isinstance(cause, _UNREADABLE) for cause in chain) or "APIResponseValidationError" in names:
        return Reply(Outcome.MALFORMED, reason="the reply was not in the server's protocol")
    return Reply(Outcome.FAILED, reason=f"the call could not be made ({type(error).__name__})")


def _of_status(status: int, error: BaseException) -> Reply:
    """Return what an error status means; of what the server says only the kind is told, since it may quote a key."""
    said = _said(error)
    if status in (400, 402, 403, 429) and _NO_MONEY.search(said):
        return Reply(Outcome.FAILED, reason=f"the server wants to be paid first ({status})", fatal=True)
    if status == 413:
        said = "request_too_large"
    if status in _OURS and (known := _of_request(said, f" ({status})")) is not None:
        return known
    if status in _FATAL:
        return Reply(Outcome.FAILED, reason=f"the server {_FATAL[status]} ({status})", fatal=True)
    reason = f"the server said {status}"
    return Reply(
        Outcome.FAILED,
        reason=reason,
        busy=status in _BUSY,
        again=status in (408, 409, 425) or status >= 500,
        wait=_wait(error),
    )


def explain_error(said: str, otherwise: str) -> Reply:
    """Return what an error of one request of a batch means, by its kind and message."""
    return _of_request(said) or Reply(Outcome.FAILED, reason=otherwise)


def _of_request(said: str, status: str = "") -> Reply | None:
    """Return what is wrong with a request, None where it is something else."""
    if _ROOM.search(said) and _LARGE.search(said):
        reason = f"the question, with room for its answer, is longer than the model takes{status}"
        return Reply(Outcome.TOO_LONG, reason=reason, cramped=True)
    if _TOO_LONG.search(said):
        return Reply(Outcome.TOO_LONG, reason=f"the question is longer than the model takes{status}")
    if _FILTER.search(said):
        return Reply(Outcome.FILTERED, reason=f"the server's filter stopped it{status}")
    return None


def _said(error: BaseException) -> str:
    """Return the code, type and message of an error, wherever the protocol has them."""
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else body
    parts = [inner.get(name) for name in ("code", "type", "message")] if isinstance(inner, dict) else [inner]
    return " ".join(str(part)[:2000] for part in parts if part is not None)


def _wait(error: BaseException) -> float:
    """Return the seconds that the server asks to wait; 0 where it says nothing that is a time."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) / unit
        except (KeyError, ValueError):
            continue
        return max(0.0, seconds) if math.isfinite(seconds) else 0.0
    try:
        moment = parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError, OverflowError):
        return 0.0
    return max(0.0, moment.timestamp() - time.time())


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
