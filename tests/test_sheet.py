"""A taxonomy as a table that a person changes in a spreadsheet, and the edits that come of it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import taxonomy
from taxonomy.errors import InputError
from taxonomy.model import Taxonomy
from taxonomy.versions.replay import apply_edits
from taxonomy.versions.sheet import COLUMNS, SheetEdits, read_sheet, taxonomy_sheet
from tests.conftest import Run, examples
from tests.trees import full_tree, make_tree, nasty_trees

TREE = make_tree(
    [f"value {chr(97 + i)}" for i in range(12)],
    [i // 2 for i in range(12)],
    [0, 0, 1, 1, 2, 2],
    [0, 0, 1],
    names=[["ca", "cb", "cc", "cd", "ce", "cf"], ["ga", "gb", "gc"], ["ta", "tb"]],
)
FIXED = [name for name in COLUMNS if name in ("weight", "share", "confidence", "runner_up", "flags", "history")]


def rows_of(tree: Taxonomy) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(taxonomy_sheet(tree).removeprefix("\ufeff"), newline="")))


def read(rows: list[dict[str, str]], tree: Taxonomy, folder: Path, delimiter: str = ",") -> SheetEdits:
    """Write rows as a spreadsheet does, and return the edits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    path = folder / "sheet.csv"
    path.write_text(text.getvalue(), encoding="utf-8-sig", newline="")
    return read_sheet(path, tree)


def changed(id: str, folder: Path, tree: Taxonomy = TREE, **cells: str) -> list[tuple[object, ...]]:
    rows = rows_of(tree)
    next(row for row in rows if row["id"] == id).update(cells)
    return [(edit.action, edit.node, edit.to) for edit in read(rows, tree, folder).edits]


@given(tree=nasty_trees(controls=False), delimiter=st.sampled_from(",;\t"))
@examples(15)
def test_a_table_that_nobody_changed_means_nothing(
    tmp_path_factory: pytest.TempPathFactory, tree: Taxonomy, delimiter: str
) -> None:
    folder = tmp_path_factory.mktemp("sheet")
    assert read(rows_of(tree), tree, folder, delimiter) == SheetEdits((), 0, ())
    (folder / "sheet.csv").write_text(taxonomy_sheet(tree), encoding="utf-8", newline="")
    assert read_sheet(folder / "sheet.csv", tree).edits == ()


def test_every_node_has_a_row_after_its_parent() -> None:
    rows = rows_of(TREE)
    assert {row["id"] for row in rows} == {node.id for node in TREE.nodes}
    place = {row["id"]: number for number, row in enumerate(rows)}
    assert all(place[row["parent"]] < place[row["id"]] for row in rows if row["parent"])
    assert [rows_of(full_tree())[0][name] for name in ("level", "reviewed", "history")] == [
        "field", "yes", "took in zeal (kim, 2026-01-31)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("id", "cells", "edit"),
    [
        ("1:0", {"label": "Another"}, ("rename", "1:0", "Another")),
        ("1:0", {"definition": "What it is."}, ("define", "1:0", "What it is.")),
        ("1:0", {"parent": "gb"}, ("move", "1:0", "2:1")),
        ("1:0", {"parent": "2:1"}, ("move", "1:0", "2:1")),
        ("1:0", {"parent": "ta > gb"}, ("move", "1:0", "2:1")),
        ("0:0", {"aliases": "worth; merit"}, ("alias", "0:0", "worth")),
        ("0:0", {"rejected": "x"}, ("reject", "0:0", None)),
        ("0:0", {"merge_into": "value b"}, ("merge", "0:0", "0:1")),
        ("1:0", {"reviewed": "Yes"}, ("review", "1:0", "1.0.0")),
    ],
)
def test_a_changed_cell_is_an_edit(tmp_path: Path, id: str, cells: dict[str, str], edit: tuple[object, ...]) -> None:
    found = changed(id, tmp_path, **cells)
    assert found[0] == edit
    assert len(found) == (2 if "aliases" in cells else 1)
    # The same in a table without the columns that say what is.
    rows = [{name: cell for name, cell in row.items() if name not in FIXED} for row in rows_of(TREE)]
    next(row for row in rows if row["id"] == id).update(cells)
    assert (read(rows, TREE, tmp_path, ";").edits[0].action, read(rows, TREE, tmp_path).without_row) == (edit[0], 0)


