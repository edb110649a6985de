"""The files of review sheets: CSV, or tasks of Label Studio with their labelling configuration."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from taxonomy.errors import OutputError
from taxonomy.extraction.verification.answer_key import AnswerKey, key_path
from taxonomy.extraction.verification.label_studio import labelling_config, read_tasks, tasks_json
from taxonomy.extraction.verification.review_item import ReviewItem
from taxonomy.extraction.verification.review_sheet import read_sheet, sheet_csv
from taxonomy.files import replace_file

SUFFIXES = (".csv", ".json")


def check_sheet_path(out: Path) -> None:
    """Refuse a path that a sheet can't be written to, before the work that leads to it.

    Raises
    ------
    OutputError
    """
    if out.suffix.lower() not in SUFFIXES:
        remedy = "end the name in .csv, or in .json for Label Studio"
        raise OutputError(f"{out.suffix!r} is not a format of a sheet", path=str(out), remedy=remedy)
    if not out.parent.is_dir():
        remedy = "make it, or choose another place"
        raise OutputError(f"there is no folder {out.parent}", path=str(out), remedy=remedy)


def write_sheet(items: Sequence[ReviewItem], out: Path, key: AnswerKey | None = None) -> list[Path]:
    """Write items as their owner alone can read them, and return what was written: the sheet first, the key last.

    Raises
    ------
    OutputError
        If it can't be written, or would replace anything else.
    """
    contents = {}
    if out.suffix.lower() == ".csv":
        contents[out] = sheet_csv(items).encode()
    else:
        contents[out] = tasks_json(items).encode()
        contents[out.with_suffix(".xml")] = labelling_config().encode()
    if key is not None:
        contents[key_path(out)] = key.to_parquet()
    for path, content in contents.items():
        if path.exists() and path.read_bytes() != content:
            problem = "there is another file of this name, which people may have filled in"
            raise OutputError(problem, path=str(path), remedy="choose another name, or move it away")
    for path, content in contents.items():
        replace_file(path, content, private=True)
    return list(contents)


def write_part(sheet: Path, items: Collection[str], out: Path) -> list[Path]:
    """Write some of the items of a sheet without their answers, such as those on which raters disagree, for a third.

    Raises
    ------
    InputError
        If the sheet can't be read.
    OutputError
        If the part can't be written, or would replace anything else.
    """
    check_sheet_path(out)
    every = read_tasks(sheet) if sheet.suffix.lower() == ".json" else read_sheet(sheet)
    return write_sheet([replace(one, answer="", missing="", note="") for one in every if one.item in items], out)
