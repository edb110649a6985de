"""Members moved by the votes of a language model."""

from __future__ import annotations

import json
from typing import Any

import pytest

from taxonomy.errors import LanguageModelError
from taxonomy.model import Placement, Taxonomy
from tests.llm.labelling import Label, answering, move_first
from tests.llm_server import Server, data_of, keep_all, kind_of

pytest.importorskip("openai", reason="the extra llm is not installed")


# -- moves -----------------------------------------------------------------------------------------------------


def test_members_move_by_votes_and_weights_follow(label: Label, server: Server, tree: Taxonomy) -> None:
    server.answer = answering(move_first)
    done = label(refine=True, votes=3)
    after = done.tree
    after.check()
    assert done.moved >= 3
    moved = [node for node in tree.nodes if node.parent != after.node(node.id).parent]
    assert len(moved) == done.moved
    for node in moved:
        now = after.node(node.id)
        assert node.placement is not None
        assert now.placement is not None
        assert now.placement.votes == 1.0
        assert node.placement.confidence < 0.55
        assert now.placement.second_parent != now.parent
        assert ("doubtful" in now.flags) == (now.placement.confidence < 0.5)
        # Only to a node beside its own.
        assert now.parent is not None
        assert node.parent is not None
        assert tree.node(now.parent).parent == tree.node(node.parent).parent
    for node in after.nodes:
        if node.level:
            assert node.weight == pytest.approx(sum(child.weight for child in after.children(node)))
            assert len(after.children(node)) >= min(2, len(tree.children(node.id)))
    assert sum(node.share for node in after.top) == pytest.approx(1, abs=1e-5)
    # Clusters that lost or gained a value are named anew, from what they hold now.
    asked = {
        frozenset(one["value"] for one in data_of(r)["members"]) for r in server.requests if kind_of(r) == "cluster"
    }
    assert {
        frozenset(child.label for child in after.children(node)) for node in after.nodes if node.level == 1
    } <= asked


def test_less_than_half_of_the_votes_move_nothing(label: Label, server: Server, tree: Taxonomy) -> None:
    votes = iter(range(10**6))
    server.answer = answering(lambda request: keep_all(request) if next(votes) % 2 else move_first(request))
    done = label(refine=True, votes=2, concurrency=1)
    assert done.moved == 0
    assert {node.id: node.parent for node in done.tree.nodes} == {node.id: node.parent for node in tree.nodes}
    shares = {node.placement.votes for node in done.tree.nodes if node.placement} - {None}
    assert shares == {0.5, 1.0}


@pytest.mark.parametrize("fault", ["an unknown choice", "an unknown member", "one left out", "one twice"])
def test_an_answer_off_the_list_is_a_failure_and_moves_nothing(
    label: Label, server: Server, tree: Taxonomy, fault: str
) -> None:
    def wrong(request: dict[str, Any]) -> dict[str, Any]:
        moves = keep_all(request)["moves"]
        if fault == "an unknown choice":
            moves[0]["choice"] = "c99"
        if fault == "an unknown member":
            moves[0]["member"] = "m99"
        if fault == "one left out":
            moves.pop()
        if fault == "one twice":
            moves.append(moves[0])
        return {"moves": moves}

    server.answer = answering(wrong)
    done = label(refine=True)
    asked = {request["messages"][1]["content"] for request in server.requests if kind_of(request) == "move"}
    assert len(done.failures) == len(asked) > 0
    assert {failure.stage for failure in done.failures} == {"refine"}
    assert done.moved == 0
    assert {node.id: node.placement for node in done.tree.nodes} == {node.id: node.placement for node in tree.nodes}


def test_the_schema_closes_the_list(label: Label, server: Server) -> None:
    label(refine=True)
    request = next(request for request in server.requests if kind_of(request) == "move")
    schema = json.dumps(request["response_format"]["json_schema"]["schema"])
    for one in data_of(request)["members"] + data_of(request)["choices"]:
        assert f'"{one["id"]}"' in schema


def test_a_tree_without_confidences_cannot_be_refined(label: Label, tree: Taxonomy) -> None:
    nodes = [node.model_copy(update={"placement": None}) for node in tree.nodes]
    with pytest.raises(LanguageModelError, match="nothing to refine"):
        label(Taxonomy.from_nodes(nodes, id="x", weight_unit="mentions"), refine=True)


def test_votes_that_were_not_asked_leave_no_trace_in_a_file() -> None:
    assert Placement(confidence=0.5, second_parent=None).model_dump() == {"confidence": 0.5, "second_parent": None}
    voted = Placement(confidence=0.5, second_parent=None, votes=0.75)
    assert Placement.model_validate_json(voted.model_dump_json()) == voted
