"""What may go wrong below an answer: connections that stall, drop, drip, flood or lead elsewhere.

"slow", "hang" and "hold" wait without a byte; "drop" closes the connection at once; "drip" and "drip-headers" send a
byte every 20 ms as long as the client stays; "huge" sends a body without an end, "gzip" 100 MB of blanks compressed;
"redirect" sends elsewhere, "redirect-same" to the same server, which answers; "half" and "empty" spoil a good body.
"""

from __future__ import annotations

import gzip
from functools import cache
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.llm_server.server import Server

INFLATED = 100_000_000
LONG = str(10**9)
AGAIN = "?again=1"


@cache
def bomb() -> bytes:
    return gzip.compress(b" " * INFLATED, compresslevel=1)


def spoil_transport(http: BaseHTTPRequestHandler, server: Server, fault: str | None) -> bool:
    """Do what a fault asks for instead of an answer, and return whether it did."""
    if fault in ("slow", "hang", "hold"):
        server.held.wait(60)
    elif fault in ("drip", "drip-headers"):
        _drip(http, server, headers=fault == "drip-headers")
    elif fault == "huge":
        _head(http, 200, {"Content-Length": LONG})
        while not server.held.is_set():
            http.wfile.write(b" " * 65536)
    elif fault == "gzip":
        _head(http, 200, {"Content-Length": str(len(bomb())), "Content-Encoding": "gzip"})
        http.wfile.write(bomb())
    elif fault in ("redirect", "redirect-same"):
        target = http.path + AGAIN if fault == "redirect-same" else server.elsewhere + http.path.removeprefix("/v1")
        _head(http, 307, {"Location": target, "Content-Length": "0"})
        # The client comes back on the same connection.
        return True
    elif fault != "drop":
        return False
    http.close_connection = True
    return True


def _head(http: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
    http.send_response(status)
    http.send_header("Content-Type", "application/json")
    for name, value in headers.items():
        http.send_header(name, value)
    http.end_headers()


def _drip(http: BaseHTTPRequestHandler, server: Server, *, headers: bool) -> None:
    if headers:
        http.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    else:
        _head(http, 200, {"Content-Length": LONG})
    while not server.held.wait(0.02):
        http.wfile.write(b"x" if headers else b" ")
