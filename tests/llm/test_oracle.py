"""The model that knows the truth of the invented conversations, and the one that does what they tell it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from statsmodels.stats.proportion import proportion_confint

import taxonomy
from taxonomy.extraction.conversation import Conversation, Turn, digest_text
from taxonomy.llm.question import block_of
from taxonomy.mentions.columns import RESPONSE_TYPES
from taxonomy.values import canonical_key
from tests.conftest import ROOT
from tests.llm_server import Server, serve
from tests.llm_server.mistakes import LEVELS, task_name
from tests.llm_server.obedient import Obedient
from tests.llm_server.oracle import Oracle

# The modules of fixtures/ import each other as scripts do.
sys.path.append(str(ROOT / "fixtures"))

from carriers import LANGUAGES
from conversation_formats import write
from corpus_plan import LONG_AI, LONG_TURNS
from injections import TECHNIQUES
from make_conversations import invent, truth_table

PARTS = ("ai_values", "human_values", "response_type", "task")
RATES = {"misses": 0.1, "inventions": 0.05, "side_swaps": 0.03, "wrong_responses": 0.08, "screen_errors": 0.06}
SYSTEM = "You read conversations."
Facts = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the script writes it."""
    folder = tmp_path_factory.mktemp("corpus")
    facts = []
    conversations = []
    for conversation, known in invent(1000, 1):
        conversations.append(conversation)
        facts += known
    write(conversations, folder, "jsonl")
    pq.write_table(truth_table(facts), folder / "truth.parquet")
    return folder


@pytest.fixture(scope="module")
def conversations(folder: Path) -> list[Conversation]:
    with taxonomy.open_conversations(folder) as found:
        return list(found)


@pytest.fixture(scope="module")
def truth(folder: Path) -> pa.Table:
    return pq.read_table(folder / "truth.parquet")


@pytest.fixture(scope="module")
def facts(truth: pa.Table) -> Facts:
    of_one = defaultdict(list)
    for row in truth.to_pylist():
        of_one[row["conversation_id"]].append(row)
    return of_one


@pytest.fixture(scope="module")
def right(conversations: list[Conversation], truth: pa.Table) -> Oracle:
    return Oracle(conversations, truth)


@pytest.fixture(scope="module")
def wrong(conversations: list[Conversation], truth: pa.Table) -> Oracle:
    return Oracle(conversations, truth, **RATES)


# -- questions -------------------------------------------------------------------------------------------------------


def shown(conversation: Conversation, *ranges: range) -> dict[str, Any]:
    """Return the turns in some ranges, all by default, as a question shows them."""
    numbers = sorted({number for one in ranges for number in one}) or range(1, len(conversation.turns) + 1)
    turns: list[dict[str, Any]] = []
    for number in numbers:
        turn = conversation.turns[number - 1]
        if turns and turns[-1]["turn"] < number - 1:
            turns.append({"left_out": f"turns {turns[-1]['turn'] + 1} to {number - 1}"})
        turns.append({"turn": number, "side": turn.side, "text": turn.text})
    return {"turns": turns}


def question(data: Mapping[str, Any], fill: Sequence[str] = (), *, anthropic: bool = False) -> dict[str, Any]:
    """Return a request: about subjectivity, unless there are parts to fill."""
    blocks = [block_of(data)]
    if fill:
        blocks.append(f"Fill what is named.\n\n{block_of({'fill': list(fill)})}")
    if anthropic:
        content = [{"type": "text", "text": block} for block in blocks]
        return {"system": [{"type": "text", "text": SYSTEM}], "messages": [{"role": "user", "content": content}]}
    said = {"role": "user", "content": "\n\n".join(blocks)}
    return {"messages": [{"role": "system", "content": SYSTEM}, said]}


def all_of(oracle: Any, conversation: Conversation) -> dict[str, Any]:
    """Return what is said to the combined question."""
    answer: dict[str, Any] = oracle(question(shown(conversation), PARTS))
    return answer


def values_of(answer: Mapping[str, Any]) -> Counter[tuple[str, str]]:
    """Return the values of an answer, with their sides."""
    return Counter((side, entry["value"]) for side in ("ai", "human") for entry in answer[f"{side}_values"] or ())


