"""Versions that can be published as they come: shares, sizes, names, definitions, and values that are not mentioned."""

from __future__ import annotations

import contextlib
import math
import random
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import taxonomy
from taxonomy import Diff, Edit, LevelsError, LookupFailedError, Node, Taxonomy
from taxonomy.english.phrases import Phrases
from taxonomy.model.draft import Draft
from taxonomy.model.scope_notes import read_scope, said_of_members
from taxonomy.values import canonical_key, read_values
from taxonomy.versions.changelog import as_markdown, as_text
from taxonomy.versions.replay import replay_edits
from tests.conftest import FIXTURE, examples
from tests.tiny_encoder import TinyEncoder
from tests.trees import make_tree

TWO_TOPS = {"domains": None, "top": 2}
# What `lint` must not find in what we make.
FAULTS = {"digest", "weights", "stale-definition", "empty-domain"}


def build(values: Mapping[str, float], previous: Taxonomy | None = None, **options: object) -> Taxonomy:
    return taxonomy.build(dict(values), previous=previous, encoder=TinyEncoder(), **options).tree  # type: ignore[arg-type]


def words(n: int, start: int = 0) -> dict[str, float]:
    heads = ("care", "trust", "skill", "order", "calm", "wit", "grace", "thrift")
    return {f"{head} number {i}": 1.0 + i % 7 for i in range(start, start + n) for head in heads}


def keys(value: Node) -> set[str]:
    return {canonical_key(spelling) for spelling in (value.label, *value.aliases)}


def check_version(old: Taxonomy, new: Taxonomy) -> None:
    """Check what holds of any version and the one after."""
    new.check()
    assert {finding.code for finding in taxonomy.lint(new, vectors=False)} & FAULTS <= {"empty-domain"}
    assert len({canonical_key(node.label) for node in new.leaves}) == len(new.leaves)
    total = math.fsum(node.weight for node in new.leaves)
    for node in new.nodes:
        assert node.share == pytest.approx(node.weight / total if total else 0, abs=2e-6)
        assert not (node.is_dormant and node.weight)
    assert Diff.between(old, new).apply(old) == new
    ever = {node.id for node in old.nodes} | {gone.id for gone in old.retired}
    assert ever <= {node.id for node in new.nodes} | {gone.id for gone in new.retired}
    # No id names other content.
    known = {node.id: keys(node) for node in old.leaves}
    known |= {gone.id: {canonical_key(gone.label)} for gone in old.retired if gone.level == 0}
    assert all(known[node.id] & keys(node) for node in new.leaves if node.id in known)


# -- shares ----------------------------------------------------------------------------------------------------------


def test_a_copy_of_a_draft_knows_that_its_shares_are_to_be_found() -> None:
    draft = Draft()
    # The top node is of a version before, whose total happens to be that of the values of this one.
    for node in make_tree(["a", "b", "c"], [0, 0, 0], names=[["all"]]).nodes:
        draft.put(node.model_copy(update={"share": 0.0} if node.level == 0 else {}))
    shares = [node.share for node in draft.copy().finish() if node.level == 0]
    assert math.fsum(shares) == pytest.approx(1, abs=2e-6)


@pytest.mark.parametrize("absent", ["dormant", "retire"])
def test_shares_are_of_the_new_total(cache: Path, absent: str) -> None:
    values = {value.label: value.weight for value in read_values(FIXTURE).values[::6]}
    old = taxonomy.build(values).tree
    fewer = dict(list(values.items())[2:])
    new = taxonomy.build(fewer, previous=old, absent=absent).tree
    check_version(old, new)
    edited, _ = taxonomy.apply_edits(new, [Edit(action="reject", node=new.leaves[7].id)])
    check_version(new, edited)
    check_version(edited, taxonomy.assign({"warm kindness": 900.0}, edited).tree)


# -- sizes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(30, 8), (52, 12), (40, 10), (24, 11)])
def test_a_stated_size_is_met_beside_a_version_before(sizes: tuple[int, int]) -> None:
    old = build(words(30), levels=(40, 10))
    new = build(words(31, start=1), old, levels=sizes)
    assert tuple(level.size for level in new.levels[1:3]) == sizes
    check_version(old, new)
    now = {node.id for node in new.nodes}
    kept = [node for node in old.inner if node.id in now and 0 < node.level < 3]
    assert len(kept) >= 0.9 * (min(sizes[0], 40) + min(sizes[1], 10))
    again = build(words(31, start=1), new, levels=sizes)
    assert again is new


