"""The file of a person's decisions, `edits.toml`: read, checked and appended to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from taxonomy.errors import EditsError, check_type, plain
from taxonomy.files import locked, replace_file
from taxonomy.toml import parse_tables, read_tables
from taxonomy.versions.edits import Edit

if TYPE_CHECKING:
    from tomlkit.items import Array, Table

_REMEDY = "see docs/versions.md for one of each edit"


def read_edits(path: str | Path) -> tuple[Edit, ...]:
    """Read an edits file, in its order.

    Parameters
    ----------
    path : str or Path
        TOML with one ``[[edit]]`` table an edit.

    Raises
    ------
    EditsError
        If it can't be read, or an edit lacks what its action needs; with the line.
    """
    check_type(path, (str, Path), "path", "give the path of an edits file")
    return _with_lines(read_tables(Path(path), "edit", Edit, remedy=_REMEDY, error=EditsError, only=True), str(path))


def parse_edits(text: str, path: str) -> tuple[Edit, ...]:
    """Read the text of an edits file; `path` is for messages."""
    return _with_lines(parse_tables(text, "edit", Edit, path=path, remedy=_REMEDY, error=EditsError, only=True), path)


def _with_lines(tables: Sequence[tuple[int | None, Edit]], path: str) -> tuple[Edit, ...]:
    for line, edit in tables:
        if line is None:
            raise EditsError("an edit is not an [[edit]] table", path=path, remedy="write each edit as one")
        if edit.line:
            raise EditsError("an edit has no 'line'", path=path, line=line, remedy="leave it out")
    return tuple(edit.model_copy(update={"line": line}) for line, edit in tables)


def append_edits(
    path: str | Path,
    edits: Sequence[Edit],
    *,
    labels: Mapping[str, str] | None = None,
    check: Callable[[Sequence[Edit]], None] | None = None,
) -> None:
    """Append edits to an edits file, all that stands in it kept as it is; the file is locked meanwhile.

    Parameters
    ----------
    path : str or Path
        Made if it is not there.
    edits : sequence of Edit
    labels : mapping of str to str, optional
        What ids stand for: written as comments beside them.
    check : callable, optional
        Called with the edits that stand in it; what it raises leaves the file as it was.

    Raises
    ------
    EditsError
        If the file is not one of edits.
    OutputError
        If the file can't be written.
    """
    target = Path(path)
    with locked(target):
        there = read_edits(target)
        if check is not None:
            check(there)
        before = target.read_bytes().decode()
        end = "\r\n" if "\r\n" in before else "\n"
        gap = "" if not before else end if before.endswith("\n") else end + end
        replace_file(target, (before + gap + _toml(edits, labels or {}).replace("\n", end)).encode())


def _toml(edits: Sequence[Edit], labels: Mapping[str, str]) -> str:
    """Return edits as ``[[edit]]`` tables."""
    import tomlkit

    document = tomlkit.document()
    tables = tomlkit.aot()
    for edit in edits:
        tables.append(_table(edit, labels))
    document.add("edit", tables)
    return tomlkit.dumps(document)


def _table(edit: Edit, labels: Mapping[str, str]) -> Table:
    import tomlkit

    table = tomlkit.table()
    for name, value in edit.model_dump(mode="json", exclude={"line", "into"}, exclude_defaults=True).items():
        is_reference = name == "node" or (name == "to" and edit.leads_to_a_node)
        table.add(name, _names(value, labels) if name == "members" else value)
        if is_reference and value in labels:
            table[name].comment(plain(labels[value]))
    if edit.into:
        parts = tomlkit.aot()
        for part in edit.into:
            one = tomlkit.table()
            one.add("label", part.label)
            one.add("members", _names(part.members, labels))
            parts.append(one)
        table.add("into", parts)
    return table


def _names(ids: Sequence[str], labels: Mapping[str, str]) -> Array:
    """Return an array of ids, one a line with its label."""
    import tomlkit

    array = tomlkit.array()
    for id in ids:
        array.add_line(id, comment=plain(labels[id]) if id in labels else None)
    array.add_line(indent="")
    return array
