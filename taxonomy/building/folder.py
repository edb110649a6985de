"""A build folder: its files, of one version all, and a report that lists them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from embeddings.journal import digest_of
from taxonomy.errors import OutputError
from taxonomy.files import check_folder, replace_files
from taxonomy.formats.csv import frequencies_csv, table_csv, taxonomy_csv
from taxonomy.model import Taxonomy
from taxonomy.model.canonical_form import json_parts
from taxonomy.quality.cohesion import LevelCohesion
from taxonomy.quality.findings import Finding
from taxonomy.values import Rejection, ValueSet

_REPORT = "report.json"
_TREE = "taxonomy.json"
# What every build writes.
_FILES = ("taxonomy.csv", "frequencies.csv", "rejected.csv", _REPORT, _TREE)
# Drawings of the tree, made on request.
_DRAWN = ("map.parquet", "taxonomy.html")
MIXED_FOLDER = "mixed-folder"
# Entries of every report, of older versions, too.
_OF_REPORT = frozenset({"input", "levels", "top", "flags"})


def check_build_folder(folder: Path, *, page: bool = False) -> None:
    """Make a folder if need be, and see that a build can be written to it, before hours of work.

    Raises
    ------
    OutputError
        If it can't be written, or has files of these names that are not of a build: they would be lost.
    """
    check_folder(folder)
    if _read_report(folder) is not None:
        return
    for name in (*_FILES, *(_DRAWN if page else ())):
        path = folder / name
        if path.is_file() and not (name == _TREE and _is_taxonomy(path)):
            problem = "a build would overwrite this file, which is not of a build"
            raise OutputError(problem, path=str(path), remedy="move it away, or choose another folder")


def _read_report(folder: Path) -> dict[str, Any] | None:
    """Return the report of the build in a folder, None where there is none of ours."""
    try:
        found = json.loads((folder / _REPORT).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.keys() >= _OF_REPORT else None


def _is_taxonomy(path: Path) -> bool:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("format") == "value-taxonomy"


def _listed(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file that the report of a folder lists."""
    listed = (_read_report(folder) or {}).get("files")
    return listed if isinstance(listed, dict) else {}


def find_mixture(path: Path, tree: Taxonomy) -> list[Finding]:
    """Return a finding for each file beside a taxonomy.json that has other content than the report there lists."""
    if path.name != _TREE:
        return []
    top = tree.top[0]
    return [
        Finding(MIXED_FOLDER, top.id, f"{name} is not the one that {_REPORT} beside it lists: build again", top.weight)
        for name, digest in sorted(_listed(path.parent).items())
        if name in (*_FILES, *_DRAWN) and digest_of(path.with_name(name)) not in (digest, None)
    ]


def write_folder(
    folder: Path, tree: Taxonomy, value_set: ValueSet, quality: Sequence[LevelCohesion], drawn: dict[str, bytes]
) -> tuple[str, ...]:
    """Write a build folder, all of it or nothing, and return the names of its files.

    Drawings of the tree before go, if its report lists them.

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
        As `check_build_folder`.
    """
    check_build_folder(folder, page=bool(drawn))
    made = {name: old for name, old in _listed(folder).items() if name in _DRAWN and name not in drawn}
    texts = {
        "taxonomy.csv": taxonomy_csv(tree),
        "frequencies.csv": frequencies_csv(tree),
        "rejected.csv": _rejected_csv(value_set.rejected),
    }
    contents = drawn | {name: text.encode() for name, text in texts.items()}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    said = report(tree, value_set, quality)

    def tree_parts() -> Iterator[bytes]:
        digest = hashlib.sha256()
        for part in json_parts(tree):
            digest.update(part)
            yield part
        digests[_TREE] = digest.hexdigest()

    def report_parts() -> Iterator[bytes]:
        # Written last, when it is known what the others hold.
        files = {name: digests[name] for name in sorted(digests)}
        yield (json.dumps(said | {"files": files}, indent=1, ensure_ascii=False) + "\n").encode()

    replace_files(folder, {**contents, _TREE: tree_parts(), _REPORT: report_parts()}, gone=made)
    return (*_FILES, *drawn)


def _rejected_csv(rejected: Iterable[Rejection]) -> str:
    """Return the rejected rows of the input, with the reason."""
    return table_csv(
        ("row", "value", "reason"), ((rejection.row, rejection.value, rejection.reason) for rejection in rejected)
    )


def report(tree: Taxonomy, value_set: ValueSet, quality: Sequence[LevelCohesion] = ()) -> dict[str, Any]:
    """Return what a reader of the build should know: the count of every row, the sizes, and what is in doubt."""
    merged = {"merged_spellings": [dataclasses.asdict(twin) for twin in value_set.twins]} if value_set.twins else {}
    flags = Counter((node.level, flag) for node in tree.nodes for flag in node.flags)
    return {
        "input": {
            "rows": value_set.rows,
            "split": value_set.split,
            "listed": value_set.listed,
            "values": len(value_set),
            "aliases": sum(len(value.aliases) for value in value_set.values),
            "repeats": value_set.repeats,
            "rejected": len(value_set.rejected),
            "rejected_by_reason": dict(sorted(Counter(rejection.reason for rejection in value_set.rejected).items())),
        },
        **merged,
        "levels": [level.model_dump() for level in tree.levels],
        "top": [{"label": node.label, "values": len(tree.values(node)), "share": node.share} for node in tree.top],
        "flags": [{"level": level, "flag": flag, "nodes": count} for (level, flag), count in sorted(flags.items())],
        "quality": [_rounded(level) for level in quality],
    }


def _rounded(level: LevelCohesion) -> dict[str, Any]:
    fields = dataclasses.asdict(level).items()
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in fields}
