"""What is published: all of both packages, and nothing that merely lies about."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import hatchling.build
import pytest

from tests.conftest import ROOT

PACKAGES = ("taxonomy", "embeddings")
# Kinds of files that a package needs where it is installed.
KINDS = {".LICENSE", ".css", ".html", ".j2", ".js", ".json", ".py", ".toml", ".txt", ".typed"}
# Left by commands, profilers, editors and builds; all but the last three in the root.
STRAYS = (
    "py_spy-0.4.3-py2.py3-none-manylinux1_x86_64.whl",
    "rejected.parquet",
    "values.csv",
    "profile.prof",
    "run.log",
    "cache.sqlite",
    "notes.txt",
    "scratch.py",
    ".env",
    "build/taxonomy.json",
    "dist/value_taxonomy-0.0.1.tar.gz",
    ".venv/bin/python",
    "mine/edits.toml",
    "taxonomy/rejected.parquet",
    "taxonomy/model/profile.prof",
    "embeddings/__pycache__/files.cpython-311.pyc",
)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree, with strays planted in it."""
    folder = tmp_path_factory.mktemp("tree") / "project"
    folder.mkdir()
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = settings["tool"]["hatch"]["build"]["targets"]["sdist"]["only-include"]
    for name in [*listed, ".gitignore"]:
        if (ROOT / name).is_dir():
            made = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
            shutil.copytree(ROOT / name, folder / name, ignore=made)
        elif (ROOT / name).is_file():
            shutil.copyfile(ROOT / name, folder / name)
    for name in STRAYS:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("stray")
    return folder


@pytest.fixture(scope="module")
def wheel(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(copy)
        name = hatchling.build.build_wheel(str(folder))
    with zipfile.ZipFile(folder / name) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def sdist(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("sdist")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(copy)
        name = hatchling.build.build_sdist(str(folder))
    with tarfile.open(folder / name) as archive:
        return {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}


def packaged(folder: Path) -> Iterator[str]:
    for package in PACKAGES:
        yield from (f"{package}/{name}" for name in files(folder / package))


def test_the_wheel_holds_the_packages_and_nothing_else(copy: Path, wheel: set[str]) -> None:
    about = {name for name in wheel if ".dist-info/" in name}
    assert {name.partition(".dist-info/")[2] for name in about} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }
    assert wheel - about == set(packaged(copy)) - set(STRAYS)


def test_every_file_of_a_package_is_of_a_known_kind(copy: Path) -> None:
    kinds = {Path(name).suffix or Path(name).name for name in set(packaged(copy)) - set(STRAYS)}
    assert kinds == KINDS


def test_the_sdist_holds_no_stray(copy: Path, sdist: set[str]) -> None:
    assert sdist & set(STRAYS) == set()
    assert sdist - files(copy) == {"PKG-INFO"}
    assert {"Makefile", "README.md", "LICENSE", ".ci/run", "tests/test_packaging.py", "fixtures/values.csv"} < sdist


def test_the_sdist_holds_all_that_is_not_a_stray(copy: Path, sdist: set[str]) -> None:
    assert files(copy) - set(STRAYS) == sdist - {"PKG-INFO"}


def test_a_wheel_of_the_sdist_is_the_same(
    copy: Path, wheel: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copy)
    source = hatchling.build.build_sdist(str(tmp_path))
    with tarfile.open(tmp_path / source) as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.chdir(tmp_path / source.removesuffix(".tar.gz"))
    built = hatchling.build.build_wheel(str(tmp_path))
    with zipfile.ZipFile(tmp_path / built) as archive:
        assert set(archive.namelist()) == wheel


def test_no_stray_is_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    if listed.returncode:
        pytest.skip("this is no checkout")
    root = {name for name in listed.stdout.splitlines() if "/" not in name}
    known = {".gitignore", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md"}
    assert root <= known | {"SECURITY.md", "mkdocs.yml", "pyproject.toml"}
