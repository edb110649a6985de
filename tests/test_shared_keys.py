"""Two values whose spellings share a key, from a build to its next versions."""

from __future__ import annotations

import pytest

import taxonomy
from taxonomy.errors import AmbiguousKeyError, LookupFailedError
from taxonomy.model import Taxonomy
from tests.tiny_encoder import TinyEncoder

OTHERS = ["honesty", "kindness", "patience", "courage", "tolerance", "thrift", "order", "calm", "hope", "faith"]


def build(values: list[str], previous: Taxonomy | None = None) -> Taxonomy:
    return taxonomy.build([*values, *OTHERS], domains=None, top=2, previous=previous, encoder=TinyEncoder()).tree


def test_the_first_has_the_id_of_the_key_and_ids_that_are_out_stay() -> None:
    alone = build(["values inaction"]).node("values inaction")
    both = build(["values in action", "values inaction"])
    first, second = both.node("values in action"), both.node("values inaction")
    assert first.id == alone.id != second.id
    later = build(["values in action", "values inaction"], build(["values inaction"]))
    assert later.node("values inaction").id == alone.id
    assert later.node("values in action").id not in (alone.id, second.id)
    again = build(["values in action", "values inaction"], later)
    assert {node.id for node in again.leaves} == {node.id for node in later.leaves}
    gone = build(["values in action"], again)
    back = build(["values in action", "values inaction"], gone)
    assert back.node("values inaction").id == alone.id


def test_a_look_up_says_that_a_spelling_is_of_two_values() -> None:
    both = build(["in action", "inaction"])
    assert both.node("In Action").label == "in action"
    assert both.node("INACTION").label == "inaction"
    with pytest.raises(AmbiguousKeyError, match="is the label or alias of 2 nodes"):
        both.node("in-action")
    with pytest.raises(LookupFailedError, match="there is no node 'inaction'"):
        build(["in action"]).node("inaction")


def test_strings_are_placed_as_they_are_spelled() -> None:
    both = build(["values in action", "values inaction"])
    placed = taxonomy.assign(["Values-in action", "VALUES INACTION"], both)
    assert [one.node.label for one in placed.assignments] == ["values in action", "values inaction"]
