"""The model that knows the truth of the invented conversations, and is wrong as often as it is told to be."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from statsmodels.stats.proportion import proportion_confint

pytest.importorskip("openai", reason="the extra llm is not installed")
pytest.importorskip("ijson", reason="the extra extract is not installed")

from taxonomy.extraction.conversation import Conversation, Turn, digest_text
from taxonomy.extraction.conversation_questions import ask_features, ask_screening
from taxonomy.extraction.extraction_recipe import ExtractionRecipe
from taxonomy.extraction.value_form import task_problem
from taxonomy.values import canonical_key
from tests.conftest import ROOT
from tests.extraction.planted import (
    APART,
    COMBINED,
    Planted,
    answers_of,
    label_of,
    plant,
    read,
    request_of,
    screen,
    values_of,
    write_planted,
)
from tests.llm_server import serve
from tests.llm_server.mistakes import SCREENED, task_name
from tests.llm_server.oracle import Oracle

RATES: dict[str, Any] = {
    "misses": 0.1,
    "inventions": 0.05,
    "side_swaps": 0.03,
    "wrong_responses": 0.08,
    "screen_errors": 0.06,
}
LANGUAGES = {"en", "es", "fr", "de", "pt", "ja", "hi", "ar"}
# Of the longest invented ones.
LONG = 1000


@pytest.fixture(scope="module")
def planted() -> Planted:
    return plant(1000)


@pytest.fixture(scope="module")
def right(planted: Planted) -> Oracle:
    return Oracle(planted.conversations, planted.truth)


@pytest.fixture(scope="module")
def wrong(planted: Planted) -> Oracle:
    return Oracle(planted.conversations, planted.truth, **RATES)


def short(planted: Planted) -> list[Conversation]:
    return [one for one in planted.conversations if len(one.turns) < LONG]


# -- the truth -------------------------------------------------------------------------------------------------


def test_it_knows_every_conversation_in_eight_languages(planted: Planted, right: Oracle) -> None:
    languages = set()
    for conversation in planted.conversations:
        facts = planted.facts[conversation.conversation_id]
        languages.add(label_of(facts, "language"))
        found = read(right, conversation)
        assert not found.refused
        assert found.response_type == label_of(facts, "response", "no values")
        assert found.task == task_name(label_of(facts, "task"))
        assert {tuple(vars(mention).values()) for mention in found.mentions} == {
            (fact["side"], fact["label"], fact["explicit"], fact["turn"], fact["quote"])
            for fact in facts
            if fact["kind"] == "value"
        }
    for conversation in short(planted):
        known = label_of(planted.facts[conversation.conversation_id], "subjectivity")
        assert screen(right, conversation) in SCREENED[known]
    assert languages == LANGUAGES
    assert not right.mistakes


def test_both_protocols_have_the_same_answers(planted: Planted, wrong: Oracle) -> None:
    for conversation in short(planted)[:50]:
        assert read(wrong, conversation, anthropic=True) == read(wrong, conversation)
        assert screen(wrong, conversation, anthropic=True) == screen(wrong, conversation)


def test_tasks_have_the_form_of_a_task(planted: Planted) -> None:
    tasks = {label_of(facts, "task") for facts in planted.facts.values()}
    assert len({task_name(task) for task in tasks}) == len(tasks) > 20
    assert [task for task in tasks if task_problem(task_name(task))] == []


def test_of_two_conversations_that_begin_alike_the_one_that_is_shown_whole_is_meant() -> None:
    opening = (Turn("human", "Help me."), Turn("ai", "Gladly."))
    more = (Turn("human", "Honesty matters to me."), Turn("ai", "I see."))
    two = [Conversation("long", opening + more), Conversation("short", opening)]
    rows = [
        {"conversation_id": id, "kind": kind, "label": label}
        for id, task in (("long", "home repair"), ("short", "astrology"))
        for kind, label in (("subjectivity", "yes"), ("task", task))
    ]
    oracle = Oracle(two, rows)
    assert [read(oracle, one).task for one in two] == ["home repair", "astrology questions"]


# -- how it is asked -------------------------------------------------------------------------------------------


def test_questions_for_one_part_each_are_answered_as_all_in_one(planted: Planted, wrong: Oracle) -> None:
    for conversation in planted.conversations[:50]:
        assert len(answers_of(wrong, conversation, APART)) == 4
        assert read(wrong, conversation, APART) == read(wrong, conversation, COMBINED)


def test_windows_hold_the_values_of_their_turns_and_together_all(planted: Planted, wrong: Oracle) -> None:
    [long] = [one for one in planted.conversations if len(one.turns) == LONG]
    small = ExtractionRecipe(window=1000, combined=True)
    whole = read(wrong, long, ExtractionRecipe(window=10**6, combined=True))
    answers = answers_of(wrong, long, small)
    assert len(answers) > 20
    for excerpt, features in answers:
        values = [*(features.ai_values or ()), *(features.human_values or ())]
        assert all(value.turn in excerpt.turns for value in values)
    assert read(wrong, long, small) == whole
    assert whole.mentions
    assert read(wrong, long, ExtractionRecipe(window=5000)) == whole


def test_parts_that_are_not_asked_for_are_null(planted: Planted, right: Oracle) -> None:
    for asked in ask_features(planted.conversations[0], APART):
        answer = right(request_of(asked.question))
        assert {part for part, said in answer.items() if said is not None} == set(asked.parts)
        assert len(answer) == 4


# -- mistakes --------------------------------------------------------------------------------------------------


def within(count: int, of: int, part: float) -> None:
    low, high = proportion_confint(count, of, alpha=0.001, method="wilson")
    assert low <= part <= high


def test_mistakes_are_as_frequent_as_asked(planted: Planted, wrong: Oracle) -> None:
    counts = Counter(mistake.kind for mistake in wrong.mistakes)
    kinds = Counter(planted.truth["kind"].to_pylist())
    within(counts["miss"], kinds["value"], RATES["misses"])
    within(counts["invention"], kinds["value"], RATES["inventions"])
    within(counts["side swap"], kinds["value"], RATES["side_swaps"])
    within(counts["wrong response"], kinds["response"], RATES["wrong_responses"])
    within(counts["screen error"], len(planted.conversations), RATES["screen_errors"])


def test_what_is_extracted_differs_from_the_truth_by_the_mistakes(planted: Planted, wrong: Oracle) -> None:
    of_one = defaultdict(list)
    for mistake in wrong.mistakes:
        of_one[mistake.conversation_id].append(mistake)
    # Of two that say the same, the first is meant.
    first = {digest_text(one.turns, ""): one.conversation_id for one in reversed(planted.conversations)}
    for conversation in short(planted)[:500]:
        facts = planted.facts[conversation.conversation_id]
        expected = values_of(facts)
        response, subjective = label_of(facts, "response", "no values"), label_of(facts, "subjectivity")
        for mistake in of_one[first[digest_text(conversation.turns, "")]]:
            planted_there = (mistake.side, mistake.planted)
            if mistake.kind == "miss":
                del expected[planted_there]
            elif mistake.kind == "side swap":
                del expected[planted_there]
                expected["human" if mistake.side == "ai" else "ai", mistake.said] += 1
            elif mistake.kind == "invention":
                assert canonical_key(mistake.said) not in {canonical_key(fact["label"]) for fact in facts}
                expected[mistake.side, mistake.said] += 1
            elif mistake.kind == "wrong response":
                assert mistake.planted == response != mistake.said
                response = mistake.said
            else:
                assert mistake.planted == subjective
                subjective = "no" if subjective == "yes" else "yes"
                assert mistake.said in SCREENED[subjective]
        found = read(wrong, conversation)
        assert Counter((mention.side, mention.value) for mention in found.mentions) == expected
        assert not found.refused
        assert found.response_type == response
        assert screen(wrong, conversation) in SCREENED[subjective]


def test_what_is_wrong_has_evidence_too(planted: Planted) -> None:
    some = planted.conversations[:300]
    oracle = Oracle(some, planted.truth, inventions=0.5, side_swaps=0.5)
    counts = Counter(mistake.kind for mistake in oracle.mistakes)
    assert min(counts["side swap"], counts["invention"]) > 100
    assert not any(read(oracle, conversation).refused for conversation in some)


def test_another_seed_makes_other_mistakes_and_another_order_the_same(planted: Planted, wrong: Oracle) -> None:
    assert Oracle(planted.conversations, planted.truth, seed=1, **RATES).mistakes != wrong.mistakes
    backwards = Oracle(planted.conversations[::-1], planted.truth, **RATES)
    assert sorted(backwards.mistakes, key=str) == sorted(wrong.mistakes, key=str)
    for conversation in planted.conversations[:100]:
        assert read(backwards, conversation) == read(wrong, conversation)


# -- what is not known -----------------------------------------------------------------------------------------


def ask(url: str, request: Mapping[str, Any]) -> Any:
    """Ask a server in the protocol of OpenAI."""
    sent = urllib.request.Request(f"{url}/chat/completions", json.dumps(request).encode(), method="POST")
    with urllib.request.urlopen(sent, timeout=20) as answer:
        return json.loads(json.load(answer)["choices"][0]["message"]["content"])


def test_an_unknown_conversation_is_an_error_to_the_client_and_to_the_test(right: Oracle) -> None:
    [question] = ask_screening(Conversation("x", (Turn("human", "Nobody said this."),)), APART)

    def ask_oracle() -> None:
        with serve() as server:
            server.answer = right
            with pytest.raises(urllib.error.HTTPError, match="500"):
                ask(server.url, request_of(question))

    with pytest.raises(LookupError, match="no conversation has these 1 turns"):
        ask_oracle()


def test_a_question_for_unknown_parts_is_refused(planted: Planted, right: Oracle) -> None:
    asked = next(ask_features(planted.conversations[0], APART))
    request = json.loads(json.dumps(request_of(asked.question)).replace("ai_values", "mood"))
    with pytest.raises(ValueError, match=r"nothing to fill that is known: \['mood'\]"):
        right(request)


def test_a_truth_that_lacks_a_conversation_is_refused(planted: Planted) -> None:
    with pytest.raises(ValueError, match="does not know the conversation"):
        Oracle(planted.conversations, [])


# -- the process -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_process_reads_a_folder_and_makes_the_same_mistakes(tmp_path: Path) -> None:
    small = plant(60)
    rates: dict[str, Any] = dict.fromkeys(RATES, 0.3)
    options = [f"--{name.replace('_', '-')}={rate}" for name, rate in rates.items()]
    command = [sys.executable, "-m", "tests.llm_server", "--oracle", str(write_planted(tmp_path, 60)), *options]
    here = Oracle(small.conversations, small.truth, **rates)
    assert here.mistakes
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        for conversation in small.conversations:
            assert read(lambda request: ask(url, request), conversation) == read(here, conversation)
        process.stdin.close()
        assert process.wait(20) == 0
