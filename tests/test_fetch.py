"""`value-taxonomy fetch` against a server of this machine in place of the hub."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from taxonomy.datasets import DATASETS
from tests.conftest import Run

SOURCE = DATASETS["values-in-the-wild"]
NAMES = ("values_frequencies.csv", "values_tree.csv")


class Hub(ThreadingHTTPServer):
    """Serves files as the hub does, and remembers who asked for what."""

    files: dict[str, bytes]
    asked: list[tuple[str, str | None]]
    cut: bool

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.asked, self.cut = {}, [], False

    @property
    def env(self) -> dict[str, str]:
        return {"HF_ENDPOINT": f"http://127.0.0.1:{self.server_port}", "HF_HUB_OFFLINE": "0"}


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        start = f"/datasets/{SOURCE.repository}/resolve/{SOURCE.revision}/"
        content = self.server.files.get(self.path.removeprefix(start)) if self.path.startswith(start) else None
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", SOURCE.revision)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content[: len(content) // 2] if self.server.cut else content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """Where the hub's client and temporary files would leave something."""
    (tmp_path / "tmp").mkdir()
    return {"HF_HOME": str(tmp_path / "hf"), "TMPDIR": str(tmp_path / "tmp"), "HF_TOKEN": "hf_not_to_be_sent"}


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_fetches_a_file_and_checks_it(
    run_process: Run, hub: Hub, home: dict[str, str], published: Path, tmp_path: Path
) -> None:
    hub.files[NAMES[0]] = (published / NAMES[0]).read_bytes()
    out = tmp_path / "new" / "out"
    done = run_process("fetch", "values-in-the-wild", "--out", out, "--file", NAMES[0], env=home | hub.env)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", f"Written to {out / NAMES[0]}\n")
    assert (out / NAMES[0]).read_bytes() == hub.files[NAMES[0]]
    assert left(tmp_path) == [f"new/out/{NAMES[0]}"]
    assert {token for _, token in hub.asked} == {None}


def test_a_wrong_file_is_refused_and_nothing_is_left(
    run_process: Run, hub: Hub, home: dict[str, str], published: Path, tmp_path: Path
) -> None:
    hub.files = {NAMES[0]: (published / NAMES[0]).read_bytes(), NAMES[1]: b"cluster_id,description\n"}
    done = run_process("fetch", "values-in-the-wild", "--out", tmp_path / "out", env=home | hub.env)
    assert (done.returncode, done.stdout) == (2, "")
    digests = rf"sha256 {hashlib.sha256(hub.files[NAMES[1]]).hexdigest()} instead of {SOURCE.sha256[NAMES[1]]}"
    assert re.fullmatch(rf"Error: values_tree\.csv .* came with {digests}; nothing was written: .*\n", done.stderr)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "hf") == ["tmp"]
    assert left(tmp_path) == []


def test_a_wrong_file_does_not_replace_a_right_one(
    run_process: Run, hub: Hub, home: dict[str, str], tmp_path: Path
) -> None:
    hub.files[NAMES[1]] = b"another"
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / NAMES[1]).write_text("the last good one")
    done = run_process("fetch", "values-in-the-wild", "--out", tmp_path / "out", "--file", NAMES[1], env=home | hub.env)
    assert done.returncode == 2
    assert left(tmp_path) == [f"out/{NAMES[1]}"]
    assert (tmp_path / "out" / NAMES[1]).read_text() == "the last good one"


def test_a_file_that_is_not_there(run_process: Run, hub: Hub, home: dict[str, str], tmp_path: Path) -> None:
    done = run_process("fetch", "values-in-the-wild", "--out", tmp_path / "out", env=home | hub.env)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        r"Error: cannot download values_frequencies\.csv .*404 .*; nothing was written: .*\n", done.stderr
    )
    assert left(tmp_path) == []


def test_without_a_network(run_process: Run, home: dict[str, str], tmp_path: Path) -> None:
    done = run_process("fetch", "values-in-the-wild", "--out", tmp_path / "out", env=home | {"HF_HUB_OFFLINE": "1"})
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        r"Error: cannot download values_frequencies\.csv .*offline.*; nothing was written: .*\n", done.stderr
    )
    assert left(tmp_path) == []


@pytest.mark.slow
def test_nobody_answers(run_process: Run, hub: Hub, home: dict[str, str], tmp_path: Path) -> None:
    # The client tries again for 23 seconds.
    hub.server_close()
    done = run_process("fetch", "values-in-the-wild", "--out", tmp_path / "out", env=home | hub.env)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        r"Error: cannot download values_frequencies\.csv .*refused.*; nothing was written: .*\n", done.stderr
    )
    assert left(tmp_path) == []


def test_a_download_that_breaks_off(run_process: Run, hub: Hub, home: dict[str, str], tmp_path: Path) -> None:
    hub.files[NAMES[0]] = b"value,pct_convos\n" * 100
    hub.cut = True
    done = run_process("fetch", "values-in-the-wild", "--out", tmp_path / "out", env=home | hub.env)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"Error: cannot download values_frequencies\.csv .*; nothing was written: .*\n", done.stderr)
    assert left(tmp_path) == []


def test_names_that_are_none(run_process: Run, hub: Hub, home: dict[str, str], tmp_path: Path) -> None:
    done = run_process("fetch", "values-in-the-wild", "--out", tmp_path / "out", "--file", "../x", env=home | hub.env)
    assert done.returncode == 2
    assert re.fullmatch(
        r"Error: .*has no file '\.\./x'; its files are values_frequencies\.csv, values_tree\.csv\n", done.stderr
    )
    assert run_process("fetch", "everything", "--out", tmp_path / "out", env=home | hub.env).returncode == 2
    assert hub.asked == []
