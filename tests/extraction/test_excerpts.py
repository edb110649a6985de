"""What a model is shown of a conversation: all of it, in windows of whole turns."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from taxonomy.extraction.conversation import Conversation, Turn
from taxonomy.extraction.excerpts import OVERLAP, Excerpt, cut_windows, join_ends
from tests.conftest import examples


def conversation(*lengths: int) -> Conversation:
    """Return a conversation whose turns have these lengths."""
    turns = (Turn("ai" if place % 2 else "human", "x" * length) for place, length in enumerate(lengths))
    return Conversation("c", tuple(turns))


def numbers(window: Excerpt) -> list[int]:
    return list(window.turns)


def test_a_short_conversation_is_one_window() -> None:
    one = conversation(10, 20, 30)
    (window,) = cut_windows(one, 1000)
    assert numbers(window) == [1, 2, 3]
    assert tuple(window.turns.values()) == one.turns


def test_windows_have_turns_in_common() -> None:
    windows = cut_windows(conversation(*[100] * 10), 500)
    assert [numbers(window) for window in windows] == [[1, 2, 3, 4, 5], [4, 5, 6, 7, 8], [7, 8, 9, 10]]


def test_a_turn_that_is_longer_than_a_window_is_shown_whole() -> None:
    windows = cut_windows(conversation(100, 5000, 100, 100), 500)
    assert [numbers(window) for window in windows] == [[1], [2], [3, 4]]


def test_the_ends_say_what_is_left_out_between_them() -> None:
    windows = cut_windows(conversation(*[100] * 10), 300)
    shown = join_ends(windows).data()["turns"]
    assert [one.get("turn", one.get("left_out")) for one in shown] == [1, 2, 3, "turns 4 to 7", 8, 9, 10]
    assert join_ends(windows[:1]) == windows[0]


@examples(60)
@given(st.lists(st.integers(0, 3000), max_size=40), st.integers(1000, 5000))
def test_windows_hold_every_turn_once_or_in_common(lengths: list[int], size: int) -> None:
    one = conversation(*lengths)
    windows = cut_windows(one, size)
    seen: list[int] = []
    for window in windows:
        shown = numbers(window)
        assert shown == list(range(shown[0], shown[-1] + 1))
        common = [number for number in shown if number in seen]
        assert len(common) <= OVERLAP
        # Each goes on, and none skips a turn.
        assert shown[-1] > (seen[-1] if seen else 0)
        assert shown[0] <= (seen[-1] if seen else 0) + 1
        assert sum(len(turn.text) for turn in window.turns.values()) <= size or len(shown) == 1
        seen += [number for number in shown if number not in seen]
    assert seen == list(range(1, len(lengths) + 1))
    assert all(json.dumps(window.data()) for window in windows)
