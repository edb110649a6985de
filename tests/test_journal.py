"""Files of a folder change together, whatever stops who changes them; who changes a file keeps others out."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

import embeddings.files
import taxonomy
import taxonomy.files
from embeddings.journal import _RECORD, _STAGING
from taxonomy.building.built import Built
from taxonomy.building.folder import write_folder
from taxonomy.errors import OutputError
from tests.conftest import Run
from tests.kills import kill_at_each, killed
from tests.test_building import strings
from tests.tiny_encoder import TinyEncoder

OLD = {"a": b"1", "b": b"2", "drawn": b"3"}
NEW = {"b": b"4", "c": b"5", "a": b"6"}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def write_new(folder: Path) -> None:
    taxonomy.files.replace_files(folder, NEW, gone={"drawn": digest(b"3"), "mine": digest(b"other")})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "f"
    taxonomy.files.replace_files(folder, OLD)
    (folder / "mine").write_bytes(b"mine")
    return folder


# -- a kill ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["folder", "link", "here"])
def test_a_kill_at_any_moment_leaves_all_old_or_all_new(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "link").symlink_to("f")
    monkeypatch.chdir(folder)
    given = {"folder": folder, "link": tmp_path / "link", "here": Path(".")}[place]
    kept = shutil.copytree(folder, tmp_path / "kept")
    old, new = {**OLD, "mine": b"mine"}, {**NEW, "mine": b"mine"}
    found = []
    for _ in kill_at_each(lambda: write_new(given), folder, None if place == "folder" else 6):
        # Who reads a file of it, or writes one, comes first.
        taxonomy.files.settle(given / "a")
        found.append(contents(folder))
        assert found[-1] in (old, new)
        for path in folder.iterdir():
            path.unlink()
        shutil.copytree(kept, folder, dirs_exist_ok=True)
    assert old in found
    assert new in found
    if place == "folder":
        assert found == sorted(found, key=lambda one: one == new)
        assert len(found) > 20


def test_a_kill_while_it_is_finished_is_finished(folder: Path) -> None:
    def commit() -> bool:
        return not (folder / _STAGING / _RECORD).exists()

    number = 1
    while commit():
        taxonomy.files.settle(folder / "a")
        assert killed(lambda: write_new(folder), folder, number)
        number += 1
    for _ in kill_at_each(lambda: taxonomy.files.settle(folder / "a"), folder):
        pass
    assert contents(folder) == {**NEW, "mine": b"mine"}


def test_a_build_that_is_killed_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    first, second = (taxonomy.build(strings(count), encoder=TinyEncoder()) for count in (20, 25))
    folder = tmp_path / "b"
    first.write(folder)
    old = contents(folder)
    second.write(folder.with_name("new"))
    new = contents(folder.with_name("new"))
    # `make test-slow` kills a build at every moment.
    for _ in kill_at_each(lambda: second.write(folder), folder, 12):
        assert taxonomy.load(folder / "taxonomy.json") in (first.tree, second.tree)
        assert contents(folder) in (old, new)
        if contents(folder) == new:
            first.write(folder)


# -- what is in the way ----------------------------------------------------------------------------------------------


def test_a_folder_in_the_place_of_a_file_is_found_before_anything_moves(folder: Path) -> None:
    (folder / "c").mkdir()
    before = sorted(folder.iterdir())
    with pytest.raises(OutputError, match=r"f/c: a folder is in the way of this file; move it away"):
        write_new(folder)
    assert sorted(folder.iterdir()) == before
    assert (folder / "b").read_bytes() == b"2"


def test_what_is_staged_is_undone_and_what_is_damaged_is_said(folder: Path) -> None:
    staging, link = folder / _STAGING, folder.with_name("link")
    link.symlink_to("f/a")
    staging.mkdir()
    (staging / "a").write_bytes(b"half")
    taxonomy.files.settle(link)
    assert not staging.exists()
    for record in ("no JSON", "[]", json.dumps({"files": {"../a": digest(b"half")}, "gone": {}}),
                   json.dumps({"files": {"a": digest(b"whole")}, "gone": {}})):  # fmt: skip
        staging.mkdir()
        (staging / "a").write_bytes(b"half")
        (staging / _RECORD).write_text(record)
        with pytest.raises(
            OutputError, match=r"cannot be finished: .files-being-replaced in it is damaged; remove that"
        ):
            taxonomy.files.settle(folder / "a")
        assert (folder / "a").read_bytes() == b"1"
        shutil.rmtree(staging)


def test_a_live_writer_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embeddings.files._PATIENCE", 0)
    (folder / _STAGING).mkdir()
    handle = os.open(folder, os.O_RDONLY)
    with embeddings.files.locked_handle(lambda: os.dup(handle), folder):
        taxonomy.files.settle(folder / "a")
        assert (folder / _STAGING).exists()
        with pytest.raises(OutputError, match="another command is changing it; wait until that is done, and try again"):
            write_new(folder)
        (folder / _STAGING / _RECORD).write_text('{"files": {}, "gone": {}}')
        with pytest.raises(OutputError, match="another command is changing it"):
            taxonomy.files.settle(folder / "a")
    os.close(handle)
    taxonomy.files.settle(folder / "a")
    assert not (folder / _STAGING).exists()


def test_modes_stay(folder: Path) -> None:
    (folder / "a").chmod(0o640)
    write_new(folder)
    assert (folder / "a").stat().st_mode & 0o777 == 0o640


# -- a build folder --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built() -> Built:
    return taxonomy.build(strings(20), encoder=TinyEncoder())


def test_the_report_lists_the_files_of_its_version(built: Built, tmp_path: Path) -> None:
    names = built.write(tmp_path / "a")
    built.write(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    listed = json.loads((tmp_path / "a" / "report.json").read_text())["files"]
    assert sorted(listed) == sorted({*names} - {"report.json"})
    assert listed == {name: digest((tmp_path / "a" / name).read_bytes()) for name in listed}


def test_lint_reports_each_file_of_another_version(built: Built, run: Run, tmp_path: Path) -> None:
    built.write(tmp_path)
    command = ("lint", tmp_path / "taxonomy.json", "--no-vectors", "--fail-on", "mixed-folder")
    assert run(*command).returncode == 0
    (tmp_path / "taxonomy.csv").write_text("other")
    (tmp_path / "rejected.csv").unlink()
    built.tree.model_copy(update={"title": "Another"}).write(tmp_path / "taxonomy.json")
    done = run(*command)
    assert done.returncode == 1
    found = [line for line in done.stdout.splitlines() if line.startswith("mixed-folder")]
    assert [line.split("  ")[2].split()[0] for line in found] == ["taxonomy.csv", "taxonomy.json"]
    assert "is not the one that report.json beside it lists" in found[0]
    shutil.copy(tmp_path / "taxonomy.json", tmp_path / "other.json")
    assert run("lint", tmp_path / "other.json", *command[2:]).returncode == 0


def test_drawings_go_only_where_the_report_lists_them(built: Built, tmp_path: Path) -> None:
    drawn = {"map.parquet": b"a map", "taxonomy.html": b"a page"}
    write_folder(tmp_path, built.tree, built.values, built.quality, drawn)
    assert (tmp_path / "map.parquet").exists()
    (tmp_path / "taxonomy.html").write_text("mine")
    built.write(tmp_path)
    assert not (tmp_path / "map.parquet").exists()
    assert (tmp_path / "taxonomy.html").read_text() == "mine"


@pytest.mark.parametrize("name", ["report.json", "taxonomy.csv", "frequencies.csv", "taxonomy.json"])
def test_what_is_not_of_a_build_is_not_overwritten(built: Built, run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"mine": 1}')
    problem = f"{name}: a build would overwrite this file, which is not of a build; move it away"
    with pytest.raises(OutputError, match=problem):
        built.write(tmp_path)
    (tmp_path / "v.txt").write_text("honesty\ncalm\n")
    done = run("build", tmp_path / "v.txt", "--out", tmp_path)
    assert (done.returncode, problem in done.stderr) == (2, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "v.txt"])


def test_a_taxonomy_alone_and_an_older_build_are_of_ours(built: Built, tmp_path: Path) -> None:
    built.tree.write(tmp_path / "taxonomy.json")
    built.write(tmp_path)
    older = json.loads((tmp_path / "report.json").read_text())
    del older["files"]
    (tmp_path / "report.json").write_text(json.dumps(older))
    (tmp_path / "taxonomy.json").write_text("damaged")
    (tmp_path / "taxonomy.html").write_text("whose?")
    built.write(tmp_path)
    assert taxonomy.load(tmp_path / "taxonomy.json") == built.tree
    assert (tmp_path / "taxonomy.html").read_text() == "whose?"
