"""What a language model may answer, and what is kept of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.labels.answers import NameAnswer, moves_form, refuse_name
from taxonomy.llm.answer_store import AnswerStore
from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.engine import Rehearsal
from taxonomy.llm.question import Question, Refusal, block_of
from taxonomy.llm.reply import Outcome, Reply
from taxonomy.llm.settling import settle

pytest.importorskip("instructor", reason="the extra llm is not installed")


# -- what may be published -------------------------------------------------------------------------------------

FINE = "Holding the truth dear in all that one says and does, as in candour or sincerity."


@pytest.mark.parametrize(
    ("name", "definition", "problem"),
    [
        ("Truth and candour", FINE, None),
        ("Truth", FINE, "has 1 words"),
        ("Truth and candour in all things", FINE, "has 6 words"),
        ("Truth and truth", FINE, "'truth' twice"),
        ("Truth\nand candour", FINE, "line break"),
        ("Truth > candour", FINE, "the name holds ' > '"),
        ("Truth and " + "c" * 91, FINE, "the name has 101 characters, more than 100"),
        ("Truth and candour", "Holding the truth dear.", "has 4 words"),
        ("Truth and candour", FINE + " And much more" * 4, "has 28 words"),
        ("Truth and candour", "This group of values is about truth and candour in all things said.", "the group"),
        ("Truth and candour", FINE.replace("sincerity", "a.b@example.org"), "e-mail"),
        ("Truth and candour", FINE.replace("sincerity", "https://example.org/x"), "web address"),
        ("Truth and candour", FINE.replace("sincerity", "example.com"), "web address"),
        ("Truth and candour", FINE.replace("sincerity", "+44 20 7946-0958"), "phone number"),
        ("Truth and candour", FINE.replace("sincerity", "Mallory"), "'Mallory' is capitalised"),
        ("Truth and candour", FINE.replace("sincerity", "“Mallory’s” way"), "'Mallory' is capitalised"),
        ("Truth of Mallory", FINE, "'Mallory' is capitalised"),
        ("Truth and candour", FINE.replace("sincerity", "Kantian duty"), None),
        ("Truth and candour", "Truth. Candour too, as one says and does, in all things great and small.", None),
    ],
)
def test_an_answer_is_refused_for_a_reason(name: str, definition: str, problem: str | None) -> None:
    reason = refuse_name(NameAnswer(name=name, definition=definition), ["Kantian ethics", "candour"])
    assert (reason is None) == (problem is None)
    assert problem is None or problem in str(reason)


@given(st.recursive(st.text() | st.integers(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)))
def test_nothing_in_the_data_closes_its_block(data: Any) -> None:
    block = block_of(data)
    assert block.count("<") == block.count(">") == 2
    assert json.loads(block.removeprefix("<data>\n").removesuffix("\n</data>")) == data


CALM = Question(
    "vt:1",
    "cluster",
    "Name what the members share.",
    {"members": ["calm <b>", "père"], "outside": []},
    NameAnswer,
    NameAnswer(name="Calm", definition="Calm."),
)
TAKEN = (
    '{"name":"Rest","definition":""}',
    Refusal("another node of the level has this name", "These names are taken:", ("Rest", "Peace")),
)
SHORT = ('{"name":"Ease","definition":""}', Refusal("it is too short"))


@pytest.mark.parametrize(
    ("question", "digest"),
    [
        (CALM, "70a749ac2bbc9a6bf9c2af6ee6d619e361f3cd3261306b418099be8541779e1f"),
        (replace(CALM, refused=(TAKEN,)), "6c75f029440cd99b95bbe8b8545e147ddaa67759fa75bedb5574c0245fcec1b0"),
        (replace(CALM, refused=(TAKEN, SHORT)), "c37417e27324806e63904f5e467787bb2e5bd4d92da1df2b47d23cc24ab853e7"),
        (
            Question(
                "vt:1", "move", CALM.prompt, {"members": ["m1"]}, moves_form(("m1",), ("c1",)), CALM.assumed, number=2
            ),
            "ebfe7d84e9a587f6fa47815377e8aab829f589de0b0fe86d322db9bbfd6eb1e4",
        ),
    ],
)
def test_answers_that_were_paid_for_are_found_by_every_version(tmp_path: Path, question: Question, digest: str) -> None:
    answer = question.assumed if question.form is NameAnswer else question.form(moves=())
    used: list[Any] = []
    with AnswerStore(tmp_path) as store:
        store.put(digest, "openai/gpt-x", question.task, Reply(Outcome.ANSWERED, answer.model_dump_json()))
        rehearsal = Rehearsal(Endpoint("openai/gpt-x", "https://host.invalid/v1/"), store)
        assert settle(rehearsal, [question], lambda _, reply: used.append(reply)) == [None]
    assert used == [answer]
    assert (rehearsal.usage.calls, rehearsal.usage.stored) == (0, 1)
