"""Invented conversations that are written in a format are read back as far as it carries them."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.extraction.conversation import Conversation
from taxonomy.extraction.conversation_set import open_conversations
from tests.conftest import ROOT, examples

# The modules of fixtures/ import each other as scripts do.
sys.path.append(str(ROOT / "fixtures"))

from conversation_formats import FORMATS, write
from invented import Invented, Piece, Said
from make_conversations import invent

KINDS = {"image": "images", "tool call": "tool calls", "tool result": "tool results", "thinking": "thinking"}


def human(*texts: str, images: int = 0) -> Said:
    pictures = (Piece("image", f"picture-{number}.png") for number in range(images))
    return Said("human", (*(Piece("text", text) for text in texts), *pictures))


def ai(*pieces: tuple[str, str] | str) -> Said:
    return Said("ai", tuple(Piece("text", part) if isinstance(part, str) else Piece(*part) for part in pieces))


INVENTED = (
    Invented(
        "i-plain",
        (human("What is a weir?"), ai("A low dam."), human("And a leat?"), ai("A channel.")),
        system="Be brief.",
        contexts={"region": "north"},
    ),
    Invented(
        "i-tools",
        (
            human("How long is the path?", images=2),
            ai(
                ("thinking", "It must be looked up."),
                "I look it up.",
                ("tool call", "lake path"),
                ("tool result", "6 km"),
                ("thinking", "That is all."),
                "It has 6 km.",
                "By foot, two hours.",
            ),
            human(images=1),
            ai(("tool call", "picture"), ("tool call", "map"), ("tool result", "a roof"), ("tool result", "none")),
            human("Thanks"),
        ),
        model="model-b",
        contexts={"region": "south, coast"},
    ),
    Invented(
        "i-empty-turns",
        (human(), ai("Did you want to ask something?"), human("Yes.\n\nLater."), ai(), human("Now.")),
        user_id="u000002",
        timestamp=datetime(2026, 1, 31, 23, 59, 59),
        contexts={"region": "north"},
    ),
    Invented(
        "i-letters",
        (
            human('Line one\nline two,\t"quoted"', "NA"),
            ai("null"),
            human("Grüße 🐝 an <b>alle</b>"),
            ai("蜂は元気です。 =1+1"),
        ),
        system="Antworte kurz.\nUnd freundlich.",
        language="de",
        contexts={"region": "öst"},
    ),
    Invented(
        "i-result-first",
        (ai("Good morning."), human("What did the job say?"), ai(("tool result", "done")), human("So?"), ai("Done.")),
        contexts={"region": "north"},
    ),
    # The same picture twice is two files.
    Invented(
        "i-twice",
        (Said("human", (Piece("image", "roof.png"), Piece("image", "roof.png"))), ai("Twice the same roof.")),
        contexts={"region": "east"},
    ),
    Invented(
        "i-long",
        tuple(human(f"Say {number}.") if number % 2 == 0 else ai(f"It is {number}.") for number in range(60)),
        contexts={"region": "west"},
    ),
    # Only this one has nothing that can be read.
    Invented("i-nothing", (human(images=1), ai(("tool call", "picture"))), contexts={"region": "north"}),
)


def says_something(conversation: Invented) -> bool:
    return any(piece.kind == "text" for turn in conversation.turns for piece in turn.pieces)


def canonical(conversation: Invented, format: str) -> dict[str, Any]:
    """What reading gives of an invented conversation: its turns, and what the format carries."""
    carried = FORMATS[format]
    known: dict[str, Any] = {
        "turns": [
            (turn.side, "\n\n".join(p.text for p in turn.pieces if p.kind == "text")) for turn in conversation.turns
        ]
    }
    for name in carried - {"left_out"}:
        value = getattr(conversation, name)
        known[name] = dict(value) if name == "contexts" else value
    if "left_out" in carried:
        known["left_out"] = [
            Counter(KINDS[piece.kind] for piece in turn.pieces if piece.kind != "text") for turn in conversation.turns
        ]
    return known


def found_of(conversation: Conversation, format: str) -> dict[str, Any]:
    found: dict[str, Any] = {"turns": [(turn.side, turn.text) for turn in conversation.turns]}
    for name in FORMATS[format] - {"left_out"}:
        value = getattr(conversation, name)
        found[name] = dict(value) if name == "contexts" else value
    if "left_out" in FORMATS[format]:
        found["left_out"] = [Counter(turn.left_out) for turn in conversation.turns]
    return found


PLAIN = ("csv", "jsonl", "parquet", "tsv")


def check_round_trip(invented: Iterable[Invented], folder: Path, format: str, *, named: bool = False) -> None:
    invented = list(invented)
    paths = write(iter(invented), folder, format)
    reader = "plain" if format in PLAIN else format
    with open_conversations(paths, format=reader if named else None) as conversations:
        found = {conversation.conversation_id: found_of(conversation, format) for conversation in conversations}
        counts, formats = dict(conversations.counts), dict(conversations.formats)
    kept = {item.conversation_id: canonical(item, format) for item in invented if says_something(item)}
    assert found == kept
    assert formats == {reader: 1}
    nothing = len(invented) - len(kept)
    assert counts == {"read": len(invented), "unreadable": 0, "duplicates": 0, "nothing": nothing, "kept": len(kept)}


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_written_is_read_back(format: str, tmp_path: Path) -> None:
    check_round_trip(INVENTED, tmp_path, format)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("n", [40, pytest.param(2000, marks=pytest.mark.slow)])
def test_the_planted_corpus_is_read_back(n: int, format: str, tmp_path: Path) -> None:
    # Each span repeats the history: of 1,000 turns that is 70 MB, once among the slow ones.
    corpus = [one for one, _ in invent(n, 1) if n > 1000 or len(one.turns) < 100]
    check_round_trip(corpus, tmp_path, format, named=True)


# Letters of one to four bytes, and all that CSV, TSV, JSON and tags are made of.
TEXTS = st.text("aé蜂🐝 \n\t\"',;\\{}[]<>/=#", min_size=1, max_size=20).map(lambda text: f"»{text}«")
HUMAN = st.lists(st.builds(Piece, st.sampled_from(("text", "image")), TEXTS), max_size=3)
AI = st.lists(st.builds(Piece, st.sampled_from(("text", "tool call", "tool result", "thinking")), TEXTS), max_size=5)


@st.composite
def conversations_of_any_kind(draw: st.DrawFn) -> list[Invented]:
    # Two turns at least: ChatGPT names a model only with an answer.
    drawn = []
    for number in range(draw(st.integers(1, 6))):
        first = draw(st.booleans())
        turns = [
            Said("human", tuple(draw(HUMAN))) if place % 2 == first else Said("ai", tuple(draw(AI)))
            for place in range(draw(st.integers(2, 6)))
        ]
        drawn.append(
            Invented(
                f"i{number}",
                tuple(turns),
                system=draw(st.one_of(st.just(""), TEXTS)),
                timestamp=draw(st.datetimes(datetime(2023, 1, 1), datetime(2027, 1, 1))).replace(microsecond=0),
                contexts={"region": draw(st.sampled_from(("north", "south")))},
            )
        )
    return drawn


@pytest.mark.parametrize("format", FORMATS)
@examples(4, 40)
@given(invented=conversations_of_any_kind())
def test_anything_that_is_written_is_read_back(format: str, invented: list[Invented]) -> None:
    # A folder for each example: a fixture would be one for all.
    with tempfile.TemporaryDirectory() as folder:
        check_round_trip(invented, Path(folder), format, named=True)


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_conversations_give_the_same_bytes(format: str, tmp_path: Path) -> None:
    one, two = (write(iter(INVENTED), tmp_path / name, format) for name in ("one", "two"))
    assert [path.name for path in one] == [path.name for path in two]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_a_context_that_the_first_conversation_lacks_is_said(tmp_path: Path) -> None:
    later = Invented("i2", INVENTED[0].turns, contexts={"region": "north", "shop": "a"})
    for format in ("csv", "tsv", "parquet"):
        with pytest.raises(ValueError, match="no context shop"):
            write([INVENTED[0], later], tmp_path, format)


def test_the_contexts_of_a_data_set_are_written(tmp_path: Path) -> None:
    contexts = {"country": "Chile", "state": "Aysén", "toxic": "true", "redacted": "false"}
    for format, names in (("wildchat", set(contexts)), ("lmsys", {"redacted"})):
        (path,) = write([Invented("i1", INVENTED[0].turns, contexts=contexts)], tmp_path / format, format)
        with open_conversations([path]) as conversations:
            (conversation,) = conversations
        assert dict(conversation.contexts) == {name: contexts[name] for name in names}