def test_a_review_taken_back(tmp_path: Path) -> None:
    assert changed("1:0", tmp_path, full_tree(), reviewed="no") == [("unreview", "1:0", "2.1.0")]


def test_rows_without_an_id_are_new_nodes(tmp_path: Path) -> None:
    rows = rows_of(TREE)
    blank = dict.fromkeys(rows[0], "")
    rows += [
        blank | {"level": "value", "label": "value z", "parent": "cnew"},
        blank | {"level": "cluster", "label": "cnew", "parent": "gnew", "definition": "By hand."},
        blank | {"level": "group", "label": "gnew", "parent": "ta", "note": "belongs together"},
    ]
    for id, parent in (("0:0", "cnew"), ("0:2", "cnew"), ("1:4", "gnew")):
        next(row for row in rows if row["id"] == id).update({"parent": parent, "note": "so"})
    found = read(rows, TREE, tmp_path)
    assert [edit.action for edit in found.edits] == ["new", "new", "new", "define"]
    assert found.edits[0].note == "belongs together; so"
    tree, outcomes = apply_edits(TREE, found.edits)
    assert {outcome.status for outcome in outcomes} == {"applied"}
    assert [node.label for node in tree.path(tree.node("value z"))] == ["ta", "gnew", "cnew", "value z"]
    assert [node.label for node in tree.children("gnew")] == ["ce", "cnew"]
    assert tree.node("cnew").definition == "By hand."
    assert [value.label for value in tree.values("cnew")] == ["value a", "value c", "value z"]


def test_a_review_of_a_node_is_one_of_all_below_it(tmp_path: Path) -> None:
    rows = rows_of(TREE)
    for row in rows:
        if (row["level"] != "value" and row["parent"] in ("2:0", "3:0")) or row["id"] == "3:0":
            row["reviewed"] = "yes"
    found = read(rows, TREE, tmp_path)
    assert [(edit.action, edit.node) for edit in found.edits] == [("review", "3:0")]
    tree, _ = apply_edits(TREE, found.edits)
    assert {node.id for node in tree.nodes if node.reviewed} == {
        node.id for node in TREE.nodes if TREE.path(node)[0].id == "3:0"
    }


@pytest.mark.parametrize(
    ("id", "cells", "problem"),
    [
        ("1:0", {"label": " "}, "the label is empty"),
        ("1:0", {"label": "a > b"}, "rename: to holds ' > '"),
        ("1:0", {"parent": ""}, "the parent is empty"),
        ("1:0", {"parent": "nowhere"}, "no node 'nowhere' on level 2"),
        ("1:0", {"parent": "3:0"}, "'ta' is not a group"),
        ("3:0", {"parent": "3:1"}, "the top has no parent"),
        ("0:0", {"reviewed": "perhaps"}, "'perhaps' is neither yes nor no"),
        ("0:0", {"id": "9:9"}, "no node has the id '9:9'"),
        ("0:0", {"id": "0:1"}, "the id '0:1' is also in line"),
        ("0:0", {"exported_from": "other 1.0.0 12345678"}, "the row was exported from other 1.0.0 12345678"),
        ("0:0", {"id": "", "label": ""}, "a new node has no label or no parent"),
        ("0:0", {"id": "", "level": "family"}, "'family' is not a level"),
        ("1:0", {"id": "", "label": "nobody's"}, 'names "nobody\'s" as its parent'),
        ("0:0", {"merge_into": "1:1"}, "'cb' is not a value"),
        ("0:0", {"aliases": "I value this."}, "alias: "),
    ],
)
def test_what_no_edit_does_is_an_error_with_its_line(
    tmp_path: Path, id: str, cells: dict[str, str], problem: str
) -> None:
    rows = rows_of(TREE)
    number = next(number for number, row in enumerate(rows) if row["id"] == id)
    rows[number].update(cells)
    with pytest.raises(InputError) as caught:
        read(rows, TREE, tmp_path)
    assert problem in str(caught.value)
    if "is also in line" not in problem:
        assert caught.value.line == number + 2
    assert caught.value.remedy


