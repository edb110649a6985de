"""A person's decisions: read, checked, replayed, and kept."""

from __future__ import annotations

import shlex
import shutil
from functools import partial
from pathlib import Path
from typing import get_args

import pytest

import taxonomy
from taxonomy.cli import editing
from taxonomy.errors import EditsError, InputError
from taxonomy.model import Taxonomy
from taxonomy.model.draft import Draft
from taxonomy.values import read_values
from taxonomy.versions.edits import Action, Edit, edit_values
from taxonomy.versions.edits_file import parse_edits, read_edits
from taxonomy.versions.replay import Outcome, apply_edits, replay_edits
from tests.conftest import Run
from tests.kills import kill_at_each, run_at_once
from tests.trees import make_tree

LABELS = [f"value {chr(97 + i)}" for i in range(8)]


@pytest.fixture
def tree() -> Taxonomy:
    """Clusters n1x0 to n1x3 of two values each, groups n2x0 and n2x1, one domain each."""
    return make_tree(LABELS, [0, 0, 1, 1, 2, 2, 3, 3], [0, 0, 1, 1], [0, 1])


def edits(text: str) -> tuple[Edit, ...]:
    return parse_edits(text, "edits.toml")


def one(tree: Taxonomy, **fields: object) -> tuple[Taxonomy, Outcome]:
    edited, outcomes = apply_edits(tree, [Edit(line=1, **fields)])  # type: ignore[arg-type]
    # Whatever was done is found in place the next time, and changes nothing.
    again, second = apply_edits(edited, [Edit(line=1, **fields)])  # type: ignore[arg-type]
    if outcomes[0].status == "applied":
        assert (second[0].status, again) == ("in place", edited)
    return edited, outcomes[0]


# -- each action -----------------------------------------------------------------------------------------------


def test_rename(tree: Taxonomy) -> None:
    for target in ({"node": "1:0"}, {"path": ("n3x0", "n2x0", "n1x0")}):
        edited, outcome = one(tree, action="rename", to="Better", **target)
        assert outcome.status == "applied"
        node = edited.node("1:0")
        assert (node.label, node.slug, node.label_source, edited.version) == ("Better", "better", "human", "1.1.0")
    edited, _ = one(tree, action="rename", node="0:0", to="Worth A")
    assert edited.node("0:0").aliases == ("value a",)
    assert one(tree, action="rename", node="0:0", to="value h")[1].status == "does not apply"
    assert "is called 'n1x1'" in one(tree, action="rename", node="1:0", to="n1x1")[1].reason


def test_define(tree: Taxonomy) -> None:
    edited, _ = one(tree, action="define", node="1:0", to="What it means.")
    assert (edited.node("1:0").definition, edited.version) == ("What it means.", "1.0.1")


def test_move(tree: Taxonomy) -> None:
    edited, _ = one(tree, action="move", node="1:0", to="2:1")
    assert edited.node("1:0").parent == "2:1"
    assert (edited.node("2:0").weight, edited.node("2:1").weight, edited.version) == (2, 6, "2.0.0")
    edited, _ = one(tree, action="move", path=("n3x0", "n2x0", "n1x0"), to=("n3x1", "n2x1"))
    assert edited.node("1:0").parent == "2:1"
    assert "not one above" in one(tree, action="move", node="1:0", to="3:1")[1].reason


def test_a_node_that_loses_its_last_child_goes(tree: Taxonomy) -> None:
    edited, outcomes = apply_edits(tree, [Edit(action="move", node=node, to="1:1") for node in ("0:0", "0:1")])
    assert [outcome.status for outcome in outcomes] == ["applied", "applied"]
    assert edited.retired_node("1:0").replaced_by == ("1:1",)
    edited, _ = apply_edits(tree, [Edit(action="move", node=node, to="2:1") for node in ("1:0", "1:1")])
    assert edited.retired_node("2:0").replaced_by == ("2:1",)
    assert edited.node("3:0").flags == ("empty",)