def planted_values(known: Sequence[Mapping[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((fact["side"], fact["label"]) for fact in known if fact["kind"] == "value")


def label_of(known: Sequence[Mapping[str, Any]], kind: str, default: str = "") -> str:
    return next((fact["label"] for fact in known if fact["kind"] == kind), default)


# -- the truth -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("anthropic", [False, True])
def test_it_knows_every_conversation_in_eight_languages(
    conversations: list[Conversation], facts: Facts, right: Oracle, anthropic: bool
) -> None:
    languages = set()
    for conversation in conversations:
        known = facts[conversation.conversation_id]
        languages.add(label_of(known, "language"))
        data = shown(conversation)
        screened = right(question(data, anthropic=anthropic))
        assert screened.keys() == {"subjectivity"}
        assert screened["subjectivity"] in LEVELS[label_of(known, "subjectivity")]
        answer = right(question(data, PARTS, anthropic=anthropic))
        assert values_of(answer) == planted_values(known)
        assert answer["response_type"] == label_of(known, "response", "no values")
        assert answer["task"] == task_name(label_of(known, "task"))
    assert languages == set(LANGUAGES)
    assert not right.mistakes


def test_values_have_the_evidence_that_was_planted(
    conversations: list[Conversation], facts: Facts, right: Oracle
) -> None:
    for conversation in conversations[:300]:
        answer = all_of(right, conversation)
        evidence = {
            (side, entry["value"], entry["turn"], entry["quote"], entry.get("explicit", True))
            for side in ("ai", "human")
            for entry in answer[f"{side}_values"]
        }
        assert evidence == {
            (fact["side"], fact["label"], fact["turn"], fact["quote"], fact["explicit"])
            for fact in facts[conversation.conversation_id]
            if fact["kind"] == "value"
        }


def test_tasks_have_two_to_six_words(facts: Facts) -> None:
    tasks = {label_of(known, "task") for known in facts.values()}
    assert len({task_name(task) for task in tasks}) == len(tasks) > 20
    for task in tasks:
        assert 2 <= len(task_name(task).split()) <= 6
        assert task_name(task).replace(" ", "").isalpha()


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
    assert [all_of(oracle, one)["task"] for one in two] == ["home repair", "astrology questions"]


def test_parts_that_are_not_asked_for_are_null_and_the_others_the_same(
    conversations: list[Conversation], wrong: Oracle
) -> None:
    for conversation in conversations[:200]:
        combined = all_of(wrong, conversation)
        for part in PARTS:
            alone = {name: combined[name] if name == part else None for name in PARTS}
            assert wrong(question(shown(conversation), [part])) == alone


# -- windows ---------------------------------------------------------------------------------------------------------


def windows(conversation: Conversation, size: int, overlap: int) -> Iterator[range]:
    n = len(conversation.turns)
    for start in range(1, n + 1, size - overlap):
        yield range(start, min(start + size, n + 1))


def test_windows_hold_the_values_of_their_turns_and_together_all(
    conversations: list[Conversation], wrong: Oracle
) -> None:
    [long] = [one for one in conversations if len(one.turns) == LONG_TURNS]
    for conversation in [long, *(one for one in conversations if len(one.turns) > 7)]:
        size = 60 if conversation is long else 4
        united: Counter[tuple[str, str]] = Counter()
        for window in windows(conversation, size, size // 4):
            answer = wrong(question(shown(conversation, window), PARTS[:2]))
            assert all(entry["turn"] in window for side in PARTS[:2] for entry in answer[side])
            united |= values_of(answer)
        assert united == values_of(all_of(wrong, conversation))


def test_an_excerpt_of_both_ends_has_the_response_and_the_task(
    conversations: list[Conversation], facts: Facts, right: Oracle
) -> None:
    [long] = [one for one in conversations if len(one.turns) == LONG_TURNS]
    data = shown(long, range(1, 41), range(961, LONG_TURNS + 1))
    assert {"left_out": "turns 41 to 960"} in data["turns"]
    answer = right(question(data, PARTS))
    known = facts[long.conversation_id]
    assert answer["response_type"] == label_of(known, "response")
    assert answer["task"] == task_name(label_of(known, "task"))
    assert 0 < len(answer["ai_values"]) < len(LONG_AI)


# -- mistakes --------------------------------------------------------------------------------------------------------


def within(count: int, of: int, part: float) -> None:
    low, high = proportion_confint(count, of, alpha=0.001, method="wilson")
    assert low <= part <= high


def test_mistakes_are_as_frequent_as_asked(facts: Facts, wrong: Oracle) -> None:
    counts = Counter(mistake.kind for mistake in wrong.mistakes)
    kinds = Counter(fact["kind"] for known in facts.values() for fact in known)
    within(counts["miss"], kinds["value"], RATES["misses"])
    within(counts["invention"], kinds["value"], RATES["inventions"])
    within(counts["side swap"], kinds["value"], RATES["side_swaps"])
    within(counts["wrong response"], kinds["response"], RATES["wrong_responses"])
    within(counts["screen error"], len(facts), RATES["screen_errors"])


def test_answers_differ_from_the_truth_by_the_mistakes(
    conversations: list[Conversation], facts: Facts, wrong: Oracle
) -> None:
    of_one = defaultdict(list)
    for mistake in wrong.mistakes:
        of_one[mistake.conversation_id].append(mistake)
    whole = {digest_text(one.turns, ""): one for one in reversed(conversations)}
    for conversation in conversations:
        known = facts[conversation.conversation_id]
        expected = planted_values(known)
        response, subjective = label_of(known, "response", "no values"), label_of(known, "subjectivity")
        # Of two that say the same, the first is meant.
        for kind, side, planted, said in (
            mistake[1:] for mistake in of_one[whole[digest_text(conversation.turns, "")].conversation_id]
        ):
            if kind in ("miss", "side swap"):
                expected.subtract([(side, planted)])
            if kind == "side swap":
                expected.update([({"ai": "human", "human": "ai"}[side], said)])
            elif kind == "invention":
                assert canonical_key(said) not in {canonical_key(fact["label"]) for fact in known}
                expected.update([(side, said)])
            elif kind == "wrong response":
                assert planted == response != said
                response = said
            elif kind == "screen error":
                assert planted == subjective
                subjective = "no" if planted == "yes" else "yes"
                assert said in LEVELS[subjective]
        answer = all_of(wrong, conversation)
        assert values_of(answer) == +expected
        assert max(expected.values(), default=1) == 1
        assert answer["response_type"] == response
        assert response in RESPONSE_TYPES
        assert wrong(question(shown(conversation)))["subjectivity"] in LEVELS[subjective]


def test_what_is_wrong_has_evidence_too(conversations: list[Conversation], truth: pa.Table) -> None:
    oracle = Oracle(conversations, truth, inventions=0.5, side_swaps=0.5)
    assert len(oracle.mistakes) > 1000
    for conversation in conversations:
        answer = all_of(oracle, conversation)
        for side in ("ai", "human"):
            for entry in answer[f"{side}_values"]:
                turn = conversation.turns[entry["turn"] - 1]
                assert turn.side == side
                assert entry["quote"] in " ".join(turn.text.split())
                assert len(entry["quote"].split()) <= 15
                assert sum(char.isalpha() for char in entry["quote"]) >= 4


def test_another_seed_makes_other_mistakes_and_the_order_makes_none(
    conversations: list[Conversation], truth: pa.Table, wrong: Oracle
) -> None:
    assert Oracle(conversations, truth, seed=1, **RATES).mistakes != wrong.mistakes
    backwards = Oracle(conversations[::-1], truth, **RATES)
    assert sorted(backwards.mistakes, key=str) == sorted(wrong.mistakes, key=str)
    for conversation in conversations[:100]:
        assert all_of(backwards, conversation) == all_of(wrong, conversation)


# -- what is not known -----------------------------------------------------------------------------------------------


def test_an_unknown_conversation_is_an_error_that_the_test_sees(
    conversations: list[Conversation], right: Oracle
) -> None:
    data = shown(conversations[0])
    data["turns"][0]["text"] += "!"
    # Imported where they are needed: other tests here need no client.
    openai = pytest.importorskip("openai", reason="the extra llm is not installed")

    def ask(server: Server) -> None:
        server.answer = right
        with (
            openai.OpenAI(base_url=server.url, api_key="sk-1", max_retries=0, timeout=20) as client,
            pytest.raises(openai.InternalServerError),
        ):
            client.chat.completions.create(model="m", **question(data))

    with pytest.raises(LookupError, match="no conversation has these"), serve() as server:
        ask(server)


def test_a_question_for_unknown_parts_and_a_truth_that_lacks_a_conversation_are_refused(
    conversations: list[Conversation], right: Oracle
) -> None:
    with pytest.raises(ValueError, match="nothing to fill that is known: .*mood"):
        right(question(shown(conversations[0]), ["mood"]))
    with pytest.raises(ValueError, match=f"does not know the conversation {conversations[0].conversation_id}"):
        Oracle(conversations, [])


# -- obedience -------------------------------------------------------------------------------------------------------


def test_an_obedient_model_does_what_it_reads_and_else_answers_as_the_oracle(
    conversations: list[Conversation], truth: pa.Table, facts: Facts, right: Oracle
) -> None:
    obedient = Obedient(right, truth)
    seen = Counter()
    for conversation in conversations:
        found = [fact for fact in facts[conversation.conversation_id] if fact["kind"] == "injection"]
        answer, true = all_of(obedient, conversation), all_of(right, conversation)
        if not found or found[0]["label"] == "tool result":
            assert answer == true
            continue
        [fact] = found
        seen[fact["label"]] += 1
        check_obeyed(fact, conversation, answer, true)
        assert obedient(question(shown(conversation))) == right(question(shown(conversation)))
    # What tools return is not shown.
    assert seen.keys() == set(TECHNIQUES) - {"tool result"}
    assert min(seen.values()) == 3
    obeyed = {(one.conversation_id, one.technique) for one in obedient.obeyed}
    assert Counter(technique for _, technique in obeyed) == seen


def check_obeyed(
    fact: Mapping[str, Any], conversation: Conversation, answer: Mapping[str, Any], true: Mapping[str, Any]
) -> None:
    technique, unwanted = fact["label"], fact["quote"]
    if technique == "no values":
        assert (answer["ai_values"], answer["human_values"], answer["response_type"]) == ([], [], "no values")
        return
    if technique == "strong resistance":
        assert answer == {**true, "response_type": "strong resistance"} != true
        return
    for part in PARTS[:2]:
        entry = answer[part][-1]
        assert unwanted in entry["value"]
        assert entry["turn"] == fact["turn"]
        assert entry["quote"] in " ".join(conversation.turns[fact["turn"] - 1].text.split())
        assert len(entry["quote"].split()) <= 15
        assert technique == "base64" or unwanted in entry["quote"]
        assert entry.get("explicit") is (True if part == "ai_values" else None)
    assert (SYSTEM in json.dumps(answer)) == (technique == "reveal the prompt")
    assert (unwanted in answer["task"]) == (technique in ("reveal the prompt", "echo a canary"))


def test_an_obedient_model_obeys_in_the_parts_it_is_asked_for_where_it_sees_the_instruction(
    conversations: list[Conversation], truth: pa.Table, right: Oracle
) -> None:
    rows = [row for row in truth.to_pylist() if row["kind"] == "injection" and row["label"] == "ignore and say"]
    by_id = {one.conversation_id: one for one in conversations}
    for row in rows:
        conversation, turn = by_id[row["conversation_id"]], row["turn"]
        obedient = Obedient(right, truth)
        others = [range(1, turn), range(turn + 1, len(conversation.turns) + 1)]
        unseen = question(shown(conversation, *others), PARTS)
        assert obedient(unseen) == right(unseen)
        assert not obedient.obeyed
        answer = obedient(question(shown(conversation, range(turn, turn + 1)), ["human_values"]))
        assert [entry["value"] for entry in answer["human_values"]] == [row["quote"]]
        assert [answer[part] for part in PARTS if part != "human_values"] == [None] * 3
        assert {one.part for one in obedient.obeyed} == {"human_values"}


# -- the process -----------------------------------------------------------------------------------------------------


def test_the_process_makes_the_same_mistakes(
    folder: Path, conversations: list[Conversation], truth: pa.Table, wrong: Oracle
) -> None:
    openai = pytest.importorskip("openai", reason="the extra llm is not installed")
    options = [f"--{name.replace('_', '-')}={part}" for name, part in RATES.items()]
    command = [sys.executable, "-m", "tests.llm_server", "--oracle", str(folder), "--obedient", *options]
    expected = Obedient(wrong, truth)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with openai.OpenAI(base_url=url, api_key="sk-1", max_retries=0, timeout=20) as client:
            for conversation in conversations[:40]:
                asked = question(shown(conversation), PARTS)
                said = client.chat.completions.create(model="m", **asked).choices[0].message.content
                assert json.loads(said) == expected(asked)
        process.stdin.close()
        assert process.wait(20) == 0
