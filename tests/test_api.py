"""The public surface: what `import taxonomy` gives, and that it takes what people have."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import taxonomy
from taxonomy.building.recipe import Recipe
from taxonomy.model import Taxonomy
from tests.conftest import FIXTURE, ROOT
from tests.tiny_encoder import TinyEncoder
from tests.trees import FOUR_VALUES, full_tree, make_tree

# -- the names -----------------------------------------------------------------------------------------------------

NAMES = """
    AmbiguousKeyError Built Diff Disclosure DomainsError Edit EditsError EmbeddingError Encoder ExtractionRecipe
    FetchError InputError InvariantError LanguageModelError LanguageModel LevelsError LookupFailedError Node
    OutputError Recipe Taxonomy TaxonomyError
    __version__ apply_edits assign audit_extraction build compare compare_contexts compare_extractions
    compare_models describe_responses detect_drift evaluate_extraction extract_values find_anomalies
    fix_extraction label lint load measure_frequency measure_mirroring measure_principles measure_stability
    open_conversations open_mentions plot_flow purge_extraction read read_edits run_study sample_extraction
    score_review write_report write_review_page
"""


def test_the_public_names_are_these() -> None:
    assert taxonomy.__all__ == sorted(NAMES.split()) == dir(taxonomy)
    assert all(getattr(taxonomy, name) is not None for name in taxonomy.__all__)
    assert taxonomy.__version__.count(".") == 2
    with pytest.raises(AttributeError):
        _ = taxonomy.nothing


def test_each_is_known_by_the_name_that_it_was_given() -> None:
    homes = taxonomy._HOMES
    for name in homes:
        assert getattr(taxonomy, name).__name__ == name
        assert getattr(taxonomy, name).__module__.startswith(("taxonomy.", "embeddings."))


def test_errors_have_one_root_and_say_where() -> None:
    errors = [name for name in taxonomy.__all__ if name.endswith("Error")]
    assert len(errors) == 12
    for name in set(errors) - {"EmbeddingError"}:
        error = getattr(taxonomy, name)("it is wrong", path="a.csv", line=3, column="value", remedy="put it right")
        assert isinstance(error, taxonomy.TaxonomyError)
        assert str(error) == "a.csv, line 3, column 'value': it is wrong; put it right"
        assert (error.problem, error.path, error.line, error.remedy) == ("it is wrong", "a.csv", 3, "put it right")


# -- a taxonomy ----------------------------------------------------------------------------------------------------


def test_a_taxonomy_is_a_collection_of_nodes() -> None:
    tree = full_tree()
    assert len(tree) == len(tree.nodes)
    assert list(tree) == list(tree.nodes)
    for node in tree:
        assert node in tree
        assert node.id in tree
        assert node.label.upper() in tree
        assert all(alias in tree for alias in node.aliases)
    assert "no such value" not in tree
    assert 5 not in tree
    assert None not in tree


def test_what_is_in_it_is_what_node_finds() -> None:
    tree = make_tree(["honesty", "kindness"], [0, 0], names=[["Honesty"]])
    assert "honesty" in tree
    # As it is written decides between a value and a cluster that has its name.
    assert (tree.node("honesty").level, tree.node("Honesty").level) == (0, 1)
    with pytest.raises(taxonomy.AmbiguousKeyError) as raised:
        tree.node("HONESTY")
    assert len(raised.value.candidates) == 2
    assert raised.value.remedy == "give an id or a level"


def test_a_mistyped_label_is_met_with_those_like_it() -> None:
    tree = make_tree(["intellectual honesty", "kindness", "calm"])
    with pytest.raises(taxonomy.LookupFailedError, match="no node 'intelectual honesti'; did you mean 'intellectual"):
        tree.node("intelectual honesti")
    with pytest.raises(taxonomy.LookupFailedError, match="give an id, a label or an alias"):
        tree.node("xyz")


def test_search_finds_labels_then_aliases_then_definitions() -> None:
    words = ["honesty", "honest speech", "dishonesty", "plain speech", "calm", "Élan"]
    tree = make_tree(words, [0, 0, 0, 0, 0, 0])
    changed = {"calm": {"aliases": ("honest calm",)}, "n1x0": {"definition": "To be honest in speech."}}
    tree = tree.with_nodes(node.model_copy(update=changed.get(node.label, {})) for node in tree)
    found = [node.label for node in tree.search(" HONEST ")]
    assert found == ["honesty", "honest speech", "calm", "dishonesty", "n1x0"]
    assert [node.label for node in tree.search("speech honest")] == ["honest speech", "n1x0"]
    assert [node.label for node in tree.search("elan")] == ["Élan"]
    assert tree.search("  ") == []


def test_a_subtree_is_a_taxonomy_of_its_own(tmp_path: Path, cache: Path) -> None:
    tree = taxonomy.build(FIXTURE.read_text(encoding="utf-8").split()[:400], encoder=TinyEncoder()).tree
    for top in tree.top:
        part = tree.subtree(top)
        part.check()
        assert [node.id for node in part.top] == [top.id]
        assert {node.id for node in part.leaves} == {node.id for node in tree.values(top)}
        assert sum(node.share for node in part.leaves) == pytest.approx(1, abs=1e-4)
        assert part.id == f"{tree.id}-{top.slug}"
        assert {finding.code for finding in part.lint(vectors=False)} <= {
            "doubtful-parent",
            "single-child",
            "opposites",
            "vice",
        }
        part.write(tmp_path / "part.json")
        assert taxonomy.load(tmp_path / "part.json") == part
    value = tree.leaves[0]
    assert [node.id for node in tree.subtree(value)] == [value.id]
    part = tree.subtree(tree.top[0])
    assert part.provenance.model == tree.provenance.model
    assert part.provenance.previous == {"id": tree.id, "version": tree.version, "digest": tree.digest}
    with pytest.raises(taxonomy.InputError, match="does not say how it was built"):
        Recipe.of(part)


def test_the_frame_has_the_label_at_each_level() -> None:
    tree = make_tree(["honesty", "candour", "calm", "ease"], [0, 0, 1, 1], [0, 0], names=[["Truth", "Peace"], ["Good"]])
    frame = tree.to_frame()
    row = frame.loc[tree.node("calm").id]
    assert [row[level.name] for level in tree.levels] == ["calm", "Peace", "Good"]
    above = frame.loc[tree.node("Peace").id]
    assert pd.isna(above["value"])
    assert above["cluster"] == "Peace"
    clash = Taxonomy.from_nodes(tree.nodes, level_names=["value", "label", "domain"], id="x", weight_unit="strings")
    assert clash.to_frame().loc[tree.node("calm").id, "level_1"] == "Peace"


def test_nearest_are_of_one_level_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = TinyEncoder()
    monkeypatch.setattr("taxonomy.quality.vectors.tree_encoder", lambda tree, model: encoder)
    tree = make_tree(["honesty", "honest", "calm", "calmness"], [0, 0, 1, 1])
    (first, cosine), *rest = tree.nearest("honesty")
    assert (first.label, len(rest)) == ("honest", 2)
    vectors = encoder.encode(["honesty", "honest"])
    assert cosine == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-6)
    assert [cosine for _, cosine in rest] == sorted((cosine for _, cosine in rest), reverse=True)
    assert [node.label for node, _ in tree.nearest(tree.parent("calm") or "", n=1)] == ["n1x0"]
    assert len(tree.nearest("calm", n=2)) == 2


def test_diff_and_lint_are_those_of_the_module() -> None:
    old, new = (
        FOUR_VALUES,
        FOUR_VALUES.with_nodes(node.model_copy(update={"definition": "Said anew."}) for node in FOUR_VALUES),
    )
    assert old.diff(new) == taxonomy.Diff.between(old, new)
    assert old.diff(new).counts() == {"redefined": len(old)}
    assert old.lint(vectors=False) == taxonomy.lint(old, vectors=False)


@pytest.mark.parametrize("suffix", [".json", ".csv", ".ttl", ".rdf", ".jsonld"])
def test_what_is_written_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"tree{suffix}"
    full_tree().write(str(path))
    tree = taxonomy.read(str(path))
    assert {node.id for node in tree} == {node.id for node in full_tree()}
    assert taxonomy.read(path) == tree


# -- what is taken -------------------------------------------------------------------------------------------------


def built(values: Any) -> Taxonomy:
    return taxonomy.build(values, encoder=TinyEncoder()).tree


def test_values_come_in_many_forms(tmp_path: Path) -> None:
    strings = ["honesty", "calm", "honesty", "kindness", "patience", "honesty", "calm"]
    (tmp_path / "values.txt").write_text("\n".join(strings), encoding="utf-8")
    expected = {"honesty": 3, "calm": 2, "kindness": 1, "patience": 1}
    series = pd.Series(strings)
    forms = [
        strings,
        expected,
        tmp_path / "values.txt",
        str(tmp_path / "values.txt"),
        series,
        series.value_counts(),
        pd.DataFrame({"value": strings}),
    ]
    for form in forms:
        assert {node.label: node.weight for node in built(form).leaves} == expected, type(form)
    assert built(series.value_counts()).weight_unit == "mentions"
    first = taxonomy.build(strings, encoder=TinyEncoder())
    assert built(first.values) == first.tree


def test_assigned_values_become_the_next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = built(["honesty", "honest speech", "calm", "calmness", "kindness", "kind words"] * 9 + ["patience"])
    encoder = TinyEncoder()
    monkeypatch.setattr("taxonomy.placement.assignments.tree_encoder", lambda tree, model: encoder)
    monkeypatch.setattr("taxonomy.quality.vectors.tree_encoder", lambda tree, model: encoder)
    assigned = taxonomy.assign(["Honesty", "calm words", "n/a"], tree)
    assert assigned.counts == {"value": 1, "alias": 0, "placed": 1, "unplaced": 0, "rejected": 1}
    frame = assigned.to_frame()
    assert list(frame["status"]) == ["value", "placed", "rejected: placeholder"]
    assigned.write(tmp_path / "placed.csv")
    assert pd.read_csv(tmp_path / "placed.csv", dtype=str, keep_default_na=False).equals(frame.astype(str))
    assert "calm words" in assigned.tree
    assert "calm words" not in tree
    assert assigned.source is tree
    assert assigned.tree.version > tree.version


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "values": (lambda: taxonomy.build(5), "values cannot be read from a int"),
    "numbers": (lambda: taxonomy.build([1, 2]), "row 1: 1 is not a string"),
    "no file": (lambda: taxonomy.build("nowhere.csv"), "nowhere.csv: "),
    "recipe": (lambda: taxonomy.build(["a b"], "average"), "`recipe` is a str; give a taxonomy.Recipe"),
    "field": (lambda: taxonomy.build(["a b"], level=3), "`level` is not a parameter of build or a field of Recipe"),
    "previous": (lambda: taxonomy.build(["a b"], previous="t.json"), "`previous` is a str; give a Taxonomy"),
    "edits": (lambda: taxonomy.build(["a b"], edits=5), "`edits` is an int"),
    "an edit": (lambda: taxonomy.build(["a b"], edits=["rename"]), "`edits` is a str"),
    "encoder": (lambda: taxonomy.build(["a b"], encoder="minilm"), "`encoder` has no name; give a taxonomy.Encoder"),
    "labeller": (lambda: taxonomy.build(["a b"], labeller="openai/x"), "`labeller` has no method name"),
    "levels": (lambda: taxonomy.Recipe(levels="26"), "`levels` is a str"),
    "sizes": (lambda: taxonomy.Recipe(levels=[2.5]), "`levels` holds a float"),
    "min children": (lambda: taxonomy.Recipe(min_children="2"), "`min_children` is a str"),
    "stay": (lambda: taxonomy.Recipe(stay="all"), "`stay` is a str"),
    "seed": (lambda: taxonomy.Recipe(seed=None), "`seed` is a NoneType"),
    "domains": (lambda: taxonomy.Recipe(domains=5), "`domains` is an int"),
    "method": (lambda: taxonomy.Recipe(method="best"), "`method` is 'best'; choose one of average"),
    "read": (lambda: taxonomy.read(5), "`path` is an int"),
    "load": (lambda: taxonomy.load(None), "`path` is a NoneType"),
    "write": (lambda: FOUR_VALUES.write(5), "`path` is an int"),
    "node": (lambda: FOUR_VALUES.node(5), "`key` is an int"),
    "children": (lambda: FOUR_VALUES.children(None), "`key` is a NoneType"),
    "search": (lambda: FOUR_VALUES.search(5), "`text` is an int"),
    "plot": (lambda: FOUR_VALUES.plot("pie"), "`kind` is 'pie'; choose one of"),
    "assign": (lambda: taxonomy.assign(["a"], "t.json"), "`tree` is a str; give a Taxonomy"),
    "swapped": (lambda: taxonomy.assign(FOUR_VALUES, ["a"]), "`tree` is a list; give a Taxonomy"),
    "lint": (lambda: taxonomy.lint("t.json"), "`tree` is a str; give a Taxonomy"),
    "compare": (lambda: taxonomy.compare(FOUR_VALUES, "t.json"), "`reference` is a str; give a Taxonomy"),
    "stability": (lambda: taxonomy.measure_stability("t.json"), "`tree` is a str; give a Taxonomy"),
    "runs": (lambda: taxonomy.measure_stability(FOUR_VALUES, runs=1), "`runs` is 1; give 2 or more"),
    "diff": (lambda: FOUR_VALUES.diff("t.json"), "`new` is a str; give a Taxonomy"),
    "flow": (lambda: taxonomy.plot_flow(FOUR_VALUES, "t.json"), "`new` is a str; give a Taxonomy"),
    "edited": (lambda: taxonomy.apply_edits("t.json", ()), "`tree` is a str; give a Taxonomy"),
    "edits file": (lambda: taxonomy.read_edits(5), "`path` is an int"),
    "model": (lambda: taxonomy.LanguageModel(5), "`model` is an int"),
    "provider": (lambda: taxonomy.LanguageModel("gpt"), "there is no model 'gpt'; give one of anthropic/NAME"),
    "label": (lambda: taxonomy.label(FOUR_VALUES, "openai/x"), "`labeller` has no method name"),
    "disclosure": (lambda: taxonomy.Disclosure(min_users=-1), "`min_users` is -1"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_of_the_wrong_type_is_an_error_of_ours(name: str) -> None:
    call, problem = WRONG[name]
    with pytest.raises(taxonomy.TaxonomyError) as raised:
        call()
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)


def test_vectors_that_are_brought_are_scaled() -> None:
    vectors = np.eye(3)
    assert len(taxonomy.build(["a b", "c d", "e f"], vectors=vectors, domains=None).tree) > 3


# -- processes -----------------------------------------------------------------------------------------------------

BLOCKED = ("hdbscan", "networkx", "sentence_transformers", "torch", "transformers", "umap")


def test_reading_needs_none_of_the_heavy_packages(tmp_path: Path) -> None:
    full_tree().write(tmp_path / "t.json")
    full_tree().write(tmp_path / "t.csv")
    script = f"""