def test_merge(tree: Taxonomy) -> None:
    edited, _ = one(tree, action="merge", node="1:0", to="1:1")
    assert {child.id for child in edited.children("1:1")} == {"0:0", "0:1", "0:2", "0:3"}
    assert (edited.retired_node("1:0").replaced_by, edited.retired_node("1:0").since) == (("1:1",), "2.0.0")
    edited, _ = one(tree, action="merge", node="0:0", to="0:1")
    value = edited.node("value a")
    assert (value.id, value.aliases, value.weight) == ("0:1", ("value a",), 2)
    assert one(tree, action="merge", node="1:0", to="2:0")[1].status == "does not apply"
    assert one(tree, action="merge", node="1:0", to="1:0")[1].status == "does not apply"


def test_split(tree: Taxonomy) -> None:
    parts = ({"label": "Left", "members": ["n1x0"]}, {"label": "Right", "members": ["1:1"]})
    edited, _ = one(tree, action="split", node="2:0", into=parts)
    heirs = edited.retired_node("2:0").replaced_by
    assert [edited.node(heir).label for heir in heirs] == ["Left", "Right"]
    assert [child.id for child in edited.children(heirs[0])] == ["1:0"]
    edited, _ = one(tree, action="split", node="2:0", into=parts[:1])
    assert {node.label for node in edited.children("3:0")} == {"n2x0", "Left"}
    assert edited.retired == ()
    missing = ({"label": "Left", "members": ["n1x0"]}, {"label": "Right", "members": ["n1x3"]})
    edited, outcome = one(tree, action="split", node="2:0", into=missing)
    assert (outcome.reason, edited) == ("no node is called 'n1x3' under 'n2x0'", tree)


def test_pin(tree: Taxonomy) -> None:
    edited, _ = one(tree, action="pin", node="0:0")
    assert (edited.node("0:0").label_source, edited.node("0:0").parent) == ("human", "1:0")
    edited, _ = one(tree, action="pin", node="0:0", to="1:3")
    assert edited.node("0:0").parent == "1:3"


def test_alias(tree: Taxonomy) -> None:
    edited, _ = one(tree, action="alias", node="0:0", to="valeur")
    assert edited.node("Valeur").id == "0:0"
    edited, _ = one(tree, action="alias", node="0:0", to="value h")
    assert (edited.node("value h").id, edited.retired_node("0:7").replaced_by) == ("0:0", ("0:0",))
    assert one(tree, action="alias", node="1:0", to="x")[1].status == "does not apply"
    edited, outcome = one(tree, action="alias", node="0:0", to=' "Veritas". ')
    assert (edited.node("0:0").aliases, outcome.reason) == (("Veritas",), "")


def test_an_alias_that_is_a_value_says_that_it_takes_it_in(tree: Taxonomy) -> None:
    edited, outcome = one(tree, action="alias", node="0:0", to="Value-H")
    assert (outcome.status, outcome.reason) == ("applied", "takes in the value 'value h' (0:7) and its mentions")
    node = edited.node("value h")
    assert (node.id, node.aliases, node.weight) == ("0:0", ("Value-H", "value h"), 2)
    assert edited.retired_node("0:7").replaced_by == ("0:0",)


def test_one_spelling_is_an_alias_of_one_value(tree: Taxonomy) -> None:
    pairs = (("0:0", "mercy"), ("0:1", "Mercy"))
    text = "".join(f'[[edit]]\naction = "alias"\nnode = "{node}"\nto = "{to}"\n' for node, to in pairs)
    problem = "'mercy' and 'Mercy' are one spelling: alias 0:0 in line 1 and alias 0:1 in line 5 contradict each other"
    with pytest.raises(EditsError, match=f"{problem}; take one of the two out"):
        apply_edits(tree, edits(text))
    edited, _ = apply_edits(tree, edits(text.replace("0:1", "0:0")))
    assert edited.node("0:0").aliases == ("Mercy", "mercy")


def test_reject(tree: Taxonomy) -> None:
    edited, _ = one(tree, action="reject", node="0:0")
    assert edited.retired_node("0:0").replaced_by == ()
    assert sum(node.share for node in edited.top) == pytest.approx(1, abs=1e-5)
    assert one(tree, action="reject", node="1:0")[1].status == "does not apply"


