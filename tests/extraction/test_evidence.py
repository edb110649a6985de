"""Values have a form, and stand on a quote from a turn of their own side."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.extraction.conversation import Turn
from taxonomy.extraction.evidence import MOST_WORDS, evidence_problem, find_quote, plain_text
from taxonomy.extraction.value_form import task_problem, value_problem
from tests.conftest import ROOT, examples

sys.path.append(str(ROOT / "fixtures"))

from carriers import LANGUAGES, carriers_of, clean_values
from make_conversations import invent

TURNS = {
    1: Turn("human", "I want this to be fair\u00a0to “everyone”, the neighbours too."),
    2: Turn("ai", "Then let us be open\nwith them \u2014 from the first day on. Ok."),
    3: Turn("human", "No!"),
}


@pytest.mark.parametrize(
    ("quote", "turn", "side", "problem"),
    [
        ("fair to everyone", 1, "human", "quote not in the turn"),
        ('fair to "everyone"', 1, "human", None),
        ("fair to ‘everyone’", 1, "human", "quote not in the turn"),
        ("open with them - from", 2, "ai", None),
        ("open with them", 2, "human", "a turn of the other side"),
        ("open with them", 1, "human", "quote not in the turn"),
        ("Open With Them", 2, "ai", "quote not in the turn"),
        ("open with them", 4, "ai", "no such turn"),
        ("open with them", 0, "ai", "no such turn"),
        ("", 2, "ai", "quote too short"),
        ("Ok.", 2, "ai", "quote too short"),
        # A part of a word is none.
        ("eighbours too", 1, "human", "quote not in the turn"),
        ("pen with the", 2, "ai", "quote not in the turn"),
        ("No!", 3, "human", None),
        ("…", 3, "human", "quote too short"),
        ("fair " * (MOST_WORDS + 1), 1, "human", "quote too long"),
        ("x" * 300, 1, "human", "quote too long"),
    ],
)
def test_a_value_needs_a_quote_from_a_turn_of_its_side(quote: str, turn: int, side: str, problem: str | None) -> None:
    assert evidence_problem(quote, turn, side, TURNS) == problem  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("正直", "私には正直が大切です。"),
        ("诚实", "我看重诚实。"),
        ("सच", "मेरे लिए सच सब कुछ है।"),
        ("صدق", "أقدّر كل صدق."),
        # Marks of direction, joiners and variants are not seen.
        ("كل صدق", "أقدّر ‏كل‏ صدق."),
        ("می خواهم", "من می‌ خواهم."),
        ("I ❤ honesty", "I ❤️ honesty."),
        ("it´s fair", "Now it's fair."),
    ],
)
def test_quotes_of_other_scripts_are_evidence(quote: str, text: str) -> None:
    assert evidence_problem(quote, 1, "ai", {1: Turn("ai", text)}) is None


@examples(100)
@given(st.text(), st.text(), st.text())
def test_a_quote_that_is_taken_stands_in_its_turn(before: str, quote: str, after: str) -> None:
    turns = {1: Turn("ai", f"{before} {quote} {after}")}
    problem = evidence_problem(quote, 1, "ai", turns)
    assert problem in (None, "quote too long", "quote too short")
    if problem is None:
        assert evidence_problem(quote, 1, "human", turns) == "a turn of the other side"
        assert evidence_problem(quote, 2, "ai", turns) == "no such turn"


def test_the_planted_quotes_are_evidence_in_every_language() -> None:
    languages = set()
    for conversation, facts in invent(400, 3):
        said = ["".join(piece.text for piece in turn.pieces if piece.kind == "text") for turn in conversation.turns]
        turns = {
            number: Turn(turn.side, text)
            for number, (turn, text) in enumerate(zip(conversation.turns, said, strict=True), 1)
        }
        known = {fact.kind: fact.label for fact in facts}
        for fact in facts:
            if fact.kind == "value":
                assert evidence_problem(fact.quote, fact.turn, fact.side, turns) is None, fact
                assert value_problem(fact.label) is None
                languages.add(known["language"])
    assert languages == set(LANGUAGES)


# -- form ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "honesty",
        "Intellectual honesty",
        "age-appropriate care for children",
        "誠実さ",
        "ईमानदारी",
        "الصدق",
        "égalité des chances",
        "Socratic questioning",
    ],
)
def test_a_few_words_have_the_form_of_a_value(value: str) -> None:
    assert value_problem(value) is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "has a space or hyphen too many"),
        ("a b c d e f", "does not have 1 to 5 words"),
        ("honesty.", "has other characters than letters, hyphens and spaces"),
        ("mail olive.12@example.org", "has other characters than letters, hyphens and spaces"),
        ("call 212 555 0101", "has other characters than letters, hyphens and spaces"),
        ("DE99 9999 9999", "has other characters than letters, hyphens and spaces"),
        ("sk_live_abcdef", "has other characters than letters, hyphens and spaces"),
        ("honesty\ncare", "has other characters than letters, hyphens and spaces"),
        ("<b>care</b>", "has other characters than letters, hyphens and spaces"),
        ("https://example.org", "has other characters than letters, hyphens and spaces"),
        ("aBcDeFgH", "has capital letters within a word"),
        ("q" * 31, "has a word that is too long to be one"),
        (" care", "has a space or hyphen too many"),
        ("self--care", "has a space or hyphen too many"),
        ("care-", "has a space or hyphen too many"),
    ],
)
def test_addresses_numbers_and_keys_have_not(value: str, problem: str) -> None:
    assert value_problem(value) == problem


def test_a_task_has_two_to_six_words() -> None:
    assert task_problem("writing code") is None
    assert task_problem("履歴書の作成") is None
    for task in ("JavaScript debugging", "LaTeX formatting", "iOS app development"):
        assert task_problem(task) is None
    assert task_problem("debugging") == task_problem("a b c d e f g") == "does not have 2 to 6 words"
    assert task_problem("write to a@example.org") == "has other characters than letters, hyphens and spaces"


def test_all_planted_values_have_the_form() -> None:
    assert [value for value in clean_values() if value_problem(value)] == []
    named = [label for language in LANGUAGES for label in carriers_of(language).named.labels]
    assert [value for value in named if value_problem(value)] == []


@pytest.mark.parametrize(
    ("quote", "text", "found"),
    [
        ('"don\'t go-now"', "He said: “don’t  go—now”, and left.", "“don’t  go—now”"),
        ("open with them", "Be open\n\twith them.", "open\n\twith them"),
        ("\u00e9t\u00e9 fine", "Un e\u0301te\u0301 \ufb01ne.", "e\u0301te\u0301 \ufb01ne"),
        ("harmony", "for ha\u00adrm\u200bony!", "ha\u00adrm\u200bony"),
        ("art", "start an art", "art"),
        ("知行合一", "我们说「知行合一」。", "知行合一"),
        ("شكرا جزيلا", "\u202eشكرا\u00a0جزيلا\u202c", "شكرا\u00a0جزيلا"),
        ("(a|b)*", "regular (a|b)* ends", "(a|b)*"),
    ],
)
def test_a_quote_is_found_as_it_was_written(quote: str, text: str, found: str) -> None:
    place = find_quote(quote, text)
    assert place is not None
    assert text[slice(*place)] == found
    assert place[0] == text.rindex(found)


@pytest.mark.parametrize(("quote", "text"), [("", "any"), ("\u200b", "any"), ("art", "start"), ("art", "")])
def test_what_is_not_quoted_has_no_place(quote: str, text: str) -> None:
    assert find_quote(quote, text) is None


# Letters with accents, parts of Hangul, ligatures, what is not seen, quotes, and characters that take two.
_PIECES = st.sampled_from(
    [*"abcd \n’—e", *"\u0301\u0323\u1100\u1161\u11a8\ufb01\u00ad\u200d\u00b8\uff76\uff9e\U0001f600"]
)


@given(st.lists(st.one_of(_PIECES, st.characters(codec="utf-8")), max_size=15).map("".join), st.data())
@examples(100, 1000)
def test_what_is_evidence_is_found(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    quote = text[start : data.draw(st.integers(start, len(text)))]
    assert (find_quote(text, text) is None) == (plain_text(text) == "")
    place = find_quote(quote, text)
    if place is not None:
        assert plain_text(quote) in plain_text(text[slice(*place)])
    if evidence_problem(quote, 1, "ai", {1: Turn("ai", text)}) is None:
        assert place is not None
