"""A taxonomy as a table for a spreadsheet, and the edits that a changed table means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from taxonomy.errors import EditsError, InputError, LookupFailedError
from taxonomy.formats.csv import refuse_nul, table_csv, unescape_cell
from taxonomy.model import Node, Taxonomy, mint_id
from taxonomy.model.history import describe_decision, names_by_id, sign_decision
from taxonomy.values.cells import fail_cells
from taxonomy.values.text_files import read_rows
from taxonomy.versions.edits import Edit, make_edit

# Columns that a person may change; the others say what there is to know.
EDITABLE = ("label", "parent", "definition", "aliases", "reviewed", "rejected", "merge_into")
COLUMNS = (
    "id",
    "level",
    "label",
    "parent",
    "parent_label",
    "definition",
    "aliases",
    "reviewed",
    "rejected",
    "merge_into",
    "note",
    "weight",
    "share",
    "confidence",
    "runner_up",
    "flags",
    "polarity",
    "history",
    "exported_from",
)
_YES = frozenset({"yes", "y", "true", "x", "1"})
_NO = frozenset({"", "no", "n", "false", "0"})
_BETWEEN = "; "
# A spreadsheet takes a file for UTF-8 where it starts with this.
_BOM = "\ufeff"
_STEP = " > "


def taxonomy_sheet(tree: Taxonomy) -> str:
    """Return a table with one row a node, each node after its parent, larger ones first.

    Raises
    ------
    OutputError
        If a text has a NUL, which CSV readers reject.
    """
    refuse_nul(tree)
    name = names_by_id(tree.nodes, tree.retired)
    return _BOM + table_csv(COLUMNS, (tuple(_cells(tree, node, name).values()) for node in _from_the_top(tree)))


def _from_the_top(tree: Taxonomy) -> Iterator[Node]:
    waiting = _smallest_first(tree.top)
    while waiting:
        node = waiting.pop()
        yield node
        waiting += _smallest_first(tree.children(node))


def _smallest_first(nodes: Iterable[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: (-node.weight, node.label, node.id), reverse=True)


def _cells(tree: Taxonomy, node: Node, name: Callable[[str], str]) -> dict[str, str]:
    parent, placement = tree.parent(node), node.placement
    runner_up = placement.second_parent if placement else None
    decisions = (
        f"{describe_decision(decision, node.id, name)} ({sign_decision(decision)})" for decision in node.history
    )
    return {
        "id": node.id,
        "level": tree.levels[node.level].name,
        "label": node.label,
        "parent": parent.id if parent else "",
        "parent_label": parent.label if parent else "",
        "definition": node.definition,
        "aliases": _BETWEEN.join(node.aliases),
        "reviewed": "yes" if node.reviewed else "",
        "rejected": "",
        "merge_into": "",
        "note": "",
        "weight": f"{node.weight:g}",
        "share": f"{node.share:.6f}",
        "confidence": f"{placement.confidence:.2f}" if placement else "",
        "runner_up": tree.node(runner_up).label if runner_up else "",
        "flags": _BETWEEN.join(node.flags),
        "polarity": "" if node.level else node.polarity,
        "history": _BETWEEN.join(decisions).replace(" ()", ""),
        "exported_from": _version(tree),
    }


def _version(tree: Taxonomy) -> str:
    return f"{tree.id} {tree.version} {tree.digest.removeprefix('sha256:')[:8]}"


@dataclass(frozen=True, slots=True)
class SheetEdits:
    """What a changed table means.

    Attributes
    ----------
    edits : tuple of Edit
        In an order in which they can be applied; `line` is the row's.
    without_row : int
        Nodes that the table has no row for; they stay as they are.
    idle_notes : tuple of int
        Lines of rows with a note and no change, which goes nowhere.
    """

    edits: tuple[Edit, ...]
    without_row: int
    idle_notes: tuple[int, ...]


def read_sheet(path: str | Path, tree: Taxonomy, *, author: str = "", date: str = "") -> SheetEdits:
    """Return the edits that make a taxonomy what a changed table of it says.

    Parameters
    ----------
    path : str or Path
        The table of `taxonomy_sheet` after a person changed it. A row without an id is a new node; the rows that name
        it as their parent are its children.
    tree : Taxonomy
        What the table was exported from.
    author, date : str
        For the record.

    Raises
    ------
    InputError
        If the file can't be read, was exported from another version, or asks for what no edit does; with the line.
    """
    return _Sheet(Path(path), tree, {"author": author, "date": date}).edits()


class _Sheet:
    """The rows of a table beside the nodes that they are of."""

    def __init__(self, path: Path, tree: Taxonomy, record: Mapping[str, str]) -> None:
        self.path, self.tree, self.record = path, tree, record
        self.by_id = {node.id: node for node in tree.nodes}
        # Ids as they are once a cell is tidied.
        self.tidied = {_tidy(id): id for id in self.by_id}
        self.level_of = {level.name.casefold(): level.level for level in tree.levels}
        rows = list(self._rows())
        self.known = [(line, cells) for line, cells in rows if cells["id"]]
        # New nodes by what rows call them, those nearer to the top first.
        new = [(line, cells) for line, cells in rows if not cells["id"]]
        self.new = sorted(new, key=lambda row: -self._level(*row))
        self.minted: dict[tuple[int, str], str] = {}
        # Lines of rows that new nodes took.
        self.taken: set[int] = set()

    def edits(self) -> SheetEdits:
        made = [*self._made(), *(edit for row in self.known for edit in self._changed(*row))]
        order = ("new", "move", "merge", "rename", "define", "alias", "reject", "review", "unreview")
        made.sort(key=lambda edit: order.index(edit.action))
        used = {edit.line for edit in made} | self.taken
        idle = tuple(line for line, row in self.known if row["note"] and line not in used)
        return SheetEdits(tuple(self._without_covered(made)), len(self.tree.nodes) - len(self.known), idle)

    # -- rows -------------------------------------------------------------------------------------------------------

    def _rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        table = read_rows(self.path)
        header = [name.strip().lower() for name in next(table, (1, []))[1]]
        for column in ("id", "exported_from"):
            if header.count(column) != 1:
                problem = "the column occurs twice" if column in header else "there is no such column"
                remedy = "give a table that `export --sheet` wrote, with its columns"
                raise InputError(problem, path=str(self.path), line=1, column=column, remedy=remedy)
        lines: dict[str, int] = {}
        for line, cells in table:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(header):
                fail_cells(cells, header, ",", path=str(self.path), line=line)
            # A spreadsheet leaves out empty cells at the end of a row.
            raw = {name: unescape_cell(cell) for name, cell in zip(header, cells, strict=False)}
            row = dict.fromkeys(("id", "level", *EDITABLE, "note", "exported_from"), "")
            row |= {name: _tidy(cell) for name, cell in raw.items()} | {"id": self._id(raw.get("id", ""))}
            self._check(line, row, lines)
            yield line, row | {"columns": _BETWEEN.join(header)}

    def _id(self, cell: str) -> str:
        return cell if cell in self.by_id else self.tidied.get(_tidy(cell), _tidy(cell))

    def _check(self, line: int, row: Mapping[str, str], lines: dict[str, int]) -> None:
        origin, own = row["exported_from"], _tidy(_version(self.tree))
        if origin and origin != own:
            self._fail(line, f"the row was exported from {origin}, and this is {own}", "give the version it is from")
        if not row["id"]:
            return
        if row["id"] not in self.by_id:
            self._fail(line, f"no node has the id {row['id']!r}", "leave the id of a new node empty", "id")
        if row["id"] in lines:
            self._fail(line, f"the id {row['id']!r} is also in line {lines[row['id']]}", "keep one of the rows", "id")
        lines[row["id"]] = line

    def _level(self, line: int, row: Mapping[str, str]) -> int:
        level = self.level_of.get(row["level"].casefold())
        if level is None:
            known = ", ".join(level.name for level in self.tree.levels)
            self._fail(line, f"{row['level']!r} is not a level", f"give one of {known}", "level")
        return level

    # -- new nodes --------------------------------------------------------------------------------------------------

    def _made(self) -> Iterator[Edit]:
        for line, row in self.new:
            level, label = self._level(line, row), row["label"]
            if not label or not row["parent"]:
                self._fail(line, "a new node has no label or no parent", "give both", "parent" if label else "label")
            parent = self._node(line, row["parent"], level + 1, "parent")
            members = [
                (other_line, other)
                for other_line, other in self.known
                if level and other["parent"] == label and self.by_id[other["id"]].level == level - 1
            ]
            if level and not members:
                problem = f"no row of a {self.tree.levels[level - 1].name} that is there names {label!r} as its parent"
                self._fail(line, problem, "move one there: a node above the values has children", "parent")
            # As `Editor` mints it, so that rows can name it.
            id = mint_id("edit", level, [parent, label])
            self.minted[level, label] = id
            self.taken |= {other_line for other_line, _ in members}
            notes = dict.fromkeys(one["note"] for one in (row, *(other for _, other in members)) if one["note"])
            noted = {**row, "note": _BETWEEN.join(notes)}
            ids = [other["id"] for _, other in members]
            yield self._edit(line, noted, action="new", node=parent, to=label, members=ids)
            if row["definition"] and level:
                yield self._edit(line, row, action="define", node=id, to=row["definition"])

    # -- changed nodes ----------------------------------------------------------------------------------------------

    def _changed(self, line: int, row: Mapping[str, str]) -> Iterator[Edit]:
        node = self.by_id[row["id"]]
        was = {name: _tidy(cell) for name, cell in _cells(self.tree, node, str).items()}
        columns = row["columns"].split(_BETWEEN)
        for column in EDITABLE:
            if column in columns and row[column] != was[column]:
                for fields in getattr(self, f"_{column}")(line, row[column], node, was[column]):
                    yield self._edit(line, row, node=node.id, **fields)

    def _label(self, line: int, cell: str, node: Node, was: str) -> Iterator[dict[str, Any]]:
        if not cell:
            self._fail(line, "the label is empty", "give the node a name", "label")
        yield {"action": "rename", "to": cell}

    def _parent(self, line: int, cell: str, node: Node, was: str) -> Iterator[dict[str, Any]]:
        if not cell or node.parent is None:
            problem = "the top has no parent" if node.parent is None else "the parent is empty"
            self._fail(line, problem, "leave the cell as it was", "parent")
        if (node.level + 1, cell) not in self.minted:
            to = self._node(line, cell, node.level + 1, "parent")
            if to != node.parent:
                yield {"action": "move", "to": to}

    def _definition(self, line: int, cell: str, node: Node, was: str) -> Iterator[dict[str, Any]]:
        if not cell:
            self._fail(line, "the definition is empty", "write another one, or the one that was there", "definition")
        yield {"action": "define", "to": cell}

    def _aliases(self, line: int, cell: str, node: Node, was: str) -> Iterator[dict[str, Any]]:
        now, before = ([part.strip() for part in text.split(_BETWEEN.strip())] for text in (cell, was))
        if gone := [alias for alias in before if alias and alias not in now]:
            self._fail(line, f"the spelling {gone[0]!r} is gone", "spellings can only be added", "aliases")
        yield from ({"action": "alias", "to": alias} for alias in now if alias and alias not in before)

    def _reviewed(self, line: int, cell: str, node: Node, was: str) -> Iterator[dict[str, Any]]:
        is_reviewed = self._yes(line, cell, "reviewed")
        if is_reviewed != node.reviewed:
            yield {"action": "review" if is_reviewed else "unreview", "to": self.tree.version}

    def _rejected(self, line: int, cell: str, node: Node, was: str) -> Iterator[dict[str, Any]]:
        if self._yes(line, cell, "rejected"):
            yield {"action": "reject"}

    def _merge_into(self, line: int, cell: str, node: Node, was: str) -> Iterator[dict[str, Any]]:
        yield {"action": "merge", "to": self._node(line, cell, node.level, "merge_into")}

    # -- helpers ----------------------------------------------------------------------------------------------------

    def _edit(self, line: int, row: Mapping[str, str], **fields: Any) -> Edit:
        try:
            return make_edit({**fields, **self.record, "note": row["note"], "line": line})
        except EditsError as error:
            self._fail(line, f"{fields['action']}: {error.problem}", "correct the cell")

    def _node(self, line: int, text: str, level: int, column: str) -> str:
        """Return the id of a node that a cell names by its id, its label, or its path."""
        if (level, text) in self.minted:
            return self.minted[level, text]
        node = self.by_id.get(self._id(text))
        if node is not None:
            if node.level != level:
                self._fail(line, f"{node.label!r} is not a {self._level_name(level)}", "name one", column)
            return node.id
        paths = [one.id for one in self.by_id.values() if one.level == level and _path(self.tree, one) == text]
        if len(paths) == 1:
            return paths[0]
        try:
            return self.tree.node(text, level=level).id
        except LookupFailedError as error:
            raise InputError(
                error.problem, path=str(self.path), line=line, column=column, remedy=error.remedy
            ) from None

    def _level_name(self, level: int) -> str:
        return self.tree.levels[level].name if level < len(self.tree.levels) else "level above the top"

    def _yes(self, line: int, cell: str, column: str) -> bool:
        if cell.casefold() not in _YES | _NO:
            self._fail(line, f"{cell!r} is neither yes nor no", "write yes, or leave the cell empty", column)
        return cell.casefold() in _YES

    def _without_covered(self, edits: Sequence[Edit]) -> Iterator[Edit]:
        """Leave out the reviews of nodes under one that is reviewed as a whole."""
        reviewed = {str(edit.node) for edit in edits if edit.action == "review"}
        for edit in edits:
            if edit.action == "review" and any(step.id in reviewed for step in self.tree.path(str(edit.node))[:-1]):
                continue
            yield edit

    def _fail(self, line: int, problem: str, remedy: str, column: str | None = None) -> NoReturn:
        raise InputError(problem, path=str(self.path), line=line, column=column, remedy=remedy)


def _path(tree: Taxonomy, node: Node) -> str:
    return _STEP.join(step.label for step in tree.path(node))


def _tidy(cell: str) -> str:
    """Return a cell without what a spreadsheet may change: space around it, and line ends."""
    return cell.replace("\r\n", "\n").strip()