def test_new(tree: Taxonomy) -> None:
    edited, _ = one(tree, action="new", node="2:0", to="Fresh", members=["value a", "value h"])
    node = edited.node("Fresh")
    assert [child.label for child in edited.children(node)] == ["value a", "value h"]
    assert (node.parent, node.weight, node.label_source) == ("2:0", 2, "human")
    edited, _ = one(tree, action="new", node="1:0", to="bravery")
    assert (edited.node("bravery").level, edited.node("bravery").weight) == (0, 0)
    # A string that is there is moved: the person's parent holds.
    edited, outcome = one(tree, action="new", node="1:0", to="Value H")
    assert (outcome.status, edited.node("value h").parent, len(edited.leaves)) == ("applied", "1:0", len(tree.leaves))
    assert one(tree, action="new", node="2:0", to="Fresh")[1].status == "does not apply"


# -- together --------------------------------------------------------------------------------------------------


def test_an_edit_applies_wholly_or_not_at_all(tree: Taxonomy) -> None:
    twin = tree.model_copy(
        update={
            "nodes": tuple(
                node.model_copy(update={"label": "value a"}) if node.id == "1:3" else node for node in tree.nodes
            )
        }
    )
    edited, outcome = one(twin, action="new", node="2:0", to="Fresh", members=["0:0", "no such value"])
    assert (outcome.status, edited) == ("does not apply", twin)


def test_one_that_no_longer_applies_is_reported(tree: Taxonomy) -> None:
    edited, outcomes = apply_edits(tree, edits('[[edit]]\naction = "rename"\nnode = "vt:gone"\nto = "x"\n'))
    assert (edited, outcomes[0].status, outcomes[0].reason) == (
        tree,
        "does not apply",
        "vt:gone is not in the taxonomy",
    )


def test_a_later_edit_of_the_same_action_supersedes(tree: Taxonomy) -> None:
    text = "".join(
        f'[[edit]]\naction = "rename"\n{what}\nto = "{to}"\n'
        for what, to in (('node = "1:0"', "One"), ('path = ["n3x0", "n2x0", "n1x0"]', "Two"), ('node = "1:1"', "Three"))
    )
    edited, outcomes = apply_edits(tree, edits(text))
    assert [outcome.status for outcome in outcomes] == ["superseded", "applied", "applied"]
    assert outcomes[0].reason == "by line 5"
    assert edited.node("1:0").label == "Two"


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        ('action = "pin"\nnode = "1:0"', 'action = "move"\nnode = "1:0"\nto = "2:1"', "move what is pinned"),
        ('action = "pin"\nnode = "1:0"', 'action = "merge"\nnode = "1:0"\nto = "1:1"', "merge what is pinned"),
        (
            'action = "split"\nnode = "1:0"\ninto = [{label = "x", members = ["0:0"]}]',
            'action = "merge"\npath = ["n3x0", "n2x0", "n1x0"]\nto = "1:1"',
            "merge what is split",
        ),
    ],
)
def test_contradictions_name_both_lines(tree: Taxonomy, first: str, second: str, problem: str) -> None:
    text = f"# decisions\n[[edit]]\n{first}\n\n[[edit]]\n{second}\n"
    with pytest.raises(EditsError, match=rf"{problem}: .* in line 2 and .* in line \d contradict each other"):
        apply_edits(tree, edits(text))


def test_what_a_later_edit_took_out_is_superseded_the_next_time(tree: Taxonomy) -> None:
    decisions = [Edit(action="move", node="1:0", to="2:1", line=1), Edit(action="merge", node="1:0", to="1:2", line=5)]
    edited, outcomes = apply_edits(tree, decisions)
    assert [outcome.status for outcome in outcomes] == ["applied", "applied"]
    again, outcomes = apply_edits(edited, decisions)
    assert [(outcome.status, outcome.reason) for outcome in outcomes] == [("superseded", "by line 5"), ("in place", "")]
    assert again is edited


# -- with values and builds ------------------------------------------------------------------------------------


def test_values_are_edited_before_a_build() -> None:
    values = read_values(["honesty", "candor", "Candour", "noise", "noise", "n/a", "candour"])
    edited = edit_values(
        values,
        [
            Edit(action="reject", path=("Practical", "noise")),
            Edit(action="alias", path=("Epistemic", "honesty"), to="candour"),
        ],
        None,
    )
    assert [(value.label, value.aliases, value.weight) for value in edited.values] == [
        ("candor", (), 1.0),
        ("honesty", ("Candour", "candour"), 3.0),
    ]
    assert [(one.row, one.value, one.reason) for one in edited.rejected] == [
        (4, "noise", "edit"),
        (6, "n/a", "placeholder"),
    ]
    spellings = sum(1 + len(value.aliases) for value in edited.values)
    assert edited.rows == spellings + edited.repeats + len(edited.rejected)
    assert list(edited.first_rows) == [2, 1, 3, 7]
    with pytest.raises(InputError, match="reject every value"):
        edit_values(read_values(["noise"]), [Edit(action="reject", path=("noise",))], None)


