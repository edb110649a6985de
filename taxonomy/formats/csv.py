"""Read and write the six columns of the published release, and write other tables as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

from taxonomy.english.polarity import polarity_of
from taxonomy.errors import InputError, OutputError
from taxonomy.model import Node, Taxonomy, slugify
from taxonomy.model.draft import Draft
from taxonomy.values.cells import fail_cells, parse_number
from taxonomy.values.text_files import read_rows

COLUMNS = ("cluster_id", "description", "name", "level", "parent_cluster_id", "pct_total_occurrences")
# A spreadsheet runs a cell with such a start as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "'")


def taxonomy_csv(tree: Taxonomy) -> str:
    """Return the nodes in the columns of the published release, shares in percent.

    Raises
    ------
    OutputError
        If a text has a NUL, which CSV readers reject.
    """
    refuse_nul(tree)
    return table_csv(
        COLUMNS,
        (
            (node.id, node.definition, node.label, node.level, node.parent or "", number_text(100 * node.share))
            for node in tree.nodes
        ),
    )


def refuse_nul(tree: Taxonomy) -> None:
    """Check that no text of a tree has a NUL, which CSV readers reject.

    Raises
    ------
    OutputError
    """
    for node in tree.nodes:
        if "\0" in f"{node.id}{node.label}{node.definition}":
            problem = f"CSV cannot hold the NUL in {node.id} ({node.label})"
            raise OutputError(problem, remedy="correct it, or write .json")


def frequencies_csv(tree: Taxonomy) -> str:
    """Return each value with its percentage of conversations if the input has it, else with its share."""
    values = sorted(tree.leaves, key=lambda node: (-node.weight, node.label))
    if tree.weight_unit == "pct_convos":
        return table_csv(("value", "pct_convos"), ((node.label, number_text(node.weight)) for node in values))
    return table_csv(("value", "share"), ((node.label, number_text(node.share)) for node in values))


def read_taxonomy_csv(path: str | Path) -> Taxonomy:
    """Read a taxonomy from the columns of the published release.

    Parameters
    ----------
    path : str or Path
        A CSV with the columns `COLUMNS` in any order; others are ignored. An id may be any string.

    Returns
    -------
    Taxonomy
        Its id is the file's name. `share` is the stated percentage as a number from 0 to 1; `weight` is in percent of
        all mentions and summed from the values, so that it adds up where stated shares may not.

    Raises
    ------
    InputError
        If the file can't be read, or its rows are not a tree; with the line.
    """
    source = Path(path)
    rows = list(_rows(source))
    _check(rows, source)
    parents = {row.parent for row in rows}
    nodes = [
        Node(
            id=row.id,
            level=row.level,
            label=row.name,
            slug=slugify(row.name),
            definition=row.description,
            parent=row.parent or None,
            weight=round(row.percent, 6),
            share=round(row.percent / 100, 6),
            label_source="imported",
            polarity="value" if row.level else polarity_of(row.name),
            flags=("empty",) if row.level and row.id not in parents else (),
        )
        for row in rows
    ]
    draft = Draft(nodes)
    draft.weigh()
    return Taxonomy.from_nodes(draft.nodes.values(), id=source.stem, weight_unit="mentions")


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the six columns, with its line in the file."""

    line: int
    id: str
    description: str
    name: str
    level: int
    parent: str
    percent: float


def _rows(path: Path) -> Iterator[_Row]:
    """Yield the rows of a file, each cell checked and converted."""
    table = read_rows(path)
    header = [name.strip() for name in next(table, (1, []))[1]]
    for column in COLUMNS:
        if header.count(column) != 1:
            problem = "the column occurs twice" if column in header else "there is no such column"
            remedy = f"a taxonomy in CSV has the columns {', '.join(COLUMNS)}"
            raise InputError(problem, path=str(path), line=1, column=column, remedy=remedy)
    for line, cells in table:
        if not cells:
            continue
        if len(cells) != len(header):
            fail_cells(cells, header, ",", path=str(path), line=line)
        cell = {name: unescape_cell(text) for name, text in zip(header, cells, strict=True)}
        for column in ("cluster_id", "name"):
            if not cell[column].strip():
                _fail("the cell is empty", path, line, "give every node an id and a name", column)
        level, percent = cell["level"].strip(), cell["pct_total_occurrences"]
        if not (level.isascii() and level.isdigit() and len(level) < 4):
            _fail(f"{level!r} is not a level", path, line, "give 0 for a value, 1 for what is above it, ...", "level")
        yield _Row(
            line=line,
            id=cell["cluster_id"],
            description=cell["description"],
            name=cell["name"],
            level=int(level),
            parent=cell["parent_cluster_id"],
            percent=_percent(percent, path, line),
        )


