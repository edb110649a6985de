"""The notebooks: kept without outputs, and run from a clean kernel."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="the extra notebooks is not installed")
nbclient = pytest.importorskip("nbclient", reason="the extra notebooks is not installed")

from nbclient import NotebookClient  # noqa: E402
from nbformat import NotebookNode  # noqa: E402

from tests.conftest import PUBLISHED, ROOT  # noqa: E402

FOLDER = ROOT / "notebooks"
NAMES = [
    "01_build_and_read",
    "02_explore_clusters",
    "03_choose_parameters",
    "04_compare_versions",
    "05_published_taxonomy",
    "06_conversations",
]
FIGURE = "application/vnd.plotly.v1+json"


def read(name: str) -> NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def execute(name: str, folder: Path = FOLDER) -> NotebookNode:
    """Run a notebook in `folder`, with a kernel that sees this checkout."""
    notebook = read(name)
    client = NotebookClient(
        notebook, timeout=None, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env={**os.environ, "PYTHONPATH": str(ROOT)})
    return notebook


def shown(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def figures(notebook: NotebookNode) -> list[NotebookNode]:
    return [output.data[FIGURE] for output in shown(notebook) if FIGURE in output.get("data", {})]


def check(notebook: NotebookNode, n_figures: int) -> None:
    """See that all figures are there and hold something, nothing complained, and the file would stay small."""
    assert [output.text for output in shown(notebook) if output.get("name") == "stderr"] == []
    assert len(figures(notebook)) == n_figures
    assert all(figure["data"] for figure in figures(notebook))
    assert len(nbformat.writes(notebook)) < 4_000_000
    assert notebook.cells[-1].cell_type == "markdown" or notebook.cells[-1].outputs


def test_these_are_the_notebooks() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_kept_small_without_outputs_and_says_what_it_answers(name: str) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    assert "?**" in notebook.cells[0].source
    for cell in notebook.cells:
        assert cell.cell_type == "markdown" or (cell.outputs, cell.execution_count) == ([], None)
    assert (FOLDER / f"{name}.ipynb").stat().st_size < 12_000


def test_build_and_read(cache: Path) -> None:
    notebook = execute("01_build_and_read")
    check(notebook, 2)
    assert any("<details>" in output.data.get("text/html", "") for output in shown(notebook) if "data" in output)
    # A saved tree is the same when it is read.
    assert shown(notebook)[-1].data["text/plain"] == "True"


@pytest.mark.slow
def test_explore_clusters(cache: Path) -> None:
    check(execute("02_explore_clusters"), 1)


@pytest.mark.slow
def test_choose_parameters(cache: Path) -> None:
    check(execute("03_choose_parameters"), 3)


def test_compare_versions(cache: Path) -> None:
    notebook = execute("04_compare_versions")
    check(notebook, 3)
    assert {figure["data"][0]["type"] for figure in figures(notebook)} == {"sankey"}


@pytest.mark.slow
def test_published_taxonomy(cache: Path) -> None:
    if not PUBLISHED.is_dir():
        pytest.skip("the published strings are not beside this checkout")
    check(execute("05_published_taxonomy"), 3)


def test_published_taxonomy_says_where_its_files_come_from(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="the published files are not here"):
        execute("05_published_taxonomy", tmp_path / "notebooks")


def test_conversations(cache: Path) -> None:
    notebook = execute("06_conversations")
    check(notebook, 1)
    # Nothing is found where there is too little to find it in.
    assert any("Name: count" in output.data.get("text/plain", "") for output in shown(notebook) if "data" in output)
