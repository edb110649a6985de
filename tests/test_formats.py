"""Taxonomies as files: what is written, what comes back, and what each format loses."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import networkx as nx
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import taxonomy
from taxonomy.errors import InputError, InvariantError, OutputError
from taxonomy.formats.csv import read_taxonomy_csv
from taxonomy.formats.readers import READ, read
from taxonomy.formats.schema import json_schema, json_schema_text
from taxonomy.model import Taxonomy
from taxonomy.publishing import WRITTEN, write_taxonomy
from tests.conftest import ROOT, Run, examples
from tests.trees import FOUR_VALUES, full_tree, make_tree, nasty_trees

LOSSY = [suffix for suffix in READ if suffix != ".json"]


def again(tree: Taxonomy, folder: Path, suffix: str) -> Taxonomy:
    write_taxonomy(tree, folder / f"t{suffix}")
    return read(folder / f"t{suffix}")


# -- what comes back ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".ttl", ".jsonld", ".rdf"])
@settings(examples(12, all=40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_skos_gives_back_what_was_written(tmp_path: Path, suffix: str, data: st.DataObject) -> None:
    tree = data.draw(nasty_trees(controls=suffix != ".rdf"))
    found = again(tree, tmp_path, suffix)
    assert found == tree


@settings(examples(12, all=40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=nasty_trees(controls=True))
def test_json_gives_back_what_was_written(tmp_path: Path, tree: Taxonomy) -> None:
    found = again(tree, tmp_path, ".json")
    assert found == tree
    jsonschema.validate(json.loads((tmp_path / "t.json").read_bytes()), json_schema())


@settings(examples(20, all=60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=nasty_trees(controls=False))
def test_csv_gives_back_its_columns(tmp_path: Path, tree: Taxonomy) -> None:
    found = again(tree, tmp_path, ".csv")
    for one, other in zip(found.nodes, tree.nodes, strict=True):
        for field in ("id", "level", "label", "definition", "parent", "share"):
            assert getattr(one, field) == getattr(other, field)
    for row in csv.DictReader(io.StringIO((tmp_path / "t.csv").read_bytes().decode(), newline="")):
        assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_every_row_of_the_published_layout_comes_out_the_same(published: Path, tmp_path: Path) -> None:
    source = published / "reference_tree.csv"
    tree = again(read_taxonomy_csv(source), tmp_path, ".csv")
    assert len(tree.nodes) == 1821
    before, after = (path.read_text(encoding="utf-8").splitlines() for path in (source, tmp_path / "t.csv"))
    assert before[0] == after[0]
    assert sorted(before) == sorted(after)


@pytest.mark.slow
def test_a_published_tree_goes_through_every_format(published: Path, tmp_path: Path) -> None:
    tree = read_taxonomy_csv(published / "reference_tree.csv")
    for suffix in READ:
        assert again(tree, tmp_path, suffix).nodes == tree.nodes


# -- what each format loses ----------------------------------------------------------------------------------------


def fields(tree: Taxonomy) -> dict[str, list[object]]:
    """Return what a taxonomy holds by the name of the field, a list for each of `nodes`, `levels` and `retired`."""
    found: dict[str, list[object]] = {}
    for name, value in tree.model_dump().items():
        if name in ("nodes", "levels", "retired"):
            for field in type(getattr(full_tree(), name)[0]).model_fields:
                found[f"{name}.{field}"] = [item.get(field) for item in value]
        elif name == "provenance":
            found |= {f"{name}.{field}": [item] for field, item in value.items()}
        else:
            found[name] = [value]
    return found


def documented() -> Iterator[tuple[str, str, str]]:
    """Yield field, fate in CSV and fate in SKOS from the table in the docs."""
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    table = page.partition("| in `taxonomy.json` | `.csv` | `.ttl`, `.rdf`, `.jsonld` |\n")[2].partition("\n\n")[0]
    for line in table.splitlines()[1:]:
        names, in_csv, in_skos = (cell.strip() for cell in line.strip("|").split("|"))
        for name in re.findall(r"`([a-z_.]+)`", names):
            yield name, in_csv, in_skos


@pytest.mark.parametrize("suffix", LOSSY)
def test_the_fields_that_are_lost_are_those_of_the_docs(tmp_path: Path, suffix: str) -> None:
    tree = full_tree()
    before, after = fields(tree), fields(again(tree, tmp_path, suffix))
    kept = {name for name in before if before[name] == after[name]}
    column = 1 if suffix == ".csv" else 2
    assert {row[0] for row in documented()} == set(before)
    assert {row[0] for row in documented() if row[column] == "kept"} == kept


def test_the_full_tree_leaves_nothing_at_its_default() -> None:
    for name, values in fields(full_tree()).items():
        assert name in ("format", "schema_version") or any(value not in (None, "", (), {}, 0) for value in values), name


def test_json_loses_nothing(tmp_path: Path) -> None:
    assert again(full_tree(), tmp_path, ".json") == full_tree()


# -- JSON --------------------------------------------------------------------------------------------------------


def test_the_schema_is_that_of_the_models() -> None:
    checked_in = ROOT / "taxonomy" / "formats" / "taxonomy.schema.json"
    assert checked_in.read_text(encoding="utf-8") == json_schema_text(), "run: make schema"
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_the_schema_holds_builds_and_refuses_what_is_none(small_build: Path, tmp_path: Path) -> None:
    valid = json.loads((small_build / "taxonomy.json").read_bytes())
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.validate(valid)
    validator.validate(json.loads(full_tree().to_json()))
    validator.validate(valid | {"more": 1})
    broken: list[dict[str, Any]] = [
        {key: value for key, value in valid.items() if key != "nodes"},
        {key: value for key, value in valid.items() if key != "format"},
        valid | {"schema_version": 2},
        valid | {"weight_unit": "kilos"},
        valid | {"nodes": [valid["nodes"][0] | {"level": "top"}]},
    ]
    for one in broken:
        assert not validator.is_valid(one)
        (tmp_path / "t.json").write_text(json.dumps(one))
        with pytest.raises(InputError):
            taxonomy.load(tmp_path / "t.json")


def test_a_newer_schema_is_refused(run: Run, tmp_path: Path) -> None:
    text = FOUR_VALUES.to_json().replace('"schema_version": 1', '"schema_version": 2')
    (tmp_path / "t.json").write_text(text)
    done = run("export", tmp_path / "t.json", "--out", tmp_path / "t.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"Error: .*schema_version 2 is newer than 1, .*update value-taxonomy\n", done.stderr)
    assert not (tmp_path / "t.csv").exists()


# -- what is only written -------------------------------------------------------------------------------------------


def test_graphml_is_read_by_networkx(tmp_path: Path) -> None:
    tree = full_tree()
    write_taxonomy(tree, tmp_path / "t.graphml")
    graph = nx.read_graphml(tmp_path / "t.graphml")
    assert set(graph.nodes) == {node.id for node in tree.nodes}
    assert set(graph.edges) == {(node.parent, node.id) for node in tree.nodes if node.parent}
    calm = graph.nodes[tree.node("calm").id]
    assert (calm["label"], calm["level"], calm["weight"], calm["confidence"]) == ("calm", 0, 2.5, 0.625)
    assert json.loads(calm["aliases"]) == ["calm itself", "calm, too"]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=nasty_trees(controls=False))
def test_graph_formats_keep_nasty_labels(tmp_path: Path, tree: Taxonomy) -> None:
    expected = {node.id: node.label for node in tree.nodes}
    write_taxonomy(tree, tmp_path / "t.graphml")
    graph = nx.read_graphml(tmp_path / "t.graphml")
    assert {id: data["label"] for id, data in graph.nodes(data=True)} == expected
    write_taxonomy(tree, tmp_path / "t.node-link.json")
    read = nx.node_link_graph(json.loads((tmp_path / "t.node-link.json").read_bytes()), edges="edges")
    assert {id: data["label"] for id, data in read.nodes(data=True)} == expected
    assert set(read.edges) == set(tree.graph.edges)


def test_parquet_has_a_row_a_value_and_a_column_a_level(tmp_path: Path) -> None:
    tree = full_tree()
    write_taxonomy(tree, tmp_path / "t.parquet")
    frame = pd.read_parquet(tmp_path / "t.parquet").set_index("word")
    assert len(frame) == 3
    calm = frame.loc["calm"]
    assert (calm["bundle"], calm["field"], calm["field_id"]) == ("Inner strength", "Life", tree.node("Life").id)
    assert (calm["weight"], calm["confidence"], list(calm["aliases"])) == (2.5, 0.625, ["calm itself", "calm, too"])


def test_parquet_refuses_a_level_named_as_another_column(tmp_path: Path) -> None:
    tree = Taxonomy.from_nodes(FOUR_VALUES.nodes, level_names=["weight", "b", "c"], id="t", weight_unit="strings")
    with pytest.raises(OutputError, match="'weight'"):
        write_taxonomy(tree, tmp_path / "t.parquet")


# -- the command line --------------------------------------------------------------------------------------------


def in_process(script: str, *arguments: object, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own."""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.run(command, env={**os.environ, **env}, capture_output=True, encoding="utf-8", check=True)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all exports of a tree, by two processes with a hash seed each."""
    folder = tmp_path_factory.mktemp("exported")
    full_tree().write(folder / "in.json")
    script = """
        import sys
        from taxonomy.cli import main
        source, *targets = sys.argv[1:]
        for target in targets:
            main(["export", source, "--out", target], standalone_mode=False)
    """
    for seed in ("1", "2"):
        targets = [folder / f"{seed}{suffix}" for suffix in WRITTEN]
        done = in_process(script, folder / "in.json", *targets, PYTHONHASHSEED=seed)
        assert (done.stderr, done.stdout) == ("", "".join(f"Written to {target}\n" for target in targets))
    return folder


@pytest.mark.parametrize("suffix", WRITTEN)
def test_export_writes_the_same_bytes_whatever_the_hash_seed(
    exported: Path, run: Run, tmp_path: Path, suffix: str
) -> None:
    target = tmp_path / f"t{suffix}"
    done = run("export", exported / "in.json", "--out", target)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", f"Written to {target}\n")
    written = target.read_bytes()
    assert written == (exported / f"1{suffix}").read_bytes() == (exported / f"2{suffix}").read_bytes()
    assert list(tmp_path.iterdir()) == [target]


def test_export_leaves_nothing_else(exported: Path) -> None:
    expected = {"in.json", *(f"{seed}{suffix}" for seed in ("1", "2") for suffix in WRITTEN)}
    assert {path.name for path in exported.iterdir()} == expected


@pytest.mark.parametrize("suffix", LOSSY)
def test_import_reads_what_export_wrote(run: Run, tmp_path: Path, suffix: str) -> None:
    FOUR_VALUES.write(tmp_path / "in.json")
    assert run("export", tmp_path / "in.json", "--out", tmp_path / f"test{suffix}").returncode == 0
    done = run("import", tmp_path / f"test{suffix}", "--out", tmp_path / "out.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"2 domains / 2 clusters / 4 values\nWritten to {tmp_path / 'out.json'}\n"
    found = taxonomy.load(tmp_path / "out.json")
    assert [(node.id, node.label, node.parent) for node in found.nodes] == [
        (node.id, node.label, node.parent) for node in FOUR_VALUES.nodes
    ]
    # The other commands read it, too.
    assert "Practical  2 values" in run("show", tmp_path / f"test{suffix}").stdout


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    targets = [tmp_path / f"t{suffix}" for suffix in WRITTEN]
    broken = FOUR_VALUES.model_copy(update={"nodes": FOUR_VALUES.nodes[:-1]})
    for target in targets:
        target.write_text("the last good one")
        with pytest.raises(InvariantError):
            write_taxonomy(broken, target)
    script = """
        import resource, sys
        from pathlib import Path
        from taxonomy.formats.readers import read
        from taxonomy.publishing import write_taxonomy
        from taxonomy.errors import OutputError
        tree = read(Path(sys.argv[1]))
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
        for target in sys.argv[2:]:
            try:
                write_taxonomy(tree, Path(target))
            except OutputError as error:
                print(error)
    """
    FOUR_VALUES.write(tmp_path / "in.json")
    said = in_process(script, tmp_path / "in.json", *targets).stdout.splitlines()
    for target, line in zip(targets, said, strict=True):
        assert str(target) in line
        assert "File too large" in line
        assert target.read_text() == "the last good one"
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "in.json", *targets])


def test_a_place_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    FOUR_VALUES.write(tmp_path / "in.json")
    for target in (tmp_path / "in.json" / "t.csv", tmp_path / "none" / "t.csv"):
        done = run("export", tmp_path / "in.json", "--out", target)
        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(rf"Error: {target}: cannot be written: .*\n", done.stderr)


FORMS = {
    "no format": (["export", "in.json", "--out", "t.docx"], "not written as '.docx'; .*\\.csv"),
    "no suffix": (["export", "in.json", "--out", "t"], "the name has no ending"),
    "written only": (["import", "t.graphml", "--out", "o.json"], "not read from '.graphml'; give .*\\.csv"),
    "node-link": (["show", "t.node-link.json"], "not read from '.node-link.json'; give"),
    "base for csv": (
        ["export", "in.json", "--out", "t.csv", "--base-iri", "https://e.org/"],
        "go with .ttl, .rdf, .jsonld alone",
    ),
    "issued for csv": (
        ["export", "in.json", "--out", "t.csv", "--issued", "2026-01-02"],
        "go with .ttl, .rdf, .jsonld alone",
    ),
    "relative base": (
        ["export", "in.json", "--out", "t.ttl", "--base-iri", "values/"],
        "--base-iri is 'values/'; give an absolute IRI",
    ),
    "base without end": (["export", "in.json", "--out", "t.ttl", "--base-iri", "https://e.org/a"], "ends in /, # or :"),
    "base with a space": (
        ["export", "in.json", "--out", "t.ttl", "--base-iri", "https://e.org/a b/"],
        "absolute IRI",
    ),
    "no date": (["export", "in.json", "--out", "t.ttl", "--issued", "today"], "'today' does not match"),
    "no file": (["import", "none.ttl", "--out", "o.json"], "none.ttl: cannot be read: No such file"),
    "no turtle": (["import", "in.json.ttl", "--out", "o.json"], "in.json.ttl: not Turtle: "),
    "no XML": (["import", "in.json.rdf", "--out", "o.json"], "in.json.rdf: not RDF/XML: "),
    "no JSON-LD": (["import", "empty.jsonld", "--out", "o.json"], "empty.jsonld: not JSON-LD: "),
    "no scheme": (["import", "in.json.jsonld", "--out", "o.json"], "in.json.jsonld: the file has 0 concept schemes"),
}


@pytest.mark.parametrize(("arguments", "problem"), FORMS.values(), ids=FORMS)
def test_bad_usage_is_one_line_and_writes_nothing(run: Run, tmp_path: Path, arguments: list[str], problem: str) -> None:
    for name in ("in.json", "in.json.ttl", "in.json.rdf", "in.json.jsonld", "t.graphml", "t.node-link.json"):
        (tmp_path / name).write_text(FOUR_VALUES.to_json())
    (tmp_path / "empty.jsonld").touch()
    before = sorted(tmp_path.iterdir())
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(problem, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert "Usage" in done.stderr or done.stderr.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_a_missing_extra_says_which_to_install(tmp_path: Path) -> None:
    FOUR_VALUES.write(tmp_path / "in.json")
    script = "import sys; sys.modules['rdflib'] = None; from taxonomy.cli import main; main(sys.argv[1:])"
    for arguments in (["export", "in.json", "--out", "t.ttl"], ["import", "t.rdf", "--out", "o.json"]):
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 2
        assert re.fullmatch(r"Error: \.\w+ needs rdflib, .* run: pip install 'value-taxonomy\[skos\]'\n", done.stderr)


def test_characters_that_a_format_cannot_hold(tmp_path: Path) -> None:
    bell, nul = (make_tree([f"ring{char}", "calm"], [0, 0]) for char in "\a\0")
    for tree, suffix, problem in (
        (bell, ".rdf", r"U\+0007 after 'ring'"),
        (bell, ".graphml", r"U\+0007 after 'ring'"),
        (nul, ".csv", "NUL in 0:0"),
    ):
        with pytest.raises(OutputError, match=problem):
            write_taxonomy(tree, tmp_path / f"t{suffix}")
    assert not list(tmp_path.iterdir())
    for suffix in (".json", ".ttl", ".jsonld"):
        assert again(nul, tmp_path, suffix).nodes == nul.nodes
    assert again(bell, tmp_path, ".csv").node("0:0").label == "ring\a"


def test_a_folder_and_a_name_without_an_ending_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"this is a folder; give a file in it, such as .*taxonomy\.json"):
        read(tmp_path)
    with pytest.raises(InputError, match="the name has no ending; give a file in one of"):
        read(tmp_path / "taxonomy")