def test_edits_survive_builds_whatever_stay_is(cache: object) -> None:
    values = ["honesty", "candor", "patience", "calm", "craftsmanship", "efficiency", "noise", "privacy", "safety"]
    first = taxonomy.build(values).tree
    social = first.node("Social").id
    decisions = (
        Edit(action="move", node=first.node("patience").id, to=social),
        Edit(action="rename", node=first.node("calm").id, to="calmness"),
        Edit(action="define", node=first.node("honesty").id, to="Saying what is so."),
        Edit(action="reject", node=first.node("noise").id),
        Edit(action="alias", node=first.node("candor").id, to="frankness"),
        Edit(action="rename", node=social, to="Among people"),
        Edit(action="new", node=social, to="hospitality"),
    )
    for stay in (0.0, 0.3, 1.0):
        tree = taxonomy.build([*values, "candour", "kindness"], previous=first, edits=decisions, stay=stay).tree
        for _ in range(2):
            assert tree.path("patience")[0].id == social
            assert tree.path("patience")[0].label == "Among people"
            assert tree.node("calm").label == "calmness"
            assert tree.node("honesty").definition == "Saying what is so."
            assert tree.node("frankness").label == "candor"
            assert tree.path("hospitality")[0].id == social
            assert tree.retired_node(first.node("noise").id).label == "noise"
            assert {tree.node(label).label_source for label in ("patience", "calm", "honesty", "candor")} == {"human"}
            tree = taxonomy.build([*values, "courtesy"], previous=tree, edits=decisions, stay=stay).tree
    # Without a previous version, ids come from content.
    alone = taxonomy.build(values, edits=decisions).tree
    assert alone.path("patience")[0].label == "Among people"
    assert alone.version == "1.0.0"


def test_a_merge_and_a_split_hold_in_every_build(small_build: Path) -> None:
    first = taxonomy.load(small_build / "taxonomy.json")
    domain = max(first.top, key=lambda node: len(first.children(node)))
    one, other, third = first.children(domain)[:3]
    children = first.children(third)
    decisions = (
        Edit(action="merge", node=one.id, to=other.id),
        Edit(action="split", node=third.id, into=[  # type: ignore[arg-type]
            {"label": "Upper half", "members": [children[0].id]},
            {"label": "Lower half", "members": [child.id for child in children[1:]]},
        ]),
    )  # fmt: skip
    edited, _ = apply_edits(first, decisions)
    rows = {value.label: 1.0 for value in first.nodes if value.level == 0} | {"warmth of welcome": 1.0}
    for stay in (0.0, 0.3):
        tree = taxonomy.build(rows, previous=edited, edits=decisions, stay=stay).tree
        together = {value.id for node in (one, other) for value in first.values(node)}
        assert together <= {value.id for value in tree.values(other.id)}
        parts = edited.retired_node(third.id).replaced_by
        assert [tree.node(part).label for part in parts] == ["Upper half", "Lower half"]
        assert children[0].id in {child.id for child in tree.children(parts[0])}
        outcomes = replay_edits(Draft(tree.nodes), decisions, tree.retired).outcomes
        assert {outcome.status for outcome in outcomes} == {"in place"}


# -- the command line ------------------------------------------------------------------------------------------


def test_the_command_takes_every_action() -> None:
    assert get_args(Action) == editing.ACTIONS


