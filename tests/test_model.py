"""The graph: look-up, invariants, and its JSON form."""

from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import taxonomy
from taxonomy.errors import AmbiguousKeyError, InputError, InvariantError, LookupFailedError, OutputError
from taxonomy.model import Node, Placement, Taxonomy, load, mint_id
from taxonomy.quality.findings import list_findings
from tests.trees import make_tree

DATA = Path(__file__).with_name("data")


def node(id: str, level: int, label: str, parent: str | None = None, **fields: object) -> Node:
    return Node(id=id, level=level, label=label, slug=label, parent=parent, **fields)  # type: ignore[arg-type]


NODES = [
    node("d1", 2, "Practical", weight=5.0, share=0.5),
    node("d2", 2, "Social", weight=5.0, share=0.5),
    node("c1", 1, "Craft and care", "d1", weight=5.0, share=0.5),
    node("c2", 1, "Kindness and care", "d2", weight=5.0, share=0.5),
    node("v1", 0, "craft", "c1", aliases=("Craft",), weight=3.0, share=0.3),
    node("v2", 0, "care", "c1", weight=2.0, share=0.2),
    node("v3", 0, "kindness", "c2", weight=4.0, share=0.4),
    node("v4", 0, "practical", "c2", weight=1.0, share=0.1),
]


def tree(nodes: list[Node] = NODES) -> Taxonomy:
    return Taxonomy.from_nodes(nodes, id="test", weight_unit="mentions")


def replace(id: str, **changes: object) -> list[Node]:
    return [one.model_copy(update=changes) if one.id == id else one for one in NODES]


def test_reads_up_and_down() -> None:
    one = tree()
    assert [step.id for step in one.path("v1")] == ["d1", "c1", "v1"]
    assert [child.label for child in one.children("c1")] == ["care", "craft"]
    assert [value.id for value in one.values(one.node("d2"))] == ["v3", "v4"]
    assert [value.id for value in one.values("v1")] == ["v1"]
    assert one.parent("d1") is None
    assert [top.label for top in one.top] == ["Practical", "Social"]


def test_finds_by_id_label_and_alias_in_any_spelling() -> None:
    one = tree()
    assert one.node("v1").id == one.node("CRAFT").id == one.node("- craft.").id == "v1"
    assert one.node("practical", level=2).id == "d1"
    with pytest.raises(AmbiguousKeyError, match=r"v4 \(level 0, 'practical'\)"):
        one.node("PRACTICAL")
    assert one.node("practical").level == 0
    with pytest.raises(LookupFailedError, match="no node 'nothing'"):
        one.node("nothing")
    with pytest.raises(LookupFailedError, match="on level 1"):
        one.node("v1", level=1)


def test_graph_and_frame_hold_every_node() -> None:
    one = tree()
    assert nx.is_forest(one.graph)
    assert set(one.graph.successors("c1")) == {"v1", "v2"}
    assert one.graph.nodes["v1"]["label"] == "craft"
    frame = one.to_frame()
    assert list(frame.index) == [item.id for item in one.nodes]
    assert frame.loc["v1", "weight"] == 3.0


@pytest.mark.parametrize(
    ("nodes", "problem"),
    [
        ([*NODES, node("v1", 0, "other", "c1")], "more than once"),
        (replace("v1", parent="gone"), "do not exist"),
        (replace("v1", parent="d1"), "one level up"),
        (replace("v1", parent=None), "have no parent"),
        (replace("d1", parent="d2"), "top nodes have one"),
        ([*NODES, node("c3", 1, "Lonely", "d1")], "have no children"),
        ([*NODES, node("d3", 2, "Empty")], "have no children"),
        (replace("v2", label="Craft"), "values share a label or an alias"),
        (replace("v2", aliases=("kindness",)), "values share a label or an alias"),
        (replace("d2", label="Practical"), "same label"),
        (replace("v2", weight=-1.0), "number of 0 or more"),
        ([], "has no nodes"),
    ],
)
def test_refuses_what_is_no_taxonomy(nodes: list[Node], problem: str) -> None:
    with pytest.raises(InvariantError, match=problem):
        tree(nodes)


def test_a_domain_that_nothing_belongs_to_stays() -> None:
    assert tree([*NODES, node("d3", 2, "Empty", flags=("empty",))]).node("Empty").flags == ("empty",)


def test_json_is_canonical_and_lossless(tmp_path: Path) -> None:
    one, shuffled = tree(), tree(NODES[::-1])
    assert one.to_json() == shuffled.to_json()
    one.write(tmp_path / "tree.json")
    again = taxonomy.load(tmp_path / "tree.json")
    assert again == one
    assert again.to_json() == one.to_json()
    assert json.loads(one.to_json())["digest"].startswith("sha256:")


