"""The server's HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.llm_server import batches
from tests.llm_server.faults import error_of
from tests.llm_server.protocols import Reply, reply_to
from tests.llm_server.server import Server
from tests.llm_server.transport import AGAIN, spoil_transport

JSON = "application/json"


class Handler(BaseHTTPRequestHandler):
    """What a connection asks, one request after the other."""

    protocol_version = "HTTP/1.1"
    # Else the body of an answer waits for the client to acknowledge its headers.
    disable_nagle_algorithm = True
    server: LoopbackServer

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        if not self.about_batches():
            self.send(404, b"{}")

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        if self.about_batches():
            return
        # In any case, so that the connection is free for the next request.
        body = self.read()
        if not path.endswith(("/messages", "/chat/completions")):
            self.send(404, b"{}")
            return
        request, key = json.loads(body), self.headers.get("Authorization", self.headers.get("x-api-key", ""))
        state = self.server.state
        with state.asked(request, key.removeprefix("Bearer ")) as fault:
            fault = None if self.path.endswith(AGAIN) else fault
            if not spoil_transport(self, state, fault):
                self.reply(request, fault, key)

    def reply(self, request: dict[str, Any], fault: str | None, key: str) -> None:
        """Answer a request, or send an error."""
        state = self.server.state
        anthropic = urlsplit(self.path).path.endswith("/messages")
        reply = reply_to(state, request, fault, key, anthropic=anthropic)
        if reply.usage is None:
            self.send_reply(reply)
            return
        time.sleep(state.delay)
        body = b"" if fault == "empty" else json.dumps(reply.body).encode()
        with state.lock:
            if fault is None:
                state.answered.append(request)
            if fault not in ("half", "empty"):
                state.spent.update(reply.usage)
        self.close_connection = self.close_connection or fault == "half"
        self.send(200, body, sent=len(body) // 2 if fault == "half" else None)

    def about_batches(self) -> bool:
        """Answer a request about batches, and return whether it was one."""
        state, parts = self.server.state, urlsplit(self.path)
        found = batches.ROUTE.search(parts.path)
        if found is None:
            return False
        body = self.read()
        if not state.batches_known:
            self.send(404, b"{}")
            return True
        call = batches.call_of(self.command, found)
        with state.lock:
            fault = state.fault_of_batches(call)
            url = f"http://{self.headers['Host']}{parts.path[: found.start()]}/messages/batches"
            sent = json.loads(body) if call == "create" else dict(parse_qsl(parts.query))
            error = error_of(fault, "", anthropic=True)
            reply = Reply(*error) if error else batches.answer_call(state, call, found["id"], sent, url)
        if fault == "drop-after":
            self.close_connection = True
        elif fault in batches.JUNK:
            self.send(200, batches.JUNK[fault])
        elif isinstance(reply, Reply):
            self.send_reply(reply)
        else:
            lines = "".join(json.dumps(line) + "\n" for line in reply).encode()
            self.close_connection = self.close_connection or fault == "half"
            sent = len(lines) // 2 if fault == "half" else None
            self.send(200, lines, headers={"Content-Type": "application/x-jsonl"}, sent=sent)
        return True

    def read(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def send_reply(self, reply: Reply) -> None:
        """Send a reply as it is; an error says when to come back."""
        after = self.server.state.retry_after if reply.status in (429, 503) else None
        wait = {"retry-after-ms": "1"} if after is None else {"retry-after": f"{after:g}"}
        self.send(reply.status, json.dumps(reply.body).encode(), headers={} if reply.status == 200 else wait)

    def send(self, status: int, body: bytes, *, headers: dict[str, str] | None = None, sent: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": JSON, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:sent])


class LoopbackServer(ThreadingHTTPServer):
    """Connections on a free port, a thread each."""

    daemon_threads = True
    # Many clients come at once.
    request_queue_size = 256

    def __init__(self, state: Server) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.state = state

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A killed client is what some tests are about.
        pass


@contextmanager
def serve() -> Iterator[Server]:
    """Run a server on a free port of loopback."""
    state = Server()
    with LoopbackServer(state) as http:
        state.url = f"http://127.0.0.1:{http.server_port}/v1"
        thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield state
        finally:
            state.held.set()
            http.shutdown()
            thread.join()
        for error in state.errors:
            raise error