def test_what_to_run_next_can_be_pasted(run: Run, small_build: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a build"
    folder.mkdir()
    source = shutil.copy(small_build / "taxonomy.json", folder)
    top = taxonomy.load(source).top[0]
    done = run("edit", source, "define", top.id, "What it is.", "--edits", folder / "edits.toml")
    words = shlex.split(done.stdout.splitlines()[-1])
    assert words[:2] == ["Next:", "value-taxonomy"]
    assert run(*words[2:]).returncode == 0
    assert taxonomy.load(source).node(top.id).definition == "What it is."


def test_edit_and_apply_edits(run: Run, small_build: Path, tmp_path: Path) -> None:
    source, file, out = small_build / "taxonomy.json", tmp_path / "edits.toml", tmp_path / "new.json"
    tree = taxonomy.load(source)
    node = next(node for node in tree.nodes if node.level == 1)
    done = run(
        "edit", source, "rename", node.id, "Another name", "--edits", file, "--author", "kim", "--note", "clearer"
    )
    assert done.returncode == 0, done.stderr
    assert read_edits(file)[0].model_dump(exclude_defaults=True) == {
        "action": "rename", "node": node.id, "to": "Another name", "note": "clearer", "author": "kim",
        "date": "2026-01-31", "line": 1,
    }  # fmt: skip
    value = tree.values(node)[0]
    assert run("edit", source, "pin", value.label, "--edits", file).returncode == 0
    assert read_edits(file)[1].to == node.id
    before = file.read_text()
    for arguments, problem in (
        (("move", value.id, tree.top[0].id), "no node|not one above|on level"),
        (("rename", "no such node", "x"), "no node 'no such node'"),
        (("merge", value.id, value.id), "can't be merged into itself|merge what is pinned"),
        (("rename", value.id), "rename needs to"),
        (("split", node.id, "--part", "half"), "LABEL=CHILD"),
        (("rename", node.id, "a\x1bb"), "to holds a line break or another character that does not print"),
        (("new", node.id, "here > there"), "to holds ' > '"),
        (("alias", value.id, "I value this."), "to is not a value: sentence"),
    ):
        done = run("edit", source, *arguments, "--edits", file)
        assert (done.returncode, done.stdout) == (2, "")
        assert any(part in done.stderr for part in problem.split("|")), done.stderr
    assert file.read_text() == before
    done = run("apply-edits", source, "--edits", file, "--out", out)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "2 edits: 2 applied")
    edited = taxonomy.load(out)
    assert (edited.node(node.id).label, edited.version) == ("Another name", "1.1.0")
    file.write_text(before + '\n[[edit]]\naction = "reject"\nnode = "' + node.id + '"\n')
    assert run("apply-edits", source, "--edits", file, "--out", out).returncode == 0
    done = run("apply-edits", source, "--edits", file, "--out", out, "--strict")
    assert (done.returncode, "does not apply: a value can be rejected" in done.stdout) == (1, True)


def test_decisions_made_at_once_are_all_kept(run: Run, tmp_path: Path) -> None:
    source, file = tmp_path / "t.json", tmp_path / "edits.toml"
    labels = [f"value {chr(97 + i)}" for i in range(16)]
    make_tree(labels, [i // 4 for i in range(16)], [0, 0, 1, 1], [0, 1]).write(source)

    def decide(label: str) -> None:
        done = run("edit", source, "pin", label, "--edits", file)
        assert done.returncode == 0, done.stderr

    # What a child needs is loaded before it begins.
    assert run("edit", source, "alias", "value a", "n/a", "--edits", file).returncode == 2
    assert not file.exists()
    run_at_once([partial(decide, label) for label in labels])
    tree = taxonomy.load(source)
    assert sorted(tree.node(str(edit.node)).label for edit in read_edits(file)) == labels
    assert sorted(path.name for path in tmp_path.iterdir()) == ["edits.toml", "t.json"]


def test_a_taxonomy_that_two_change_at_once_has_both_changes(run: Run, tree: Taxonomy, tmp_path: Path) -> None:
    source = tmp_path / "t.json"
    tree.write(source)
    for number in range(4):
        (tmp_path / f"{number}.toml").write_text(
            f'[[edit]]\naction = "rename"\nnode = "1:{number}"\nto = "x{number}"\n'
        )

    def apply(number: int) -> None:
        done = run("apply-edits", source, "--edits", tmp_path / f"{number}.toml", "--out", source)
        assert done.returncode == 0, done.stderr

    run_at_once([partial(apply, number) for number in range(4)])
    assert [taxonomy.load(source).node(f"1:{number}").label for number in range(4)] == ["x0", "x1", "x2", "x3"]


@pytest.mark.slow
@pytest.mark.parametrize("command", ["edit", "apply-edits", "assign"])
def test_a_command_that_is_killed_leaves_what_was_or_all_that_is_new(
    run: Run, small_build: Path, tmp_path: Path, command: str
) -> None:
    folder, kept = tmp_path / "b", tmp_path / "kept"
    shutil.copytree(small_build, kept)
    (kept / "new.txt").write_text("warm welcome\n")
    tree = taxonomy.load(kept / "taxonomy.json")
    top = tree.top[0]
    (kept / "edits.toml").write_text(f'[[edit]]\naction = "define"\nnode = "{top.id}"\nto = "So."\n')
    target = folder / "taxonomy.json"
    arguments: tuple[object, ...] = {
        "edit": (target, "pin", tree.leaves[0].id, "--edits", folder / "edits.toml"),
        "apply-edits": (target, "--edits", folder / "edits.toml", "--out", target),
        "assign": (folder / "new.txt", "--taxonomy", target, "--out", folder / "placed.csv", "--update", target),
    }[command]

    def do() -> None:
        done = run(command, *arguments)
        assert done.returncode == 0, done.stderr

    def state() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".part"}

    shutil.copytree(kept, folder)
    old = state()
    do()
    new = state()
    assert new != old
    found = []
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)
    for _ in kill_at_each(do, folder, 20):
        taxonomy.load(target)
        read_edits(folder / "edits.toml")
        found.append(state())
        # Each file is whole; the table of `assign` comes before its tree.
        assert all(found[-1].get(name) in (old.get(name), content) for name, content in new.items())
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
    assert old in found
    assert new in found


