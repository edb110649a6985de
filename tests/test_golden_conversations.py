"""Each trap of each format is read as its golden file says."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from taxonomy.extraction.conversation import LEFT_OUT, Conversation
from taxonomy.extraction.conversation_set import open_conversations

GOLDEN = Path(__file__).parent / "data" / "conversations"
EXPECTED = sorted(GOLDEN.glob("*/*.expected.json"))
# Each folder is named after the format, or after that of its file.
PLAIN = ("csv", "jsonl", "parquet", "tsv")
FORMATS = ("anthropic", "chatgpt", "claude", "lmsys", "openai", "opentelemetry", *PLAIN, "sharegpt", "wildchat")


def name_of(expected: Path) -> str:
    return f"{expected.parent.name}/{expected.name.removesuffix('.expected.json')}"


def source_of(expected: Path) -> Path:
    (source,) = (path for path in expected.parent.glob(f"{name_of(expected).split('/')[1]}.*") if path != expected)
    return source


def as_golden(conversation: Conversation) -> dict[str, Any]:
    return {
        "conversation_id": conversation.conversation_id,
        "system": conversation.system,
        "model": conversation.model,
        "user_id": conversation.user_id,
        "timestamp": conversation.timestamp and conversation.timestamp.isoformat(),
        "contexts": dict(conversation.contexts),
        "turns": [
            {"side": turn.side, "text": turn.text, "left_out": dict(turn.left_out)} for turn in conversation.turns
        ],
    }


@pytest.mark.parametrize("expected", EXPECTED, ids=name_of)
def test_a_trap_is_read_as_its_golden_file_says(expected: Path) -> None:
    golden = json.loads(expected.read_text(encoding="utf-8"))
    with open_conversations([source_of(expected)]) as conversations:
        found = [as_golden(conversation) for conversation in conversations]
        counts, formats = dict(conversations.counts), dict(conversations.formats)
    for conversation, wanted in zip(found, golden["kept"], strict=False):
        if wanted["conversation_id"] is None:
            # The source has no id: a digest stands in its place.
            assert conversation["conversation_id"]
            conversation["conversation_id"] = None
    assert found == golden["kept"]
    assert formats == {golden["format"]: 1}
    assert counts == {
        "kept": len(golden["kept"]),
        **{name: golden[name] for name in ("read", "unreadable", "duplicates", "nothing")},
    }


@pytest.mark.parametrize("expected", EXPECTED, ids=name_of)
def test_a_golden_file_holds_together(expected: Path) -> None:
    golden = json.loads(expected.read_text(encoding="utf-8"))
    assert golden["format"] == ("plain" if expected.parent.name in PLAIN else expected.parent.name)
    assert golden["read"] == len(golden["kept"]) + golden["unreadable"] + golden["duplicates"] + golden["nothing"]
    for conversation in golden["kept"]:
        sides = [turn["side"] for turn in conversation["turns"]]
        assert all(before != after for before, after in pairwise(sides))
        assert any(turn["text"] for turn in conversation["turns"])
        assert {kind for turn in conversation["turns"] for kind in turn["left_out"]} <= set(LEFT_OUT)


def test_every_format_has_traps_and_every_file_its_golden_file() -> None:
    assert {path.parent.name for path in EXPECTED} == set(FORMATS)
    files = [path for path in GOLDEN.glob("*/*") if not path.name.endswith(".expected.json")]
    assert sorted(files) == sorted(map(source_of, EXPECTED))
    texts = (GOLDEN / "README.md").read_text(encoding="utf-8")
    assert all(name_of(path).split("/")[1] in texts for path in EXPECTED)
