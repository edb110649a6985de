"""The invented conversations hold what their truth says, as often as planted, and nothing beside it."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from tests.conftest import ROOT, examples

# The modules of fixtures/ import each other as scripts do.
sys.path.append(str(ROOT / "fixtures"))

from carriers import LANGUAGES, TRAPS, carriers_of, clean_values
from corpus_plan import LONG_AI, LONG_HUMAN, LONG_TURNS, SUBJECTIVE
from injections import PLACES, TECHNIQUES, made_up_word
from invented import Invented
from make_conversations import TRUTH, Fact, invent, truth_table
from planted import (
    AI_MEAN,
    EXPLICIT,
    HUMAN_MEAN,
    MIRRORED,
    RESPONSES,
    TASKS,
    WITH_AI,
    WITH_HUMAN,
)
from planted_secrets import FIELDS, iban, secrets

Corpus = list[tuple[Invented, list[Fact]]]
# Letters that only one of the languages has.
SCRIPTS = {"ja": "[\u3040-\u30ff]", "hi": "[\u0900-\u097f]", "ar": "[\u0600-\u06ff]"}


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return list(invent(1200, 1))


def facts(known: list[Fact], kind: str, side: str | None = None) -> list[Fact]:
    return [fact for fact in known if fact.kind == kind and side in (None, fact.side)]


def label(known: list[Fact], kind: str) -> str:
    [fact] = facts(known, kind)
    return fact.label


def subjective(corpus: Corpus) -> Corpus:
    return [(said, known) for said, known in corpus if label(known, "subjectivity") == "yes"]


def text_of(conversation: Invented, turn: int) -> str:
    return "\n\n".join(piece.text for piece in conversation.turns[turn - 1].pieces if piece.kind == "text")


def fields(conversation: Invented) -> Iterator[tuple[str, int | None, str]]:
    """Yield every string of a conversation with the name of its field and its turn."""
    yield "conversation_id", None, conversation.conversation_id
    yield "user_id", None, conversation.user_id
    yield "system", None, conversation.system
    yield from (("contexts", None, text) for text in conversation.contexts.values())
    for number, turn in enumerate(conversation.turns, 1):
        for piece in turn.pieces:
            said = "human text" if turn.side == "human" else "AI text"
            yield said if piece.kind == "text" else piece.kind, number, piece.text


# -- proportions ---------------------------------------------------------------------------------------------------


def within(count: int, of: int, planted: float) -> None:
    low, high = proportion_confint(count, of, alpha=0.001, method="wilson")
    assert low <= planted <= high


def check_proportions(corpus: Corpus) -> None:
    chosen = subjective(corpus)
    n = len(chosen)
    within(n, len(corpus), SUBJECTIVE)
    for side, part, mean in (("ai", WITH_AI, AI_MEAN), ("human", WITH_HUMAN, HUMAN_MEAN)):
        counts = [len(facts(known, "value", side)) for _, known in chosen]
        within(np.count_nonzero(counts), n, part)
        assert np.mean(counts) == pytest.approx(mean, rel=0.01)
    responses = Counter(label(known, "response") for _, known in chosen)
    for name, part in RESPONSES.items():
        within(responses[name], n, part)
        both, shared, said, explicit = 0, 0, 0, 0
        for _, known in chosen:
            if label(known, "response") == name:
                ai, human = ({fact.label for fact in facts(known, "value", side)} for side in ("ai", "human"))
                both += bool(ai and human)
                shared += bool(ai & human)
                said += len(ai)
                explicit += sum(bool(fact.explicit) for fact in facts(known, "value", "ai"))
        within(shared, both, MIRRORED[name])
        within(explicit, said, EXPLICIT[name])
    languages = Counter(said.language for said, _ in corpus)
    for name, part in LANGUAGES.items():
        within(languages[name], len(corpus), part)


def test_proportions_are_those_planted(corpus: Corpus) -> None:
    check_proportions(corpus)


@pytest.mark.slow
def test_a_corpus_of_20_000_holds_what_it_says() -> None:
    corpus = list(invent(20_000, 2))
    check_proportions(corpus)
    check_values(corpus)
    check_secrets(corpus)
    check_injections(corpus)
    assert sum(len(said.turns) == LONG_TURNS for said, _ in corpus) == 10
    # A heavy tail: many values, most of them rare.
    values = Counter(fact.label for said, known in corpus for fact in facts(known, "value") if said.language == "en")
    assert len(values) > 500
    assert np.median(list(values.values())) < 10


# -- values ----------------------------------------------------------------------------------------------------------


def check_values(corpus: Corpus) -> None:
    for said, known in corpus:
        values = facts(known, "value")
        assert len({(fact.side, fact.label) for fact in values}) == len(values)
        for fact in [*values, *facts(known, "not expressed"), *facts(known, "response")]:
            if fact.turn:
                assert said.turns[fact.turn - 1].side == fact.side
                assert fact.quote
                assert fact.quote in text_of(said, fact.turn)
                assert len(fact.quote.split()) <= 15 or fact.kind != "value"
        for trap in facts(known, "not expressed"):
            assert trap.place in TRAPS
            assert trap.label not in {fact.label for fact in facts(known, "value", trap.side)}
        if label(known, "subjectivity") == "no":
            assert {fact.kind for fact in known} <= {"subjectivity", "language", "task", "secret"}


def test_values_are_quoted_from_their_turn_and_traps_are_of_no_value(corpus: Corpus) -> None:
    check_values(corpus)
    assert {fact.place for _, known in corpus for fact in facts(known, "not expressed")} == set(TRAPS)


def test_stated_values_are_named_and_shown_ones_are_not(corpus: Corpus) -> None:
    for said, known in corpus:
        named = carriers_of(said.language).named
        names = dict(zip(named.labels, named.sentences, strict=True))
        for fact in facts(known, "value"):
            assert fact.label in clean_values()
            if fact.explicit:
                assert names[fact.label][0].lower() in str(fact.quote).lower()
            else:
                assert fact.side == "ai"
                assert not any(name.lower() in str(fact.quote).lower() for name in names.get(fact.label, ()))


def test_in_english_no_sentence_that_shows_a_value_has_a_word_of_its_name() -> None:
    shown = carriers_of("en").shown
    for value, sentences in zip(shown.labels, shown.sentences, strict=True):
        for word in re.findall(r"[a-z]{4,}", value):
            assert not any(word[:5] in sentence.lower() for sentence in sentences), value


# -- turns -----------------------------------------------------------------------------------------------------------


def test_sides_take_turns(corpus: Corpus) -> None:
    for said, _ in corpus:
        assert all(turn.side == ("ai", "human")[number % 2] for number, turn in enumerate(said.turns, 1))
        assert 2 <= len(said.turns) <= 13 or len(said.turns) == LONG_TURNS
        assert said.turns[0].pieces


def test_long_conversations_have_values_in_known_turns(corpus: Corpus) -> None:
    long = [(said, known) for said, known in corpus if len(said.turns) == LONG_TURNS]
    assert len(long) == 1
    for _, known in long:
        assert tuple(fact.turn for fact in facts(known, "value", "human")) == LONG_HUMAN
        assert tuple(fact.turn for fact in facts(known, "value", "ai")) == LONG_AI


def test_other_pieces_and_empty_turns_occur(corpus: Corpus) -> None:
    kinds = Counter(piece.kind for said, _ in corpus for turn in said.turns for piece in turn.pieces)
    assert all(kinds[kind] > 50 for kind in ("image", "tool call", "tool result", "thinking"))
    empty = Counter(turn.side for said, _ in corpus for turn in said.turns if not turn.pieces)
    assert empty["human"] > 5
    assert empty["ai"] > 5


def test_people_write_in_eight_languages(corpus: Corpus) -> None:
    assert {said.language for said, _ in corpus} == set(LANGUAGES)
    for said, known in corpus:
        assert label(known, "language") == said.language
        written = "".join(text_of(said, turn) for turn in range(1, len(said.turns) + 1, 2))
        found = {language for language, letters in SCRIPTS.items() if re.search(letters, written)}
        assert found == {said.language} & set(SCRIPTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_sentences_for_everything(language: str) -> None:
    carriers, english = carriers_of(language), carriers_of("en")
    assert set(carriers.lines) == set(english.lines)
    assert set(carriers.openings) == set(TASKS)
    assert {*carriers.responses, "no values"} == set(RESPONSES)
    assert set(carriers.traps) == set(TRAPS)
    assert set(carriers.objective) == set(english.objective)
    assert len(carriers.named.labels) >= 30
    assert set(carriers.named.labels) <= set(clean_values())
    assert set(carriers.shown.labels) <= set(english.shown.labels)
    for name in ("human_states", "ai_states"):
        assert all(line.count("{value}") == 1 for line in carriers.lines[name])


# -- injections ------------------------------------------------------------------------------------------------------


def check_injections(corpus: Corpus) -> None:
    found = [(said, known, fact) for said, known in corpus for fact in facts(known, "injection")]
    assert {(fact.label, fact.place) for *_, fact in found} == {(a, b) for a in TECHNIQUES for b in PLACES}
    everything = [(said.conversation_id, *field) for said, _ in corpus for field in fields(said)]
    for said, known, fact in found:
        assert facts(known, "value", "ai")
        assert fact.turn
        held = text_of(said, fact.turn) if fact.side == "human" else ""
        quote = str(fact.quote)
        # Both are what a label would be in other conversations.
        if fact.label in ("no values", "strong resistance"):
            assert label(known, "response") != quote
            assert quote in held
        elif fact.label == "base64":
            hidden = base64.b64decode(held.split()[-1]).decode()
            assert quote in hidden
            assert not any(quote in text for *_, text in everything)
        else:
            field = "tool result" if fact.label == "tool result" else "human text"
            places = {entry[:3] for entry in everything if quote in entry[3]}
            assert places == {(said.conversation_id, field, fact.turn)}


def test_all_injections_are_where_they_are_said_to_be(corpus: Corpus) -> None:
    check_injections(corpus)
    for said, known in corpus:
        for fact in facts(known, "injection"):
            of_side = [number for number, turn in enumerate(said.turns, 1) if turn.side == fact.side]
            assert fact.turn
            expected = {"first": fact.turn == of_side[0], "last": fact.turn == of_side[-1],
                        "middle": of_side[0] < fact.turn < of_side[-1]}  # fmt: skip
            assert expected[str(fact.place)]


@given(st.sets(st.integers(0, 65_535), min_size=2))
@examples(20)
def test_made_up_words_differ(numbers: set[int]) -> None:
    assert len({made_up_word(number) for number in numbers}) == len(numbers)


# -- secrets ---------------------------------------------------------------------------------------------------------


def check_secrets(corpus: Corpus) -> None:
    found = [fact for _, known in corpus for fact in facts(known, "secret")]
    assert len({fact.quote for fact in found}) == len(found) == 200
    assert len({(fact.label, fact.place) for fact in found}) == 6 * len(FIELDS)
    everything = [(said.conversation_id, *field) for said, _ in corpus for field in fields(said)]
    whole = "\n".join(text for *_, text in everything)
    for fact in found:
        assert whole.count(str(fact.quote)) == 1
    secret = re.compile("|".join(re.escape(str(fact.quote)) for fact in found))
    places = {match[0]: entry[:3] for entry in everything for match in secret.finditer(entry[3])}
    assert places == {fact.quote: (fact.conversation_id, fact.place, fact.turn) for fact in found}


def test_secrets_are_where_they_are_said_to_be_and_nowhere_else(corpus: Corpus) -> None:
    check_secrets(corpus)


def test_secrets_are_of_nobody() -> None:
    of_kind: dict[str, list[str]] = {}
    for secret in secrets(np.random.default_rng(0), 200):
        of_kind.setdefault(secret.label, []).append(secret.text)
    assert all(re.search(r"@example\.(org|com|net)$", text) for text in of_kind["e-mail"])
    fictitious = r"\+1 212-555-01\d\d|\+44 1632 960\d{3}|\+49 30 23125 \d{3}"
    assert all(re.fullmatch(fictitious, text) for text in of_kind["phone"])
    assert all("example" in text.lower() for text in of_kind["API key"])
    assert all(re.match("DE.. 9999 9999|GB.. ZZZZ", text) for text in of_kind["IBAN"])


@given(st.integers(0, 10**18 - 1))
@examples(20)
def test_an_iban_has_the_check_digits_of_its_account(number: int) -> None:
    account = f"{number:018}"
    plain = iban("DE", account).replace(" ", "")
    moved = plain[4:] + plain[:4]
    assert plain[4:] == account
    assert int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


# -- the same each time ----------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_and_another_one_does_not(corpus: Corpus) -> None:
    assert list(invent(1200, 1)) == corpus
    assert next(invent(1200, 2)) != corpus[0]


@pytest.mark.parametrize("n", [1, 2, 3, 10, 60, 500])
def test_a_small_corpus_holds_as_much_as_fits(n: int) -> None:
    small = list(invent(n, 4))
    check_values(small)
    assert len(small) == n
    assert sum(len(facts(known, "secret")) for _, known in small) == n // 5
    assert sum(len(facts(known, "injection")) for _, known in small) <= n * 36 // 1000


def test_the_truth_is_a_table_of_facts(corpus: Corpus) -> None:
    rows = truth_table([fact for _, known in corpus for fact in known])
    assert rows.schema == TRUTH
    assert tuple(rows.column_names) == Fact._fields
    assert rows.num_rows == sum(len(known) for _, known in corpus)
    assert truth_table([]).schema == TRUTH


def test_the_command_writes_the_same_bytes_twice(tmp_path: Any) -> None:
    written = []
    for seed in ("0", "1"):
        command = [sys.executable, "fixtures/make_conversations.py", "--conversations", "40", "--seed", "5"]
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        subprocess.run([*command, "--format", "jsonl", "--out", str(tmp_path / seed)], check=True, cwd=ROOT,
                       env=environment, capture_output=True)  # fmt: skip
        written.append({path.name: path.read_bytes() for path in (tmp_path / seed).iterdir()})
    assert written[0] == written[1]
    assert len(written[0]) == 2
    assert pq.read_table(tmp_path / "0" / "truth.parquet").num_rows > 160
