"""TOML files become models, or one line that says what is wrong, where, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict
from pydantic.dataclasses import dataclass

from taxonomy.errors import DomainsError, InputError
from taxonomy.toml import Text, Texts, parse_tables, read_tables, read_toml


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Text
    names: Texts = ("a",)
    level: int = 0


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Thing:
    key: Text
    parts: Texts = ("all",)


def test_a_file_is_a_model(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('title = "ä"\nnames = ["b", "c"]', encoding="utf-8-sig")
    assert read_toml(tmp_path / "s.toml", Settings, remedy="see") == Settings(title="ä", names=("b", "c"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "s.toml: title is missing; see the form"),
        ("title = 1", "s.toml: title must be a text that is not empty; see the form"),
        ("title = ' '", "s.toml: title must be a text that is not empty; see the form"),
        ("title = 'a'\nnames = 'b'", "s.toml: names must be a list of texts that are not empty; see the form"),
        ("title = 'a'\nnames = []", "s.toml: names must be a list of texts that are not empty; see the form"),
        ("title = 'a'\nnames = ['b', 1]", "s.toml: names must be a list of texts that are not empty; see the form"),
        ("title = 'a'\nlevel = 'x'", "s.toml: level: Input should be a valid integer, unable to parse string as an"),
        ("tilte = 'a'", "s.toml: unknown entry 'tilte'; known are title, names, level; see the form"),
        ("title = 'a'\ntitle = 'b'\n", "s.toml, line 2: not TOML: Cannot overwrite a value at column 12; see the form"),
        ("title = 'a", 's.toml: not TOML: Expected "\'"; see the form'),
        ("x = " + "[" * 20_000, "s.toml: not TOML that can be read: nested too deeply; see the form"),
        ("x = " + "1" * 5000, "s.toml: not TOML: Exceeds the limit (4300 digits)"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, problem: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.toml").write_text(text)
    with pytest.raises(DomainsError) as caught:
        read_toml(Path("s.toml"), Settings, remedy="see the form", error=DomainsError)
    assert str(caught.value).startswith(problem)
    assert str(caught.value).isprintable()


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"title = '\xe4'")
    for path, problem in (
        (tmp_path, "cannot be read: Is a directory; give the path of a TOML file"),
        (tmp_path / "none", "cannot be read: No such file or directory; give the path of a TOML file"),
        (tmp_path / "latin", "not UTF-8 at byte 9; save it as UTF-8"),
    ):
        with pytest.raises(InputError) as caught:
            read_tables(path, "thing", Thing, remedy="see")
        assert str(caught.value) == f"{path}: {problem}"


THINGS = """# Things.
title = "about them"

[[thing]]
key = "a"  # a break that TOML takes for none: \u2028[[thing]]

[[ 'thing' ]]
key = "b"
parts = ['''
[[thing]]
''']
"""


def test_tables_come_with_their_lines() -> None:
    found = parse_tables(THINGS, "thing", Thing, path="t", remedy="see")
    assert found == [(4, Thing("a")), (7, Thing("b", ("[[thing]]\n",)))]
    assert parse_tables(THINGS.replace("\n", "\r\n"), "thing", Thing, path="t", remedy="see")[1][0] == 7
    assert parse_tables("thing = [{key = 'a'}]", "thing", Thing, path="t", remedy="see") == [(None, Thing("a"))]
    assert parse_tables("", "thing", Thing, path="t", remedy="see") == []


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('key = "b"', "", "t, line 7: thing 2: key is missing; see"),
        ('key = "b"', "key = 1", "t, line 7: thing 2: key must be a text that is not empty; see"),
        ('key = "b"', 'kye = "b"', "t, line 7: thing 2: unknown entry 'kye'; known are key, parts; see"),
        ("title", "thing", "t, line 4: not TOML: Cannot overwrite a value at column 8; see"),
        (THINGS, "thing = 1", "t: 'thing' is not a list of [[thing]] tables; see"),
        (THINGS, "[thing]", "t: 'thing' is not a list of [[thing]] tables; see"),
        (THINGS, "thing = ['a']", "t: 'thing' is not a list of [[thing]] tables; see"),
        ("", "", "t: unknown entry 'title'; known is [[thing]]; see"),
    ],
)
def test_a_table_that_does_not_do_is_named(before: str, after: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_tables(THINGS.replace(before, after), "thing", Thing, path="t", remedy="see", only=not before)
    assert str(caught.value).startswith(problem)
