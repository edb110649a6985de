"""Results as Markdown, one function a table; each returns no lines where its parts were not measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.parts import COMPOSED_FROM
from tests.benchmarks.sizes import LIMITS, MILLION, SIZES, STUDY

Parts = Mapping[str, Mapping[str, Any]]


def table(results: Mapping[str, Any]) -> str:
    """Return the results as Markdown."""
    parts: Parts = results["parts"]
    made = (_main_job, _agreement, _holding, _peers, _builds, _conversations, _sentences)
    lines = [f"{results['machine']['processors']} processors, Python {results['machine']['python']}.", ""]
    for one in made:
        lines += one(parts)
    return "\n".join(lines).rstrip() + "\n"


def _main_job(parts: Parts) -> list[str]:
    job, limits = parts.get("main_job"), LIMITS["main_job"]
    if job is None:
        return []
    texts = {"cold": "nothing stored", "stored": "vectors stored", "help": "`--help`"}
    names = ("the main job, 3,307 strings", "seconds", "limit", "MB")
    return _rows(
        names,
        (
            (text, job[f"{name}_seconds"], limits[f"{name}_seconds"], job[f"{name}_megabytes"])
            for name, text in texts.items()
        ),
    )


def _agreement(parts: Parts) -> list[str]:
    names = ("method, model", "AMI, levels 1 / 2 / 3", "domain accuracy", "triplets")
    return _rows(
        names,
        (
            (
                f"{method}, {Path(model).name}",
                _join(found["ami"]),
                f"{found['domain_accuracy']:.3f}",
                f"{found['triplets']:.3f}",
            )
            for (model, method), found in _of(parts, "agreement")
        ),
    )


def _holding(parts: Parts) -> list[str]:
    names = ("method", "AMI with another seed", "siblings kept with 1% more strings")
    return _rows(
        names,
        (
            (method, _join(found["seed_ami"]), f"{found['one_percent_jaccard']:.3f}")
            for (_, method), found in _of(parts, "holding")
        ),
    )


def _peers(parts: Parts) -> list[str]:
    lines = []
    for size in SIZES:
        ours = [("**value-taxonomy**", found) for (count, _), found in _of(parts, "clustering") if int(count) == size]
        others = [(peer, found) for (peer, count), found in _of(parts, "peer") if int(count) == size]
        lines += _rows(
            (f"{size:,} strings", "AMI", "placed", "clusters", "seconds, warm", "MB"),
            (
                (
                    who,
                    _join(found["ami"]) if "ami" in found else "",
                    " / ".join(f"{share:.0%}" for share in found["placed"]),
                    " / ".join(str(count) for count in found["clusters"]),
                    found["seconds"],
                    f"{found['megabytes']:,}",
                )
                for who, found in ours + others
            ),
        )
    return lines


def _builds(parts: Parts) -> list[str]:
    builds = {int(count): found for (count,), found in _of(parts, "build")}
    composed = ", vectors composed of their words'"
    lines = _rows(
        ("a whole build, vectors of the values stored", "seconds", "MB"),
        (
            (f"{size:,} strings{composed if size >= COMPOSED_FROM else ''}", one["seconds"], f"{one['megabytes']:,}")
            for size, one in builds.items()
        ),
    )
    if MILLION in builds:
        fewer = max(size for size in builds if size < MILLION)
        times = builds[MILLION]["seconds"] / builds[fewer]["seconds"]
        expected = MILLION * math.log(MILLION) / (fewer * math.log(fewer))
        lines += [f"A million takes {times:.1f} times as long as {fewer:,}; n log n makes {expected:.1f}.", ""]
    return lines


def _conversations(parts: Parts) -> list[str]:
    told = parts.get(f"report {STUDY}")
    if told is None:
        return []
    counts = [found for _, found in _of(parts, "counting")]
    rows = [(f"the report on {STUDY:,}, with all analyses", told)]
    rows += [(f"`mentions count` of {one['conversations']:,}", one) for one in counts]
    lines = _rows(
        ("invented conversations", "mentions", "seconds", "MB"),
        ((text, f"{one['mentions']:,}", one["seconds"], f"{one['megabytes']:,}") for text, one in rows),
    )
    sentence = f"Inventing {STUDY:,} takes {told['invented_seconds']} s."
    if len(counts) > 1:
        rows_times, times = (counts[-1][name] / counts[0][name] for name in ("mentions", "seconds"))
        sentence += f" {rows_times:.0f} times the rows are counted in {times:.1f} times the seconds."
    return [*lines, sentence, ""]


def _sentences(parts: Parts) -> list[str]:
    lines = []
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
    return lines


def _of(parts: Parts, name: str) -> list[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Return the parts of one name with their arguments."""
    return [(tuple(key.split()[1:]), found) for key, found in parts.items() if key.split()[0] == name]


def _rows(names: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [_row(row) for row in rows]
    return [_row(names), _row(["---"] * len(names)), *lines, ""] if lines else []


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _join(figures: Iterable[float]) -> str:
    return " / ".join(f"{figure:.3f}" for figure in figures)
