"""Names are held against the members of their nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from taxonomy.labels.likeness import Likeness
from taxonomy.model import Taxonomy
from taxonomy.model.draft import Draft
from tests.tiny_encoder import TinyEncoder


class PartlyKnowing(TinyEncoder):
    """It knows no word with an x, and has no vector for nothing but dots."""

    def encode(
        self, strings: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        vectors = super().encode(strings, progress=progress)
        vectors[[not string.strip(".") for string in strings]] = 0
        return vectors

    def unknown_words(self, strings: Sequence[str]) -> NDArray[np.bool_]:
        return np.array(["x" in string for string in strings], dtype=bool)


@pytest.fixture
def draft(tree: Taxonomy) -> Draft:
    return Draft(tree.nodes)


def test_a_name_is_nearer_to_its_members_than_most_other_values_are(draft: Draft) -> None:
    encoder = PartlyKnowing()
    likeness = Likeness(draft, encoder.encode([value.label for value in draft.level(0)]), encoder)
    for node in draft.level(1):
        members = [value.label for value in draft.leaves(node.id)]
        assert likeness.resembles(max(members, key=len), node.id)
        assert not likeness.resembles("qqqqq zzzzz", node.id)


def test_what_the_encoder_knows_nothing_of_is_not_held_against_a_name(draft: Draft) -> None:
    encoder = PartlyKnowing()
    likeness = Likeness(draft, encoder.encode([value.label for value in draft.level(0)]), encoder)
    node = draft.level(1)[0]
    assert likeness.resembles("qqqqq zzzzz xxxxx", node.id)
    assert likeness.resembles("....", node.id)
    assert "qqqqq zzzzz xxxxx" not in encoder.asked


def test_one_node_over_all_values_has_nothing_to_be_told_from(draft: Draft) -> None:
    first, *others = draft.level(draft.top)
    for other in others:
        for child in draft.children(other.id):
            draft.change(child.id, parent=first.id)
    encoder = PartlyKnowing()
    likeness = Likeness(draft, encoder.encode([value.label for value in draft.level(0)]), encoder)
    assert likeness.resembles("qqqqq zzzzz", first.id)


def test_members_that_moved_count_where_they_are(draft: Draft) -> None:
    left, right = draft.level(1)[:2]
    rows = {value.id: row for row, value in enumerate(draft.level(0))}
    vectors = np.zeros((len(rows), TinyEncoder.dimension), dtype=np.float32)
    vectors[:, 0] = 1
    encoder = PartlyKnowing()
    own = [value.id for value in draft.leaves(left.id)]
    vectors[[rows[id] for id in own]] = encoder.encode(["gentle talk"])
    likeness = Likeness(draft, vectors, encoder)
    assert likeness.resembles("gentle talk", left.id)
    assert not likeness.resembles("gentle talk", right.id)
    strangers = [value.id for value in draft.leaves(right.id)]
    for ids, parent in ((own, right.id), (strangers, left.id)):
        for id in ids:
            draft.change(id, parent=parent)
    assert likeness.resembles("gentle talk", right.id)
    assert not likeness.resembles("gentle talk", left.id)


def test_names_looked_at_are_embedded_at_once(draft: Draft) -> None:
    encoder = PartlyKnowing()
    likeness = Likeness(draft, encoder.encode([value.label for value in draft.level(0)]), encoder)
    encoder.asked.clear()
    names = ["calm talk", "warm care", "calm talk"]
    likeness.look_at(names)
    assert encoder.asked == ["calm talk", "warm care"]
    for name in names:
        likeness.resembles(name, draft.level(1)[0].id)
    assert encoder.asked == ["calm talk", "warm care"]
