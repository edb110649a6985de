"""Findings: each check on a tree made for it, the gate, and the visible half of the published tree by count."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError
from hypothesis import given
from hypothesis import strategies as st

from embeddings.errors import ModelNotFoundError
from taxonomy.model import ModelProvenance, Node, Placement, Provenance, Taxonomy
from taxonomy.model.draft import Draft
from taxonomy.quality.findings import CHECKS, MAX_CHILDREN, VECTOR_CHECKS, list_findings
from taxonomy.quality.opposites import find_opposites
from taxonomy.quality.vectors import TreeVectors, embed_tree
from tests.conftest import Run
from tests.trees import make_tree, trees

VALUES = ["honesty", "candor", "accuracy", "care", "kindness", "warmth"]


def codes(tree: Taxonomy, vectors: TreeVectors | None = None) -> list[tuple[str, str]]:
    return [(finding.code, finding.node) for finding in list_findings(tree, vectors)]


def test_a_sound_tree_has_no_finding() -> None:
    assert list_findings(make_tree(VALUES, [0, 0, 0, 1, 1, 1], [0, 0])) == []


def test_single_children_are_found_on_any_level() -> None:
    tree = make_tree([*VALUES, "x"], [0, 0, 0, 1, 1, 1, 2], [0, 0, 1])
    assert codes(tree) == [("single-child", "1:2"), ("single-child", "2:1")]


def test_oversized_nodes_are_found_on_any_level() -> None:
    most = [f"value {chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(MAX_CHILDREN)]
    assert codes(make_tree([*most, "x", "y"], [0] * MAX_CHILDREN + [1, 1], [0, 0])) == []
    assert codes(make_tree([*most, "x", "y", "z"], [0] * (MAX_CHILDREN + 1) + [1, 1], [0, 0])) == [("oversized", "1:0")]


def test_clusters_that_fit_no_group_are_found() -> None:
    tree = make_tree(VALUES, [0, 0, 0, 1, 1, 1], [0, 0])
    nodes = [
        node.model_copy(update={"flags": ("outlying",)}) if node.id in ("1:1", "2:0") else node for node in tree.nodes
    ]
    assert codes(tree.with_nodes(nodes)) == [("outlying", "1:1")]


def test_spelling_twins_are_found_across_the_tree() -> None:
    assert codes(make_tree(["well-being", "a", "wellbeing", "b"], [0, 0, 1, 1], [0, 0])) == [("spelling-twins", "0:2")]


@pytest.mark.parametrize("twin", ["Care and honesty", "honesty & care", "Values of Honesty, Care", "Cares and honesty"])
def test_labels_of_the_same_words_are_found_across_levels_and_domains(twin: str) -> None:
    names = [["Honesty and care", "Joy", twin, "Zest"], ["A", "B"]]
    tree = make_tree("abcdefgh", [0, 0, 1, 1, 2, 2, 3, 3], [0, 0, 1, 1], names=names)
    assert [code for code, _ in codes(tree)] == ["same-label"]
    names = [["Joy", "Zest", "Play", "Fun"], ["Honesty and care", twin]]
    assert [code for code, _ in codes(make_tree("abcdefgh", [0, 0, 1, 1, 2, 2, 3, 3], [0, 0, 1, 1], names=names))] == [
        "same-label"
    ]


def test_opposites_under_one_parent_are_one_finding_a_denial() -> None:
    tree = make_tree(["honesty", "deception", "candor", "intellectual honesty", "x", "y"], [0, 0, 0, 0, 1, 1], [0, 0])
    (finding,) = list_findings(tree)
    assert (finding.code, finding.node) == ("opposites", "0:1")
    assert '"candor"' in finding.message
    assert '"intellectual honesty"' in finding.message
    apart = make_tree(["honesty", "candor", "deception", "x"], [0, 0, 1, 1], [0, 0])
    assert list_findings(apart) == []


def test_a_vice_among_values_is_one_finding_that_names_what_it_denies() -> None:
    labels = ["honesty", "deception", "candor", "care", "greed", "malice"]
    tree = with_polarity(make_tree(labels, [0, 0, 0, 0, 1, 1], [0, 0]))
    (finding,) = list_findings(tree)
    assert (finding.code, finding.node) == ("vice", "0:1")
    assert finding.message.endswith('beside "candor", "honesty"')


def test_a_vice_among_other_values_is_found_too() -> None:
    tree = with_polarity(make_tree(["order", "greed", "care"], [0, 0, 0]))
    assert codes(tree) == [("vice", "0:1")]


def test_a_value_among_vices_is_beside_its_opposites() -> None:
    tree = with_polarity(make_tree(["honesty", "deception", "dishonesty"], [0, 0, 0]))
    assert codes(tree) == [("opposites", "0:1"), ("opposites", "0:2")]


def with_polarity(tree: Taxonomy) -> Taxonomy:
    return tree.with_nodes(Draft(tree.nodes).finish())


@pytest.mark.parametrize(
    ("denial", "denied"),
    [
        ("deception", "honesty"),
        ("strategic deception", "intellectual honesty"),
        ("cruelty", "kindness to animals"),
        ("dishonesty", "honesty"),
        ("uncertainty", "certainty"),
        ("moral uncertainty", "moral certainty"),
        ("inequality", "equality"),
        ("irresponsibility", "responsibility"),
        ("impatience", "patience"),
        ("illegality", "legality"),
        ("non-violence", "violence"),
        ("Nonviolence", "violence"),
        ("anti-intellectualism", "intellectualism"),
        ("mistrust", "trust"),
        ("carelessness", "carefulness"),
        ("hopeless", "hopeful"),
        ("purposelessness", "purpose"),
        ("lack of empathy", "empathy"),
        ("absence of moral courage", "moral courage"),
        ("complexity", "simplicity"),
        ("Greed and ambition", "Generosity and warmth"),
    ],
)
def test_opposites_are_found(denial: str, denied: str) -> None:
    assert list(find_opposites(["something else", denied, denial])) == [(2, 1)]


@pytest.mark.parametrize(
    "pair",
    [
        ("honesty", "honesty about limits"),
        ("deception avoidance", "honesty"),
        ("avoiding deception", "honesty"),
        ("freedom from deception", "honesty"),
        ("deception detection", "honesty"),
        ("creative freedom", "self-control"),
        ("meal planning", "spontaneity"),
        ("design simplicity", "moral complexity"),
        ("logical certainty", "emotional uncertainty"),
        ("formation", "information"),
        ("difference", "indifference"),
        ("valuable", "invaluable"),
        ("timeliness", "timelessness"),
        ("clear communication", "lack of empathy"),
        ("", "..."),
        ("honesty", "honesty"),
    ],
)
def test_what_is_no_opposite_is_not_found(pair: tuple[str, str]) -> None:
    assert list(find_opposites(pair)) == []


@given(st.lists(st.text(max_size=20), max_size=8))
def test_opposites_take_any_text(labels: list[str]) -> None:
    for denial, denied in find_opposites(labels):
        assert denial != denied


@given(trees([f"value {chr(97 + i)}" for i in range(20)]))
def test_weights_of_a_sound_tree_add_up(tree: Taxonomy) -> None:
    assert "weights" not in {finding.code for finding in list_findings(tree)}


def test_shares_that_do_not_add_up_are_found_beyond_rounding() -> None:
    tree = make_tree(VALUES, [0, 0, 0, 1, 1, 1], [0, 0])

    def stated(id: str, share: float) -> list[str]:
        nodes = [node.model_copy(update={"share": share}) if node.id == id else node for node in tree.nodes]
        return [node for _, node in codes(Taxonomy.from_nodes(nodes, id="x", weight_unit="strings"))]

    assert stated("1:0", 0.500001) == []
    assert stated("1:0", 0.51) == ["2:0", "1:0"]


def test_values_among_those_of_another_domain_are_found() -> None:
    vectors = np.repeat(np.eye(4, dtype=np.float32)[:2], 8, axis=0)
    # The last value of the second blob is under the first domain.
    tree = make_tree([f"v{i:02}" for i in range(16)], [0] * 8 + [1] * 7 + [0], [0, 1], names=[["a", "b"], ["A", "B"]])
    findings = list_findings(tree, TreeVectors(vectors, np.eye(4, dtype=np.float32)))
    found = [finding for finding in findings if finding.code == "other-domain"]
    assert [finding.node for finding in found] == ["0:15"]
    assert '7 of its 10 nearest values are under "B"' in found[0].message


def test_labels_that_are_near_or_fit_another_node_better_are_found() -> None:
    tree = make_tree(["a", "b", "c", "d"], [0, 0, 1, 1], [0, 0], names=[["one", "two"], ["top"]])
    values = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]], dtype=np.float32)
    # In the order of the nodes: top, one, two.
    apart = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], dtype=np.float32)
    near = np.array([[0, 0, 1], [1, 0, 0], [0.95, 0.3122499, 0]], dtype=np.float32)
    assert codes(tree, TreeVectors(values, apart)) == []
    assert codes(tree, TreeVectors(values, near)) == [("label-fit", "1:1"), ("near-label", "1:1")]


def test_the_encoder_is_the_one_that_the_tree_names(small_build: Path, run: Run, tmp_path: Path) -> None:
    path = small_build / "taxonomy.json"
    done = run("lint", path)
    assert done.returncode == 0, done.stderr
    data = json.loads(path.read_text(encoding="utf-8"))

    def changed(**model: str) -> Path:
        provenance = {**data["provenance"], "model": {**data["provenance"]["model"], **model}}
        altered = tmp_path / "altered.json"
        altered.write_text(json.dumps({**data, "provenance": provenance}), encoding="utf-8")
        return altered

    other = run("lint", changed(sha256="0" * 64))
    assert (other.returncode, other.stdout) == (2, "")
    assert "name one with --model" in other.stderr
    gone = run("lint", changed(name="no/such-model"))
    assert (gone.returncode, gone.stdout) == (2, "")
    assert "--no-vectors" in gone.stderr
    assert gone.stderr.count("\n") == 1
    assert run("lint", changed(name="no/such-model"), "--model", "minilm").stdout == done.stdout
    without = run("lint", changed(name="no/such-model"), "--no-vectors")
    assert without.returncode == 0
    assert "not checked: label-fit, near-label, other-domain" in without.stdout


def test_fail_on_is_a_gate(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "tree.json"
    make_tree([*VALUES, "x"], [0, 0, 0, 1, 1, 1, 2], [0, 0, 1]).write(path)
    assert run("lint", path, "--no-vectors", "--fail-on", "opposites,oversized").returncode == 0
    failed = run("lint", path, "--no-vectors", "--fail-on", "opposites,single-child")
    assert failed.returncode == 1
    assert re.search("^ +2  single-child  the heaviest: n1x2$", failed.stdout, re.MULTILINE)
    for code in ("nonsense", "near-label"):
        unknown = run("lint", path, "--no-vectors", "--fail-on", code)
        assert (unknown.returncode, unknown.stdout) == (2, "")
        assert f"no code '{code}'" in unknown.stderr
    assert run("lint", path, "--no-vectors", "--model", "minilm").returncode == 2


def test_ignored_findings_are_counted_and_not_listed(tmp_path: Path, run: Run) -> None:
    path, ignored = tmp_path / "tree.json", tmp_path / "ignored.toml"
    make_tree([*VALUES, "x"], [0, 0, 0, 1, 1, 1, 2], [0, 0, 1]).write(path)

    def lint(text: str, *options: object) -> subprocess.CompletedProcess[str]:
        ignored.write_text(text, encoding="utf-8")
        return run("lint", path, "--no-vectors", "--ignore", ignored, *options)

    one = '[[ignore]]\ncode = "single-child"\nnode = "1:2"\nreason = "it will grow"\n'
    idle = '\n[[ignore]]\ncode = "oversized"\nreason = "all are large"\n'
    done = lint(one + idle, "--fail-on", "single-child")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("1 finding, 1 ignored\n     1  single-child  the heaviest: n2x1\n")
    assert "ignores nothing any more: line 6\n" in done.stdout
    assert "1:2" not in done.stdout
    every = one.replace('node = "1:2"\n', "")
    done = lint(every, "--fail-on", "single-child")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "no findings, 2 ignored")
    found = json.loads(lint(one + idle, "--json").stdout)
    assert found["findings"] == [
        {
            "code": "single-child", "node": "2:1", "message": '"n2x1" (level 2) has a single child', "weight": 1.0,
            "label": "n2x1", "level": 2,
        }
    ]  # fmt: skip
    assert (found["counts"], found["ignored"]) == ({"single-child": 1}, 1)
    assert found["ignoring_nothing"] == [{"code": "oversized", "reason": "all are large", "line": 6}]
    assert found["not_checked"] == list(VECTOR_CHECKS)
    for text, problem in (
        (one.replace("single-child", "single-chld"), "line 1: no code 'single-chld'; did you mean single-child?"),
        (one.replace('reason = "it will grow"\n', ""), "line 1: ignore 1: reason is missing"),
        (one.replace("it will grow", " "), "reason must be a text that is not empty"),
        (one + "other = 1\n", "unknown entry 'other'"),
        ("x", "not TOML"),
    ):
        done = lint(text)
        assert (done.returncode, done.stdout) == (2, "")
        assert problem in done.stderr, done.stderr
    assert run("lint", path, "--no-vectors", "--json", "--quiet").returncode == 2


def test_the_summary_has_ten_lines_and_the_heaviest_come_first(tmp_path: Path, run: Run) -> None:
    names = [["Joy", "joys", "Zest", "Play"], ["A", "a"], ["T", "t"]]
    labels = ["honesty", "deception", "well-being", "wellbeing", "calm", "care", "wit"]
    tree = make_tree(labels, [0, 0, 1, 1, 2, 2, 3], [0, 0, 0, 1], [0, 1], names=names)
    fields = {"placement": Placement(confidence=0.1, second_parent="1:1"), "flags": ("doubtful",), "stability": 0.1}
    empty = Node(id="3:9", level=3, label="Nothing", slug="nothing", flags=("empty",))
    nodes = [node.model_copy(update=fields) if node.level == 1 else node for node in tree.nodes]
    nodes = [node.model_copy(update={"share": 0.9}) if node.id == "2:0" else node for node in nodes]
    reviewed = [node.model_copy(update={"reviewed": node.id == "0:5"}) for node in [*nodes, empty]]
    Taxonomy.from_nodes(reviewed, id="x", weight_unit="strings").write(tmp_path / "t.json")
    done = run("lint", tmp_path / "t.json", "--no-vectors")
    summary, _, rest = done.stdout.partition("\n\n")
    lines = summary.splitlines()
    assert len(lines) == 10
    assert lines[-1].startswith("not checked: ")
    counts = Counter(line.split()[0] for line in rest.splitlines())
    assert len(counts) >= 8
    assert lines[0] == f"{counts.total()} findings"
    assert sum(int(line.split()[0]) for line in lines[1:-1]) == counts.total()
    weights = [tree.node(line.split()[1]).weight for line in rest.splitlines() if line.split()[1] != "3:9"]
    assert weights == sorted(weights, reverse=True)


def test_what_is_not_reviewed_is_found_once_there_are_reviews() -> None:
    tree = make_tree(VALUES, [0, 0, 0, 1, 1, 1], [0, 0])
    assert list_findings(tree) == []
    reviewed = [node.model_copy(update={"reviewed": node.id in ("1:0", "0:0")}) for node in tree.nodes]
    found = list_findings(Taxonomy.from_nodes(reviewed, id="x", weight_unit="strings"))
    assert [(finding.node, finding.message) for finding in found] == [
        ("2:0", '"n2x0" (level 2) is not reviewed'),
        ("1:0", '"n1x0" (level 1) holds "accuracy", "candor", not reviewed'),
        ("1:1", '"n1x1" (level 1) is not reviewed, nor are "care", "kindness", "warmth"'),
    ]


def test_what_came_from_a_file_cannot_steer_the_terminal(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "tree.csv"
    rows = ["t,,T,2,,1", "c\x1b[31m,,C\x9b31m,1,t,1", "v,,v,0,c\x1b[31m,1"]
    header = "cluster_id,description,name,level,parent_cluster_id,pct_total_occurrences"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    done = run("lint", path, "--no-vectors")
    assert " 2  single-child  the heaviest: C\\x9b31m" in done.stdout
    assert not {"\x1b", "\x9b"} & set(done.stdout)


def test_a_tree_of_values_alone_can_be_checked(small_build: Path) -> None:
    # Two that are embedded already.
    tree = make_tree(["consumer protection", "appreciation of others"])
    assert list_findings(tree, embed_tree(tree)) == []


def test_codes_are_distinct_and_sorted() -> None:
    assert list(CHECKS) == sorted(CHECKS)
    assert list(VECTOR_CHECKS) == sorted(VECTOR_CHECKS)
    assert not set(CHECKS) & set(VECTOR_CHECKS)


def test_the_visible_half(published: Path, run: Run) -> None:
    done = run("lint", published / "reference_tree.csv", "--no-vectors")
    assert done.returncode == 0, done.stderr
    counts = Counter(line.split()[0] for line in done.stdout.partition("\n\n")[2].splitlines())
    assert (counts["single-child"], counts["oversized"], counts["spelling-twins"]) == (5, 1, 20)
    assert "53 children" in done.stdout


def test_a_model_that_only_a_file_names_is_never_downloaded(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    asked = []

    def snapshot(name: str, *, local_files_only: bool = False, **_: object) -> str:
        asked.append(local_files_only)
        raise LocalEntryNotFoundError("not here")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    tree = make_tree(VALUES, [0, 0, 0, 1, 1, 1], [0, 0])
    model = ModelProvenance(name="someone/a-model", sha256="0" * 64, dimension=3)
    named = tree.model_copy(update={"provenance": Provenance(model=model)})
    with pytest.raises(ModelNotFoundError, match="someone/a-model"):
        embed_tree(named)
    assert asked == [True]
    with pytest.raises(ModelNotFoundError):
        embed_tree(named, model="someone/a-model")
    assert asked == [True, True, False]
