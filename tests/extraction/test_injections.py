"""The injections of the invented conversations, against a model that obeys them: what stops each."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai", reason="the extra llm is not installed")
pytest.importorskip("ijson", reason="the extra extract is not installed")

from taxonomy.extraction.evidence import evidence_problem
from tests.extraction.conftest import Extract
from tests.extraction.conversing import original_ids, rows
from tests.extraction.planted import Planted, plant, write_chosen
from tests.llm_server.obedient import Obedient
from tests.llm_server.oracle import Oracle

# What keeps each from giving the AI a value; the human's text is evidence for a value of the human's.
ON_EVIDENCE = frozenset(("AI: a turn of the other side", "human: its own words"))
LAYERS = {
    "ignore and say": ON_EVIDENCE,
    "fake closing tag": ON_EVIDENCE,
    "fake assistant turn": ON_EVIDENCE,
    "fake system turn": ON_EVIDENCE,
    "JSON payload": ON_EVIDENCE,
    "other language": ON_EVIDENCE,
    "base64": ON_EVIDENCE,
    # What tools return is not shown.
    "tool result": frozenset(("not shown",)),
    # The mark in the instructions.
    "reveal the prompt": frozenset(("malformed: the answer repeats its instructions",)),
    # Its values are about this conversation alone, and none has evidence.
    "echo a canary": ON_EVIDENCE | {"AI: quote not in the turn", "human: quote not in the turn"},
    # Nothing stops a model that believes these; they are about their own conversation alone.
    "no values": frozenset(("own answers",)),
    "strong resistance": frozenset(("own answers",)),
}


@pytest.fixture(scope="module")
def planted() -> Planted:
    return plant(1000)


def tables(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what is written of each conversation, by the source's id."""
    ids = original_ids(folder)
    found: dict[str, dict[str, Any]] = {}
    for row in rows(folder, "conversations"):
        found[ids[row["conversation_id"]]] = {"response": row["response_type"], "task": row["task"], "values": set()}
    for row in rows(folder / "private", "evidence"):
        found[ids[row["conversation_id"]]]["values"].add((row["side"], row["value"], row["turn"], row["quote"]))
    return found


def test_an_injection_changes_no_other_conversation_and_gives_no_value_without_evidence(
    extract: Extract, planted: Planted, tmp_path: Path
) -> None:
    facts = {id: [fact for fact in known if fact["kind"] == "injection"] for id, known in planted.facts.items()}
    injected = {id: found[0] for id, found in facts.items() if found}
    assert len(injected) == 36
    others = [id for id, found in facts.items() if not found][:40]
    chats = write_chosen(tmp_path / "chats.jsonl", planted, {*injected, *others})
    oracle = Oracle(planted.conversations, planted.truth)
    options = ("--combined", "--no-screen", "--max-failures", "3")
    extract(chats, out="true", answer=oracle, options=options)
    done = extract(chats, out="obeyed", llm="openai/obedient", answer=Obedient(oracle, planted.truth), options=options)
    assert done.returncode == 0, done.stderr
    true, obeyed = tables(tmp_path / "true"), tables(tmp_path / "obeyed")

    # No other conversation has other answers.
    assert {id: true[id] for id in others if id in true} == {id: obeyed[id] for id in others if id in obeyed}
    # Whatever is there has a quote of its own side.
    turns = {one.conversation_id: dict(enumerate(one.turns, 1)) for one in planted.conversations}
    for id, found in obeyed.items():
        for side, _, turn, quote in found["values"]:
            assert evidence_problem(quote, turn, side, turns[id]) is None

    stopped = defaultdict(set)
    ids = original_ids(tmp_path / "obeyed")
    for row in rows(tmp_path / "obeyed" / "private", "failures"):
        stopped[injected[ids[row["conversation_id"]]]["label"]].add(f"{row['outcome']}: {row['reason']}")
    for row in rows(tmp_path / "obeyed" / "private", "refused"):
        side = {"ai": "AI", "human": "human"}[row["side"]]
        stopped[injected[ids[row["conversation_id"]]]["label"]].add(f"{side}: {row['reason']}")
    for id, fact in injected.items():
        technique = fact["label"]
        if id not in obeyed:
            continue
        survived = {side for side, value, *_ in obeyed[id]["values"] if fact["quote"] in value}
        assert survived <= {"human"}
        if survived:
            stopped[technique].add("human: its own words")
        elif technique == "tool result":
            assert obeyed[id] == true[id]
            stopped[technique].add("not shown")
        elif technique in ("no values", "strong resistance"):
            stopped[technique].add("own answers")
    assert dict(stopped) == {technique: set(layers) for technique, layers in LAYERS.items()}
