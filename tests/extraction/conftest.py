"""A server that reads values, and a command that asks it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tests.extraction.conversing import read_values
from tests.llm.conftest import answers as answers
from tests.llm.conftest import server as server
from tests.llm_server import Server

Model = Callable[[dict[str, Any]], dict[str, Any]]
Extract = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def extract(run: Run, server: Server, answers: Path, tmp_path: Path) -> Extract:
    """Extract values from a file into `tmp_path / "out"`."""

    def extracted(
        *files: Path,
        out: str = "out",
        llm: str = "openai/fake",
        answer: Model = read_values,
        options: tuple[object, ...] = (),
    ) -> subprocess.CompletedProcess[str]:
        server.answer = answer
        where = ("--llm", llm, "--llm-base-url", server.url, "--retries", 0)
        return run("extract", "run", *files, "--out", tmp_path / out, *where, *options)

    return extracted