def _percent(text: str, path: Path, line: int) -> float:
    percent = parse_number(text)
    if not 0 <= percent <= 100:
        remedy = "give a number from 0 to 100"
        _fail(f"{text!r} is not a percentage", path, line, remedy, "pct_total_occurrences")
    return percent


def _check(rows: Sequence[_Row], path: Path) -> None:
    """Check that rows are a tree, so that errors name lines; `Taxonomy.check` can name only nodes."""
    if not rows:
        raise InputError("there are no rows", path=str(path), remedy="give one row per node")
    _check_distinct(rows, path)
    _check_parents(rows, path)


def _check_distinct(rows: Sequence[_Row], path: Path) -> None:
    by_id: dict[str, _Row] = {}
    by_value: dict[str, _Row] = {}
    by_place: dict[tuple[str, str], _Row] = {}
    for row in rows:
        if (first := by_id.setdefault(row.id, row)) is not row:
            _fail(f"the id {row.id!r} is also in line {first.line}", path, row.line, "give every node an id of its own")
        if row.level == 0 and (first := by_value.setdefault(row.name, row)) is not row:
            _fail(f"the value {row.name!r} is also in line {first.line}", path, row.line, "leave one of them out")
        if (first := by_place.setdefault((row.parent, row.name), row)) is not row:
            problem = f"{row.name!r} has the parent and the name of line {first.line}"
            _fail(problem, path, row.line, "rename one of them, or merge them")


def _check_parents(rows: Sequence[_Row], path: Path) -> None:
    top = max(row.level for row in rows)
    by_id = {row.id: row for row in rows}
    parents = {row.parent for row in rows}
    for row in rows:
        parent = by_id.get(row.parent)
        if row.parent and parent is None:
            problem = f"the parent {row.parent!r} has no row"
            _fail(problem, path, row.line, "add its row, or name another parent")
        if parent is None and row.level < top:
            problem = f"the node has no parent, and its level {row.level} is below the top level {top}"
            _fail(problem, path, row.line, "name its parent")
        # A parent exactly one level up also rules out cycles.
        if parent is not None and parent.level != row.level + 1:
            problem = f"the parent {row.parent!r} is on level {parent.level}, not on level {row.level + 1}"
            _fail(problem, path, row.line, "name a parent one level up")
        if 0 < row.level < top and row.id not in parents:
            _fail(f"the node {row.id!r} has no children", path, row.line, "give it children, or leave it out")


def _fail(problem: str, path: Path, line: int, remedy: str, column: str | None = None) -> NoReturn:
    raise InputError(problem, path=str(path), line=line, column=column, remedy=remedy)


def table_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as CSV, escaped so that a spreadsheet runs no cell as a formula."""
    lines: list[str] = []
    # Python 3.11 quotes a cell with a carriage return only if lines end in one.
    stream = SimpleNamespace(write=lambda line: lines.append(line.removesuffix("\r\n") + "\n"))
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_escape(cell) if isinstance(cell, str) else cell for cell in row])
    return "".join(lines)


def _escape(cell: str) -> str:
    """Put a quote before a cell that a spreadsheet would run as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


def unescape_cell(cell: str) -> str:
    """Return a cell of `table_csv` as it was before it was escaped."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA_STARTS) else cell


def number_text(number: float) -> str:
    """Return a number with at most 6 decimal places and without trailing zeros."""
    return f"{number:.6f}".rstrip("0").rstrip(".")
