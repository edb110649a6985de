"""The build folder: all of its files are staged beside it, synced, then moved, taxonomy.json last."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from taxonomy.errors import OutputError
from taxonomy.formats.csv import frequencies_csv, table_csv, taxonomy_csv
from taxonomy.model import Taxonomy
from taxonomy.quality.cohesion import LevelCohesion
from taxonomy.values import Rejection, ValueSet

# What a build draws of its tree when asked.
DRAWN = frozenset({"map.parquet", "taxonomy.html"})


def check_writable(folder: Path) -> None:
    """Make the folder if need be and see that it can be written, before hours of work.

    Raises
    ------
    OutputError
    """
    probe = folder / f".writable.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise _unwritable(folder, error) from error


def write_build(
    folder: Path,
    tree: Taxonomy,
    value_set: ValueSet,
    quality: Sequence[LevelCohesion] = (),
    more: Mapping[str, bytes] | None = None,
) -> None:
    """Write a build folder; on failure, what was there stays as it was.

    Parameters
    ----------
    folder : Path
    tree : Taxonomy
    value_set : ValueSet
        What the tree was built from.
    quality : sequence of LevelCohesion
        For the report.
    more : mapping of str to bytes, optional
        Other files of the build by name: its page and map.

    Raises
    ------
    InvariantError, OutputError
    """
    tree.check()
    contents = {
        **(more or {}),
        "taxonomy.csv": taxonomy_csv(tree).encode(),
        "frequencies.csv": frequencies_csv(tree).encode(),
        "rejected.csv": rejected_csv(value_set.rejected).encode(),
        "report.json": (json.dumps(report(tree, value_set, quality), indent=1, ensure_ascii=False) + "\n").encode(),
        "taxonomy.json": tree.to_json().encode(),
    }
    staging = folder.with_name(f".{folder.name or 'build'}.staged.{os.getpid()}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staging.mkdir()
        for name, content in contents.items():
            with open(staging / name, "wb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
        for name in contents:
            os.replace(staging / name, folder / name)
        for name in DRAWN - contents.keys():
            # A page of the tree before would be taken for this one's.
            (folder / name).unlink(missing_ok=True)
        _sync(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


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
            "rejected_by_reason": dict(sorted(Counter(one.reason for one in value_set.rejected).items())),
        },
        "levels": [level.model_dump() for level in tree.levels],
        "top": [{"label": node.label, "values": len(tree.values(node)), "share": node.share} for node in tree.top],
        "flags": [{"level": level, "flag": flag, "nodes": count} for (level, flag), count in sorted(flags.items())],
        "quality": [_rounded(level) for level in quality],
    }


def _rounded(level: LevelCohesion) -> dict[str, Any]:
    fields = dataclasses.asdict(level).items()
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in fields}


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(folder: Path, error: OSError) -> OutputError:
    reason = error.strerror or str(error)
    return OutputError(f"cannot write the folder {folder}: {reason}; name another with --out, or free some space")


def rejected_csv(rejected: Iterable[Rejection]) -> str:
    """Return the rows of the input that are no value, with the reason."""
    return table_csv(("row", "value", "reason"), ((one.row, one.value, one.reason) for one in rejected))
