"""A review sheet as a CSV file that opens in a spreadsheet."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

from taxonomy.errors import InputError
from taxonomy.extraction.verification.review_item import KINDS, SIDE_NAMES, ReviewItem, ShownTurn, answers_of
from taxonomy.formats.csv import table_csv, unescape_cell
from taxonomy.values.text_files import read_rows

COLUMNS = ("item", "kind", "question", "side", "claim", "turn", "quote", "answer", "missing", "note")
# A conversation is in as many of these columns as it needs: text, text_2, ...
TEXT = "text"
# Spreadsheets cut a cell at 32,767 characters.
_LONGEST_CELL = 32_000
# A spreadsheet takes a file for UTF-8 where it starts with this.
BOM = "\ufeff"
_HEAD = re.compile(rf"Turn ([0-9]{{1,9}}), ({'|'.join(SIDE_NAMES.values())}):")
_MARGIN = "| "
_SIDES = {name: side for side, name in SIDE_NAMES.items()}
_REMEDY = "give a sheet as `extract sample` wrote it, with answers"


def sheet_csv(items: Sequence[ReviewItem]) -> str:
    """Return items as CSV, each in a row.

    The turns are text: a line ``Turn 3, AI:``, then the turn's lines, each after a bar, so that no text can pass for
    another turn.
    """
    texts = [_cut(turns_text(item.turns)) for item in items]
    width = max(map(len, texts), default=1)
    columns = (*COLUMNS, *(text_column(place) for place in range(width)))
    rows = ((*_cells(item), *cells, *[""] * (width - len(cells))) for item, cells in zip(items, texts, strict=True))
    return BOM + table_csv(columns, rows)


def text_column(place: int) -> str:
    """Return the name of a column of text, from 0."""
    return TEXT if place == 0 else f"{TEXT}_{place + 1}"


def _cells(item: ReviewItem) -> tuple[str, ...]:
    side = "" if item.side is None else SIDE_NAMES[item.side]
    turn = str(item.turn) if item.turn else ""
    about = (item.item, item.kind, item.question, side, item.claim, turn, item.quote)
    return (*about, item.answer, item.missing, item.note)


def _cut(text: str) -> list[str]:
    return [text[start : start + _LONGEST_CELL] for start in range(0, len(text), _LONGEST_CELL)] or [""]


def turns_text(turns: Sequence[ShownTurn]) -> str:
    """Return turns as the text of a cell."""
    return "\n".join(
        "\n".join(
            (f"Turn {turn.number}, {SIDE_NAMES[turn.side]}:", *(_MARGIN + line for line in turn.text.split("\n")))
        )
        for turn in turns
    )


def shown_text(text: str) -> str:
    """Return a text as it is shown: lines end in LF, and what is no character of a text is left out."""
    lines = re.sub("\r\n?|[\u2028\u2029\x85\x0b\x0c]", "\n", text)
    return "".join(char for char in lines if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs"))


def read_sheet(path: Path) -> list[ReviewItem]:
    """Read a review sheet with all that its items show.

    Raises
    ------
    InputError
        If it is none, or a row is damaged.
    """
    items = []
    for line, cells in read_rows_of(path, (*COLUMNS, TEXT)):
        try:
            items.append(item_of(cells))
        except ValueError as error:
            raise InputError(
                f"the row is no item of a review sheet ({error})", path=str(path), line=line, remedy=_REMEDY
            ) from None
    if not items:
        raise InputError("the sheet has no items", path=str(path), remedy=_REMEDY)
    return items


def read_rows_of(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a sheet that must have these columns, each with the number of its first line.

    Raises
    ------
    InputError
        If it can't be read, or lacks one of them.
    """
    rows = read_rows(path)
    _, header = next(rows, (1, []))
    names = [name.strip() for name in header]
    if missing := [name for name in columns if name not in names]:
        problem = f"the sheet has no column {', '.join(missing)}"
        raise InputError(problem, path=str(path), line=1, remedy=_REMEDY)
    for line, row in rows:
        if any(row):
            # A spreadsheet may leave out cells at the end of a row.
            cells = [unescape_cell(cell) for cell in row] + [""] * (len(names) - len(row))
            yield line, dict(zip(names, cells, strict=False))


def item_of(cells: Mapping[str, str]) -> ReviewItem:
    """Return the item in the cells of a row, by the names of their columns.

    Raises
    ------
    ValueError
        If a cell is not what it must be. The message quotes nothing.
    """
    kind = next((kind for kind in KINDS if kind == cells["kind"]), None)
    if kind is None:
        raise ValueError(f"the kind is none of {', '.join(KINDS)}")
    if re.fullmatch("r[0-9a-f]{15}", cells["item"]) is None:
        raise ValueError("the item has no id such as r0123456789abcde")
    answer = cells["answer"].strip().lower()
    if answer and answer not in answers_of(kind):
        raise ValueError(f"the answer is none of {', '.join(answers_of(kind))}")
    if cells["side"] and cells["side"] not in _SIDES:
        raise ValueError(f"the side is none of {', '.join(_SIDES)}")
    texts = (cells.get(text_column(place)) for place in count())
    return ReviewItem(
        item=cells["item"],
        kind=kind,
        side=_SIDES.get(cells["side"]),
        claim=cells["claim"],
        turn=_number(cells["turn"]),
        quote=cells["quote"],
        turns=_turns("".join(_until_none(texts))),
        answer=answer,
        missing=cells["missing"],
        note=cells["note"],
    )


def _number(cell: str) -> int:
    if cell and not (cell.isascii() and cell.isdigit()):
        raise ValueError("the turn is no number")
    return int(cell or 0)


def _until_none(texts: Iterator[str | None]) -> Iterator[str]:
    for text in texts:
        if text is None:
            return
        yield text


def _turns(text: str) -> tuple[ShownTurn, ...]:
    turns: list[tuple[int, str, list[str]]] = []
    for line in shown_text(text).split("\n"):
        if head := _HEAD.fullmatch(line):
            turns.append((int(head[1]), head[2], []))
        elif turns and f"{line} ".startswith(_MARGIN):
            # A spreadsheet may take away the space of an empty line.
            turns[-1][2].append(line[len(_MARGIN) :])
        elif line:
            raise ValueError("the text is not as it was written: a spreadsheet may have changed it")
    return tuple(ShownTurn(number, _SIDES[side], "\n".join(lines)) for number, side, lines in turns)
