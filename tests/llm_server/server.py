"""What a server was asked, and how it answers."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from taxonomy.llm import endpoint
from tests.llm_server.answers import good_name, keep_all, kind_of, system_of, text_of
from tests.llm_server.batches import Batch
from tests.llm_server.protocols import Usage


def good_answer(request: dict[str, Any]) -> dict[str, Any]:
    return keep_all(request) if kind_of(request) == "move" else good_name(request)


def bytes_usage(request: dict[str, Any], said: str) -> Usage:
    """Return a token for every four bytes."""
    shown = system_of(request) + "".join(
        text_of(one["content"]) for one in request["messages"] if one["role"] != "system"
    )
    return {"input": len(shown.encode()) // 4, "cached": 0, "written": 0, "output": len(said.encode()) // 4}


class Server:
    """What the server is asked about messages, and how it answers.

    Attributes
    ----------
    answer : callable
        Takes a request, returns what the model says. What it raises is answered with 500.
    fault : callable
        Takes a request's number from 0 and the request; returns None or a fault: a status such as "429", or one that
        `faults` or `transport` lists.
    usage : callable
        Takes a request and the text said to it; returns the tokens that the answer reports, None for a server that
        reports none.
    delay : float
        Seconds before an answer.
    retry_after : float or None
        Seconds that a 429 or 503 asks the client to wait; a millisecond by default.
    elsewhere : str
        The URL that the fault "redirect" sends to, such as that of another server.
    requests, answered : list of dict
        All requests; those with a good answer.
    errors : list of Exception
        What `answer` raised. The first that is left here is raised where the server ends.
    keys, times : list
        The key and the monotonic time of each request.
    most_at_once : int
        The largest number of requests under way at once.
    spent : Counter
        The tokens of all answers, faulty ones too, by the keys of `Usage`; each batch counts its own.
    batches : dict of str to Batch
        The batches that were sent, by id.
    batches_known : bool
        Whether the server has batches; else it knows no such address.
    batch_polls : int or None
        How often the state of a batch is asked for until it has ended; None for never.
    batch_outcome : callable
        Takes a custom id; returns "succeeded", "errored", "expired", "canceled", "missing" (no line), "doubled" (two
        lines), or what `faults` lists.
    batch_fault : callable
        Takes a number from 0 and the kind of a call, of which it is the number: "create", "list", "retrieve",
        "results" or "cancel"; returns None, a status, "drop-after" (the call is done, and the connection dropped), a
        name of `batches.JUNK` (it is done, and that is said of it), or "half" (results break off).
    held : threading.Event
        Ends what waits: "slow", "hang", "hold", and answers without an end.
    """

    def __init__(self) -> None:
        self.answer: Callable[[dict[str, Any]], dict[str, Any]] = good_answer
        self.fault: Callable[[int, dict[str, Any]], str | None] = lambda number, request: None
        self.usage: Callable[[dict[str, Any], str], Usage | None] = bytes_usage
        self.delay = 0.0
        self.retry_after: float | None = None
        self.elsewhere = ""
        self.requests: list[dict[str, Any]] = []
        self.answered: list[dict[str, Any]] = []
        self.errors: list[Exception] = []
        self.keys: list[str] = []
        self.times: list[float] = []
        self.most_at_once = 0
        self.spent: Counter[str] = Counter()
        self.batches: dict[str, Batch] = {}
        self.batches_known = True
        self.batch_polls: int | None = 1
        self.batch_outcome: Callable[[str], str] = lambda custom_id: "succeeded"
        self.batch_fault: Callable[[int, str], str | None] = lambda number, kind: None
        self.held = threading.Event()
        self.lock = threading.Lock()
        self.url = ""
        self._under_way = 0
        self._calls: Counter[str] = Counter()

    def stand_in(self, monkeypatch: pytest.MonkeyPatch, *providers: str) -> None:
        """Be the providers' own server, whose prices are known."""
        for provider in providers:
            # The client of Anthropic adds the version to the path itself.
            url = self.url.removesuffix("/v1") if provider == "anthropic" else self.url
            known = replace(endpoint._PROVIDERS[provider], server=url)
            monkeypatch.setitem(endpoint._PROVIDERS, provider, known)

    @contextmanager
    def asked(self, request: dict[str, Any], key: str) -> Iterator[str | None]:
        """Note a request while it is under way; return the fault of its answer."""
        with self.lock:
            number = len(self.requests)
            self.requests.append(request)
            self.keys.append(key)
            self.times.append(time.monotonic())
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
            fault = self.fault(number, request)
        try:
            yield fault
        finally:
            with self.lock:
                self._under_way -= 1

    def fault_of_batches(self, kind: str) -> str | None:
        """Count a call about batches; return its fault."""
        self._calls[kind] += 1
        return self.batch_fault(self._calls[kind] - 1, kind)
