"""Whole processes, timed from outside, with the memory of the process and all its workers."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

# Most seconds between two looks at the memory: a look takes some milliseconds of a processor.
_SAMPLE = 0.1
COMMAND = str(Path(sys.executable).with_name("value-taxonomy"))


@dataclass(frozen=True)
class Measured:
    """Wall seconds of a finished process, and the peak memory of it and its children together, in MB."""

    seconds: float
    megabytes: float


def measure(
    command: Sequence[str], environment: Mapping[str, str] | None = None, *, ends: Sequence[int] = (0,)
) -> Measured:
    """Run a command to its end; `ends` are the exit statuses that are no failure.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        list(command), env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    peak = 0.0
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            # Often at first, or a short process would be gone before it is seen.
            process.wait(timeout=min(_SAMPLE, 0.02 + (time.perf_counter() - start) / 5))
            break
        with contextlib.suppress(psutil.NoSuchProcess):
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            peak = max(peak, sum(one.memory_info().rss for one in family) / 1e6)
    seconds = time.perf_counter() - start
    _, errors = process.communicate()
    if process.returncode not in ends:
        raise subprocess.CalledProcessError(process.returncode, list(command), stderr=errors)
    return Measured(seconds, peak)
