"""Anthropic's Message Batches: https://docs.claude.com/en/api/creating-message-batches."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.llm_server.protocols import Reply, reply_to

if TYPE_CHECKING:
    from tests.llm_server.server import Server

ROUTE = re.compile(r"/messages/batches(?:/(?P<id>[^/]+)(?:/(?P<last>results|cancel))?)?$")
MOST_REQUESTS = 100_000
MOST_BYTES = 256 * 2**20
CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
# Said instead of the answer to a call that was done.
JUNK = {"junk": b"<html>OK</html>", "empty": b"", "nameless": b"{}", "list": b"[1]"}
KINDS = ("succeeded", "errored", "expired", "canceled")


@dataclass
class Batch:
    """A batch: what was asked, how often its state was, and, once it ended, its results and what they cost."""

    id: str
    requests: list[dict[str, Any]]
    created: datetime
    polls: int = 0
    cancelled: bool = False
    results: list[dict[str, Any]] | None = None
    counts: Counter[str] = field(default_factory=Counter)
    spent: Counter[str] = field(default_factory=Counter)

    def state(self, url: str) -> dict[str, Any]:
        """Return what the server says of the batch, whose own address is the URL."""
        ended = self.results is not None
        counts = {kind: self.counts[kind] for kind in KINDS} | {"processing": 0 if ended else len(self.requests)}
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": "ended" if ended else "canceling" if self.cancelled else "in_progress",
            "request_counts": counts,
            "created_at": self.created.isoformat(),
            "expires_at": (self.created + timedelta(days=1)).isoformat(),
            "ended_at": self.created.isoformat() if ended else None,
            "cancel_initiated_at": self.created.isoformat() if self.cancelled else None,
            "archived_at": None,
            "results_url": f"{url}/results" if ended else None,
        }

    def end(self, server: Server) -> None:
        """Answer every request; of a cancelled batch, the first half."""
        answered = len(self.requests) // 2 if self.cancelled else len(self.requests)
        self.results = []
        for place, request in enumerate(self.requests):
            outcome = server.batch_outcome(request["custom_id"]) if place < answered else "canceled"
            result = self._result(server, request["params"], outcome)
            self.counts[result["type"]] += 1
            times = {"missing": 0, "doubled": 2}.get(outcome, 1)
            self.results += [{"custom_id": request["custom_id"], "result": result}] * times
        self.results.reverse()

    def _result(self, server: Server, params: dict[str, Any], outcome: str) -> dict[str, Any]:
        if outcome in ("expired", "canceled"):
            return {"type": outcome}
        fault = {"succeeded": None, "missing": None, "doubled": None, "errored": "500"}.get(outcome, outcome)
        reply = reply_to(server, params, fault, "", anthropic=True)
        if reply.usage is None:
            return {"type": "errored", "error": reply.body}
        if outcome != "missing":
            self.spent.update(reply.usage)
        return {"type": "succeeded", "message": reply.body}


def call_of(method: str, found: re.Match[str]) -> str:
    """Return what a request does: "create", "list", "retrieve", "results" or "cancel"."""
    if found["id"] is None:
        return "create" if method == "POST" else "list"
    return found["last"] or "retrieve"


def answer_call(server: Server, call: str, id: str | None, sent: Any, url: str) -> Reply | list[dict[str, Any]]:
    """Answer a request about batches.

    Parameters
    ----------
    server : Server
        Whose batches they are.
    call : str
        What `call_of` returns.
    id : str or None
        Of the batch.
    sent : Any
        The body of "create", the query of "list".
    url : str
        Of all batches.

    Returns
    -------
    Reply or list of dict
        Or the lines of the results.
    """
    if call == "create":
        return _create(server, sent["requests"], url)
    if call == "list":
        return Reply(200, _page(server, sent, url))
    batch = server.batches.get(id or "")
    if batch is None:
        return _refuse(404, "not_found_error", f"There is no batch {id}.")
    if call == "results":
        return batch.results or _refuse(400, "invalid_request_error", "The batch has not ended.")
    if call == "cancel":
        batch.cancelled = batch.cancelled or batch.results is None
    elif batch.results is None:
        batch.polls += 1
        if batch.cancelled or (server.batch_polls is not None and batch.polls >= server.batch_polls):
            batch.end(server)
    return Reply(200, batch.state(f"{url}/{batch.id}"))


def _create(server: Server, requests: list[dict[str, Any]], url: str) -> Reply:
    ids = [request["custom_id"] for request in requests]
    if not 0 < len(ids) == len(set(ids)) <= MOST_REQUESTS or not all(map(CUSTOM_ID.fullmatch, ids)):
        return _refuse(400, "invalid_request_error", "requests: too many, or ids that are not fit or not unique")
    if len(json.dumps(requests)) > MOST_BYTES:
        return _refuse(413, "request_too_large", "Request exceeds the maximum size")
    batch = Batch(f"msgbatch_{len(server.batches) + 1:06}", requests, datetime.now(UTC))
    server.batches[batch.id] = batch
    return Reply(200, batch.state(f"{url}/{batch.id}"))


def _page(server: Server, query: dict[str, str], url: str) -> dict[str, Any]:
    """Return one page of the batches, the newest first."""
    ids = list(server.batches)[::-1]
    limit = int(query.get("limit", 20))
    if "before_id" in query:
        ids = ids[: ids.index(query["before_id"])]
        page, more = ids[-limit:], len(ids) > limit
    else:
        ids = ids[ids.index(query["after_id"]) + 1 :] if "after_id" in query else ids
        page, more = ids[:limit], len(ids) > limit
    data = [server.batches[id].state(f"{url}/{id}") for id in page]
    return {
        "data": data,
        "has_more": more,
        "first_id": page[0] if page else None,
        "last_id": page[-1] if page else None,
    }


def _refuse(status: int, kind: str, problem: str) -> Reply:
    return Reply(status, {"type": "error", "error": {"type": kind, "message": problem}})
