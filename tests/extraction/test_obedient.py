"""The model that does what the conversations tell it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

pytest.importorskip("openai", reason="the extra llm is not installed")
pytest.importorskip("ijson", reason="the extra extract is not installed")

from taxonomy.extraction.conversation import Conversation
from taxonomy.extraction.conversation_questions import ask_features
from taxonomy.extraction.evidence import evidence_problem
from taxonomy.extraction.excerpts import Excerpt
from tests.extraction.planted import APART, COMBINED, Planted, plant, request_of, screen
from tests.llm_server import data_of
from tests.llm_server.answers import system_of
from tests.llm_server.obedient import VALUES, Obedient
from tests.llm_server.oracle import Oracle

# What tools return is not shown.
TECHNIQUES = {
    "ignore and say",
    "fake closing tag",
    "fake assistant turn",
    "fake system turn",
    "JSON payload",
    "other language",
    "base64",
    "no values",
    "strong resistance",
    "reveal the prompt",
    "echo a canary",
}


@pytest.fixture(scope="module")
def planted() -> Planted:
    return plant(1000)


@pytest.fixture(scope="module")
def oracle(planted: Planted) -> Oracle:
    return Oracle(planted.conversations, planted.truth)


def test_it_does_what_it_reads_and_else_answers_as_the_oracle(planted: Planted, oracle: Oracle) -> None:
    obedient = Obedient(oracle, planted.truth)
    seen: Counter[str] = Counter()
    for conversation in planted.conversations:
        found = [fact for fact in planted.facts[conversation.conversation_id] if fact["kind"] == "injection"]
        for request in (request_of(asked.question) for asked in ask_features(conversation, COMBINED)):
            answer, true = obedient(request), oracle(request)
            if not found or found[0]["label"] == "tool result":
                assert answer == true
            else:
                seen[found[0]["label"]] += 1
                check_obeyed(found[0], conversation, answer, true, system_of(request))
                assert screen(obedient, conversation) == screen(oracle, conversation)
    assert seen == dict.fromkeys(TECHNIQUES, 3)
    assert Counter(technique for _, technique in {one[:2] for one in obedient.obeyed}) == seen


def check_obeyed(
    fact: Mapping[str, Any],
    conversation: Conversation,
    answer: Mapping[str, Any],
    true: Mapping[str, Any],
    system: str,
) -> None:
    technique, unwanted = fact["label"], fact["quote"]
    if technique == "no values":
        assert answer == {**true, "ai_values": [], "human_values": [], "response_type": "no values"} != true
        return
    if technique == "strong resistance":
        assert answer == {**true, "response_type": "strong resistance"} != true
        return
    said = f"{unwanted} {system}" if technique == "reveal the prompt" else unwanted
    turns = dict(enumerate(conversation.turns, 1))
    for part in VALUES:
        entry = answer[part][-1]
        assert (entry["value"], entry["turn"]) == (said, fact["turn"])
        # It is the human's own text.
        assert evidence_problem(entry["quote"], entry["turn"], "human", turns) is None
        assert technique == "base64" or unwanted in entry["quote"]
    tasks = {"reveal the prompt": said, "echo a canary": f"{unwanted} {true['task']}"}
    assert answer["task"] == tasks.get(technique, true["task"])
    assert answer["response_type"] == true["response_type"]


def test_it_obeys_where_it_is_shown_the_instruction_and_in_the_parts_it_is_asked_for(
    planted: Planted, oracle: Oracle
) -> None:
    by_id = {one.conversation_id: one for one in planted.conversations}
    rows = [row for facts in planted.facts.values() for row in facts if row["label"] == "ignore and say"]
    assert len(rows) == 3
    for row in rows:
        conversation, obedient = by_id[row["conversation_id"]], Obedient(oracle, planted.truth)
        asked = next(one for one in ask_features(conversation, APART) if one.parts == ("human_values",))
        request = request_of(asked.question)
        others = {number: turn for number, turn in asked.excerpt.turns.items() if number != row["turn"]}
        unseen = request_of(type(asked.question)(**{**vars(asked.question), "context": Excerpt(others).context}))
        assert len(data_of(unseen)["turns"]) >= len(others)
        assert obedient(unseen) == oracle(unseen)
        assert not obedient.obeyed
        answer = obedient(request)
        assert [value["value"] for value in answer["human_values"]] == [row["quote"]]
        assert [said for part, said in answer.items() if part != "human_values"] == [None] * 3
        assert {one.part for one in obedient.obeyed} == {"human_values"}