import sys
sys.modules |= dict.fromkeys({BLOCKED})
import taxonomy
tree, other = taxonomy.load("t.json"), taxonomy.read("t.csv")
tree.diff(other), tree.diff(tree).counts(), tree.to_frame(), tree.search("a")
print(tree.node(tree.leaves[0].id).label)
from taxonomy.cli import main
main(["show", "t.json", "--depth", "2"], standalone_mode=False)
main(["show", "t.json", "--node", tree.leaves[0].id], standalone_mode=False)
main(["diff", "t.json", "t.csv"], standalone_mode=False)
main(["lint", "t.json", "--no-vectors"], standalone_mode=False)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


TRYING = """
import taxonomy
try:
    taxonomy.build
except ImportError as error:
    raise SystemExit(f"Error: {error}")
"""


@pytest.mark.parametrize("script", [["-m", "taxonomy.cli", "--help"], ["-c", TRYING]])
def test_another_package_called_embeddings_is_named(tmp_path: Path, script: list[str]) -> None:
    (tmp_path / "embeddings").mkdir()
    (tmp_path / "embeddings" / "__init__.py").write_text("'''Not ours.'''")
    (tmp_path / "taxonomy").symlink_to(ROOT / "taxonomy")
    done = run_beside(tmp_path, script)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert line.startswith(f"Error: {tmp_path / 'embeddings' / '__init__.py'}: another package called 'embeddings'")


def test_another_package_called_taxonomy_is_named(tmp_path: Path) -> None:
    (tmp_path / "taxonomy").mkdir()
    (tmp_path / "taxonomy" / "__init__.py").write_text("'''Not ours.'''")
    for name in ("cli", "installation.py"):
        (tmp_path / "taxonomy" / name).symlink_to(ROOT / "taxonomy" / name)
    done = run_beside(tmp_path, ["-m", "taxonomy.cli", "--help"])
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert line.startswith(f"Error: {tmp_path / 'taxonomy' / '__init__.py'}: another package called 'taxonomy'")


def run_beside(folder: Path, script: list[str], path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, with the packages of `path`, or of the folder, before all others."""
    return subprocess.run(
        [sys.executable, *script],
        capture_output=True,
        encoding="utf-8",
        cwd=folder,
        env={"PYTHONPATH": str(path or folder), "PATH": ""},
        check=False,
    )
