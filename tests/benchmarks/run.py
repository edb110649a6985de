"""Measure everything, write ``results.json`` beside this file and its table into the README, and check the limits.

Each part is a process of its own and is kept until the code changes, so that a run that was stopped goes on where it
was. Exits with 1 where a time is over twice its limit. ``--million`` adds the row of a million strings, ``--only WORD``
measures the parts whose name holds the word, ``--model NAME`` is the second model whose agreement is measured.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.benchmarks.data import PUBLISHED, ROOT, SMALL, WORK
from tests.benchmarks.parts import COMPOSED_FROM, METHODS
from tests.benchmarks.peers import PEERS

HERE = Path(__file__).parent
SIZES = (SMALL, 20_000, 100_000)
MILLION = 1_000_000
# Ward holds all distances: 100,000 values would need 40 GB.
WARD_MOST = 20_000
# Seconds that the issues allow, by part and figure.
LIMITS = {
    "main_job": {"cold_seconds": 40, "stored_seconds": 25, "help_seconds": 0.3},
    "labelling": {"seconds": 3},
    "page": {"interactive_seconds": 1.5, "search_milliseconds": 50, "page_megabytes": 8},
    "build 100000": {"seconds": 40},
    "assign 100000": {"seconds": 20},
    "build 1000000": {"seconds": 480},
}
START, END = "<!-- results -->", "<!-- end of results -->"
PACKAGES = ("bertopic", "evoc", "fast_hdbscan", "numpy", "scikit-learn", "scipy", "sentence-transformers", "torch")


def wanted(model: str, million: bool) -> Iterable[tuple[str, ...]]:
    """Yield the parts, cheapest first."""
    yield ("main_job",)
    yield ("labelling",)
    if shutil.which("chromedriver"):
        yield ("page",)
    if PUBLISHED.is_file():
        for name in ("minilm", model):
            for method in METHODS:
                yield "agreement", name, method
        yield "holding", "minilm", "average"
        yield "holding", "minilm", "ward"
    for size in SIZES:
        yield "build", str(size)
        yield "clustering", str(size), "average"
        for peer in PEERS:
            if peer != "Ward" or size <= WARD_MOST:
                yield "peer", peer, str(size)
    yield "assign", "100000"
    yield "embedding", "100000"
    if million:
        yield "build", str(MILLION)


def measured(part: tuple[str, ...]) -> dict[str, Any]:
    """Return the figures of a part, from an earlier run of the same code or measured now."""
    kept = WORK / f"{_digest(part)}.json"
    if not kept.is_file():
        WORK.mkdir(parents=True, exist_ok=True)
        staged = kept.with_suffix(".part")
        print("measuring", *part, file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "tests.benchmarks.parts", *part, str(staged)], cwd=ROOT, check=True)
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
        if path.name != "run.py":
            digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


def table(results: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    parts = results["parts"]
    lines = [f"{results['machine']['processors']} processors, Python {results['machine']['python']}.", ""]
    job = parts.get("main_job")
    if job:
        lines += ["| the main job, 3,307 strings | seconds | limit | MB |", "| --- | --- | --- | --- |"]
        for name, text in (("cold", "nothing stored"), ("stored", "vectors stored"), ("help", "`--help`")):
            limit = LIMITS["main_job"][f"{name}_seconds"]
            lines.append(f"| {text} | {job[f'{name}_seconds']} | {limit} | {job[f'{name}_megabytes']} |")
        lines.append("")
    scored = {tuple(name.split()): found for name, found in parts.items() if name.startswith("agreement")}
    if scored:
        lines += ["| method, model | AMI, levels 1 / 2 / 3 | domain accuracy | triplets |", "| --- | --- | --- | --- |"]
        for (_, model, method), found in scored.items():
            figures = f"{_join(found['ami'])} | {found['domain_accuracy']:.3f} | {found['triplets']:.3f}"
            lines.append(f"| {method}, {Path(model).name} | {figures} |")
        lines.append("")
    held = {name.split()[2]: found for name, found in parts.items() if name.startswith("holding")}
    if held:
        lines += ["| method | AMI with another seed | siblings kept with 1% more strings |", "| --- | --- | --- |"]
        lines += [
            f"| {name} | {_join(one['seed_ami'])} | {one['one_percent_jaccard']:.3f} |" for name, one in held.items()
        ]
        lines.append("")
    for size in SIZES:
        rows = {name: found for name, found in parts.items() if name.endswith(f" {size}") or f" {size} " in name}
        rows = {name: found for name, found in rows.items() if name.split()[0] in ("clustering", "peer")}
        if rows:
            lines += [
                f"| {size:,} strings | AMI | placed | clusters | seconds, warm | MB |",
                "| --- | --- | --- | --- | --- | --- |",
            ]
            for name, found in rows.items():
                who = name.split()[1] if name.startswith("peer") else "**value-taxonomy**"
                placed = " / ".join(f"{share:.0%}" for share in found["placed"])
                clusters = " / ".join(str(count) for count in found["clusters"])
                ami = _join(found["ami"]) if "ami" in found else ""
                lines.append(f"| {who} | {ami} | {placed} | {clusters} | {found['seconds']} | {found['megabytes']:,} |")
            lines.append("")
    builds = {int(name.split()[1]): found for name, found in parts.items() if name.startswith("build ")}
    if builds:
        lines += ["| a whole build, vectors stored | seconds | MB |", "| --- | --- | --- |"]
        for size, one in builds.items():
            strings = f"{size:,} strings" + (", vectors composed of their words'" if size >= COMPOSED_FROM else "")
            lines.append(f"| {strings} | {one['seconds']} | {one['megabytes']:,} |")
        lines.append("")
    for part, text in (
        ("labelling", "Naming {nodes} nodes, nothing stored"),
        ("assign 100000", "`assign` of 100,000 strings"),
    ):
        if one := parts.get(part):
            lines.append(f"{text.format(**one)}: {one['seconds']} s, {LIMITS[part]['seconds']} allowed.")
    if one := parts.get("page"):
        lines.append(
            f"The page of 3,307 strings: written in {one['seconds']} s, {one['page_megabytes']} MB, answers "
            f"{one['interactive_seconds']} s after it is opened, and the slowest of some searches in "
            f"{one['search_milliseconds']} ms."
        )
    if rate := parts.get("embedding 100000"):
        lines.append(
            f"Embedding 100,000 strings: {rate['strings_per_second']:,} a second, sentence-transformers' own `encode` "
            f"{rate['sentence_transformers']:,}, ratio {rate['ratio']} (turn by turn); least cosine between the two "
            f"{rate['worst_cosine']}."
        )
    return "\n".join(lines).rstrip() + "\n"


def over_limit(parts: dict[str, Any]) -> list[str]:
    """Return the figures that are over twice their limit."""
    return [
        f"{part}: {figure} is {parts[part][figure]}, over twice {limit}"
        for part, figures in LIMITS.items()
        if part in parts
        for figure, limit in figures.items()
        if parts[part][figure] > 2 * limit
    ]


def _put_into_readme(text: str) -> None:
    readme = ROOT / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(START)
    _, after = rest.split(END)
    readme.write_text(f"{before}{START}\n{text}{END}{after}", encoding="utf-8")


def _join(figures: Iterable[float]) -> str:
    return " / ".join(f"{figure:.3f}" for figure in figures)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--model", default="mpnet")
    arguments = parser.parse_args()
    chosen = [part for part in wanted(arguments.model, arguments.million) if arguments.only in " ".join(part)]
    results: dict[str, Any] = {
        "machine": {"processors": os.cpu_count(), "python": platform.python_version()},
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "parts": {},
    }
    parts = results["parts"]
    for part in chosen:
        parts[" ".join(part).replace(arguments.model, Path(arguments.model).name)] = measured(part)
        # After each part: a run that is stopped leaves what it has.
        if not arguments.only:
            (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
            _put_into_readme(table(results))
    print(table(results))
    problems = over_limit(parts)
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(int(bool(problems)))


if __name__ == "__main__":
    main()
