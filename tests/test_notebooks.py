"""The notebooks: what is stored in them, what they import, and that they run from a clean kernel."""

from __future__ import annotations

import ast
import base64
import json
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="the extra notebooks is not installed")
pytest.importorskip("nbclient", reason="the extra notebooks is not installed")

from nbformat import NotebookNode  # noqa: E402

import taxonomy  # noqa: E402
from tests.notebook_outputs import FIGURE, FOLDER, NOT_STORED, PICTURE, outputs, read, run  # noqa: E402

FAST = ["01_build_and_read", "07_from_conversations"]
SLOW = [
    "02_explore_clusters",
    "03_choose_parameters",
    "04_compare_versions",
    "05_published_taxonomy",
    "06_conversations",
]
NAMES = sorted(FAST + SLOW)
# A path from the root, but not an address or the end of a tag.
ABSOLUTE = re.compile(r"(?<![\w.:/<])/\w+/\w|\b[A-Z]:\\")


def code_of(notebook: NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def pictures(notebook: NotebookNode) -> list[str]:
    return [output.data[PICTURE] for output in outputs(notebook) if PICTURE in output.get("data", {})]


def texts(notebook: NotebookNode) -> list[str]:
    """Return what a reader reads in the outputs."""
    shown = [output.get("data", {"text/plain": output.get("text", "")}) for output in outputs(notebook)]
    return [data[kind] for data in shown for kind in ("text/plain", "text/html") if kind in data]


def check_run(name: str, notebook: NotebookNode) -> None:
    """See that nothing complained, and that as many figures are drawn as are stored."""
    assert [output.text for output in outputs(notebook) if output.get("name") == "stderr"] == []
    figures = [output.data[FIGURE] for output in outputs(notebook) if FIGURE in output.get("data", {})]
    assert len(figures) == len(pictures(read(name)))
    assert all(figure["data"] for figure in figures)


def test_these_are_the_notebooks() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_small_and_says_what_it_answers(name: str) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    assert "?**" in notebook.cells[0].source
    assert (FOLDER / f"{name}.ipynb").stat().st_size < 600_000


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_uses_public_names_alone(name: str) -> None:
    code = ast.parse(code_of(read(name)))
    modules = [alias.name for node in ast.walk(code) if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module or "" for node in ast.walk(code) if isinstance(node, ast.ImportFrom)]
    ours = [module for module in modules if module.split(".")[0] in ("taxonomy", "embeddings")]
    assert set(ours) == {"taxonomy"}
    names = {
        node.attr
        for node in ast.walk(code)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "taxonomy"
    }
    assert names
    assert names <= set(taxonomy.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_stored_is_whole_and_the_same_wherever_it_was_made(name: str) -> None:
    notebook = read(name)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert [cell.id for cell in notebook.cells] == [f"cell-{number}" for number, _ in enumerate(notebook.cells, 1)]
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}
        assert cell.get("execution_count") is None
    shown = list(outputs(notebook))
    assert shown
    assert {output.output_type for output in shown} <= {"stream", "display_data", "execute_result"}
    assert {output.name for output in shown if output.output_type == "stream"} <= {"stdout"}
    assert [text for text in texts(notebook) if ABSOLUTE.search(text)] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_figure_has_its_picture_beside_it(name: str) -> None:
    notebook = read(name)
    assert pictures(notebook)
    for output in outputs(notebook):
        if FIGURE in output.get("data", {}):
            assert PICTURE in output.data
    for picture in pictures(notebook):
        header = base64.b64decode(picture)[:24]
        assert header.startswith(b"\x89PNG")
        width, height = int.from_bytes(header[16:20]), int.from_bytes(header[20:24])
        assert 900 <= width <= 1800
        assert 500 <= height <= 1800


@pytest.mark.parametrize("name", NAMES)
def test_an_export_to_html_shows_the_pictures(name: str) -> None:
    nbconvert = pytest.importorskip("nbconvert", reason="nbconvert is not installed")
    notebook = read(name)
    html, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    assert [picture for picture in pictures(notebook) if picture.strip() not in html] == []
    outlines = sum('class="vt-outline"' in text for text in texts(notebook))
    assert html.count('class="vt-outline"') == outlines


def test_the_tree_of_a_notebook_is_an_outline_to_open() -> None:
    assert any("<details>" in text for text in texts(read("01_build_and_read")))


def test_nothing_of_the_published_tree_is_stored_but_its_domains(published: Path) -> None:
    tree = taxonomy.read(published / "reference_tree.csv")
    stored = json.dumps(list(outputs(read("05_published_taxonomy"))), ensure_ascii=False)
    inner = [node for node in tree if 0 < node.level < len(tree.levels) - 1]
    assert [node.label for node in inner if node.label in stored] == []
    assert [node.definition for node in inner if node.definition and node.definition in stored] == []


@pytest.mark.parametrize("name", FAST)
def test_a_notebook_runs(name: str, cache: Path) -> None:
    check_run(name, run(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW[:2])
def test_a_notebook_that_takes_minutes_runs(name: str, cache: Path) -> None:
    check_run(name, run(name))


@pytest.mark.slow
def test_the_published_taxonomy_is_compared(cache: Path, published: Path, tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "values-in-the-wild").symlink_to(published)
    notebook = run("05_published_taxonomy", tmp_path / "notebooks")
    check_run("05_published_taxonomy", notebook)


def test_without_the_published_files_the_notebook_says_what_to_do_and_ends(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    notebook = run("05_published_taxonomy", tmp_path / "notebooks")
    said = [output.get("text", output) for cell in notebook.cells for output in cell.get("outputs", ())]
    assert len(said) == 1
    assert "value-taxonomy fetch values-in-the-wild --out values-in-the-wild" in said[0]
    # What it says there is a command that its first cell names, too.
    assert said[0].splitlines()[-1] in notebook.cells[0].source


def test_cells_whose_outputs_are_not_stored_have_none() -> None:
    tagged = [
        cell
        for name in NAMES
        for cell in read(name).cells
        if cell.cell_type == "code" and NOT_STORED in cell.metadata.get("tags", ())
    ]
    assert len(tagged) == 2
    assert [cell.outputs for cell in tagged] == [[], []]
