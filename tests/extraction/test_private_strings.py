"""Patterns and names in single strings, and how well they tell private strings from others."""

from __future__ import annotations

import csv
from time import process_time

import pytest

from taxonomy.extraction.audit.personal_names import find_names
from taxonomy.extraction.audit.private_patterns import find_patterns
from taxonomy.extraction.audit.spans import mask, separate
from tests.benchmarks.audit_figures import STRINGS, measure
from tests.conftest import FIXTURE

# The least sensitivity and specificity of each half.
LEAST = {"tuning": (0.95, 0.95), "held out": (0.85, 0.95)}


def found_in(text: str) -> list[str]:
    spans = separate([*find_patterns(text), *find_names(text)])
    return [span.what for span in spans]


def shown(text: str) -> str:
    return mask(text, separate([*find_patterns(text), *find_names(text)]))


# -- patterns and names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to kim@example.org", "write to [e-mail address]"),
        ("write to kim at example dot org", "write to [e-mail address]"),
        ("write to kim＠exam\u200bple.org", "write to [e-mail address]"),
        ("see https://example.org/kim?a=1 first", "see [web address] first"),
        ("call +49 30 23125 012 today", "call [phone number] today"),
        ("trust in DE89 3704 0044 0532 0130 00", "trust in [IBAN]"),
        ("pay with 4242 4242 4242 4242", "pay with [card number]"),
        ("use AKIAEXAMPLE7XK2M4Q", "use [key or password]"),
        ("use 9f86d081884c7d659a2feaa0c55ad015", "use [key or password]"),
        ("growth of @quiet_fox", "growth of [account]"),
        ("block 203.0.113.9", "block [network address]"),
        ("meet at 52.5200, 13.4050", "meet at [coordinates]"),
        ("living at 12 Otterquill Lane", "living at [postal address]"),
        ("born on 12.03.1987", "born on [date]"),
        ("kindness to Rufus", "kindness to [name]"),
        ("respect for Dr. Ansgar Pellworth's time", "respect for Dr. [name] time"),
        ("Uhrmacher Thaddeus Pellworth", "… [name]"),
        ("care for emmerich maddlestone", "care for [name]"),
        ("honesty at Brindlecask Ciders Ltd", "honesty at [firm]"),
        ("thanks to 田中 花子さん", "thanks to [name]"),
    ],
)
def test_what_tells_of_somebody_is_found_and_masked(text: str, masked: str) -> None:
    assert shown(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Socratic questioning",
        "Islamic ethics",
        "Montessori education",
        "Kantian duty",
        "Christian charity",
        "GDPR compliance",
        "LGBTQ+ allyship",
        "Maslow's hierarchy",
        "Grace Under Pressure",
        "Hope For The Future",
        "tikkun olam",
        "wu wei",
        "Ehrlichkeit und Rücksichtnahme",
        "思いやり",
        "ISO 27001-2022 certification",
        "2019-2023 strategy",
        "10 easy steps to confidence",
        "port 127.0.0.1",
        "using @dataclass decorators",
        "a 1 000 000 word novel",
        "translating Swift to Kotlin",
    ],
)
def test_words_of_values_are_nobodys_names(text: str) -> None:
    assert found_in(text) == []


def test_a_number_needs_its_check_digits_to_be_more_than_a_number() -> None:
    assert found_in("DE89 3704 0044 0532 0130 00") == ["IBAN"]
    assert "IBAN" not in found_in("DE88 3704 0044 0532 0130 00")
    assert found_in("4242 4242 4242 4242") == ["card number"]
    assert "card number" not in found_in("4242 4242 4242 4241")


def test_a_vocabulary_vouches_for_words() -> None:
    assert find_names("Ambleworthian care, Tresk style") != []
    assert find_names("Ambleworthian care, Tresk style", {"tresk"}) == []


def test_hostile_strings_take_no_long_time_to_read() -> None:
    units = ("a", "a.b-", "1 ", "A ", "x@", "12 Aa ", "1", "Abc-", "sk-", "ul.", ".", "a [at] ", " ")
    for text in (unit * (20_000 // len(unit)) for unit in units):
        start = process_time()
        find_patterns(text)
        find_names(text)
        assert process_time() - start < 20, text[:8]


def test_values_as_models_name_them_pass() -> None:
    with FIXTURE.open(encoding="utf-8") as file:
        values = [row["value"] for row in csv.DictReader(file)]
    assert [value for value in values if found_in(value)] == []
    assert [value for value in values if found_in(value.title())] == []


# -- figures ---------------------------------------------------------------------------------------------------


def test_invented_strings_are_told_apart() -> None:
    figures = measure(STRINGS)
    assert sum(share.of for shares in figures.values() for share in shares) >= 200
    for half in ("tuning", "held out"):
        sensitivity, specificity = figures[half]
        assert sensitivity.share is not None
        assert specificity.share is not None
        assert sensitivity.share >= LEAST[half][0]
        assert specificity.share >= LEAST[half][1]
