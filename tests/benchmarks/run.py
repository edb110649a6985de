"""Measure everything, write ``results.json`` beside this file and its table into the docs, and check the limits.

Each part is a process of its own and is kept until the code changes, so that a run that was stopped goes on where it
was. Exits with 1 where a figure is over twice its limit. ``--million`` adds those of a million strings,
``--only WORD`` (several may be given) measures the parts that a word names and leaves the others as they are,
``--model NAME`` is the second model whose agreement is measured.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil

from embeddings.devices import CPU, VARIABLE, visible_gpus
from tests.benchmarks.data import ROOT, WORK
from tests.benchmarks.peers import PEERS
from tests.benchmarks.references import METHODS, REFERENCES
from tests.benchmarks.sizes import LIMITS, MILLION, ROWS, SIZES, STUDY, WARD_MOST
from tests.benchmarks.table import scale, table

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
# What stands on each page between the two comments.
PAGES: dict[str, Callable[[Mapping[str, Any]], str]] = {"benchmarks.md": table, "scale.md": scale}
START, END = "<!-- results -->", "<!-- end of results -->"
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "sentence-transformers", "onnxruntime", "bertopic", "evoc")


def wanted(model: str, million: bool) -> Iterable[tuple[str, ...]]:
    """Yield the parts, cheapest first."""
    yield ("main_job",)
    yield ("starting",)
    yield ("labelling",)
    if shutil.which("chromedriver"):
        yield ("page",)
    yield from _of_references(model)
    for size in SIZES:
        yield "build", str(size)
        yield "clustering", str(size), "average"
        for peer in PEERS:
            if peer != "Ward" or size <= WARD_MOST:
                yield "peer", peer, str(size)
    yield "assign", "100000"
    yield "sampled", "100000", "10000"
    yield "embedding", "20000"
    if visible_gpus():
        yield ("gpu",)
    yield "report", str(STUDY)
    yield "counting", str(ROWS)
    yield "counting", str(10 * ROWS)
    if million:
        yield "million", str(MILLION)


def _of_references(model: str) -> Iterable[tuple[str, ...]]:
    """Yield what is measured beside the two references, those that are there."""
    yield "content", "fixture"
    for reference in REFERENCES:
        yield "content", reference
        for name in ("minilm", model):
            for method in METHODS:
                yield "agreement", name, method, reference
    if "published" in REFERENCES:
        yield ("curve",)
        yield "holding", "minilm", "average"
        yield "holding", "minilm", "ward"
    if "wordnet" in REFERENCES:
        for peer in PEERS:
            yield "peer", peer, "wordnet"


def measured(part: tuple[str, ...]) -> dict[str, Any]:
    """Return the figures of a part, from an earlier run of the same code or measured now."""
    kept = WORK / f"{_digest(part)}.json"
    if not kept.is_file():
        WORK.mkdir(parents=True, exist_ok=True)
        staged = kept.with_suffix(".part")
        print("measuring", *part, file=sys.stderr, flush=True)
        # Else a GPU would take part in some builds.
        environment = {**os.environ, VARIABLE: CPU}
        command = [sys.executable, "-m", "tests.benchmarks.parts", *part, str(staged)]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        figures = json.loads(staged.read_text(encoding="utf-8"))
        staged.write_text(json.dumps(figures | {"run": _run()}), encoding="utf-8")
        os.replace(staged, kept)
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def _digest(part: tuple[str, ...]) -> str:
    """Stand for a part and the code that it measures; another tool's figures outlive changes of ours."""
    digest = hashlib.sha256("\n".join(part).encode())
    files = [HERE / "peers.py"]
    if part[0] != "peer":
        folders = (HERE, ROOT / "taxonomy", ROOT / "embeddings")
        files = [path for folder in folders for kind in ("*.py", "*.toml") for path in sorted(folder.rglob(kind))]
    for path in files:
        if path.name not in ("run.py", "table.py"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


def over_limit(parts: dict[str, Any]) -> list[str]:
    """Return the figures that are over twice their limit."""
    return [
        f"{part}: {figure} is {parts[part][figure]}, over twice {limit}"
        for part, figures in LIMITS.items()
        if part in parts
        for figure, limit in figures.items()
        if parts[part][figure] > 2 * limit
    ]


def _put_into_docs(results: Mapping[str, Any]) -> None:
    for name, write in PAGES.items():
        page = ROOT / "docs" / name
        before, rest = page.read_text(encoding="utf-8").split(START)
        _, after = rest.split(END)
        page.write_text(f"{before}{START}\n{write(results)}{END}{after}", encoding="utf-8")


def _run() -> dict[str, str]:
    """Return on what machine, and by which versions, a part is measured."""
    versions = []
    for name in PACKAGES:
        # What a part does not need may be missing.
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions.append(f"{name} {importlib.metadata.version(name)}")
    memory = f"{psutil.virtual_memory().total / 1e9:.0f} GB"
    return {
        "machine": f"{_processor()}, {os.cpu_count()} processors, {memory}",
        "versions": ", ".join([f"Python {platform.python_version()}", *versions]),
    }


def _processor() -> str:
    """Return the model of the processor, as Linux names it; elsewhere its kind."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--model", default="mpnet")
    arguments = parser.parse_args()
    only: list[str] = arguments.only
    chosen = [part for part in wanted(arguments.model, arguments.million) if not only or set(only) & set(part)]
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if only else {"parts": {}}
    parts = {}
    for part in chosen:
        name = " ".join(part).replace(arguments.model, Path(arguments.model).name)
        parts[name] = results["parts"][name] = measured(part)
        # After each part: a run that is stopped leaves what it has.
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        _put_into_docs(results)
    print(table({**results, "parts": parts}))
    problems = over_limit(parts)
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(int(bool(problems)))


if __name__ == "__main__":
    main()