@pytest.mark.slow
def test_a_build_by_command_that_is_killed_at_any_moment(
    run: Run, small_values: Path, small_build: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "b"

    def do() -> None:
        done = run("build", small_values, "--levels", "20", "--out", folder, "--quiet")
        assert done.returncode == 0, done.stderr

    def state() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    do()
    new = state()
    shutil.rmtree(folder)
    shutil.copytree(small_build, folder)
    old = state()
    found = []
    for _ in kill_at_each(do, folder):
        taxonomy.load(folder / "taxonomy.json")
        found.append(state())
        assert found[-1] in (old, new)
        shutil.rmtree(folder)
        shutil.copytree(small_build, folder)
    assert old in found
    assert new in found


def test_a_build_reports_edits_and_rejects_what_they_reject(run: Run, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("honesty\nnoise\nkindness\ncandor\n")
    (tmp_path / "e.toml").write_text(
        '[[edit]]\naction = "reject"\npath = ["Practical", "noise"]\n[[edit]]\naction = "pin"\nnode = "vt:gone"\n'
    )
    done = run("build", tmp_path / "v.txt", "--edits", tmp_path / "e.toml", "--out", tmp_path / "b")
    assert done.returncode == 0, done.stderr
    assert "2 edits: 1 does not apply, 1 in place" in done.stdout
    assert "line 4: pin vt:gone: does not apply: vt:gone is not in the taxonomy" in done.stdout
    assert (tmp_path / "b" / "rejected.csv").read_text() == "row,value,reason\n2,noise,edit\n"
    assert "4 rows: 3 values, 0 other spellings, 0 repeats, 1 rejected" in done.stdout


def test_all_commands_say_what_an_alias_takes_in(run: Run, tmp_path: Path) -> None:
    values, file, first = tmp_path / "v.txt", tmp_path / "e.toml", tmp_path / "b" / "taxonomy.json"
    values.write_text("honesty\nnoise\nkindness\ncandor\ncandor\n")
    assert run("build", values, "--out", tmp_path / "b").returncode == 0
    id = taxonomy.load(first).node("candor").id
    said = f"takes in the value 'candor' ({id}) and its mentions"
    done = run("edit", first, "alias", "honesty", "Candor", "--edits", file)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].endswith(said)
    assert "written to" in done.stdout.splitlines()[1]
    done = run("apply-edits", first, "--edits", file, "--out", tmp_path / "edited.json")
    assert f": applied: {said}" in done.stdout
    for previous in ((), ("--previous", first)):
        done = run("build", values, "--edits", file, "--out", tmp_path / "c", *previous)
        assert said in done.stdout, done.stdout
