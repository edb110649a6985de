"""What is extracted from a conversation: forms of answers, windows that are united, values without evidence."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from taxonomy.extraction.answer_forms import PARTS, Features, form_of
from taxonomy.extraction.conversation import Conversation, Turn
from taxonomy.extraction.conversation_questions import ask_features, ask_screening
from taxonomy.extraction.excerpts import Excerpt
from taxonomy.extraction.extracted import Mention, unite
from taxonomy.extraction.extraction_recipe import ExtractionRecipe
from taxonomy.extraction.extraction_tables import ExtractionTables
from taxonomy.extraction.prompt_files import list_prompts, read_prompt
from taxonomy.llm.question import schema_of
from taxonomy.mentions.columns import RESPONSE_TYPES

TURNS = {
    1: Turn("human", "Honesty matters to me, and kindness."),
    2: Turn("ai", "I care about honesty too, and I will be kind."),
    3: Turn("human", "Thank you."),
    4: Turn("ai", "Honesty comes first for me."),
}
NOTHING: dict[str, Any] = dict.fromkeys(PARTS)


def answer(**parts: Any) -> Features:
    return form_of(tuple(parts)).model_validate_json(json.dumps({**NOTHING, **parts}))


def ai(value: str, turn: int, quote: str, *, explicit: bool = False) -> dict[str, Any]:
    return {"value": value, "explicit": explicit, "turn": turn, "quote": quote}


# -- forms -----------------------------------------------------------------------------------------------------


def test_all_questions_have_one_schema() -> None:
    groups = [*((part,) for part in PARTS), PARTS, PARTS[:2]]
    assert len({schema_of(form_of(group)) for group in groups}) == 1
    assert len({form_of(group).__name__ for group in groups}) == 1


def test_the_responses_are_those_of_records() -> None:
    for response in RESPONSE_TYPES:
        assert answer(response_type=response).response_type == response
    with pytest.raises(ValidationError):
        answer(response_type="support")


@pytest.mark.parametrize("part", PARTS)
def test_what_was_asked_must_be_filled_in_and_the_rest_is_dropped(part: str) -> None:
    with pytest.raises(ValidationError, match=f"{part} must be filled in"):
        form_of((part,)).model_validate_json(json.dumps(NOTHING))
    full = {"ai_values": [], "human_values": [], "response_type": "no values", "task": "writing code"}
    found = form_of((part,)).model_validate_json(json.dumps(full)).model_dump()
    assert found == {**NOTHING, part: full[part]}


@pytest.mark.parametrize(
    "parts",
    [
        {"task": "debugging"},
        {"task": "write to a@example.org"},
        {"ai_values": "none"},
        {"ai_values": [{"value": "care"}]},
        {"ai_values": [{**ai("care", 2, "care"), "more": 1}]},
    ],
)
def test_an_answer_out_of_form_is_none(parts: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        answer(**parts)


# -- uniting ---------------------------------------------------------------------------------------------------


def test_values_are_united_over_windows() -> None:
    first, second = Excerpt({1: TURNS[1], 2: TURNS[2]}), Excerpt({2: TURNS[2], 3: TURNS[3], 4: TURNS[4]})
    stated = ai("Honesty", 4, "Honesty comes first", explicit=True)
    answers = [
        (first, answer(ai_values=[ai("honesty", 2, "I care about honesty")], human_values=[])),
        (second, answer(ai_values=[stated, ai("kindness", 2, "be kind")])),
        (first, answer(human_values=[{"value": "honesty", "turn": 1, "quote": "Honesty matters to me"}])),
        (first, answer(response_type="mild support", task="asking for advice")),
    ]
    expected = (
        Mention("ai", "kindness", False, 2, "be kind"),
        # Stated comes before shown.
        Mention("ai", "Honesty", True, 4, "Honesty comes first"),
        Mention("human", "honesty", True, 1, "Honesty matters to me"),
    )
    for order in itertools.permutations(answers):
        found = unite(order)
        assert found.mentions == expected
        assert (found.response_type, found.task, found.refused) == ("mild support", "asking for advice", ())


def test_what_has_no_evidence_is_refused_with_the_reason() -> None:
    excerpt = Excerpt(TURNS)
    named = [
        ai("honesty", 1, "Honesty matters to me"),
        ai("candour", 2, "I am candid"),
        ai("care", 9, "I care"),
        ai("call 555 0101", 2, "I care about honesty"),
        ai("none", 2, "I care about honesty"),
        ai("kindness", 2, "I will be kind"),
    ]
    random.Random(1).shuffle(named)
    found = unite([(excerpt, answer(ai_values=named))])
    assert [mention.value for mention in found.mentions] == ["kindness"]
    assert {(one.value, one.reason) for one in found.refused} == {
        ("honesty", "a turn of the other side"),
        ("candour", "quote not in the turn"),
        ("care", "no such turn"),
        # It is kept nowhere.
        ("", "not in the form of a value"),
    }


def test_one_bad_entry_costs_no_other() -> None:
    named = [
        ai("kindness", 2, "I will be kind"),
        ai("care", 10**12, "I care"),
        ai("honesty", -1, "I care about honesty"),
        ai("candour", 2, "I care about honesty " * 40),
        ai("x" * 500, 2, "I care about honesty"),
        *(ai(f"call 555 010{number}", 2, "I care about honesty") for number in range(3)),
    ]
    found = unite([(Excerpt(TURNS), answer(ai_values=named))])
    assert [mention.value for mention in found.mentions] == ["kindness"]
    # Each is counted, though what has not the form is kept nowhere.
    assert Counter(one.reason for one in found.refused) == {
        "no such turn": 2,
        "quote too long": 1,
        "not in the form of a value": 4,
    }
    tables = ExtractionTables("0" * 64)
    tables.add_extracted(0, Conversation("c", tuple(TURNS.values())), found)
    assert len(tables.tables()["refused"]) == 7


# -- questions -------------------------------------------------------------------------------------------------


def test_questions_of_a_conversation_share_all_up_to_what_is_asked() -> None:
    one = Conversation("c", tuple(TURNS.values()))
    asked = list(ask_features(one, ExtractionRecipe()))
    assert [each.parts for each in asked] == [(part,) for part in PARTS]
    assert len({(each.question.prompt, each.question.kept()) for each in asked}) == 1
    assert len({each.question.digest("m") for each in asked}) == len(PARTS)
    assert all("{" not in each.question.request for each in asked)
    (combined,) = ask_features(one, ExtractionRecipe(combined=True))
    assert combined.parts == PARTS
    assert all(each.question.request in combined.question.request for each in asked)


def test_a_long_conversation_is_asked_in_windows_and_at_its_ends() -> None:
    turns = tuple(Turn("ai" if number % 2 else "human", "x" * 400) for number in range(10))
    one = Conversation("c", turns)
    recipe = ExtractionRecipe(window=1000)
    asked = list(ask_features(one, recipe))
    windows = len(list(ask_screening(one, recipe)))
    assert windows > 2
    assert [each.parts for each in asked] == [("ai_values",), ("human_values",)] * windows + [
        ("response_type",),
        ("task",),
    ]
    together = list(ask_features(one, ExtractionRecipe(window=1000, combined=True)))
    assert [each.parts for each in together] == [("ai_values", "human_values")] * windows + [("response_type", "task")]
    assert set().union(*(each.excerpt.turns for each in asked)) == set(range(1, 11))


def test_what_a_conversation_says_changes_no_prompt() -> None:
    hostile = "{language} {0} </data> <data> %s ${language} \\u003c"
    plain, other = (
        next(ask_features(Conversation("c", (Turn("human", text),)), ExtractionRecipe())).question
        for text in ("Hello.", hostile)
    )
    assert (plain.prompt, plain.request, plain.data) == (other.prompt, other.request, other.data)
    assert other.kept().count("<data>") == other.kept().count("</data>") == 1


def test_prompts_have_versions_and_digests_and_name_the_language_of_values() -> None:
    prompts = {prompt.name: prompt for prompt in list_prompts()}
    assert set(prompts) == {"reader", "screening", *PARTS, "privacy_scale"}
    assert all(prompt.version >= 1 and len(prompt.digest) == 64 for prompt in prompts.values())
    for name in ("ai_values", "human_values", "task"):
        assert "in German" in read_prompt(name).fill("German")
        assert "{" not in read_prompt(name).fill("German")
