from __future__ import annotations

import doctest
import math
import random
from collections import Counter
from operator import attrgetter

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from taxonomy.errors import InputError
from taxonomy.values import Rejection, Value, ValueSet, canonical_key, clean, read_values, residue, value_set
from taxonomy.values.gathering import Strings
from taxonomy.values.residue import split_values
from taxonomy.values.spellings import SpellingIndex, family_key, is_one_value, merge_spellings
from tests.conftest import examples

WORDS = ["care", "cares", "Honesty", "honesty", "honesties", "well-being", "well being", "none", "", "仁"]
DECORATIONS = ["{}", "- {}", "1. {}", '"{}"', "**{}**", "({})", "{}.", " {}\t", "• {}!", "“{}”", "{}\u200b"]

messy = st.builds(lambda form, word: form.format(word), st.sampled_from(DECORATIONS), st.sampled_from(WORDS))
noise = st.text(st.sampled_from("ab sS-_*`'\"()[]<>{}\\\\$&/.,:;!?#+~=1)\n\t•–½①́ßİﬁ\u200b"), max_size=25)
strings = st.one_of(messy, noise, st.text(max_size=40))
weights = st.one_of(st.integers(0, 10**6), st.floats(0, 1e6))
records = st.lists(st.tuples(strings, weights), min_size=1, max_size=30)


def gather(rows: list[tuple[str, float]]) -> ValueSet:
    """Read rows, leaving out the inputs that hold no value at all."""
    try:
        return ValueSet.from_records(rows)
    except InputError as error:
        assume("no row holds a value" not in str(error) and "every weight is 0" not in str(error))
        raise


