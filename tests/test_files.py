"""Files are replaced whole or not at all, and stay what they are: their mode, their link, their device."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import embeddings.files
import taxonomy.files
from taxonomy.errors import OutputError
from tests.kills import kill_at_each


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def umask() -> Iterator[None]:
    """Whatever the umask is that the tests run with, a new file gets the mode that it leaves."""
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_a_new_file_has_the_mode_that_is_usual(tmp_path: Path, umask: None) -> None:
    embeddings.files.replace_file(tmp_path / "new", b"content")
    assert (tmp_path / "new").read_bytes() == b"content"
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert names(tmp_path) == ["new"]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o666])
def test_the_mode_of_a_file_stays(tmp_path: Path, umask: None, mode: int) -> None:
    path = tmp_path / "kept"
    path.write_bytes(b"before")
    path.chmod(mode)
    embeddings.files.replace_file(path, b"after")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"after", mode)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "file").write_bytes(b"before")
    (tmp_path / "link").symlink_to("far/file")
    (tmp_path / "dangling").symlink_to("far/new")
    for name in ("link", "dangling"):
        embeddings.files.replace_file(tmp_path / name, b"after")
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / name).read_bytes() == b"after"
    assert names(tmp_path / "far") == ["file", "new"]


def test_a_name_without_a_folder_and_one_as_long_as_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    longest = "é" * 127
    for name in ("here", longest):
        embeddings.files.replace_file(Path(name), b"content")
    assert names(tmp_path) == sorted(["here", longest])


def test_a_pipe_and_a_device_are_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    embeddings.files.replace_file(tmp_path / "pipe", b"content")
    reader.join()
    assert read == [b"content"]
    assert (tmp_path / "pipe").is_fifo()
    with pytest.raises(OSError, match="No space left"):
        embeddings.files.replace_file(Path("/dev/full"), b"content")
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class Full(io.BytesIO):
        write = full

    (tmp_path / "kept").write_bytes(b"before")
    if step == "write":
        monkeypatch.setattr("embeddings.files.open", lambda *_, **__: Full(), raising=False)
    else:
        monkeypatch.setattr(f"os.{step}", full)
    with pytest.raises(OutputError, match=r"kept: cannot be written: No space left on device; free some space"):
        taxonomy.files.replace_file(tmp_path / "kept", b"after")
    with pytest.raises(OutputError, match="No space left on device"):
        taxonomy.files.replace_file(tmp_path / "new", b"after")
    assert names(tmp_path) == ["kept"]
    assert (tmp_path / "kept").read_bytes() == b"before"


def test_an_interruption_leaves_nothing_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        embeddings.files.replace_file(tmp_path / "new", b"content")
    assert names(tmp_path) == []


def test_places_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    for name, reason in (
        ("folder", "Is a directory; give a file, not a folder"),
        ("file/below", "Not a directory; give a path whose folders are folders"),
        ("none/below", "No such file or directory; see that it is there, and the folder that it is in"),
        ("x" * 300, "File name too long; give a shorter name"),
        ("loop", "Too many levels of symbolic links; mend the link"),
    ):
        with pytest.raises(OutputError, match=reason):
            taxonomy.files.replace_file(tmp_path / name, b"content")
    assert names(tmp_path) == ["file", "folder", "loop"]
    assert names(tmp_path / "folder") == []


def test_a_folder_is_written_whole_or_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "build"
    taxonomy.files.replace_files(folder, {"a": b"1", "b": b"2"})
    (folder / "mine").write_bytes(b"mine")
    gone = {"a": hashlib.sha256(b"1").hexdigest(), "none": "", "mine": hashlib.sha256(b"other").hexdigest()}
    taxonomy.files.replace_files(folder, {"b": b"3"}, gone=gone)
    assert (names(folder), (folder / "b").read_bytes()) == (["b", "mine"], b"3")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match=r"build: the folder cannot be written: No space left"):
        taxonomy.files.replace_files(folder, {"b": b"4", "c": b"5"})
    assert (names(folder), (folder / "b").read_bytes()) == (["b", "mine"], b"3")


def test_a_file_that_another_writes_anew_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, link = tmp_path / "kept", tmp_path / "link"
    path.write_bytes(b"before")
    link.symlink_to("kept")
    with taxonomy.files.updating(path, link) as check:
        check()
        monkeypatch.setattr("embeddings.files._PATIENCE", 0)
        with pytest.raises(OutputError, match="another command is changing it"), taxonomy.files.updating(path, path):
            pass
        taxonomy.files.replace_file(path, b"a build's")
        with pytest.raises(
            OutputError, match="link: another command wrote it anew meanwhile, so it was left; run this"
        ):
            check()
    with taxonomy.files.updating(path, tmp_path / "other") as check:
        check()
    assert names(tmp_path) == ["kept", "link"]


def test_what_a_killed_writer_left_goes_with_the_next(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    for _ in kill_at_each(lambda: embeddings.files.replace_file(path, b"new"), tmp_path):
        assert not path.exists() or path.read_bytes() == b"new"
    embeddings.files.replace_file(path, b"new")
    assert names(tmp_path) == ["kept"]


def test_the_current_folder_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    taxonomy.files.check_folder(Path("."))
    assert names(tmp_path) == []
    taxonomy.files.replace_files(Path("."), {"a": b"1"})
    taxonomy.files.replace_file(Path("b"), b"2")
    assert names(tmp_path) == ["a", "b"]
    with pytest.raises(
        OutputError,
        match="a/below: the folder cannot be written: Not a directory; give a path whose folders",
    ):
        taxonomy.files.check_folder(Path("a/below"))