@given(st.text(min_size=1).filter(lambda text: text.isprintable() and text.strip()))
def test_any_label_survives_json(label: str) -> None:
    one = tree([*NODES, node("v9", 0, f"{label} 9", "c1")])
    assert Taxonomy.model_validate_json(one.to_json()).node("v9").label == f"{label} 9"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "line 1"),
        ("[]", "not a taxonomy"),
        ('{"format": "value-taxonomy", "schema_version": 2}', "newer than 1"),
        ('{"format": "value-taxonomy", "schema_version": 1}', "id: Field required"),
        ('{"format": "value-taxonomy", "weight": NaN}', "Field required"),
    ],
)
def test_load_says_what_is_wrong(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "tree.json"
    path.write_text(text)
    with pytest.raises(InputError, match=problem) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_load_checks_invariants(tmp_path: Path) -> None:
    path = tmp_path / "tree.json"
    path.write_text(tree().to_json().replace('"parent": "c2"', '"parent": "nowhere"'))
    with pytest.raises(InvariantError, match="do not exist"):
        load(path)


def test_save_leaves_what_was_there_when_it_fails(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        tree().write(tmp_path / "no folder" / "tree.json")
    path = tmp_path / "tree.json"
    path.write_text("before")
    broken = tree().model_copy(update={"nodes": tuple(replace("v1", parent="gone"))})
    with pytest.raises(InvariantError):
        broken.write(path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_ids_say_what_they_stand_for() -> None:
    assert mint_id("value", 0, ["care"]) == mint_id("value", 0, ["care"])
    assert len({mint_id("value", 0, ["a", "b"]), mint_id("value", 0, ["ab"]), mint_id("node", 0, ["a", "b"])}) == 3
    assert mint_id("value", 0, ["care"]).startswith("vt:")
    assert len(mint_id("value", 0, ["care"])) == 19


# -- files of other versions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["built", "every_field"])
def test_a_file_of_schema_version_1_is_read_and_saved_as_it_is(name: str, tmp_path: Path) -> None:
    # Written by version 0.1.0 and never changed since.
    source = DATA / f"{name}.json"
    read = taxonomy.load(source)
    read.write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == source.read_bytes()
    assert read.digest == read.compute_digest()
    assert list_findings(read) == [] or name == "every_field"


def test_fields_that_are_not_known_are_ignored(tmp_path: Path) -> None:
    def with_more(item: object) -> object:
        if isinstance(item, dict):
            return {key: with_more(value) for key, value in item.items()} | {"from_the_future": [1]}
        return [with_more(one) for one in item] if isinstance(item, list) else item

    data = json.loads((DATA / "every_field.json").read_bytes())
    more = {key: with_more(value) if key != "provenance" else value for key, value in data.items()}
    (tmp_path / "more.json").write_text(json.dumps(more | {"from_the_future": {}}))
    assert taxonomy.load(tmp_path / "more.json") == taxonomy.load(DATA / "every_field.json")


def test_a_later_field_is_left_out_at_its_default() -> None:
    votes = {"confidence": 0.5, "second_parent": None, "votes": 0.75}
    assert Placement.model_validate(votes).model_dump(mode="json") == votes
    assert Placement(confidence=0.5, second_parent=None).model_dump(mode="json") == {
        "confidence": 0.5,
        "second_parent": None,
    }


def test_a_copy_does_not_remember_other_nodes() -> None:
    made = make_tree(["a", "b"], [0, 1])
    assert (made.top_ids["0:0"], len(made.leaves), made.node("a").id) == ("1:0", 2, "0:0")
    fewer = made.model_copy(update={"nodes": tuple(node for node in made.nodes if node.id not in ("0:0", "1:0"))})
    assert (fewer.top_ids, len(fewer.leaves)) == ({"1:1": "1:1", "0:1": "1:1"}, 1)
    moved = made.with_nodes(
        [
            node.model_copy(update={"parent": "1:0"}) if node.id == "0:1" else node
            for node in made.nodes
            if node.id != "1:1"
        ]
    )
    assert (moved.id, moved.ancestors.tolist(), moved.digest) == (made.id, [[0, 0]], moved.compute_digest())
    with pytest.raises(InvariantError, match="the parents of nodes do not exist"):
        made.with_nodes(node for node in made.nodes if node.id != "1:1")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"format": "value-taxonomy", "title": "\\ud800"}', "the file has a lone surrogate"),
        (b'{"format": "\xed\xa0\x80"}', "not UTF-8 at byte 12"),
        (b"[" * 100_000, "the JSON cannot be read"),
        (b'{"format": ' + b"9" * 5000 + b"}", "the JSON cannot be read"),
    ],
    ids=["escaped surrogate", "raw surrogate", "deep", "long number"],
)
def test_what_json_lets_pass_is_one_line(content: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_bytes(content)
    with pytest.raises(InputError, match=problem) as caught:
        taxonomy.load(tmp_path / "t.json")
    assert "\n" not in str(caught.value)