def test_a_size_that_does_not_fit_says_what_does() -> None:
    old = build(words(10), levels=(12,), **TWO_TOPS)
    pinned = [Edit(action="pin", node=node.id) for node in old.inner if node.level == 1]
    held, _ = taxonomy.apply_edits(old, pinned)
    with pytest.raises(LevelsError, match="level 1 can't have 5 nodes beside the previous taxonomy: 12 at least"):
        build(words(10, start=1), held, levels=(5,), **TWO_TOPS)


@pytest.mark.parametrize("stay", [0.0, 0.3])
def test_a_tree_that_edits_made_smaller_is_built_again(stay: float) -> None:
    old = build(words(10), levels=(5,), **TWO_TOPS)
    clusters = [node.id for node in old.inner if node.level == 1]
    merged, _ = taxonomy.apply_edits(old, [Edit(action="merge", node=id, to=clusters[0]) for id in clusters[3:]])
    assert merged.levels[1].size <= 3
    check_version(merged, build(words(10, start=1), merged, stay=stay, **TWO_TOPS))


# -- names, parents and definitions ------------------------------------------------------------------------------------


def test_rare_newcomers_rename_and_move_nothing(cache: Path) -> None:
    values = {value.label: 10 * value.weight for value in read_values(FIXTURE).values[::3]}
    check_newcomers(values, (70, 12), 40)


@pytest.mark.slow
def test_rare_newcomers_rename_and_move_nothing_of_the_published_strings(cache: Path, published: Path) -> None:
    values = {value.label: value.weight for value in read_values(published / "values_frequencies.csv").values}
    check_newcomers(values, (266, 26), 150)


