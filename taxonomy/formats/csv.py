"""The six columns of the published release, and the tables that go with them."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

from taxonomy.errors import InputError, OutputError
from taxonomy.model import Node, Taxonomy, slugify
from taxonomy.model.draft import Draft
from taxonomy.values.reading import read_rows

COLUMNS = ("cluster_id", "description", "name", "level", "parent_cluster_id", "pct_total_occurrences")
# A spreadsheet runs a cell that begins so as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "'")


def taxonomy_csv(tree: Taxonomy) -> str:
    """Return the nodes in the columns of the published release, shares in percent.

    Raises
    ------
    OutputError
        If a text has a NUL, which no reader of CSV takes.
    """
    for node in tree.nodes:
        if "\0" in f"{node.id}{node.label}{node.definition}":
            problem = f"CSV cannot hold the NUL in {node.id} ({node.label})"
            raise OutputError(problem, remedy="correct it, or write .json")
    return table_csv(
        COLUMNS,
        (
            (node.id, node.definition, node.label, node.level, node.parent or "", number_text(100 * node.share))
            for node in tree.nodes
        ),
    )


def frequencies_csv(tree: Taxonomy) -> str:
    """Return each value with its percent of conversations where the input had it, else with its share."""
    values = sorted(tree.leaves, key=lambda node: (-node.weight, node.label))
    if tree.weight_unit == "pct_convos":
        return table_csv(("value", "pct_convos"), ((node.label, number_text(node.weight)) for node in values))
    return table_csv(("value", "share"), ((node.label, number_text(node.share)) for node in values))


def read_taxonomy_csv(path: str | Path) -> Taxonomy:
    """Read a taxonomy from the columns of the published release.

    Parameters
    ----------
    path : str or Path
        A CSV with the columns `COLUMNS` in any order; others are ignored. Any string is accepted as an id.

    Returns
    -------
    Taxonomy
        Its id is the file's name. The percentages are kept in `share` as they are stated, in 0 to 1; `weight` is in
        percent of all mentions, and recomputed from the values, so that it adds up where the shares may not.

    Raises
    ------
    InputError
        If the file can't be read, or a row is no node of a tree; with the line.
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
    """Yield the rows of a file, each cell of the type it should have."""
    table = read_rows(path)
    header = [name.strip() for name in next(table, (1, []))[1]]
    for column in COLUMNS:
        if header.count(column) != 1:
            problem = "the name occurs twice" if column in header else "there is no such column"
            remedy = f"a taxonomy in CSV has the columns {', '.join(COLUMNS)}"
            raise InputError(problem, path=str(path), line=1, column=column, remedy=remedy)
    for line, cells in table:
        if not cells:
            continue
        if len(cells) != len(header):
            problem = f"the row has {len(cells)} cells where the header has {len(header)}"
            remedy = "quote a cell that holds ',', and give every row all its cells"
            raise InputError(problem, path=str(path), line=line, remedy=remedy)
        cell = {name: _unescape(text) for name, text in zip(header, cells, strict=True)}
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
    try:
        percent = float(text)
    except ValueError:
        percent = math.nan
    if not 0 <= percent <= 100:
        remedy = "give a number from 0 to 100"
        _fail(f"{text!r} is not a percentage", path, line, remedy, "pct_total_occurrences")
    return percent


def _check(rows: Sequence[_Row], path: Path) -> None:
    """Refuse rows that make no tree, naming the line; `Taxonomy.check` asks the same of nodes, which have none."""
    if not rows:
        raise InputError("there are no rows", path=str(path), remedy="give one row a node")
    top = max(row.level for row in rows)
    by_id: dict[str, _Row] = {}
    by_value: dict[str, _Row] = {}
    by_place: dict[tuple[str, str], _Row] = {}
    for row in rows:
        if (other := by_id.setdefault(row.id, row)) is not row:
            _fail(f"the id {row.id!r} stands in line {other.line} too", path, row.line, "give every node its own")
        if row.level == 0 and (other := by_value.setdefault(row.name, row)) is not row:
            _fail(f"the value {row.name!r} stands in line {other.line} too", path, row.line, "leave one of them out")
        if (other := by_place.setdefault((row.parent, row.name), row)) is not row:
            problem = f"{row.name!r} has the parent and the name of line {other.line}"
            _fail(problem, path, row.line, "rename one of them, or merge them")
    parents = {row.parent for row in rows}
    for row in rows:
        parent = by_id.get(row.parent)
        if row.parent and parent is None:
            _fail(f"the parent {row.parent!r} is in no row", path, row.line, "add its row, or name another parent")
        if parent is None and row.level < top:
            problem = f"a node of level {row.level} has no parent, and the top is level {top}"
            _fail(problem, path, row.line, "name its parent")
        # A parent exactly one level up also rules out cycles.
        if parent is not None and parent.level != row.level + 1:
            problem = f"the parent {row.parent!r} is on level {parent.level}, not one above level {row.level}"
            _fail(problem, path, row.line, "name a parent one level up")
        if 0 < row.level < top and row.id not in parents:
            _fail(f"no row has the parent {row.id!r}", path, row.line, "give it children, or leave it out")


def _fail(problem: str, path: Path, line: int, remedy: str, column: str | None = None) -> NoReturn:
    raise InputError(problem, path=str(path), line=line, column=column, remedy=remedy)


def table_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as CSV, no cell of which a spreadsheet runs."""
    lines: list[str] = []
    # Python 3.11 quotes a cell with a carriage return only where lines end in one.
    ends = SimpleNamespace(write=lambda line: lines.append(line.removesuffix("\r\n") + "\n"))
    writer = csv.writer(ends, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_escape(cell) if isinstance(cell, str) else cell for cell in row])
    return "".join(lines)


def _escape(cell: str) -> str:
    """Keep a spreadsheet from running a cell: a quote before it makes it text."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def _unescape(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def number_text(number: float) -> str:
    """Return a number as it stands in tables: at most 6 places, and no zeros at the end."""
    return f"{number:.6f}".rstrip("0").rstrip(".")
