"""Taxonomies read from the published six columns."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from taxonomy.errors import InputError
from taxonomy.formats.csv import read_taxonomy_csv, taxonomy_csv
from taxonomy.model import Taxonomy, load
from tests.conftest import Run
from tests.trees import make_tree, trees

HEADER = "cluster_id,description,name,level,parent_cluster_id,pct_total_occurrences"
ROWS = [
    "top,All of it.,Practical values,2,,60",
    "a,,Craft,1,top,40.5",
    "b,,Order,1,top,10",
    "craft,,craft,0,a,30",
    "skill,,skill,0,a,10.5",
    "order,,order,0,b,10",
]

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(*lines: str, name: str = "tree.csv", end: str = "\n") -> Path:
        path = tmp_path / name
        path.write_text("".join(line + end for line in lines), encoding="utf-8", newline="")
        return path

    return written


def test_reads_the_six_columns(write: Write) -> None:
    tree = read_taxonomy_csv(write(HEADER, *ROWS))
    assert [(level.name, level.size) for level in tree.levels] == [("value", 3), ("cluster", 2), ("domain", 1)]
    top = tree.node("top")
    assert (top.label, top.definition, top.label_source) == ("Practical values", "All of it.", "imported")
    assert [child.id for child in tree.children("top")] == ["a", "b"]
    # What is stated stays as it is; what is counted adds up.
    assert (top.share, top.weight) == (0.6, 50.5)
    assert (tree.node("a").share, tree.node("a").weight) == (0.405, 40.5)


def test_columns_in_any_order_line_ends_and_a_mark(write: Write) -> None:
    turned = [",".join([*row.split(",")[::-1], "more"]) for row in (HEADER, *ROWS)]
    plain = read_taxonomy_csv(write(HEADER, *ROWS))
    assert read_taxonomy_csv(write("\ufeff" + turned[0], "", *turned[1:], end="\r\n")).nodes == plain.nodes


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees([f"value {i}" for i in range(20)]))
def test_what_is_written_is_read(write: Write, tree: Taxonomy) -> None:
    again = read_taxonomy_csv(write(taxonomy_csv(tree), end=""))
    assert [(node.id, node.label, node.parent, node.share) for node in again.nodes] == [
        (node.id, node.label, node.parent, node.share) for node in tree.nodes
    ]


def test_a_cell_that_was_escaped_for_a_spreadsheet_is_read_as_it_was(write: Write) -> None:
    tree = make_tree(["=1+1", "'quoted", "-dash", "plain, with a comma"], [0, 0, 1, 1], [0, 0])
    path = write(taxonomy_csv(tree), end="")
    assert {node.label for node in read_taxonomy_csv(path).nodes} == {node.label for node in tree.nodes}


def test_an_empty_domain_stays(write: Write) -> None:
    tree = read_taxonomy_csv(write(HEADER, *ROWS, "other,,Social values,2,,0"))
    assert tree.node("other").flags == ("empty",)


@pytest.mark.parametrize(
    ("lines", "place", "problem"),
    [
        ([], "line 1, column 'cluster_id'", "no such column"),
        ([HEADER.replace("level,", "")], "line 1, column 'level'", "no such column"),
        ([HEADER + ",level"], "line 1, column 'level'", "twice"),
        ([HEADER], "", "no rows"),
        ([HEADER, *ROWS, "x,,x,0,a"], "line 8", "5 cells, and the header has 6"),
        ([HEADER, *ROWS, 'x,,"x,0,a,1'], "line 8", "not CSV"),
        ([HEADER, *ROWS, "x,,x,low,a,1"], "line 8, column 'level'", "'low' is not a level"),
        ([HEADER, *ROWS, "x,,x,-1,a,1"], "line 8, column 'level'", "'-1' is not a level"),
        ([HEADER, *ROWS, "x,,x,0,a,much"], "line 8, column 'pct_total_occurrences'", "'much' is not a percentage"),
        ([HEADER, *ROWS, "x,,x,0,a,nan"], "line 8, column 'pct_total_occurrences'", "'nan' is not a percentage"),
        ([HEADER, *ROWS, "x,,x,0,a,100.1"], "line 8, column 'pct_total_occurrences'", "not a percentage"),
        ([HEADER, *ROWS, "x,, ,0,a,1"], "line 8, column 'name'", "empty"),
        ([HEADER, *ROWS, ",,x,0,a,1"], "line 8, column 'cluster_id'", "empty"),
        ([HEADER, *ROWS, "x,,x,0,gone,1"], "line 8", "the parent 'gone' has no row"),
        ([HEADER, *ROWS, "x,,x,0,,1"], "line 8", "has no parent"),
        ([HEADER, *ROWS, "x,,x,0,top,1"], "line 8", "on level 2, not on level 1"),
        ([HEADER, *ROWS, "x,,x,1,y,1", "y,,y,1,x,1"], "line 8", "the parent 'y' is on level 1"),
        ([HEADER, *ROWS, "x,,x,1,x,1"], "line 8", "the parent 'x' is on level 1"),
        ([HEADER, *ROWS, "x,,x,1,top,1"], "line 8", "the node 'x' has no children"),
        ([HEADER, *ROWS, "craft,,other,0,b,1"], "line 8", "is also in line 5"),
        ([HEADER, *ROWS, "x,,craft,0,b,1"], "line 8", "the value 'craft' is also in line 5"),
        ([HEADER, *ROWS, "x,,Craft,1,top,1"], "line 8", "the name of line 3"),
    ],
)
def test_what_is_no_tree_is_refused_with_its_line(write: Write, lines: list[str], place: str, problem: str) -> None:
    path = write(*lines)
    with pytest.raises(InputError) as caught:
        read_taxonomy_csv(path)
    message = str(caught.value)
    assert message.startswith(f"{path}, {place}: " if place else f"{path}: ")
    assert problem in message
    # What to do about it.
    assert "; " in message


def test_not_text(tmp_path: Path) -> None:
    path = tmp_path / "tree.csv"
    path.write_bytes(HEADER.encode() + b"\n\xff\n")
    with pytest.raises(InputError, match=r"line 2: .*not UTF-8"):
        read_taxonomy_csv(path)
    with pytest.raises(InputError, match="no such file"):
        read_taxonomy_csv(tmp_path / "gone.csv")


@pytest.mark.parametrize("command", ["show", "lint", "compare", "compare --exclude"])
def test_every_command_says_it_in_one_line(write: Write, run: Run, command: str) -> None:
    good, bad = write(HEADER, *ROWS, name="good.csv"), write(HEADER, *ROWS, "x,,x,0,gone,1", name="bad.csv")
    given = {"compare": [good, bad], "compare --exclude": [good, good, "--exclude", bad]}
    done = run(command.split()[0], *given.get(command, [bad]))
    assert (done.returncode, done.stdout) == (2, "")
    remedy = "add its row, or name another parent"
    assert done.stderr == f"Error: {bad}, line 8: the parent 'gone' has no row; {remedy}\n"


def test_show_draws_an_imported_tree(write: Write, run: Run) -> None:
    path = write(HEADER, *ROWS)
    done = run("show", path, "--depth", "2")
    assert done.returncode == 0, done.stderr
    assert "Practical values  3 values  60.00%" in done.stdout
    assert run("show", path, "--node", "skill").returncode == 0


# -- frequencies ---------------------------------------------------------------------------------------------------


def test_import_takes_weights_from_frequencies(run: Run, tmp_path: Path) -> None:
    labels = ["honesty", "order", "skill", "tact"]
    tree = make_tree(labels, [0, 1, 1, 0], [0, 1], names=[["A", "B"], ["Social", "Practical"]])
    (tmp_path / "tree.csv").write_text(taxonomy_csv(tree))
    (tmp_path / "f.csv").write_text("value,pct_convos\nskill,3.5\nhonesty,1.25\nzeal,0.5\nwit,0.25\nskill,0.5\n")
    done = run("import", tmp_path / "tree.csv", "--frequencies", tmp_path / "f.csv", "--out", tmp_path / "o.json")
    assert (done.returncode, done.stderr) == (0, "")
    expected = "frequencies: 2 strings in the tree, 2 outside (0.75 pct_convos), 2 values without"
    assert done.stdout.splitlines()[1] == expected
    tree = load(tmp_path / "o.json")
    assert (tree.id, tree.weight_unit) == ("tree", "pct_convos")
    weights = {node.label: node.weight for node in tree.nodes}
    assert weights == {
        "skill": 4,
        "order": 0,
        "B": 4,
        "Practical": 4,
        "honesty": 1.25,
        "tact": 0,
        "A": 1.25,
        "Social": 1.25,
    }
    # Stated shares stay.
    assert tree.node("Social").share == 0.5


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("value\nskill\n", "no column of weights; give a table with a column pct_convos"),
        ("value,count\nzeal,1\n", "no string in it is a value of the tree"),
        ("value,count\nskill,-1\n", "line 2, column 'count': .*negative"),
        ("", "the file is empty"),
    ],
)
def test_frequencies_that_do_not_fit(run: Run, tmp_path: Path, table: str, problem: str) -> None:
    make_tree(["skill"], [0]).write(tmp_path / "in.json")
    (tmp_path / "f.csv").write_text(table)
    done = run("import", tmp_path / "in.json", "--frequencies", tmp_path / "f.csv", "--out", tmp_path / "o.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"Error: .*f\.csv.*{problem}.*\n", done.stderr)
    assert not (tmp_path / "o.json").exists()


def test_published_frequencies_cover_the_published_tree(run: Run, published: Path, tmp_path: Path) -> None:
    done = run(
        *("import", published / "reference_tree.csv", "--out", tmp_path / "o.json"),
        *("--frequencies", published / "values_frequencies.csv"),
    )
    assert done.returncode == 0, done.stderr
    assert "1,650 strings in the tree, 1,657 outside" in done.stdout
    assert "0 values without" in done.stdout