def check_newcomers(values: Mapping[str, float], levels: tuple[int, int], n_new: int) -> None:
    """Check the version without 2% of the values and with new ones, each as rare as the rarest."""
    old = taxonomy.build(dict(values), levels=levels).tree
    rng = random.Random(3)
    vocabulary = sorted({word for label in values for word in label.split() if len(word) > 4})
    rare = {f"{rng.choice(vocabulary)} {rng.choice(vocabulary)}": min(values.values()) for _ in range(n_new)}
    out = set(rng.sample(sorted(values), len(values) // 50))
    next_values = rare | {label: weight for label, weight in values.items() if label not in out}
    for absent in ("dormant", "retire"):
        new = taxonomy.build(next_values, previous=old, absent=absent).tree
        check_version(old, new)
        check_text(old, new)
        now = {node.id: node for node in new.nodes}
        same = [now[value.id].parent == value.parent for value in old.leaves if value.id in now]
        assert sum(same) >= 0.99 * len(same)
        weights = {value.id: max(value.weight, now[value.id].weight if value.id in now else 0) for value in old.leaves}
        for node in old.inner:
            before = [value.id for value in old.values(node)]
            held = {value.id for value in new.values(now[node.id])} if node.id in now else set()
            whole, kept = (math.fsum(weights[id] for id in ids) for ids in (before, held.intersection(before)))
            if kept >= 0.75 * whole:
                assert (now[node.id].label, now[node.id].parent) == (node.label, node.parent)
        check_definitions(new)


def check_text(old: Taxonomy, new: Taxonomy) -> None:
    """Check that the difference fits a terminal, that its counts add up, and that the change log is whole."""
    diff = Diff.between(old, new)
    # Where no id is retired, a quarter is minor.
    assert diff.bump == ("major" if {"retired", "merged"} & diff.counts().keys() else "minor")
    lines = as_text(diff, lines=100).splitlines()
    assert len(lines) <= 100
    counted = 0
    for line in lines[2:]:
        more = re.fullmatch(r"  \+([\d,]+) more", line)
        counted += int(more[1].replace(",", "")) if more else line.startswith("  ")
    nodes = {(change.kind, change.id) for change in diff.listed}
    assert counted == len(nodes)
    log = [line for line in as_markdown(diff).splitlines() if line.startswith("- ")]
    assert len(log) == len(nodes)
    assert all(re.search(r" \[by (data|rebuild)\]$", line) for line in log)


def check_definitions(tree: Taxonomy) -> None:
    """Check that every node has a definition, which names nothing that is gone."""
    gone = [entry.label for entry in tree.retired if entry.level == 0]
    gone += [value.label for value in tree.leaves if value.is_dormant]
    phrases = Phrases(label for label in gone if " " in label)
    for node in tree.inner:
        assert node.definition
        live = [name for value in tree.values(node) if not value.is_dormant for name in (value.label, *value.aliases)]
        assert phrases.find(said_of_members(node.definition), within=live) == [], node
        scope = read_scope(node.definition)
        assert scope is None or scope.beside not in gone, node


def test_a_scope_note_follows_the_tree_and_is_no_change_of_its_node() -> None:
    old = build(words(40), levels=(12,))
    node, scope = next((one, found) for one in old.inner if (found := read_scope(one.definition)) and found.beside)
    neighbor = old.node(scope.beside)
    while neighbor.level < node.level:
        neighbor = old.parent(neighbor) or neighbor
    stranger = next(one for one in old.leaves if old.parent(one) not in (node, neighbor) and one.parent != node.id)
    edits = [
        Edit(action="review", node=node.id, to=old.version),
        Edit(action="rename", node=neighbor.id, to="Another name"),
        Edit(action="rename", node=old.node(scope.beside).id, to="another spelling"),
        Edit(action="move", node=stranger.id, to=old.parent(old.values(node)[0]).id),
    ]
    new, _ = taxonomy.apply_edits(old, edits)
    said = new.node(node.id).definition
    assert "see Another name" in said
    assert said != node.definition
    assert read_scope(said) == scope
    assert new.node(node.id).reviewed
    changes = [change for change in Diff.between(old, new).changes if change.id == node.id]
    assert [change.kind for change in changes if change.field == "definition"] == ["annotated"]


def test_a_heavy_value_keeps_the_name_of_its_node() -> None:
    old = build({"patience": 75.0, "patience with time": 1.0, **words(6)}, levels=(8,))
    node = old.parent("patience")
    assert node is not None
    crowd = {f"patience of kind {i}": 0.1 for i in range(20)}
    new = build({"patience": 75.0, "patience with time": 1.0, **crowd, **words(6)}, old)
    assert (new.node(node.id).label, new.node("patience").parent) == (node.label, node.id)


def test_a_machines_definition_follows_its_node_and_a_persons_stays() -> None:
    old = build(words(20), levels=(20, 6))
    one, other, third = [node for node in old.inner if node.level == 1][:3]
    gone = old.values(third)[0]
    edits = [
        Edit(action="rename", node=one.id, to="Another name"),
        Edit(action="define", node=third.id, to=f"What {gone.label} is."),
        Edit(action="split", node=other.id, into=[{"label": "A part", "members": [old.children(other)[0].label]}]),
        Edit(action="reject", node=gone.id),
    ]
    edited, _ = taxonomy.apply_edits(old, edits)
    # Without a model nothing can be written: what was wrong is emptied.
    assert edited.node("Another name").definition == ""
    new = build(words(20), old, edits=edits)
    renamed = new.node("Another name")
    assert (renamed.label_source, renamed.definition_source) == ("human", "keyphrase")
    assert renamed.definition
    assert new.node("A part").definition
    assert new.node(third.id).definition == f"What {gone.label} is."
    assert new.node(third.id).definition_source is None
    found = [finding.node for finding in taxonomy.lint(new, vectors=False) if finding.code == "stale-definition"]
    assert found == [third.id]
    assert build(words(20), new, edits=edits) is new


# -- decisions -------------------------------------------------------------------------------------------------------


def test_a_value_that_a_person_made_stays_where_it_was_put() -> None:
    old = build(words(10), levels=(10,))
    parent = old.inner[-1]
    edits = [Edit(action="new", node=parent.id, to="valour in need")]
    made = build(words(10), old, edits=edits)
    assert made.node("valour in need").flags == ("made",)
    # Without a mention it is neither dormant nor retired.
    still = build(words(11), made, edits=edits, absent="retire")
    assert (still.node("valour in need").parent, still.node("valour in need").flags) == (parent.id, ("made",))
    new = build({**words(11), "Valour in need": 40.0}, still, edits=edits)
    assert (new.node("valour in need").parent, new.node("valour in need").weight) == (parent.id, 40)
    assert "made" not in new.node("valour in need").flags
    check_version(still, new)


# -- values that are not mentioned -------------------------------------------------------------------------------------


def kinds(old: Taxonomy, new: Taxonomy, id: str) -> set[str]:
    return {change.kind for change in Diff.between(old, new).changes if change.id == id}


def test_a_value_that_is_not_mentioned_is_dormant_and_later_retired() -> None:
    values = words(20)
    first = build(values, levels=(20, 6))
    gone = first.node("care number 3")
    versions = [first]
    for count in range(1, 6):
        fewer = {label: weight + count for label, weight in values.items() if label != gone.label}
        versions.append(build(fewer, versions[-1], retire_after=4))
        check_version(versions[-2], versions[-1])
    dormant = versions[1].node(gone.id)
    assert (dormant.flags, dormant.weight, dormant.absences) == (("dormant",), 0, 1)
    assert (dormant.absent_since, dormant.parent) == (versions[1].version, gone.parent)
    assert versions[1].version == "1.1.0"
    assert [change.kind for change in Diff.between(first, versions[1]).changes if change.id == gone.id].count(
        "dormant"
    ) == 1
    assert [tree.node(gone.id).absences for tree in versions[1:5]] == [1, 2, 3, 4]
    assert versions[4].node(gone.id).absent_since == versions[1].version
    assert gone.id not in {node.id for node in versions[5].nodes}
    assert versions[5].retired_node(gone.id).since == versions[5].version == "2.0.0"
    back = build(values, versions[4])
    assert (back.node(gone.id).flags, back.node(gone.id).absent_since, back.node(gone.id).absences) == ((), None, 0)
    assert [change.kind for change in Diff.between(versions[4], back).changes if change.id == gone.id].count(
        "revived"
    ) == 1
    rejected = build(fewer, versions[3], edits=[Edit(action="reject", node=gone.id)])
    assert rejected.retired_node(gone.id).replaced_by == ()
    assert gone.id not in {node.id for node in build(fewer, first, absent="retire").nodes}


def test_a_node_whose_values_are_all_dormant_stays_with_its_name() -> None:
    values = words(20)
    old = build(values, levels=(20, 6))
    node = next(node for node in old.inner if node.level == 1)
    gone = {value.label for value in old.values(node)}
    new = build({label: weight for label, weight in values.items() if label not in gone}, old)
    kept = new.node(node.id)
    assert (kept.label, kept.weight, kept.flags) == (node.label, 0, ("dormant",))
    check_version(old, new)


def test_dormant_values_are_in_no_figure_and_no_name() -> None:
    values = words(20)
    old = build(values, levels=(20, 6))
    fewer = dict(list(values.items())[40:])
    dormant = taxonomy.build(fewer, previous=old, encoder=TinyEncoder())
    assert sum(value.is_dormant for value in dormant.tree.leaves) == 40
    assert [level.nodes for level in dormant.quality] <= [level.size for level in dormant.tree.levels[1:]]
    for node in dormant.tree.inner:
        live = [child for child in dormant.tree.children(node) if not child.is_dormant]
        assert ("thin" in node.flags) == (len(live) == 1)
    check_definitions(dormant.tree)


@pytest.mark.parametrize("option", [{"absent": "gone"}, {"retire_after": 0}, {"retire_after": "2"}])
def test_a_wrong_choice_is_said(option: dict[str, object]) -> None:
    with pytest.raises(taxonomy.TaxonomyError, match=next(iter(option))):
        taxonomy.Recipe(**option)  # type: ignore[arg-type]


# -- any change ------------------------------------------------------------------------------------------------------

POOL = list(words(8))
ACTIONS = ("rename", "define", "move", "merge", "pin", "alias", "reject", "new", "split")
WEIGHTS = st.dictionaries(st.sampled_from(POOL), st.integers(1, 50).map(float), min_size=20, max_size=40)


@st.composite
def edits_of(draw: st.DrawFn, tree: Taxonomy) -> list[Edit]:
    """Draw valid edits of any kind, no two of one node."""
    clusters = [node for node in tree.inner if node.level == 1]
    chosen: list[Edit] = []
    used: set[str] = set()
    for action in draw(st.lists(st.sampled_from(ACTIONS), max_size=4)):
        kind = clusters if action in ("rename", "define", "split") else tree.leaves
        free = [node for node in kind if node.id not in used]
        children = {child.id for node in free for child in tree.children(node)}
        node = draw(st.sampled_from(free)) if free else None
        if node is None or (action == "split" and (len(tree.children(node)) < 2 or children & used)):
            continue
        used |= {node.id, *(child.id for child in tree.children(node) if action == "split")}
        to = draw(
            st.sampled_from([other for other in tree.leaves if other.id not in used] if action == "merge" else clusters)
        )
        used |= {to.id} if action == "merge" else set()
        chosen.append(make_edit(tree, action, node, to, len(chosen)))
    return chosen


def make_edit(tree: Taxonomy, action: str, node: Node, to: Node, number: int) -> Edit:
    fields: dict[str, dict[str, object]] = {
        "rename": {"to": f"Label {number} of {node.id}"},
        "define": {"to": f"What {number} is."},
        "move": {"to": to.id},
        "merge": {"to": to.id},
        "alias": {"to": f"spelling {number} of {node.label}"},
        "new": {"to": f"made value {number}"},
        "split": {
            "into": [{"label": f"Part of {node.id}", "members": [child.id for child in tree.children(node)[:1]]}]
        },
    }
    target = to if action == "new" else node
    return Edit(action=action, node=target.id, **fields.get(action, {}))  # type: ignore[arg-type]


def next_version(old: Taxonomy, values: dict[str, float], data: st.DataObject) -> Taxonomy:
    edits = data.draw(edits_of(old), label="edits")
    reviewed = data.draw(st.lists(st.sampled_from(old.inner), max_size=3, unique=True), label="reviewed")
    edits += [Edit(action="review", node=node.id, to=old.version, date="2026-01-31") for node in reviewed]
    absent = data.draw(st.sampled_from(["dormant", "retire"]), label="absent")
    stay = data.draw(st.sampled_from([0.0, 0.3, 1.0]), label="stay")
    new = build(values, old, edits=edits, absent=absent, stay=stay, **TWO_TOPS)
    check_version(old, new)
    check_trail(old, new, values, edits)
    strings = {spelling for value in new.leaves if not value.is_dormant for spelling in (value.label, *value.aliases)}
    rejected = {edit.node for edit in edits if edit.action == "reject"}
    assert {label for label in values if (node := _node(old, label)) is None or node.id not in rejected} <= strings
    return new


def check_trail(old: Taxonomy, new: Taxonomy, values: dict[str, float], edits: list[Edit]) -> None:
    """Check that every decision is told once, in this version and when it is built again."""
    told = {entry.id: entry.history for entry in (*new.nodes, *new.retired)}
    for history in told.values():
        what = [(decision.action, decision.node, decision.to, decision.date) for decision in history]
        assert len(set(what)) == len(what)
        assert all(decision.version for decision in history)
    for entry in (*old.nodes, *old.retired):
        assert told[entry.id][: len(entry.history)] == entry.history
    decided = {(decision.action, decision.node) for history in told.values() for decision in history}
    outcomes = replay_edits(Draft(new.nodes), edits, new.retired).outcomes
    done = {(outcome.edit.action, outcome.edit.node) for outcome in outcomes if outcome.status == "in place"}
    assert done <= decided
    # What was reviewed before and is not now was changed, or a person wants it looked at again.
    listed = {change.id for change in Diff.between(old, new).listed}
    assert {node.id for node in old.nodes if node.reviewed and node.id in told} - listed <= {
        node.id for node in new.nodes if node.reviewed
    } | {gone.id for gone in new.retired}


def _node(tree: Taxonomy, label: str) -> Node | None:
    # A node may have the name of a value that has gone.
    with contextlib.suppress(LookupFailedError):
        return tree.node(label, level=0)
    return None


@settings(examples(20, all=200), suppress_health_check=list(HealthCheck))
@given(first=WEIGHTS, second=WEIGHTS, data=st.data())
def test_the_next_version_of_any_tree_can_be_published(
    cache: Path, first: dict[str, float], second: dict[str, float], data: st.DataObject
) -> None:
    next_version(build(first, levels=(5,), **TWO_TOPS), second, data)


@pytest.mark.slow
@settings(examples(10, all=40), suppress_health_check=list(HealthCheck))
@given(lists=st.lists(WEIGHTS, min_size=6, max_size=6), data=st.data())
def test_five_versions_in_a_row_can_be_published(
    cache: Path, lists: list[dict[str, float]], data: st.DataObject
) -> None:
    tree = build(lists[0], levels=(5,), **TWO_TOPS)
    for values in lists[1:]:
        tree = next_version(tree, values, data)
