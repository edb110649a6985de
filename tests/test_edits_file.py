"""The file of a person's decisions: read, checked, and appended to."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.errors import EditsError, OutputError
from taxonomy.versions.edits import Edit
from taxonomy.versions.edits_file import append_edits, parse_edits, read_edits


def edits(text: str) -> tuple[Edit, ...]:
    return parse_edits(text, "edits.toml")


BAD = {
    "no TOML": ("[[edit]\n", "not TOML"),
    "no list": ("[edit]\naction = 'pin'\n", "'edit' is not a list"),
    "inline": ("edit = [{action = 'pin', node = 'x'}]\n", r"not an \[\[edit\]\] table"),
    "unknown table": ("[[edits]]\n", "unknown entry 'edits'"),
    "unknown action": ("\n[[edit]]\naction = 'drop'\nnode = 'x'\n", "line 2: edit 1: action: Input should be"),
    "unknown entry": ("[[edit]]\naction = 'pin'\nnode = 'x'\nwhy = 'so'\n", "line 1: edit 1: unknown entry 'why'"),
    "no node": ("[[edit]]\naction = 'pin'\n", "line 1: edit 1: give either node, an id, or path"),
    "both": ("[[edit]]\naction = 'pin'\nnode = 'x'\npath = ['y']\n", "give either node"),
    "no to": ("[[edit]]\naction = 'rename'\nnode = 'x'\n", "rename needs to"),
    "too much": ("[[edit]]\naction = 'reject'\nnode = 'x'\nto = 'y'\n", "reject takes no to"),
    "no parts": ("[[edit]]\naction = 'split'\nnode = 'x'\n", "split needs into"),
    "path as label": ("[[edit]]\naction = 'rename'\nnode = 'x'\nto = ['a', 'b']\n", "to of rename is one text"),
    "control": ('[[edit]]\naction = "rename"\nnode = "x"\nto = "a\\u0007b"\n', "edit 1: to holds a line break or an"),
    "line break": ('[[edit]]\naction = "new"\nnode = "x"\nto = "a\\nb"\n', "line 1: edit 1: to holds a line break"),
    "path": ("[[edit]]\naction = 'rename'\nnode = 'x'\nto = 'A > B'\n", "to holds ' > ', which stands between the"),
    "long": (f"[[edit]]\naction = 'new'\nnode = 'x'\nto = '{'a' * 101}'\n", "to has 101 characters, more than 100"),
    "part": (
        "[[edit]]\naction = 'split'\nnode = 'x'\ninto = [{label = 'A > B', members = ['c']}]\n",
        "line 1: edit 1: label of a part holds ' > '",
    ),
    "sentence": (
        "[[edit]]\naction = 'alias'\nnode = 'x'\nto = 'I value honesty.'\n",
        "line 1: edit 1: to is not a value: sentence",
    ),
    "nothing": ("[[edit]]\naction = 'alias'\nnode = 'x'\nto = 'n/a'\n", "to is not a value: placeholder"),
    "line": ("[[edit]]\naction = 'pin'\nnode = 'x'\nline = 3\n", "an edit has no 'line'"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), BAD.values(), ids=BAD)
def test_a_bad_file_is_one_line_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(EditsError, match=f"edits.toml.*{problem}") as caught:
        edits(text)
    assert "\n" not in str(caught.value)


def test_lines_are_those_of_the_headers(tmp_path: Path) -> None:
    text = (
        '[[edit]]\naction = "pin"\nnode = "a"\nnote = """\n[[edit]]\n"""\n\n [[ "edit" ]]\naction = "pin"\nnode = "b"\n'
    )
    (tmp_path / "edits.toml").write_text(text)
    assert [edit.line for edit in read_edits(tmp_path / "edits.toml")] == [1, 8]
    with pytest.raises(EditsError, match="cannot be read"):
        read_edits(tmp_path / "no.toml")
    (tmp_path / "edits.toml").write_bytes(b"\xff")
    with pytest.raises(EditsError, match="not UTF-8 at byte 0"):
        read_edits(tmp_path / "edits.toml")


def test_a_label_may_join_letters_without_width() -> None:
    label = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert Edit(action="rename", node="x", to=label).to == label


def test_line_ends_links_and_modes_stay(tmp_path: Path) -> None:
    file, link = tmp_path / "edits.toml", tmp_path / "link.toml"
    before = b'\xef\xbb\xbf# Ours.\r\n[[edit]]\r\naction = "pin"\r\nnode = "x"\r\n'
    file.write_bytes(before)
    file.chmod(0o640)
    link.symlink_to("edits.toml")
    append_edits(link, [Edit(action="define", node="y", to="So.\nAnd so.")])
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o640
    content = file.read_bytes()
    assert content.startswith(before + b"\r\n[[edit]]\r\n")
    assert content.count(b"\n") == content.count(b"\r\n")
    assert [edit.to for edit in read_edits(file)] == [None, "So.\nAnd so."]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["edits.toml", "link.toml"]


def test_an_edit_that_is_refused_leaves_no_file(tmp_path: Path) -> None:
    def refuse(edits: Sequence[Edit]) -> None:
        raise EditsError(f"no, after {len(edits)}")

    with pytest.raises(EditsError, match="no, after 0"):
        append_edits(tmp_path / "edits.toml", [Edit(action="pin", node="x")], check=refuse)
    with pytest.raises(OutputError, match="cannot be written: No such file or directory"):
        append_edits(tmp_path / "none" / "edits.toml", [Edit(action="pin", node="x")])
    assert list(tmp_path.iterdir()) == []


@given(note=st.text(), definition=st.text(min_size=1).filter(str.strip), path=st.lists(st.text(), min_size=1))
def test_what_is_appended_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, note: str, definition: str, path: list[str]
) -> None:
    file = tmp_path_factory.mktemp("edits") / "edits.toml"
    before = "# Ours.\n[[edit]]\naction = 'pin'  # stays\nnode = 'x'\ndate = 2026-01-31"
    file.write_text(before)
    edit = Edit(action="define", path=tuple(path), to=definition, note=note)
    try:
        append_edits(file, [edit])
    except UnicodeEncodeError:
        # A lone surrogate is no text that a file can hold.
        assert any("\ud800" <= char <= "\udfff" for text in (note, definition, *path) for char in text)
        return
    assert file.read_text(encoding="utf-8").startswith(before)
    first, second = read_edits(file)
    assert (first.date, second.model_copy(update={"line": 0})) == ("2026-01-31", edit)
    tomllib.loads(file.read_text(encoding="utf-8"))
