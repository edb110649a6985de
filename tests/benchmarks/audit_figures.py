"""How well patterns and names tell private strings from others: ``python -m tests.benchmarks.audit_figures``.

The strings are invented. Rules were made while looking at the half "tuning", and never at the half "held out".
"""

from __future__ import annotations

import csv
from pathlib import Path

from taxonomy.extraction.audit.personal_names import find_names
from taxonomy.extraction.audit.private_patterns import find_patterns
from taxonomy.extraction.measures import Share
from tests.conftest import ROOT

STRINGS = ROOT / "tests" / "data" / "privacy_strings.csv"


def measure(path: Path) -> dict[str, tuple[Share, Share]]:
    """Return sensitivity and specificity of each half of the strings in a file."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found: dict[tuple[str, str], list[bool]] = {}
    for row in rows:
        told = bool(find_patterns(row["string"]) or find_names(row["string"]))
        found.setdefault((row["half"], row["private"]), []).append(told)
    figures = {}
    for half in dict.fromkeys(row["half"] for row in rows):
        private, others = found[half, "yes"], found[half, "no"]
        figures[half] = Share(sum(private), len(private)), Share(len(others) - sum(others), len(others))
    return figures


def table(figures: dict[str, tuple[Share, Share]]) -> str:
    """Return the figures as a table of Markdown."""
    lines = ["| half | sensitivity | specificity |", "| --- | --- | --- |"]
    lines += [f"| {half} | {' | '.join(map(_written, shares))} |" for half, shares in figures.items()]
    return "\n".join(lines)


def _written(share: Share) -> str:
    low, high = share.interval or (0.0, 1.0)
    return f"{share.count} of {share.of}: {share.share:.1%} ({low:.1%} to {high:.1%})"


if __name__ == "__main__":
    print(table(measure(STRINGS)))
