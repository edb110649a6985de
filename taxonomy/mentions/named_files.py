"""The files that files, folders and globs name."""

from __future__ import annotations

import glob
from collections.abc import Collection, Sequence
from pathlib import Path

from taxonomy.errors import InputError
from taxonomy.values.text_files import suffix_of


def find_files(
    paths: Sequence[str | Path], suffixes: Collection[str], formats: str, *, nested: bool = False
) -> list[tuple[Path, Path]]:
    """Return the files that paths name, sorted, each with the path that led to it.

    Parameters
    ----------
    paths : sequence of str or Path
        Files, folders and globs. A file is taken once, whatever leads to it.
    suffixes : collection of str
        Those of the files that are taken from a folder; a file that is named must have one, too.
    formats : str
        The same, as messages say it.
    nested : bool
        Whether to take the files in the folders of a folder, too.

    Raises
    ------
    InputError
        If there is no such file, or one has another suffix.
    """
    by_place: dict[tuple[int, int], tuple[Path, Path]] = {}
    for path in paths:
        for file in _files(str(path), suffixes, formats, nested):
            status = file.stat()
            by_place.setdefault((status.st_dev, status.st_ino), (file, Path(path)))
    return sorted(by_place.values())


def _files(path: str, suffixes: Collection[str], formats: str, nested: bool) -> list[Path]:
    if not path:
        raise InputError("a path is empty", remedy=f"give a file, a folder or a glob of {formats}")
    matches = [Path(path)]
    if not matches[0].exists():
        matches = [Path(name) for name in sorted(glob.glob(path, recursive=True))]
    if not matches:
        raise InputError("there is no such file", path=path, remedy=f"give a file, a folder or a glob of {formats}")
    files: list[Path] = []
    for match in matches:
        if match.is_dir():
            # A folder named x.parquet is how Spark writes a table.
            found = match.rglob("*") if nested else match.iterdir()
            files += sorted(file for file in found if suffix_of(file)[0] in suffixes and file.is_file())
        elif suffix_of(match)[0] in suffixes:
            files.append(match)
        else:
            problem = f"the suffix {match.suffix!r} is not a known one" if match.suffix else "the name has no suffix"
            raise InputError(problem, path=str(match), remedy=f"give a file in one of {formats}")
    if not files:
        raise InputError(f"no {', '.join(suffixes)} file is in it", path=path, remedy="give the folder of the records")
    return files
