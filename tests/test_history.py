"""What people decided stays with the nodes: once each, dated, in every version after."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import taxonomy
from taxonomy import Edit, Taxonomy
from taxonomy.cli.signature import find_author, today
from taxonomy.model import Decision
from taxonomy.model.history import describe_decision
from taxonomy.versions.replay import apply_edits
from tests.conftest import Run
from tests.tiny_encoder import TinyEncoder
from tests.trees import make_tree

LABELS = [f"value {chr(97 + i)}" for i in range(12)]
TREE = make_tree(LABELS, [i // 3 for i in range(12)], [0, 0, 1, 1], [0, 1])


def applied(tree: Taxonomy, *edits: Edit) -> Taxonomy:
    after, outcomes = apply_edits(tree, edits)
    assert {outcome.status for outcome in outcomes} <= {"applied", "in place", "superseded"}, outcomes
    return after


def told(tree: Taxonomy) -> dict[str, list[str]]:
    """What was decided on each node, in words."""
    labels = {one.id: one.label for one in (*tree.retired, *tree.nodes)}
    return {
        entry.id: [describe_decision(decision, entry.id, lambda id: labels.get(id, id)) for decision in entry.history]
        for entry in (*tree.nodes, *tree.retired)
        if entry.history
    }


def edit(action: str, node: str, to: object = None, **fields: object) -> Edit:
    return Edit.model_validate({"action": action, "node": node, "to": to, "date": "2026-01-31", **fields})


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (edit("rename", "1:0", "Name"), {"1:0": ["renamed to Name"]}),
        (edit("define", "1:0", "So."), {"1:0": ["defined: So."]}),
        (edit("move", "0:0", "1:1"), {"0:0": ["moved under n1x1"]}),
        (edit("pin", "0:0", "1:0"), {"0:0": ["kept under n1x0"]}),
        (edit("pin", "0:0"), {"0:0": ["kept in its place"]}),
        (edit("alias", "0:0", "worth"), {"0:0": ["also spelled worth"]}),
        (
            edit("alias", "0:0", "value b"),
            {"0:0": ["also spelled value b"], "0:1": ["taken in by value a, as value b"]},
        ),
        (edit("merge", "0:0", "0:1"), {"0:0": ["merged into value b"], "0:1": ["took in value a"]}),
        (edit("reject", "0:0"), {"0:0": ["rejected"]}),
        (edit("review", "1:0", "1.0.0"), {"1:0": ["reviewed in version 1.0.0"]}),
        (edit("review", "1:0"), {"1:0": ["reviewed"]}),
    ],
)
def test_an_edit_stands_with_its_nodes_once(decision: Edit, said: dict[str, list[str]]) -> None:
    once = applied(TREE, decision)
    assert told(once) == said
    assert {one.version for entry in (*once.nodes, *once.retired) for one in entry.history} == {once.version}
    assert once.digest == once.compute_digest()
    again = applied(once, decision)
    assert again == once
    noted = applied(once, decision.model_copy(update={"note": "because", "author": "kim"}))
    assert told(noted) == said
    assert {one.note for entry in (*noted.nodes, *noted.retired) for one in entry.history} == {"because"}
    assert noted.diff(noted).bump is None
    assert once.diff(noted).bump == "patch"


def test_new_nodes_their_members_and_what_they_leave_empty() -> None:
    tree = applied(TREE, edit("new", "2:0", "Made", members=["value a", "value b", "value c"]))
    made = tree.node("Made")
    assert told(tree) == {
        made.id: ["made under n2x0"],
        **{f"0:{i}": ["moved under Made"] for i in range(3)},
        "1:0": ["left without children"],
    }
    whole = applied(TREE, edit("split", "1:0", into=[{"label": "Part", "members": ["value a"]}]))
    assert told(whole) == {"1:0": ["split"], whole.node("Part").id: ["split off from n1x0"]}
    group = applied(TREE, edit("new", "3:0", "Group", members=["n1x0"]))
    assert [node.label for node in group.path(group.node("value a"))] == ["n3x0", "Group", "n1x0", "value a"]


def test_a_path_is_found_after_the_node_has_another_name() -> None:
    decision = Edit(action="rename", path=("n3x0", "n2x0", "n1x0"), to="Name", date="2026-01-31")
    once = applied(TREE, decision)
    assert once.node("Name").history == (
        Decision(action="rename", node="1:0", to="Name", date="2026-01-31", version=once.version),
    )
    assert applied(once, decision) == once


def test_what_comes_back_has_its_history() -> None:
    gone = applied(TREE, edit("reject", "0:0"))
    assert gone.retired_node("0:0").history[0].action == "reject"
    values = dict.fromkeys(("honesty", "candor", "kindness", "patience"), 1.0)
    first = taxonomy.build(values, encoder=TinyEncoder(), domains=None, top=1).tree
    rejected = first.node("honesty").id
    edits = [Edit(action="reject", node=rejected, note="no value")]
    second = taxonomy.build(values, previous=first, edits=edits, encoder=TinyEncoder(), domains=None, top=1).tree
    assert second.retired_node(rejected).history[0].note == "no value"
    third = taxonomy.build(values, previous=second, encoder=TinyEncoder(), domains=None, top=1).tree
    assert [one.action for one in third.node("honesty").history] == ["reject"]


# -- reviews ---------------------------------------------------------------------------------------------------------


def test_a_review_is_of_what_was_seen() -> None:
    seen = applied(TREE, edit("review", "1:0", "1.0.0"))
    assert {node.id for node in seen.nodes if node.reviewed} == {"1:0", "0:0", "0:1", "0:2"}
    # A person's later decision leaves it; the review is not of what comes later.
    renamed = applied(seen, edit("review", "1:0", "1.0.0"), edit("rename", "1:0", "Name"), edit("move", "0:3", "1:0"))
    assert renamed.node("1:0").reviewed
    assert not renamed.node("0:3").reviewed
    back = applied(renamed, edit("unreview", "1:0", renamed.version))
    assert not any(node.reviewed for node in back.nodes)
    assert applied(back, edit("review", "1:0", "1.0.0")) == back
    assert applied(back, edit("review", "1:0", back.version)).node("1:0").reviewed


def test_what_a_rebuild_changes_is_to_be_reviewed_again() -> None:
    values = {f"{head} number {i}": 1.0 for i in range(12) for head in ("care", "trust", "skill")}
    options = {"encoder": TinyEncoder(), "domains": None, "top": 2, "levels": (6,)}
    first = taxonomy.build(values, **options).tree  # type: ignore[arg-type]
    edits = [edit("review", top.id, first.version) for top in first.top]
    second = taxonomy.build(values, previous=first, edits=edits, **options).tree  # type: ignore[arg-type]
    assert all(node.reviewed for node in second.nodes)
    node = next(node for node in second.inner if node.level == 1)
    gone = {value.label for value in second.values(node)[:1]}
    kept = {label: weight for label, weight in values.items() if label not in gone}
    third = taxonomy.build(kept, previous=second, edits=edits, **options).tree  # type: ignore[arg-type]
    again = {node.id for node in third.nodes if not node.reviewed}
    changed = {
        change.id for change in second.diff(third).listed if change.kind in ("moved", "renamed", "redefined", "added")
    }
    assert again == changed
    assert all(node.reviewed for node in third.nodes if node.id not in changed)


# -- who and when ----------------------------------------------------------------------------------------------------


def test_the_day_is_today_or_the_one_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert today() == "2026-01-31"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    with pytest.raises(taxonomy.TaxonomyError, match="SOURCE_DATE_EPOCH is 'soon'"):
        today()
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert len(today()) == 10


def test_without_git_nobody_signs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if shutil.which("git"):
        assert find_author() == "kim"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_author() == ""


def test_an_edit_that_is_left_is_a_failure_when_strict(run: Run, tmp_path: Path) -> None:
    values, edits = tmp_path / "values.txt", tmp_path / "edits.toml"
    values.write_text("honesty\ncandor\npatience\n", encoding="utf-8")
    edits.write_text('\n[[edit]]\naction = "pin"\nnode = "no such"\n', encoding="utf-8")
    out = tmp_path / "build"
    assert run("build", values, "--out", out, "--edits", edits).returncode == 0
    done = run("build", values, "--out", tmp_path / "strict", "--edits", edits, "--strict", "--quiet")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: 1 edit did not apply: see line 2 of the edits file\n"
    # It is written all the same.
    assert (tmp_path / "strict" / "taxonomy.json").read_bytes() == (out / "taxonomy.json").read_bytes()
    assert run("build", values, "--out", out, "--strict").returncode == 2
    done = run("apply-edits", out / "taxonomy.json", "--edits", edits, "--out", tmp_path / "t.json", "--strict")
    assert (done.returncode, "did not apply" in done.stderr) == (1, True)
