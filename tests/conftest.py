"""What tests share: a cache of their own, the command line in process and as a process, and small inputs."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from filelock import FileLock
from hypothesis import settings

from embeddings import DEFAULT_MODEL, SentenceTransformerEncoder
from embeddings.models import load_encoder
from taxonomy.building.spaces import Space
from taxonomy.cli import main
from taxonomy.values import read_values

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.browser import Browser

ROOT = Path(__file__).parents[1]
FIXTURE = ROOT / "fixtures" / "values.csv"
PUBLISHED = ROOT.parent / "shared" / "values-in-the-wild"

# The hub's client reads it when it is imported, which some tests do before any fixture is made.
os.environ["HF_HUB_OFFLINE"] = "1"
# Who decides, and when: kim, on 2026-01-31.
os.environ |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "kim"}
os.environ["SOURCE_DATE_EPOCH"] = "1769860800"
# Variables with these starts are read when a process starts, or when a library is imported.
READ_AT_START = ("HF_", "KMP_", "MKL_", "OMP_", "OPENAI_LOG", "OPENBLAS_", "PYTHON")

# Searching for garbage is a twentieth of the time by default, as on the command line.
gc.set_threshold(20_000)

# No test depends on the clock.
settings.register_profile("project", deadline=None)
# All examples of those tests that `make test` draws few of.
settings.register_profile("thorough", deadline=None)
settings.load_profile("project")


def examples(few: int, all: int = 100) -> settings:
    """Settings with few examples, or with all in the profile `thorough`, which `make test-slow` takes."""
    return settings(max_examples=all if settings.get_current_profile_name() == "thorough" else few)


def pytest_xdist_auto_num_workers() -> int:
    """One more than the processors, since many tests wait for a process or a page."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_finish() -> None:
    """Search what is imported by now for garbage never again."""
    gc.freeze()


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of one run of pytest see."""
    base = tmp_path_factory.getbasetemp()
    # The workers of one run have a folder each, side by side.
    return base if worker_id == "master" else base.parent


@contextmanager
def running_spark(master: str) -> Iterator[SparkSession]:
    """Run a Spark session of our own until the end of the block."""
    from embeddings.spark import spark_session

    with pytest.MonkeyPatch.context() as patch:
        # Workers take the package from this checkout; what runs once is not worth compiling twice.
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        started, is_new = spark_session(master)
        assert is_new
        yield started
        started.stop()


@pytest.fixture(scope="session")
def cache(common: Path, worker_id: str) -> Iterator[Path]:
    """A cache folder that the tests of one run share, so that each string is embedded once."""
    folder = common / "cache"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VALUE_TAXONOMY_CACHE", str(folder))
        # One encoder of a model a session, of one process: each process takes ten seconds to load its model.
        encoders: dict[tuple[str, str], SentenceTransformerEncoder] = {}

        def shared(model: str = DEFAULT_MODEL, **options: Any) -> SentenceTransformerEncoder:
            loaded = load_encoder(model, workers=1, **options)
            return encoders.setdefault((loaded.name, loaded.digest), loaded)

        patch.setattr("embeddings.models.load_encoder", shared)
        patch.setattr("taxonomy.building.spaces.load_encoder", shared)
        if worker_id != "master":
            # Where several workers would embed the same strings at once, the first embeds them.
            with FileLock(common / "cache.lock"):
                if not (folder / "vectors").is_dir():
                    Space.of_model(DEFAULT_MODEL).encoder.encode(read_values(FIXTURE).labels)
        yield folder


def link_cache(cache: Path, folder: Path, *parts: str) -> Path:
    """Make a cache folder that shares parts of another: what is known of models, if no others are named.

    A copy could catch a file while another worker writes it.
    """
    folder.mkdir()
    for part in parts or ("models", "graphs"):
        (cache / part).mkdir(exist_ok=True)
        (folder / part).symlink_to(cache / part)
    return folder


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    # Here, since most tests do without selenium.
    from tests.browser import start_browser

    yield from start_browser(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="session")
def run(cache: Path) -> Run:
    """Run the command line in this process, and leave the process as it was."""

    def command(
        *arguments: object, input: str | None = None, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        assert not [name for name in env or () if name.startswith(READ_AT_START)], "use run_process"
        words = [str(argument) for argument in arguments]
        thresholds, handlers = gc.get_threshold(), logging.root.handlers[:]
        # Without pytest's handlers, what a library logs goes to standard error, as in a process.
        logging.root.handlers.clear()
        try:
            with warnings.catch_warnings(), contextlib.chdir(cwd or "."):
                warnings.simplefilter("error")
                # What escapes from the command line is a fault, and not an exit status.
                runner = CliRunner(catch_exceptions=False)
                done = runner.invoke(main, words, input=input, env=env, prog_name="value-taxonomy")
        finally:
            logging.root.handlers[:] = handlers
            gc.set_threshold(*thresholds)
        return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)

    return command


@pytest.fixture(scope="session")
def run_process(cache: Path) -> Run:
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
def cases() -> Path:
    """The folder of files that failed once; not part of the project."""
    folder = ROOT.parent / "shared" / "cases"
    if not folder.is_dir():
        pytest.skip("the cases are not beside this checkout")
    return folder


Build = Callable[..., Path]


@pytest.fixture(scope="session")
def build_once(run: Run, common: Path) -> Build:
    """Build a folder by the command line, in the worker that asks first; the others wait for it."""

    def build(source: Path, name: str, *options: object) -> Path:
        folder = common / name
        with FileLock(common / f"{name}.lock"):
            if not folder.exists():
                done = run("build", source, "--out", folder, *options)
                assert done.returncode == 0, done.stderr
        return folder

    return build


@pytest.fixture(scope="session")
def example_build(build_once: Build) -> Path:
    """A build of the whole fixture, which tests read and leave as it is."""
    return build_once(FIXTURE, "example", "--id", "example-values", "--title", "Example values")


@pytest.fixture(scope="session")
def published_build(build_once: Build, published: Path) -> Path:
    """The main job: a build of the published strings, which takes half a minute to embed."""
    return build_once(published / "values_frequencies.csv", "published", "--levels", "266,26")


@pytest.fixture(scope="session")
def published_part_build(build_once: Build, published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of the most frequent of the published strings."""
    path = tmp_path_factory.mktemp("published") / "values_frequencies.csv"
    rows = (published / "values_frequencies.csv").read_text(encoding="utf-8").splitlines(keepends=True)[:401]
    path.write_text("".join(rows), encoding="utf-8")
    return build_once(path, "published-part", "--levels", "40,12")


@pytest.fixture(scope="session")
def small_values(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first rows of the fixture."""
    path = tmp_path_factory.mktemp("small") / "values.csv"
    rows = FIXTURE.read_text(encoding="utf-8").splitlines(keepends=True)[:200]
    path.write_text("".join(rows), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def small_build(build_once: Build, small_values: Path) -> Path:
    """A build of the first rows of the fixture."""
    return build_once(small_values, "small", "--levels", "30", "--quiet")
