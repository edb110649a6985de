"""What tests share: a cache of their own, the command line as a process, and small inputs."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import taxonomy.building.spaces  # noqa: F401
from embeddings import SentenceTransformerEncoder
from embeddings.models import load_encoder

ROOT = Path(__file__).parents[1]
FIXTURE = ROOT / "fixtures" / "values.csv"
PUBLISHED = ROOT.parent / "shared" / "values-in-the-wild"

# No test depends on the clock.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Path]:
    """A cache folder that the tests of one run share, so that each string is embedded once."""
    base = tmp_path_factory.getbasetemp()
    # The workers of one run have a folder each, side by side.
    folder = (base if worker_id == "master" else base.parent) / "cache"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VALUE_TAXONOMY_CACHE", str(folder))
        patch.setenv("HF_HUB_OFFLINE", "1")
        # One encoder a session: each would start a worker process of its own, which takes seconds.
        load = functools.cache(load_encoder)

        def shared(model: str = "minilm", *, expected: int = 0, **options: Any) -> SentenceTransformerEncoder:
            return load(model, **options)

        patch.setattr("embeddings.models.load_encoder", shared)
        patch.setattr("taxonomy.building.spaces.load_encoder", shared)
        yield folder


@pytest.fixture(scope="session")
def run(cache: Path) -> Run:
    """Run the command line as a user does, in a process of its own."""

    def command(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        extra = options.pop("env", {})
        assert isinstance(extra, dict)
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "taxonomy.cli", *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, **extra},
            check=False,
            **options,  # type: ignore[call-overload]
        )

    return command


@pytest.fixture(scope="session")
def published() -> Path:
    """The folder of the published strings; not part of the project."""
    if not PUBLISHED.is_dir():
        pytest.skip("the published strings are not beside this checkout")
    return PUBLISHED


@pytest.fixture(scope="session")
def small_build(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of the first rows of the fixture."""
    folder = tmp_path_factory.mktemp("small")
    rows = FIXTURE.read_text(encoding="utf-8").splitlines(keepends=True)[:200]
    (folder / "values.csv").write_text("".join(rows), encoding="utf-8")
    done = run("build", folder / "values.csv", "--levels", "30", "--out", folder / "build", "--quiet")
    assert done.returncode == 0, done.stderr
    return folder / "build"
