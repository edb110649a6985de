"""What a build folder holds beside the taxonomy: the rejected rows, and a report."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from taxonomy.files import replace_files
from taxonomy.formats.csv import frequencies_csv, table_csv, taxonomy_csv
from taxonomy.model import Taxonomy
from taxonomy.quality.cohesion import LevelCohesion
from taxonomy.values import Rejection, ValueSet

# Drawings of the tree, made on request. Older ones are removed, since they show another tree.
_DRAWN = frozenset({"map.parquet", "taxonomy.html"})


def write_folder(
    folder: Path, tree: Taxonomy, value_set: ValueSet, quality: Sequence[LevelCohesion], drawn: dict[str, bytes]
) -> tuple[str, ...]:
    """Write a build folder, taxonomy.json last, and return the names of its files.

    Parameters
    ----------
    folder : Path
    tree : Taxonomy
    value_set : ValueSet
        What the tree was built from.
    quality : sequence of LevelCohesion
        For the report.
    drawn : dict of str to bytes
        Those of `_DRAWN`, by name.

    Raises
    ------
    OutputError
    """
    texts = {
        "taxonomy.csv": taxonomy_csv(tree),
        "frequencies.csv": frequencies_csv(tree),
        "rejected.csv": _rejected_csv(value_set.rejected),
        "report.json": json.dumps(report(tree, value_set, quality), indent=1, ensure_ascii=False) + "\n",
        "taxonomy.json": tree.to_json(),
    }
    contents = drawn | {name: text.encode() for name, text in texts.items()}
    replace_files(folder, contents, gone=_DRAWN - contents.keys())
    return (*texts, *drawn)


def _rejected_csv(rejected: Iterable[Rejection]) -> str:
    """Return the rejected rows of the input, with the reason."""
    return table_csv(
        ("row", "value", "reason"), ((rejection.row, rejection.value, rejection.reason) for rejection in rejected)
    )


def report(tree: Taxonomy, value_set: ValueSet, quality: Sequence[LevelCohesion] = ()) -> dict[str, Any]:
    """Return what a reader of the build should know: the count of every row, the sizes, and what is in doubt."""
    flags = Counter((node.level, flag) for node in tree.nodes for flag in node.flags)
    return {
        "input": {
            "rows": value_set.rows,
            "values": len(value_set),
            "aliases": sum(len(value.aliases) for value in value_set.values),
            "repeats": value_set.repeats,
            "rejected": len(value_set.rejected),
            "rejected_by_reason": dict(sorted(Counter(rejection.reason for rejection in value_set.rejected).items())),
        },
        "levels": [level.model_dump() for level in tree.levels],
        "top": [{"label": node.label, "values": len(tree.values(node)), "share": node.share} for node in tree.top],
        "flags": [{"level": level, "flag": flag, "nodes": count} for (level, flag), count in sorted(flags.items())],
        "quality": [_rounded(level) for level in quality],
    }


def _rounded(level: LevelCohesion) -> dict[str, Any]:
    fields = dataclasses.asdict(level).items()
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in fields}
