"""Time the main job as whole processes, cold and warm, and check the limits.

Prints a Markdown table. Exits with 1 where a figure is over twice its limit; a machine that is busy makes one figure of
a run worse, not all, so each is the median of three runs. Uses the published strings where they are beside the
checkout, else the fixture.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT.parent / "shared" / "values-in-the-wild" / "values_frequencies.csv"
COMMAND = [str(Path(sys.executable).with_name("value-taxonomy"))]
RUNS = 3


@dataclass(frozen=True)
class Measured:
    """Wall seconds of a finished process, and the peak memory of it and its workers together, in MB."""

    seconds: float
    megabytes: float


def measure(arguments: list[str], cache: Path) -> Measured:
    """Run the command to its end."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env={**os.environ, "VALUE_TAXONOMY_CACHE": str(cache)},
        stdout=subprocess.DEVNULL,
    )
    peak = 0.0
    while process.poll() is None:
        try:
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            peak = max(peak, sum(one.memory_info().rss for one in family) / 1e6)
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.01)
    if process.returncode:
        sys.exit(f"{' '.join(arguments)} ended with {process.returncode}")
    return Measured(time.perf_counter() - start, peak)


def main() -> None:
    """Measure, print, and judge."""
    source, levels = (PUBLISHED, ["--levels", "266,26"]) if PUBLISHED.is_file() else (ROOT / "fixtures/values.csv", [])
    over = False
    print(f"`{source.name}`, {os.cpu_count()} processors, median of {RUNS} runs\n")
    print("| | seconds | limit | MB | limit |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "build")
        build = ["build", str(source), *levels, "--out", out, "--quiet"]
        warm = Path(folder) / "warm"
        rows = [
            ("build, nothing stored", [measure(build, Path(folder) / f"cold{run}") for run in range(RUNS)], 40.0),
            ("build, vectors stored", [measure(build, warm) for _ in range(RUNS + 1)][1:], 25.0),
            ("--help", [measure(["--help"], warm) for _ in range(RUNS)], 0.3),
        ]
    for name, runs, limit in rows:
        seconds = statistics.median(run.seconds for run in runs)
        megabytes = statistics.median(run.megabytes for run in runs)
        over = over or seconds > 2 * limit or megabytes > 2 * 2000
        print(f"| {name} | {seconds:.2f} | {limit:g} | {megabytes:.0f} | 2000 |")
    sys.exit(int(over))


if __name__ == "__main__":
    main()
