"""The server as a process: it prints its URL, answers whatever it is asked, and ends with its standard input.

It names groups of values; with `--oracle` it answers about the invented conversations of a folder instead.
"""

import argparse
import sys
from dataclasses import fields
from pathlib import Path

import pyarrow.parquet as pq

from tests.llm_server import good_name, serve
from tests.llm_server.mistakes import Rates
from tests.llm_server.obedient import Obedient
from tests.llm_server.oracle import TRUTH, Oracle

parser = argparse.ArgumentParser(prog="python -m tests.llm_server", description="Play a language model.")
parser.add_argument("--oracle", type=Path, metavar="DIR", help="what fixtures/make_conversations.py wrote")
parser.add_argument("--obedient", action="store_true", help="obey the instructions in the conversations")
parser.add_argument("--seed", type=int, default=0, help="of the mistakes")
for rate in fields(Rates):
    parser.add_argument(f"--{rate.name.replace('_', '-')}", type=float, default=0.0, metavar="PART")
arguments = parser.parse_args()
rates = {rate.name: getattr(arguments, rate.name) for rate in fields(Rates)}
if arguments.oracle is None and (arguments.obedient or any(rates.values())):
    parser.error("--oracle: missing")

with serve() as server:
    server.answer = good_name
    if arguments.oracle is not None:
        server.answer = oracle = Oracle.of_folder(arguments.oracle, seed=arguments.seed, **rates)
        if arguments.obedient:
            server.answer = Obedient(oracle, pq.read_table(arguments.oracle / TRUTH))
    print(server.url, flush=True)
    sys.stdin.read()
