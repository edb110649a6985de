"""The page: what its file holds."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from taxonomy.errors import OutputError
from taxonomy.model import Taxonomy
from taxonomy.views.layout import lay_out
from taxonomy.views.map import map_parquet, read_map
from taxonomy.views.page import MAX_VALUES, check_size, taxonomy_page
from taxonomy.views.page.nearest import nearest_elsewhere
from tests.conftest import Run
from tests.pages import TREE, Parts, invented, page_of, unit
from tests.trees import full_tree, make_tree, nasty_trees

# -- the file ----------------------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(tree=nasty_trees(controls=True))
def test_what_came_from_the_tree_is_data(tree: Taxonomy) -> None:
    parts = Parts(taxonomy_page(tree))
    plain = Parts(taxonomy_page(make_tree(["a", "b"], [0, 0])))
    assert parts.tags == plain.tags
    nodes = parts.data["nodes"]
    assert nodes["id"] == [node.id for node in tree.nodes]
    assert nodes["label"] == [node.label for node in tree.nodes]
    assert [nodes["definition"].get(str(i), "") for i in range(len(tree.nodes))] == [n.definition for n in tree.nodes]


def test_the_policy_allows_what_is_in_the_file_and_nothing_else() -> None:
    parts = Parts(page_of(TREE))
    for tag, given_, text in parts.raw:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        runs = given_.get("type") != "application/json"
        directive = next(part for part in parts.policy.split("; ") if part.startswith(f"{tag}-src"))
        assert (f"'sha256-{digest}'" in directive) == runs
    assert parts.policy.startswith("default-src 'none';")
    assert "unsafe" not in parts.policy
    assert "http" not in parts.policy


def test_nothing_is_loaded_from_elsewhere() -> None:
    page = taxonomy_page(make_tree(["a", "b"], [0, 0]))
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    assert "@import" not in page


def test_the_same_tree_gives_the_same_page() -> None:
    assert page_of(TREE) == page_of(Taxonomy.model_validate_json(TREE.to_json()))


def test_sizes() -> None:
    assert len(page_of(invented(3307, sizes=(266, 26, 5))).encode()) < 8e6 / 4


def test_a_page_has_a_limit() -> None:
    check_size(MAX_VALUES)
    with pytest.raises(OutputError, match=r"holds up to 50,000 values and here are 50,001"):
        check_size(MAX_VALUES + 1)


def test_what_is_left_out_without_vectors_is_named() -> None:
    data = Parts(taxonomy_page(TREE)).data
    assert data["map"] is None
    assert data["nodes"]["near"] is None
    assert data["unchecked"] == ["label-fit", "near-label", "other-domain"]


def test_every_field_is_there() -> None:
    tree = full_tree()
    nodes = Parts(taxonomy_page(tree)).data["nodes"]
    at = [node.id for node in tree.nodes].index(tree.node("courage").id)
    assert nodes["conversations"][str(at)] == [7, 90, 0.03, 0.15]
    assert nodes["second"][at] == nodes["id"].index("1:1")
    assert (nodes["confidence"][at], nodes["stability"][at], nodes["rank"][str(at)]) == (0.625, 0.75, 3)
    assert nodes["flags"][str(at)] == ["doubtful", "thin"]


def test_a_template_slot_in_a_title_stays_text() -> None:
    tree = TREE.model_copy(update={"title": "{{data}} </title><b>"})
    page = taxonomy_page(tree)
    assert "<title>{{data}} &lt;/title&gt;&lt;b&gt; 1.0.0</title>" in page


def test_nearest_nodes_are_of_the_level_and_elsewhere() -> None:
    vectors = unit(600)
    found = nearest_elsewhere(TREE, vectors)
    for node in TREE.nodes:
        others = [TREE.node(id) for id in found[node.id]]
        assert all(other.level == node.level for other in others)
        assert node.parent is None or all(other.parent != node.parent for other in others)
    values = [node for node in TREE.nodes if node.level == 0]
    cosines = vectors[0] @ vectors.T
    expected = [values[i].id for i in np.argsort(-cosines) if values[i].parent != values[0].parent][:5]
    assert found[values[0].id] == expected


# -- the map ------------------------------------------------------------------------------------------------------


def test_a_map_comes_back_in_the_order_of_its_tree(tmp_path: Path) -> None:
    points = np.arange(1200, dtype=np.float64).reshape(600, 2)
    (tmp_path / "map.parquet").write_bytes(map_parquet(TREE, points))
    found = read_map(tmp_path / "map.parquet", TREE)
    assert found is not None
    np.testing.assert_array_equal(found, points)
    assert read_map(tmp_path / "map.parquet", invented(599)) is None
    assert read_map(tmp_path / "none.parquet", TREE) is None


@pytest.mark.parametrize("n", [1, 2, 4])
def test_few_values_lie_on_a_circle(n: int) -> None:
    points = lay_out(unit(n))
    assert points.shape == (n, 2)
    assert len({tuple(point) for point in points.tolist()}) == n


# -- the command line -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def paged(run: Run, small_values: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small build again, with a page."""
    folder = tmp_path_factory.mktemp("paged") / "build"
    done = run("build", small_values, "--levels", "30", "--page", "--out", folder, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def test_build_writes_a_page_and_its_map(paged: Path, small_build: Path) -> None:
    assert {"map.parquet", "taxonomy.html"} == {path.name for path in paged.iterdir()} - {
        path.name for path in small_build.iterdir()
    }
    assert (paged / "taxonomy.json").read_bytes() == (small_build / "taxonomy.json").read_bytes()
    assert Parts((paged / "taxonomy.html").read_text(encoding="utf-8")).data["map"]


def test_a_build_without_a_page_leaves_none_of_another_tree(
    run: Run, small_values: Path, small_build: Path, tmp_path: Path
) -> None:
    shutil.copytree(small_build, tmp_path / "build")
    report = json.loads((tmp_path / "build" / "report.json").read_text(encoding="utf-8"))
    for name in ("taxonomy.html", "map.parquet", "notes.html"):
        (tmp_path / "build" / name).write_text("drawn")
        report["files"][name] = hashlib.sha256(b"drawn").hexdigest()
    (tmp_path / "build" / "report.json").write_text(json.dumps(report), encoding="utf-8")
    done = run("build", small_values, "--levels", "30", "--out", tmp_path / "build", "--quiet")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "build").iterdir()} == {
        *(path.name for path in small_build.iterdir()),
        "notes.html",
    }


