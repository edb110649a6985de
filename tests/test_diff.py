"""What changed, as changes that give the new version back, as text, and as a mapping of ids."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import taxonomy
from taxonomy.cli import revision
from taxonomy.errors import InputError
from taxonomy.model import Conversations, Placement, Taxonomy
from taxonomy.versions.changelog import as_markdown, as_text
from taxonomy.versions.diff import COUNTED, KINDS, Diff
from taxonomy.versions.edits import Edit
from taxonomy.versions.mapping import mappings, sssom_tsv
from taxonomy.versions.number import Bump, bump
from taxonomy.versions.replay import apply_edits
from taxonomy.versions.retirement import succeed
from tests.conftest import Run, examples
from tests.tiny_encoder import TinyEncoder
from tests.trees import make_tree, trees

LABELS = [f"value {chr(97 + i)}" for i in range(12)]
NASTY = '=1+1\t"quoted"\n<b>*bold*</b> 🙂 \u202eabc | #'


@st.composite
def dressed(draw: st.DrawFn, labels: list[str]) -> Taxonomy:
    """Draw a tree whose nodes have something in every field."""
    tree = draw(trees(labels))
    number = st.floats(0, 1, allow_nan=False)
    nodes = []
    for node in tree.nodes:
        fields: dict[str, object] = {
            "definition": draw(st.sampled_from(["", "One.", "Other."])),
            "stability": draw(st.none() | number),
            "label_rank": draw(st.none() | st.integers(1, 9)),
            "flags": draw(st.sampled_from([(), ("doubtful",)])),
            "conversations": draw(
                st.none() | st.builds(Conversations, count=st.just(1), total=st.just(2), low=number, high=number)
            ),
        }
        if node.parent:
            fields["placement"] = draw(st.none() | st.builds(Placement, confidence=number, second_parent=st.none()))
        if node.level == 0:
            names = draw(st.lists(st.sampled_from(["", " Alias", " alias", " two"]), unique=True))
            # Any order: no reader promises that aliases are sorted.
            fields["aliases"] = tuple(f"{node.label}{name}" for name in names if name)
        nodes.append(node.model_copy(update=fields))
    title = draw(st.sampled_from(["", "A title"]))
    return Taxonomy.from_nodes(nodes, id="test", title=title, weight_unit="strings")


@given(old=dressed(LABELS[:9]), new=dressed(LABELS[3:]), related=st.booleans())
@examples(10, all=80)
def test_a_difference_applied_gives_the_new_version(old: Taxonomy, new: Taxonomy, related: bool) -> None:
    if related:
        new = succeed(old, new, {})
    diff = Diff.between(old, new)
    applied = diff.apply(old)
    assert applied == new
    assert applied.to_json() == new.to_json()
    assert diff.bump == bump(old, new)
    # It can be shown in every form, and its counts are of what it lists.
    json.dumps(diff.to_dict())
    assert set(diff.counts()) == {change.kind for change in diff.changes}
    assert as_text(diff).startswith(f"{old.version} -> {new.version}: ")
    assert as_markdown(diff).startswith(f"## {new.version}\n")


def test_no_difference() -> None:
    tree = make_tree(LABELS, [i // 3 for i in range(12)], [0, 0, 1, 1])
    diff = Diff.between(tree, tree)
    assert (diff.changes, diff.bump, diff.apply(tree)) == ((), None, tree)
    assert as_text(diff) == "1.0.0 -> 1.0.0: nothing changed\n"


def test_a_difference_of_another_taxonomy_is_refused() -> None:
    tree = make_tree(LABELS, [i // 3 for i in range(12)], [0, 0, 1, 1])
    other = make_tree(LABELS, [i // 4 for i in range(12)], [0, 0, 1])
    with pytest.raises(InputError, match="is not the one that this difference starts from"):
        Diff.between(tree, other).apply(other)


@pytest.fixture(scope="module")
def versions() -> tuple[Taxonomy, Taxonomy]:
    """A tree with nasty labels and what a person made of it: one of each kind of change."""
    groups = [0, 0, 1, 1]
    old = make_tree([*LABELS[:11], NASTY], [i // 3 for i in range(12)], groups, [0, 1])
    new, outcomes = apply_edits(
        old,
        [
            Edit(action="merge", node="1:0", to="1:1"),
            Edit(
                action="split",
                node="1:2",
                into=[  # type: ignore[arg-type]
                    {"label": "Part one", "members": ["0:6"]},
                    {"label": "Part two", "members": ["0:7", "0:8"]},
                ],
            ),
            # No edit may say this; what was imported may.
            Edit.model_construct(action="rename", node="1:3", to=f"{NASTY} renamed"),
            Edit(action="define", node="1:1", to=NASTY),
            Edit(action="alias", node="0:0", to='=1+1 "quoted" alias'),
            Edit(action="reject", node="0:1"),
            Edit(action="move", node="0:2", to="1:3"),
        ],
    )
    assert {outcome.status for outcome in outcomes} == {"applied"}
    return old, new


def test_changes_have_kgcl_names(versions: tuple[Taxonomy, Taxonomy]) -> None:
    diff = Diff.between(*versions)
    found = {(change.type, change.id) for change in diff.changes}
    parts = versions[1].retired_node("1:2").replaced_by
    assert found >= {
        ("NodeDirectMerge", "1:0"),
        ("NodeObsoletionWithNoDirectReplacement", "1:2"),
        ("NodeSplit", "1:2"),
        ("NodeCreation", parts[0]),
        ("NodeRename", "1:3"),
        ("NewTextDefinition", "1:1"),
        ("NewSynonym", "0:0"),
        ("NodeObsoletion", "0:1"),
        ("NodeMove", "0:2"),
    }
    assert (diff.bump, versions[1].version) == ("major", "2.0.0")
    counts = diff.counts()
    assert {kind: counts[kind] for kind in ("added", "retired", "merged", "split", "renamed", "redefined")} == {
        "added": 2, "retired": 2, "merged": 1, "split": 1, "renamed": 1, "redefined": 1,
    }  # fmt: skip
    assert list(counts) == [kind for kind in KINDS if kind in counts]
    assert diff.apply(versions[0]) == versions[1]


def test_a_node_that_comes_back_and_one_that_vanishes() -> None:
    tree = make_tree(LABELS, [i // 3 for i in range(12)], [0, 0, 1, 1])
    less = make_tree(LABELS[:11], [i // 3 for i in range(11)], [0, 0, 1, 1])
    assert [change.type for change in Diff.between(tree, less).changes if change.kind == "retired"] == ["NodeDeletion"]
    retired = succeed(tree, less, {})
    changes = [change for change in Diff.between(retired, succeed(retired, tree, {})).changes if change.kind == "added"]
    assert [(change.type, change.id) for change in changes] == [("NodeUnobsoletion", "0:11")]


def listed(text: str) -> dict[str, list[str]]:
    """Return the lines of each kind of change; its heading says how many they are."""
    kinds: dict[str, list[str]] = {}
    for part in text.split("\n\n")[1:]:
        heading, *lines = part.splitlines()
        kind, _, count = heading.partition(": ")
        more = re.fullmatch(r"  \+([\d,]+) more", lines[-1])
        assert int(count.replace(",", "")) == len(lines) + (int(more[1].replace(",", "")) - 1 if more else 0)
        kinds[kind] = lines
    return kinds


def test_text_counts_and_then_lists_each_kind(versions: tuple[Taxonomy, Taxonomy]) -> None:
    diff = Diff.between(*versions)
    text = as_text(diff)
    assert text.startswith("1.0.0 -> 2.0.0: 2 added, 2 retired, 1 merged, 1 split, ")
    assert text.splitlines()[0].endswith("a major change")
    counts = diff.counts()
    assert list(listed(text)) == [kind for kind in counts if kind not in COUNTED]
    assert list(listed(as_text(diff, all=True))) == list(counts)
    assert {"recounted", "annotated"} <= set(counts)
    assert [change["type"] for change in diff.to_dict(all=False)["changes"]] == [change.type for change in diff.listed]


@given(old=dressed(LABELS), new=dressed(LABELS[3:]), lines=st.integers(40, 60))
@examples(10, all=80)
def test_text_is_as_long_as_it_may_be_and_its_counts_add_up(old: Taxonomy, new: Taxonomy, lines: int) -> None:
    diff = Diff.between(old, succeed(old, new, {}))
    whole, short = as_text(diff, all=True), as_text(diff, lines=lines, all=True)
    assert len(short.splitlines()) <= lines
    assert {kind: len(found) for kind, found in listed(whole).items()} == diff.counts()
    for kind, found in listed(short).items():
        rest = [line for line in found if not line.startswith("  +")]
        assert rest == listed(whole)[kind][: len(rest)]
        assert rest
    if len(whole.splitlines()) <= lines - 2 * len(listed(whole)):
        assert short == whole


def test_each_change_has_its_reason(versions: tuple[Taxonomy, Taxonomy]) -> None:
    old, new = versions
    reasons = {(change.kind, change.id): change.reason for change in Diff.between(old, new).listed}
    assert set(reasons.values()) == {"edit"}
    # A value came, a node was named anew by no edit, and one was moved by none.
    came = make_tree([*LABELS, "value z"], [i // 3 for i in range(13)], [0, 0, 1, 1, 1])
    rest = make_tree(LABELS, [i // 3 for i in range(12)], [0, 0, 1, 1])
    fields = {"label": "Another", "parent": "2:1"}
    moved = [node.model_copy(update=fields) if node.id == "1:1" else node for node in came.nodes]
    changed = Taxonomy.from_nodes(moved, id="test", weight_unit="strings")
    reasons = {(change.kind, change.id): change.reason for change in Diff.between(rest, changed).listed}
    assert reasons == {
        ("added", "0:12"): "data",
        ("added", "1:4"): "data",
        ("moved", "1:1"): "rebuild",
        ("renamed", "1:1"): "rebuild",
    }
    text = as_markdown(Diff.between(rest, changed))
    assert text.count(" [by data]") == 2
    assert text.count(" [by rebuild]") == 2


def test_markdown_escapes_what_labels_hold(versions: tuple[Taxonomy, Taxonomy]) -> None:
    text = as_markdown(Diff.between(*versions))
    assert "<b>" not in text
    assert r"\<b\>\*bold\*\</b\>" in text
    assert all(re.match(r"(#|- |$|\S)", line) for line in text.splitlines())
    assert "### n3x0" in text
    assert text.startswith("## 2.0.0\n\nSince 1.0.0: ")
    assert re.search(r" \(\d:\d+\)", text)


# -- the mapping -----------------------------------------------------------------------------------------------


def test_a_mapping_says_where_each_id_is(versions: tuple[Taxonomy, Taxonomy]) -> None:
    old, new = versions
    found: dict[str, list[tuple[str | None, str, float]]] = {}
    for one in mappings(old, new):
        found.setdefault(one.old.id, []).append((one.new and one.new.id, one.predicate, round(one.jaccard, 2)))
    assert set(found) == {node.id for node in old.nodes}
    parts = new.retired_node("1:2").replaced_by
    assert found["0:0"] == [("0:0", "skos:exactMatch", 1.0)]
    assert found["0:1"] == [(None, "skos:exactMatch", 0.0)]
    assert found["1:0"] == [("1:1", "skos:broadMatch", 0.17)]
    assert found["1:2"] == [(parts[0], "skos:narrowMatch", 0.33), (parts[1], "skos:narrowMatch", 0.67)]
    assert found["1:1"][0][:2] == ("1:1", "skos:exactMatch")


def test_what_replaced_a_replacement_is_followed(versions: tuple[Taxonomy, Taxonomy]) -> None:
    old, new = versions
    newer, _ = apply_edits(new, [Edit(action="merge", node="1:1", to="1:3")])
    assert [one.new and one.new.id for one in mappings(old, newer) if one.old.id == "1:0"] == ["1:3"]


def test_what_a_person_merged_or_split_is_no_exact_match_and_says_so(versions: tuple[Taxonomy, Taxonomy]) -> None:
    old, new = versions
    merged, _ = apply_edits(
        old,
        [Edit(action="merge", node="0:0", to="0:1"), Edit(action="alias", node="0:2", to="value d")],
    )
    found = {one.old.id: one for one in mappings(old, merged) if one.new}
    for gone, kept in (("0:0", "0:1"), ("0:3", "0:2")):
        one = found[gone]
        assert (one.new and one.new.id, one.predicate, one.jaccard) == (kept, "skos:broadMatch", 0.5)
        assert one.justification == "semapv:ManualMappingCuration"
        assert (found[kept].predicate, found[kept].justification) == ("skos:exactMatch", "semapv:LexicalMatching")
    by_person = {(one.old.id, one.new.id) for one in mappings(old, new) if "Manual" in one.justification and one.new}
    parts = new.retired_node("1:2").replaced_by
    assert by_person == {("1:0", "1:1"), *(("1:2", part) for part in parts)}


@given(old=trees(LABELS[:9]), new=trees(LABELS[3:]))
@examples(10, all=80)
def test_no_two_old_ids_are_one_new_id(old: Taxonomy, new: Taxonomy) -> None:
    values = [node.id for node in old.leaves[:2]]
    merged, _ = apply_edits(old, [Edit(action="merge", node=values[0], to=values[1])])
    for tree in (succeed(old, new, {}), merged):
        exact = [one.new.id for one in mappings(old, tree) if one.new and one.predicate == "skos:exactMatch"]
        assert len(set(exact)) == len(exact)


def test_an_sssom_mapping_set_has_its_metadata_and_one_row_a_mapping(versions: tuple[Taxonomy, Taxonomy]) -> None:
    lines = sssom_tsv(*versions).splitlines()
    metadata = [line for line in lines if line.startswith("#")]
    assert any(line.startswith("#mapping_set_id: 'https://") for line in metadata)
    assert any(line.startswith("#license: ") for line in metadata)
    table = list(csv.DictReader(lines[len(metadata) :], delimiter="\t"))
    assert len(table) == len(list(mappings(*versions)))
    prefixes = {line.split(":")[0].strip("# ") for line in metadata if line.startswith("#  ")}
    for row in table:
        assert all(row[name].split(":")[0] in prefixes for name in ("subject_id", "predicate_id", "object_id"))
        assert not row["subject_label"].startswith("=")
        assert 0 <= float(row["similarity_score"]) <= 1
    assert [row["object_id"] for row in table if row["subject_id"] == "vtid:0%3A1"] == ["sssom:NoTermFound"]


@pytest.mark.filterwarnings("ignore")  # sssom's dependencies warn of themselves.
def test_the_sssom_package_finds_no_fault(versions: tuple[Taxonomy, Taxonomy], tmp_path: Path) -> None:
    io = pytest.importorskip("sssom.io", reason="the extra sssom is not installed", exc_type=ImportError)
    (tmp_path / "map.tsv").write_text(sssom_tsv(*versions), encoding="utf-8")
    reports = io.validate_file(str(tmp_path / "map.tsv"))
    assert reports
    assert not [result for report in reports.values() for result in report.results]
    parsers = pytest.importorskip("sssom.parsers")
    parsed = parsers.parse_sssom_table(tmp_path / "map.tsv")
    assert len(parsed.df) == len(list(mappings(*versions)))


# -- the command line ------------------------------------------------------------------------------------------


def test_the_gate_takes_every_weight() -> None:
    assert sorted(revision.BUMPS) == sorted(get_args(Bump))


def test_diff_and_migrate(versions: tuple[Taxonomy, Taxonomy], run: Run, tmp_path: Path) -> None:
    old, new, out = tmp_path / "old.json", tmp_path / "new.json", tmp_path / "map.tsv"
    for tree, path in zip(versions, (old, new), strict=True):
        tree.write(path)
    done = run("diff", old, new)
    assert done.returncode == 0, done.stderr
    assert "\u202e" not in done.stdout
    assert "\n\nmerged: 1\n  n1x0 (1:0), into n1x1 (1:1)\n" in done.stdout
    found = json.loads(run("diff", old, new, "--json").stdout)
    assert (found["change"], found["counts"]["merged"]) == ("major", 1)
    assert run("diff", old, new, "--changelog").stdout.startswith("## 2.0.0\n")
    assert [run("diff", old, new, "--fail-on", level).returncode for level in ("patch", "minor", "major")] == [1, 1, 1]
    assert run("diff", new, new, "--fail-on", "patch").returncode == 0
    assert run("diff", old, new, "--json", "--changelog").returncode == 2
    done = run("migrate", old, new, "--out", out)
    assert done.returncode == 0, done.stderr
    assert out.read_text(encoding="utf-8") == sssom_tsv(*versions)
    done = run("migrate", old, new, "--out", tmp_path / "no" / "map.tsv")
    assert (done.returncode, "cannot be written" in done.stderr) == (2, True)


def test_trees_that_were_built_apart_can_be_compared(cache: object) -> None:
    old = taxonomy.build(["honesty", "candor", "patience"], encoder=TinyEncoder()).tree
    new = taxonomy.build(["honesty", "candor", "kindness"], encoder=TinyEncoder()).tree
    diff = Diff.between(old, new)
    assert diff.apply(old) == new
    assert [change.label for change in diff.changes if change.type == "NodeDeletion"] == ["patience"]