def listed(text: str) -> list[str]:
    """Return the strings that a row holds."""
    parts = [part for part in split_values(text) if part.strip()]
    return parts if len(parts) > 1 else [text]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("- honesty.", "honesty"),
        ("* honesty", "honesty"),
        ("•honesty", "honesty"),
        ("1. honesty", "honesty"),
        ("12) honesty", "honesty"),
        ("(3) honesty", "honesty"),
        ("a) honesty", "honesty"),
        ("(iv) honesty", "honesty"),
        ("1.2. honesty", "honesty"),
        ("5: honesty", "honesty"),
        ("#3 honesty", "honesty"),
        ("#4. honesty", "honesty"),
        ("① honesty", "honesty"),
        ("1\ufe0f\u20e3 honesty", "honesty"),
        ("- [x] honesty", "honesty"),
        ("1. **Honesty**", "Honesty"),
        ("**Honesty**: telling the truth", "Honesty: telling the truth"),
        ("__honesty__", "honesty"),
        ("## Honesty ##", "Honesty"),
        ("> honesty", "honesty"),
        ("`code` quality", "code quality"),
        ("“honesty”,", "honesty"),
        ("«honesty»", "honesty"),
        ("['honesty'", "honesty"),
        ('"honesty"]', "honesty"),
        ('"honesty', "honesty"),
        ('"honesty" and "truth"', '"honesty" and "truth"'),
        ("(honesty)", "honesty"),
        ("✨ honesty ✨", "honesty"),
        ("├── honesty", "honesty"),
        ("honesty...", "honesty"),
        ("honesty…", "honesty"),
        ("诚实。", "诚实"),
        ("  intellectual\t\u00a0 honesty ", "intellectual honesty"),
        ("intellectual\r\nhonesty", "intellectual honesty"),
        ("well\u2011being", "well-being"),
        ("well—being", "well-being"),
        ("women’s rights", "women's rights"),
        ("hon\u200besty\ufeff", "honesty"),
        ("soft\u00adness", "softness"),
        ("hon\x00es\x1bty", "honesty"),
        ("ﬁdelity", "fidelity"),
        ("cafe\u0301 culture", "café culture"),
        # What looks like decoration and is not.
        ("C++ proficiency", "C++ proficiency"),
        ("C++", "C++"),
        ("C#", "C#"),
        (".NET expertise", ".NET expertise"),
        ("24/7 availability", "24/7 availability"),
        ("5s methodology", "5s methodology"),
        ("1:1 mentoring", "1:1 mentoring"),
        ("360° feedback", "360° feedback"),
        ("½ measures", "½ measures"),
        ("Trust™ building", "Trust™ building"),
        ("-1 karma", "-1 karma"),
        ("− 5 stars", "5 stars"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("hon\u200cesty", "honesty"),
        # What a language model leaves around a value.
        ("<value>honesty</value>", "honesty"),
        ('<v score="1">honesty</v>', "honesty"),
        ('{"value": "honesty"}', "honesty"),
        ('{"answer": "honesty", "evidence": "it said so"}', "honesty"),
        ('["honesty"]', "honesty"),
        ("{'honesty': 0.9}", "honesty"),
        ("Value: honesty", "honesty"),
        ("**Final answer:** honesty", "honesty"),
        ("Value 2: honesty", "honesty"),
        ("\\boxed{honesty}", "honesty"),
        ("$\\boxed{\\text{honesty}}$", "honesty"),
        ('```json\n{"value": "honesty"}\n```', "honesty"),
        ("honesty (0.9)", "honesty"),
        ("honesty [confidence: 95%]", "honesty"),
        ("care &amp; concern", "care & concern"),
        ("Agenda (2030)", "Agenda (2030)"),
        ("honesty (telling the truth)", "honesty (telling the truth)"),
        ("value: creation", "creation"),
        ("value creation", "value creation"),
        ("ratio 1:1.0", "ratio 1:1.0"),
        ("100%", "100%"),
        ("diversity, equity & inclusion", "diversity, equity & inclusion"),
        ("(self-)care", "(self-)care"),
        ("care (emotional)", "care (emotional)"),
        ("rock 'n' roll", "rock 'n' roll"),
        ("others' needs", "others' needs"),
        ("snake_case", "snake_case"),
        ("E. coli safety", "E. coli safety"),
        ("a sense of wonder", "a sense of wonder"),
        ("-", ""),
        ("", ""),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@given(strings)
@example("\u0149")
@example("a*b**c*")
@example('"\'("a")\'"')
@example("\u2260 =\u0338")
@example("x" * 1000 + "!")
@example("ﷺ" * 300)
@example("\ud800 honesty")
def test_clean_is_idempotent_and_keeps_the_key(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert canonical_key(cleaned) == canonical_key(text)
    assert len(cleaned) > 1000 or cleaned == cleaned.strip()


@given(st.from_regex(r"[A-Za-z]+([ '-][A-Za-z]+)*", fullmatch=True))
def test_plain_words_stay_as_they_are(text: str) -> None:
    # A control character makes it take the long way.
    assert clean(text) == clean(text + "\x00") == text


@pytest.mark.parametrize(
    "spellings",
    [
        ("well-being", "Well being", "wellbeing", "WELLBEING", "well_being", "- Well–Being.", "ｗellbeing"),
        ("Straße", "STRASSE", "straße"),
        ("naïveté", "nai\u0308vete\u0301", "NAÏVETÉ"),
    ],
)
def test_spellings_share_a_key(spellings: tuple[str, ...]) -> None:
    assert len({canonical_key(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \t", "empty"),
        ("\u200b", "empty"),
        ("-", "placeholder"),
        ("—", "placeholder"),
        ("none", "placeholder"),
        ("None.", "placeholder"),
        ("- N/A", "placeholder"),
        ("n.a.", "placeholder"),
        ("NULL", "placeholder"),
        ("Unknown", "placeholder"),
        ("not applicable", "placeholder"),
        ("No values expressed.", "placeholder"),
        ("???", "no letters"),
        ("123", "no letters"),
        ("3.", "no letters"),
        ("•", "no letters"),
        ("x" * 101, "too long"),
        ("x" * 200_000, "too long"),
        ("the assistant tries to be open with its users", "sentence"),
        ("Honesty is the best policy.", "sentence"),
        ("I value honesty!", "sentence"),
        ('"Always tell the truth to users."', "sentence"),
        ("What does it mean to care?", "sentence"),
        ("keine", "placeholder"),
        ("ninguno", "placeholder"),
        ("无", "placeholder"),
        ("なし。", "placeholder"),
        ("None of these", "placeholder"),
        ("I cannot determine the value", "refusal"),
        ("Sorry, I can’t help with that", "refusal"),
        ("诚实是人与人之间信任的基础,所以我们应该永远诚实。", "sentence"),
        ("ความซื่อสัตย์เป็นสิ่งที่ดีสำหรับทุกคนในสังคมของเราเสมอมา", "sentence"),
        ("[]", "no letters"),
        ('{"value": null}', "placeholder"),
        ('{"value": ""}', "placeholder"),
        ('{"values": []}', "placeholder"),
        ("<value></value>", "placeholder"),
        ("\\boxed{}", "placeholder"),
    ],
)
def test_what_is_no_value_is_rejected(text: str, reason: str) -> None:
    values = ValueSet.from_records([("care", 1), (text, 1)])
    assert values.labels == ("care",)
    assert values.rejected == (Rejection(2, text, reason),)


@pytest.mark.parametrize(
    "text",
    [
        "commitment to evidence based medical practice",
        "pride in one's own country and community",
        "can do attitude!",
        "be kind.",
        "this-worldliness",
        "nonexistence",
        "x" * 100,
        "仁",
        "\n- honesty\n",
    ],
)
def test_what_is_a_value_is_kept(text: str) -> None:
    values = read_values([text])
    assert (len(values), values.rejected) == (1, ())


def test_rejection_does_not_hang_on_what_was_read_before() -> None:
    # Both clean to the first, whose sentence mark stands inside the bracket.
    texts = ["a b c d e (f.)", "a b c d e (f.) -", "care"]
    assert {len(read_values(order).rejected) for order in (texts, texts[::-1])} == {2}


def test_the_heaviest_spelling_is_the_label() -> None:
    rows = [("Well-being", 2), ("well being", 1), ("- wellbeing.", 2), ("wellbeing", 1.5)]
    values = ValueSet.from_records(rows)
    assert values.values == (Value("wellbeing", "wellbeing", ("Well-being", "well being"), 6.5),)
    assert (values.rows, values.repeats, values.rejected) == (4, 1, ())


def test_of_equal_spellings_the_first_in_code_point_order_is_the_label() -> None:
    assert read_values(["care", "CARE", "Care"]).values == (Value("care", "CARE", ("Care", "care"), 3.0),)


@pytest.mark.parametrize(
    ("singular", "plural"),
    [
        ("educational value", "educational values"),
        ("duty", "duties"),
        ("process", "processes"),
        ("hero", "heroes"),
        ("best practice", "Best-Practices"),
        ("cookie", "cookies"),
    ],
)
def test_plural_and_singular_merge_when_both_occur(singular: str, plural: str) -> None:
    values = ValueSet.from_records([(singular, 1), (plural, 2)])
    assert values.values == (Value(canonical_key(plural), plural, (singular,), 3.0),)
    assert values.find(singular) is values.find(plural) is values.values[0]
    alone = read_values([plural])
    assert (alone.labels, alone.find(singular)) == ((plural,), None)


@pytest.mark.parametrize(
    "apart", [("kindness", "kindnes"), ("cod", "codes"), ("a", "as"), ("plan", "planes"), ("is", "i")]
)
def test_what_is_no_plural_stays_apart(apart: tuple[str, str]) -> None:
    assert len(read_values(apart)) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("values in action", "values inaction"),
        ("a moral stance", "amoral stance"),
        ("belief in justice", "belief injustice"),
        ("in action", "inaction"),
        ("an archy of voices", "anarchy of voices"),
        ("care less", "careless"),
        ("Belief in Justice", "belief injustices"),
    ],
)
def test_a_word_is_never_joined_with_its_opposite(first: str, second: str) -> None:
    values = ValueSet.from_records([(second, 2), (first, 1), (first.upper(), 0.5)])
    assert [(value.label, value.aliases) for value in values.values] == [(first, (first.upper(),)), (second, ())]
    assert all(values.find(value.label) is value for value in values.values)
    # The one first in code-point order has the key that both share.
    assert values.values[0].key == canonical_key(first)
    assert len({value.key for value in values.values}) == 2


@given(strings)
@example("<!--")
def test_a_string_is_a_spelling_of_itself(text: str) -> None:
    assert is_one_value(text, text)
    assert SpellingIndex([(text, "owner")]).find_all(text) == ["owner"]


PARTS = st.sampled_from(["in", "a", "an", "less", "action", "moral", "care", "justice", "well", "being", "self"])
PHRASES = st.lists(PARTS, min_size=1, max_size=4)


@examples(100, 1000)
@given(PHRASES, st.data())
def test_case_and_hyphens_never_part_and_spaces_by_the_rule_alone(words: list[str], data: st.DataObject) -> None:
    def written(breaks: str) -> str:
        text = words[0]
        for word in words[1:]:
            text += data.draw(st.sampled_from(breaks.split("|"))) + word
        return data.draw(st.sampled_from([text, text.upper(), text.title()]))

    one, other = written(" ||-"), written(" ||-")
    assert is_one_value(one, other) == is_one_value(other, one)
    assert is_one_value(one, one)
    assert is_one_value(one, written("-"))
    assert len(read_values([one, other])) == (1 if is_one_value(one, other) else 2)
    apart = {"a", "an", "in"} & set(words[:-1]) or "less" in words[1:]
    assert apart or is_one_value(one, other)


def test_a_hyphen_goes_with_the_first_of_two_values() -> None:
    values = read_values(["values in action"] * 2 + ["values inaction", "values-in-action", "Values In-Action"])
    assert [value.aliases for value in values.values] == [("Values In-Action", "values-in-action"), ()]
    assert values.find("values-in-action") is values.values[0]
    assert values.find("VALUES INACTION") is values.values[1]
    assert read_values(["values in action"]).find("values inaction") is None


def test_chains_of_plurals_are_one_value() -> None:
    chain = ["bas", "base", "bases", "basess", "Bases", "care"]
    for seed in range(20):
        values = read_values(random.Random(seed).sample(chain, len(chain)))
        assert values.labels == ("Bases", "basess", "care")
        assert values.values[0].aliases == ("bas", "base", "bases")


def test_find_takes_any_form() -> None:
    values = read_values(["well-being", "honesty", "honesty is a duty to all who ask for it"])
    for text in ("- Well being.", "WELLBEING", "**well_being**"):
        found = values.find(text)
        assert found is not None
        assert found.label == "well-being"
    for text in ("", "none", "truth", "honesties"):
        assert values.find(text) is None


def test_weights_and_len() -> None:
    values = ValueSet.from_records([("b", 2), ("a", 0), ("c", np.float64(0.5)), ("B", -0.0)])
    assert values.labels == ("a", "b", "c")
    assert values.weights.dtype == np.float64
    assert values.weights.tolist() == [0.0, 2.0, 0.5]
    assert len(values) == 3


def test_merged_weights_are_exact_sums() -> None:
    rows = [("care", 0.1)] * 10 + [("Care", 1e16), ("care", 1.0)]
    (value,) = ValueSet.from_records(rows).values
    assert value.weight == math.fsum(weight for _, weight in rows)


def test_sha256_says_what_is_in_the_set() -> None:
    sets = [{"a": 1.0}, {"a": 2.0}, {"b": 1.0}, {"a": 0.5, "A": 0.5}, {"a": 1.0, "b": 1.0}]
    assert len({read_values(values).sha256 for values in sets}) == 5
    assert ValueSet.from_records([("a", 1), ("none", 3)]).sha256 == ValueSet.from_records([("a", 1.0)]).sha256


@given(records)
def test_every_string_is_accounted_for(rows: list[tuple[str, float]]) -> None:
    values = gather(rows)
    aliases = sum(len(value.aliases) for value in values.values)
    assert values.rows == len(rows)
    assert values.rows - values.split + values.listed == (len(values) + aliases + values.repeats + len(values.rejected))
    parts = [(row, part, weight) for row, (text, weight) in enumerate(rows, 1) for part in listed(text)]
    rejected = Counter((rejection.row, rejection.value) for rejection in values.rejected)
    assert rejected <= Counter((row, part) for row, part, _ in parts)
    kept = [weight for row, part, weight in parts if (row, part) not in rejected]
    assert math.isclose(values.weights.sum(), math.fsum(kept))


@given(records)
def test_every_kept_string_is_found_and_no_spelling_occurs_twice(rows: list[tuple[str, float]]) -> None:
    values = gather(rows)
    rejected = {(rejection.row, rejection.value) for rejection in values.rejected}
    for row, (text, _) in enumerate(rows, 1):
        for part in listed(text):
            if (row, part) not in rejected:
                found = values.find(part)
                assert found is not None
                assert clean(part) in (found.label, *found.aliases)
    spellings = [spelling for value in values.values for spelling in (value.label, *value.aliases)]
    assert len(set(spellings)) == len(spellings)
    for value in values.values:
        key = canonical_key(value.label)
        assert value.key in (key, f"{key} {value.label}")
        assert list(value.aliases) == sorted(value.aliases)
        assert all(values.find(spelling) is value for spelling in (value.label, *value.aliases))
    assert [value.key for value in values.values] == sorted({value.key for value in values.values})


@pytest.mark.parametrize(
    "text",
    [
        '["honesty", "kindness"]',
        "['honesty', 'kindness', '']",
        '{"values": ["honesty", "kindness"]}',
        '{"values": [{"value": "honesty", "turn": 1}, {"value": "kindness"}]}',
        '{"honesty": 0.9, "kindness": 0.4}',
        "honesty; kindness",
        "Values: honesty; kindness",
        "honesty\nkindness",
        "- honesty\n- kindness\n",
        "1. honesty\r\n2. kindness",
        "Here are the values:\n- honesty\n- kindness",
        "Output:\nhonesty\nkindness",
        "[honesty, kindness]",
        "<value>honesty</value><value>kindness</value>",
        "<values>\n<value>honesty</value>\n<value>kindness</value>\n</values>",
        '```json\n["honesty", "kindness"]\n```',
    ],
)
def test_a_list_is_split_and_each_value_has_the_weight_of_the_row(text: str) -> None:
    values = ValueSet.from_records([("care", 1), (text, 3)])
    assert [(value.label, value.weight) for value in values.values] == [("care", 1), ("honesty", 3), ("kindness", 3)]
    assert (values.rows, values.split, values.listed, values.rejected) == (2, 1, 2, ())


def test_a_line_before_one_value_is_dropped() -> None:
    values = read_values(["Here are the values:\nhonesty", "Here is my answer:\nnone"])
    assert (values.labels, values.split) == (("honesty",), 0)
    assert values.rejected == (Rejection(2, "Here is my answer:\nnone", "placeholder"),)


def test_a_part_of_a_list_can_be_rejected() -> None:
    values = ValueSet.from_records([("honesty; none", 1)])
    assert (values.labels, values.split, values.listed) == (("honesty",), 1, 2)
    assert values.rejected == (Rejection(1, "none", "placeholder"),)


@pytest.mark.parametrize("text", ["be open; hide nothing from the people whom you serve", "[honesty", '["honesty", 3]'])
def test_what_is_no_list_is_not_split(text: str) -> None:
    assert split_values(text) == [text]


@given(strings)
def test_splitting_again_changes_nothing(text: str) -> None:
    parts = split_values(text)
    assert [again for part in parts for again in split_values(part)] == parts


@given(records, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[tuple[str, float]], shuffler: random.Random) -> None:
    values = gather(rows)
    shuffler.shuffle(rows)
    again = ValueSet.from_records(rows)
    assert again.values == values.values
    assert again.sha256 == values.sha256
    assert again.repeats == values.repeats
    before, after = (Counter((r.value, r.reason) for r in each.rejected) for each in (values, again))
    assert before == after


# Singulars and plurals of few words, some of which a space sets apart.
numbered = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "in ", "in-", "in", "In"]),
    st.sampled_from(["dut", "duty", "wish", "lens", "class", "actio"]),
    st.sampled_from(["", " ", "-"]),
    st.text("eisy", max_size=4),
)


