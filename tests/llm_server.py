"""A server on loopback that speaks the protocols of OpenAI and Anthropic, well or badly, as a test asks."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = Callable[[int, dict[str, Any]], str | None]
LETTERS = "abcdefghijklmnop"


def data_of(request: dict[str, Any]) -> Any:
    """Return the data that a request shows the model."""
    first = next(message for message in request["messages"] if message["role"] == "user")
    text = first["content"] if isinstance(first["content"], str) else first["content"][0]["text"]
    return json.loads(text.removeprefix("<data>\n").partition("\n</data>")[0])


def kind_of(request: dict[str, Any]) -> str:
    """Return "cluster", "parent" or "move"."""
    data = data_of(request)
    return "move" if "choices" in data else "cluster" if "members_in_all" in data else "parent"


def good_name(request: dict[str, Any]) -> dict[str, Any]:
    """Return a name that follows from the messages and that no other messages give."""
    messages = [
        {**one, "content": re.sub(r"\n+[^\n]*\bvt-[0-9a-f]{16}\b[^\n]*", "\n", one["content"])}
        if one["role"] == "system"
        else one
        for one in request["messages"]
    ]
    digest = hashlib.sha256(json.dumps(messages).encode()).hexdigest()[:16]
    word = "".join(LETTERS[int(digit, 16)] for digit in digest)
    return {
        "name": f"care for {word}",
        "definition": f"Holding {word} dear in all that one says and does, and asking it of others as well",
    }


def keep_all(request: dict[str, Any]) -> dict[str, Any]:
    return {"moves": [{"member": one["id"], "choice": "keep"} for one in data_of(request)["members"]]}


class Server:
    """What the server was asked, and how it answers.

    Attributes
    ----------
    answer : callable
        Takes a request, returns what the model says.
    fault : callable
        Takes a request's number from 0 and the request; returns a fault or None. Faults: "429", "500", "401", "slow",
        "broken", "half", "nothing", "empty", "echo", "hold".
    requests, answered : list of dict
        All requests; those with a good answer.
    held : threading.Event
        Ends "slow" and "hold".
    """

    def __init__(self) -> None:
        self.answer = lambda request: keep_all(request) if kind_of(request) == "move" else good_name(request)
        self.fault: Fault = lambda number, request: None
        self.requests: list[dict[str, Any]] = []
        self.answered: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.held = threading.Event()
        self.lock = threading.Lock()
        self.url = ""


@contextmanager
def serve() -> Iterator[Server]:
    """Run a server on a free port of loopback."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            key = self.headers.get("Authorization", self.headers.get("x-api-key", ""))
            with server.lock:
                number = len(server.requests)
                server.requests.append(request)
                server.keys.append(key.removeprefix("Bearer "))
                fault = server.fault(number, request)
            if fault in ("slow", "hold"):
                server.held.wait(60)
                self.close_connection = True
                return
            if fault in ("401", "429", "500"):
                body = json.dumps({"error": {"message": f"no, {key}", "type": "x"}}).encode()
                self.reply(body, int(fault), {"retry-after-ms": "1"})
                return
            text = spoil(json.dumps(server.answer(request)), fault, key)
            body = b"" if fault == "empty" else json.dumps(completion(self.path, request, text)).encode()
            if fault is None:
                with server.lock:
                    server.answered.append(request)
            self.reply(body, sent=len(body) // 2 if fault == "half" else None)
            self.close_connection = self.close_connection or fault == "half"

        def reply(
            self, body: bytes, status: int = 200, headers: dict[str, str] | None = None, sent: int | None = None
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[:sent])

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            # A killed client is what some tests are about.
            pass

    with Quiet(("127.0.0.1", 0), Handler) as http:
        server.url = f"http://127.0.0.1:{http.server_port}/v1"
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.held.set()
            http.shutdown()
            thread.join()


def spoil(text: str, fault: str | None, key: str) -> str:
    """Return the text of an answer with a fault in it."""
    echo = json.dumps({"name": "Care for keys", "definition": key})
    return {"broken": text[:-5], "nothing": "", "echo": echo}.get(fault or "", text)


def completion(path: str, request: dict[str, Any], said: str) -> dict[str, Any]:
    """Return the body of an answer, in the protocol of the path."""
    if path.endswith("/messages"):
        tool = {"type": "text", "text": said}
        usage = {"input_tokens": 1, "output_tokens": 1}
        return {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [tool],
                "stop_reason": "end_turn", "usage": usage}  # fmt: skip
    message: dict[str, Any] = {"role": "assistant", "content": said}
    if "tools" in request:
        call = {"name": request["tools"][0]["function"]["name"], "arguments": said}
        message = {"role": "assistant", "tool_calls": [{"id": "t", "type": "function", "function": call}]}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}