def test_explore_takes_the_map_of_the_build_and_writes_the_same_page(paged: Path, run: Run, tmp_path: Path) -> None:
    done = run("explore", paged / "taxonomy.json", "--out", tmp_path / "t.html")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Written to {tmp_path}/t.html: open it in a browser\n"
    assert (tmp_path / "t.html").read_bytes() == (paged / "taxonomy.html").read_bytes()


@pytest.mark.slow
def test_the_page_and_its_map_are_the_same_in_another_process(
    paged: Path, run_process: Run, small_values: Path, tmp_path: Path
) -> None:
    done = run_process("build", small_values, "--levels", "30", "--page", "--out", tmp_path / "build", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for path in paged.iterdir():
        if path.name != "report.json":
            assert (tmp_path / "build" / path.name).read_bytes() == path.read_bytes(), path.name


def test_explore_says_what_is_wrong(run: Run, small_build: Path, tmp_path: Path) -> None:
    tree = small_build / "taxonomy.json"
    (tmp_path / "taxonomy.json").write_bytes(tree.read_bytes())
    (tmp_path / "map.parquet").write_text("no map")
    cases = {
        "does not end in .html": (tree, "--out", tmp_path / "t.txt"),
        "exclude each other": (tree, "--out", tmp_path / "t.html", "--no-vectors", "--model", "minilm"),
        "cannot be read": (tmp_path / "nothing.json", "--out", tmp_path / "t.html"),
        "the file is not a map; remove it, and build again": (tmp_path / "taxonomy.json", "--out", tmp_path / "t.html"),
        "or leave out what needs one with --no-vectors": (tree, "--out", tmp_path / "t.html", "--model", "/nowhere"),
        "cannot be written": (tree, "--out", tmp_path / "no" / "t.html", "--no-vectors"),
    }
    for message, arguments in cases.items():
        done = run("explore", *arguments)
        assert (done.returncode, done.stdout) == (2, ""), message
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.html"))


def test_export_writes_the_page_too(run: Run, small_build: Path, tmp_path: Path) -> None:
    done = run("export", small_build / "taxonomy.json", "--out", tmp_path / "t.html")
    assert done.returncode == 0, done.stderr
    assert Parts((tmp_path / "t.html").read_text(encoding="utf-8")).data["map"] is None
