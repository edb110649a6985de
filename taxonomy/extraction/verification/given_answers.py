"""The answers in the sheets that people filled in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path

import pandas as pd

from taxonomy.errors import InputError
from taxonomy.extraction.verification.answer_key import AnswerKey, find_key, read_key
from taxonomy.extraction.verification.label_studio import read_export
from taxonomy.extraction.verification.review_item import answers_of
from taxonomy.extraction.verification.review_sheet import read_rows_of
from taxonomy.extraction.verification.verification import EXTRACTED, MAJORITY

_REMEDY = "give the filled sheets of one sample"


def read_answers(sheets: Sequence[Path], key: Path | None) -> tuple[AnswerKey, pd.DataFrame]:
    """Read filled sheets, .csv or Label Studio's .json, and the key of their items.

    Returns
    -------
    tuple of AnswerKey and DataFrame
        One row for each ``rater`` and ``item`` that was answered: ``answer``, ``missing`` and ``note``. A rater is
        named after the sheet; one of several in an export has the number after it that the export gives. Items are in
        the order of the key, whatever the order of the sheet.

    Raises
    ------
    InputError
        If a sheet can't be read, an answer is none of those asked for, or an item is not in the key.
    """
    rows = [row for name, sheet in _names(sheets).items() for row in sorted(_rows(name, sheet), key=itemgetter(0))]
    given = pd.DataFrame(rows, columns=["rater", "item", "answer", "missing", "note", "path", "line"], dtype=object)
    given["answer"] = given["answer"].str.strip().str.lower()
    _refuse(given, given.duplicated(["rater", "item"]), "the item is in the sheet twice")
    answered = given[given["answer"] != ""]
    if not len(answered):
        raise InputError("no item has an answer", path=", ".join(map(str, sheets)), remedy="fill in the column answer")
    found = find_key(sheets[0], set(given["item"])) if key is None else read_key(key)
    kinds = found.items.set_index("item")["kind"]
    _refuse(answered, ~answered["item"].isin(kinds.index), "the item is not in the key")
    allowed = {kind: set(answers_of(kind)) for kind in kinds.unique()}
    fits = [answer in allowed[kinds[item]] for item, answer in zip(answered["item"], answered["answer"], strict=True)]
    _refuse(answered, ~pd.Series(fits, index=answered.index), "the answer is none of those that the page offers")
    ranks = {"rater": list(answered["rater"].unique()), "item": list(kinds.index)}
    ordered = answered.sort_values(list(ranks), key=lambda cells: pd.Categorical(cells, ranks[str(cells.name)]))
    return found, ordered[["rater", "item", "answer", "missing", "note"]].reset_index(drop=True)


def _refuse(given: pd.DataFrame, wrong: pd.Series[bool], problem: str) -> None:
    """Raise an InputError for the first row that is wrong."""
    if wrong.any():
        row = given[wrong].iloc[0]
        raise InputError(problem, path=row["path"], line=row["line"] or None, remedy=_REMEDY)


def _names(sheets: Sequence[Path]) -> dict[str, Path]:
    """Return sheets by the names of their raters."""
    places = [sheet.resolve() for sheet in sheets]
    for sheet, place in zip(sheets, places, strict=True):
        if places.count(place) > 1:
            raise InputError("the sheet is given twice", path=str(sheet), remedy="give one sheet for each rater")
    names = [sheet.stem for sheet in sheets]
    twice = {name for name in names if names.count(name) > 1} | {MAJORITY, EXTRACTED}
    return {(str(sheet) if sheet.stem in twice else sheet.stem): sheet for sheet in sheets}


def _rows(name: str, sheet: Path) -> Iterator[tuple[str, str, str, str, str, str, int]]:
    if sheet.suffix.lower() == ".json":
        exported = list(read_export(sheet))
        people = {person for person, _ in exported}
        for person, given in exported:
            rater = name if len(people) == 1 else f"{name} {person}"
            yield rater, given["item"], given["answer"], given["missing"], given["note"], str(sheet), 0
        return
    for line, cells in read_rows_of(sheet, ("item", "answer", "missing", "note")):
        yield name, cells["item"], cells["answer"], cells["missing"], cells["note"], str(sheet), line
