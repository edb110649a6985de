"""The server as a process: it prints its URL, names whatever it is asked about, and ends with its standard input."""

import sys

from tests.llm_server import good_name, serve

with serve() as server:
    server.answer = good_name
    print(server.url, flush=True)
    sys.stdin.read()