@given(st.lists(st.tuples(st.one_of(numbered, strings), st.sampled_from([0.1, 0.2, 0.3, 1])), min_size=1, max_size=12))
def test_families_are_merged_one_by_one_as_all_at_once(rows: list[tuple[str, float]]) -> None:
    values = gather(rows)
    strings = Strings()
    for text, weight in rows:
        strings.add_row(0, text, weight)
    families: dict[str, dict[str, float]] = {}
    for spelling, weight in strings.first.items():
        families.setdefault(family_key(spelling), {})[spelling] = weight
    apart = [value for own in families.values() for value in merge_spellings(own, strings.repeated)]
    assert sorted(apart, key=attrgetter("key")) == list(values.values)


@given(st.lists(st.tuples(numbered, st.sampled_from([0.1, 0.2, 0.3, 1])), min_size=2, max_size=8), st.randoms())
def test_plurals_are_merged_alike_in_any_order(rows: list[tuple[str, float]], shuffler: random.Random) -> None:
    values = gather(rows).values
    shuffler.shuffle(rows)
    assert ValueSet.from_records(rows).values == values


def test_a_plural_is_merged_if_all_its_spellings_may_be() -> None:
    for texts in (["in-duty", "induty", "in duties"], ["induty", "in-duty", "in duties"]):
        assert [value.label for value in read_values(texts).values] == ["in duties", "in-duty"]


def test_the_example_in_the_docstring_holds() -> None:
    assert doctest.testmod(value_set).failed == doctest.testmod(residue).failed == 0