def test_what_was_there_cannot_be_emptied(tmp_path: Path) -> None:
    for cells, problem in (({"definition": ""}, "the definition is empty"), ({"aliases": "calm itself"}, "is gone")):
        with pytest.raises(InputError, match=problem):
            changed("0:1", tmp_path, full_tree(), **cells)


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    for text, problem in (
        ("id,label\n", "there is no such column"),
        ("id,exported_from,id\n", "the column occurs twice"),
        ('id,exported_from\n0:0,"x', "not CSV"),
        ("id,exported_from\n0:0,,,\n", "the row has 4 cells"),
    ):
        (tmp_path / "sheet.csv").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=problem):
            read_sheet(tmp_path / "sheet.csv", TREE)
    with pytest.raises(taxonomy.OutputError, match="NUL"):
        taxonomy_sheet(make_tree(["a\0b", "c"], [0, 0]))


def test_the_command_line(run: Run, tmp_path: Path) -> None:
    source, sheet, edits = tmp_path / "t.json", tmp_path / "sheet.csv", tmp_path / "edits.toml"
    TREE.write(source)
    done = run("export", source, "--sheet", "--out", sheet)
    assert done.returncode == 0, done.stderr
    assert "--from-sheet" in done.stdout
    assert sheet.read_text(encoding="utf-8") == taxonomy_sheet(TREE)
    assert run("edit", source, "--from-sheet", sheet).stdout == "The sheet changes nothing\n"
    text = sheet.read_text(encoding="utf-8")
    # One row is filtered away, one has a note alone, and one is changed.
    lines = [line for line in text.splitlines() if not line.startswith("0:11,")]
    lines = [line.replace(",,,,,1,", ",,,,look again,1,") if line.startswith("0:10,") else line for line in lines]
    lines = [line.replace(",cc,", ",=named,") if line.startswith("1:2,") else line for line in lines]
    sheet.write_text("\n".join(lines), encoding="utf-8")
    done = run("edit", source, "--from-sheet", sheet, "--edits", edits, "--author", "", "--date", "")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("line ")
    assert ": rename cc to =named\n1 node without a row: left as they are\n" in done.stdout
    assert "a note without a change goes nowhere: line " in done.stdout
    assert 'node = "1:2" # cc' in edits.read_text(encoding="utf-8")
    assert "date" not in edits.read_text(encoding="utf-8")
    before = edits.read_bytes()
    for arguments, problem in (
        (("edit", source, "--from-sheet", sheet, "--note", "x", "--edits", edits), "--from-sheet takes no action"),
        (
            ("edit", source, "rename", "ca", "x", "--from-sheet", sheet, "--edits", edits),
            "--from-sheet takes no action",
        ),
        (("edit", source, "--edits", edits), "give an action and a node"),
        (("edit", source, "pin", "ca"), "name the edits file"),
        (("export", source, "--sheet", "--out", tmp_path / "sheet.xlsx"), "does not end in .csv"),
        (("export", source, "--sheet", "--out", sheet, "--base-iri", "urn:x:"), "are for SKOS"),
        (("edit", source, "pin", "ca", "--edits", edits, "--date", "soon"), "date is 'soon'"),
    ):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert problem in done.stderr
    done = run("edit", source, "--from-sheet", sheet, "--date", "soon")
    assert (done.returncode, "rename: date is 'soon', and not a day" in done.stderr) == (2, True)
    # What can't be applied is said with its row, and nothing is written.
    sheet.write_text(text.replace("1:2,cluster,cc,", "1:2,cluster,cd,"), encoding="utf-8")
    done = run("edit", source, "--from-sheet", sheet, "--edits", edits)
    assert done.returncode == 2
    assert "of the sheet: rename 1:2: 1:3 under the same parent is called 'cd'; nothing was written" in done.stderr
    assert edits.read_bytes() == before
