"""Twins: strings that are most likely one value, which lint proposes and a build merges where it is asked to."""

from __future__ import annotations

import doctest
import json
import random
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import taxonomy
from taxonomy import Built, Edit, InputError, Recipe, Taxonomy
from taxonomy.english import typos, variants
from taxonomy.english.words import OWN_PLURALS, singulars, word_list, word_pairs
from taxonomy.quality.opposites import find_opposites
from taxonomy.values import canonical_key, find_twins, read_values, twins
from tests.conftest import FIXTURE, Run, examples
from tests.tiny_encoder import TinyEncoder
from tests.trees import make_tree

# The inputs on which merging was first asked for.
SPELLINGS = [
    ("honour", "honor", "dialect"),
    ("organisation", "organization", "dialect"),
    ("judgement", "judgment", "dialect"),
    ("behaviour", "behavior", "dialect"),
    ("fulfilment", "fulfillment", "dialect"),
    ("integrity", "intergrity", "typo"),
    ("empathy", "empaty", "typo"),
    ("honesty", "honsety", "typo"),
    ("colour", "color", "dialect"),
    ("programme", "program", "dialect"),
]
PHRASES = [
    ("data minimisation", "data minimization", "dialect"),
    ("privacy respect", "respect for privacy", "order"),
    ("preventive care", "preventative care", "variant"),
    ("neighbourliness", "neighborliness", "dialect"),
    ("backward compatibility", "backwards compatibility", "variant"),
]
APART = ["goods", "good", "means", "mean", "mores", "more"]


def kinds(*strings: str) -> list[str]:
    return [twin.kind for twin in find_twins(dict.fromkeys(strings, 1.0))]


def build(values: Mapping[str, float] | Sequence[str], previous: Taxonomy | None = None, **options: object) -> Built:
    return taxonomy.build(values, previous=previous, encoder=TinyEncoder(), **options)  # type: ignore[arg-type]


def findings(tree: Taxonomy) -> list[str]:
    return [finding.message for finding in taxonomy.lint(tree, vectors=False) if finding.code == "spelling-twins"]


def write(path: Path, pairs: Sequence[tuple[str, str, str]], others: Sequence[str] = ()) -> Path:
    path.write_text("\n".join([*chain.from_iterable(pair[:2] for pair in pairs), *others, ""]), encoding="utf-8")
    return path


# -- which are twins -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        *SPELLINGS,
        *PHRASES,
        ("Defence of Labour", "defense of labor", "dialect"),
        ("self-centredness", "self centeredness", "dialect"),
        ("analysing", "analyzing", "dialect"),
        ("counselling", "counseling", "dialect"),
        ("wilfulness", "willfulness", "dialect"),
        ("aesthetic sense", "esthetic sense", "dialect"),
        ("open dialogue", "open dialog", "dialect"),
        ("resilience", "resiliency", "variant"),
        ("cultural competence", "cultural competency", "variant"),
        ("responsibility", "responsability", "variant"),
        ("perseverance", "perseverence", "variant"),
        ("likeability", "likability", "variant"),
        ("honesty & care", "honesty and care", "variant"),
        ("others' needs", "others needs", "variant"),
        ("preventative behaviour", "preventive behavior", "variant"),
        ("respect for boundaries", "boundary respect", "order"),
        ("commitment to the truth", "truth commitment", "order"),
        ("respect for human rights", "human-rights respect", "order"),
        ("fulfilment of duty", "duty fulfillment", "order"),
        ("trust and care", "care and trust", "order"),
        ("accountability", "accountabilty", "typo"),
        ("transparency", "tranpsarency", "typo"),
        ("commitment", "committment", "typo"),
        ("emotional honesty", "emotional honsety", "typo"),
        ("honour and integrity", "honor and intergrity", "typo"),
    ],
)
def test_twins_are_found_whichever_comes_first(one: str, other: str, kind: str) -> None:
    assert kinds(one, other) == kinds(other, one) == [kind]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("goods", "good"), ("means", "mean"), ("mores", "more"), ("moral", "morale"), ("ability", "agility"),
        ("affect", "effect"), ("sensibility", "sensitivity"), ("adaption", "adaptation"), ("causal", "casual"),
        ("morality", "mortality"), ("immorality", "immortality"), ("immoral", "immortal"), ("sacred", "scared"),
        ("compliant", "complaint"), ("hoping", "hopping"), ("human", "humane"), ("intention", "invention"),
        ("learning", "leaning"), ("wariness", "weariness"), ("stimulation", "simulation"), ("emergence", "emergency"),
        ("confident", "confidant"), ("residence", "residency"), ("filling", "filing"), ("patience", "patients"),
        ("values in action", "values inaction"), ("honour in action", "honor inaction"), ("typical", "atypical"),
        ("fear of love", "love of fear"), ("service quality", "quality service"), ("well-being", "wellbeing"),
        ("carefulness", "carelessness"), ("power over people", "people power"), ("moral courage", "courage"),
        ("Ehrlichkeit", "Fröhlichkeit"), ("正直", "正義"), ("care", "cares"), ("value 12345678", "value 12345687"),
    ],
)  # fmt: skip
def test_other_words_are_no_twins(one: str, other: str) -> None:
    assert kinds(one, other) == []


def test_a_typo_stands_in_one_string_and_has_no_relative() -> None:
    assert kinds("empathy", "empaty") == ["typo"]
    assert kinds("empathy", "empaty", "empaty at work") == []
    assert kinds("simpleness", "simmpleness") == ["typo"]
    # As if there were such a word.
    assert kinds("simpleness", "simmpleness", "simmple") == []


def test_each_twin_leads_to_the_heaviest() -> None:
    # A typo of a lighter spelling leads to the heavier one.
    assert [
        (twin.kept, twin.kind)
        for twin in find_twins({"honour and honesty": 1.0, "honor and honesty": 5.0, "honour and honsety": 1.0})
    ] == [("honor and honesty", "dialect"), ("honor and honesty", "typo")]
    weights = {"honour": 1.0, "honor": 5.0, "care and honour": 2.0, "honor and care": 2.0, "care and honor": 3.0}
    found = {twin.other: twin.kept for twin in find_twins(weights)}
    assert found == {"honour": "honor", "care and honour": "care and honor", "honor and care": "care and honor"}


def test_a_typo_is_never_kept_nor_heavier_than_its_word() -> None:
    assert [twin.kept for twin in find_twins({"accountabiliity": 1.0, "accountability": 1.0})] == ["accountability"]
    assert find_twins({"accountabiliity": 2.0, "accountability": 1.0}) == []


def test_four_of_five_slips_in_the_example_values_are_found() -> None:
    rng = random.Random(0)
    weights = {value.label: 2.0 for value in read_values(FIXTURE).values}
    slips = {}
    for label in rng.sample([label for label in weights if label.isalpha() and len(label) >= 6], 60):
        at = rng.randrange(1, len(label) - 2)
        start, one, other, end = label[:at], label[at], label[at + 1], label[at + 2 :]
        slipped = rng.choice([start + other + one + end, start + other + end, start + one + one + other + end])
        if slipped not in weights:
            slips[slipped] = label
    found = {twin.other: twin.kept for twin in find_twins({**weights, **dict.fromkeys(slips, 1.0)})}
    assert found.keys() <= slips.keys()
    assert all(slips[other] == kept for other, kept in found.items())
    assert len(found) >= 0.75 * len(slips)


DENIED = sorted({*chain(*word_pairs("denials")), *chain(*word_pairs("tensions"))} | word_list("virtues"))
PREFIXES = ("un", "in", "im", "dis", "non", "mis", "a", "anti", "non-", "")


@given(st.sampled_from(DENIED), st.sampled_from(DENIED), st.sampled_from(PREFIXES), st.sampled_from(["", "moral "]))
def test_a_word_is_never_joined_with_its_opposite_nor_with_another_listed_word(
    one: str, other: str, prefix: str, before: str
) -> None:
    denied = ["an" + word if prefix == "a" and word[0] in "aeiou" else prefix + word for word in (one, other)]
    assert kinds(before + one, *(before + word for word in denied)) == []


@examples(5)
@given(st.randoms(use_true_random=False))
def test_twins_do_not_depend_on_the_order_of_the_strings(shuffler: random.Random) -> None:
    strings = [*chain.from_iterable(pair[:2] for pair in SPELLINGS + PHRASES), *APART]
    expected = find_twins(dict.fromkeys(strings, 1.0))
    shuffler.shuffle(strings)
    assert find_twins(dict.fromkeys(strings, 1.0)) == expected


PARTS = [
    "honour",
    "honor",
    "care",
    "cares",
    "for",
    "of",
    "and",
    "preventive",
    "preventative",
    "empathy",
    "empaty",
    "non",
]


@given(st.dictionaries(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map(" ".join), st.integers(1, 9)))
def test_twins_are_a_forest_of_strings_of_other_keys(weights: dict[str, int]) -> None:
    found = find_twins(weights)
    above = {twin.other: twin.kept for twin in found}
    assert list(above) == sorted(above)
    assert len(above) == len(found)
    for twin in found:
        assert {twin.kept, twin.other} <= weights.keys()
        assert canonical_key(twin.kept) != canonical_key(twin.other)
        followed = [twin.other]
        while followed[-1] in above:
            followed.append(above[followed[-1]])
            assert len(followed) <= len(weights)
        assert weights[followed[-1]] == max(weights[spelling] for spelling in followed)


def test_opposites_of_the_lists_are_told() -> None:
    # What the test above holds apart would be found as opposites.
    assert list(find_opposites(["care", "negligence", "honesty", "dishonesty"])) == [(1, 0), (3, 2)]


@pytest.mark.parametrize("module", [twins, typos, variants])
def test_the_examples_in_the_docstrings_hold(module: object) -> None:
    found = doctest.testmod(module)  # type: ignore[arg-type]
    assert found.attempted
    assert not found.failed


@pytest.mark.parametrize(
    ("name", "count"), [("values-in-the-wild/values_frequencies.csv", 12), ("wordnet-traits/values.csv", 76)]
)
def test_what_was_read_and_judged_of_other_lists_is_what_is_proposed(published: Path, name: str, count: int) -> None:
    values = read_values(published.parent / name).values
    assert len(find_twins({value.label: value.weight for value in values})) == count


# -- lint ------------------------------------------------------------------------------------------------------------


def test_lint_says_which_kind_of_twins_they_are() -> None:
    labels = [
        "honor",
        "honour",
        "resilience",
        "resiliency",
        "privacy respect",
        "respect for privacy",
        "empathy",
        "empaty",
    ]
    labels += ["well-being", "wellbeing"]
    said = findings(make_tree(labels, [0] * 5 + [1] * 5, [0, 0]))
    assert said == [
        '"empaty" (level 0) is a spelling of "empathy" (level 0): most likely a typo',
        '"honour" (level 0) is a spelling of "honor" (level 0): one is British, one American',
        '"resiliency" (level 0) is a spelling of "resilience" (level 0): two forms of a word',
        '"respect for privacy" (level 0) is a spelling of "privacy respect" (level 0): the words in another order',
        '"wellbeing" (level 0) is a spelling of "well-being" (level 0): case, spaces or hyphens differ',
    ]


def test_lint_proposes_every_pair_of_a_build_and_a_build_merges_them(tmp_path: Path, run: Run) -> None:
    for name, pairs, others in (("pairs", SPELLINGS, []), ("twins", PHRASES, APART)):
        values = write(tmp_path / f"{name}.txt", pairs, others)
        assert run("build", values, "--out", tmp_path / name, "--quiet").returncode == 0
        done = run("lint", tmp_path / name / "taxonomy.json", "--no-vectors", "--json")
        found = [one["message"] for one in json.loads(done.stdout)["findings"] if one["code"] == "spelling-twins"]
        assert len(found) == len(pairs)
        for one, other, _ in pairs:
            assert any(f'"{one}"' in message and f'"{other}"' in message for message in found)

        done = run("build", values, "--out", tmp_path / "merged" / name, "--merge-spellings")
        assert done.returncode == 0, done.stderr
        assert f"merged    {len(pairs)} spellings, such as " in done.stdout
        tree = taxonomy.read(tmp_path / "merged" / name / "taxonomy.json")
        assert len(tree.leaves) == len(pairs) + len(others)
        assert all(tree.node(one).id == tree.node(other).id for one, other, _ in pairs)
        assert {"good", "goods"} <= {value.label for value in tree.leaves} or not others
        assert findings(tree) == []


# -- merging ---------------------------------------------------------------------------------------------------------

VALUES = {"honour": 2.0, "honor": 7.0, "Honour": 1.0, "empaty": 1.0, "empathy": 4.0, "care": 3.0, "trust": 2.0}
FLAT = {"domains": None, "top": 2}


def test_the_heavier_spelling_is_the_label_and_the_other_an_alias() -> None:
    built = build(VALUES, merge_spellings=True, **FLAT)
    honor, empathy = built.tree.node("honour"), built.tree.node("empaty")
    assert (honor.label, honor.aliases, honor.weight) == ("honor", ("Honour", "honour"), 10.0)
    assert (empathy.label, empathy.aliases, empathy.weight) == ("empathy", ("empaty",), 5.0)
    assert built.values.rows == len(built.values) + sum(len(value.aliases) for value in built.values.values)


def test_merging_is_recorded_and_nothing_is_without_it(tmp_path: Path) -> None:
    plain, merged = build(VALUES, **FLAT), build(VALUES, merge_spellings=True, **FLAT)
    assert "merge_spellings" not in plain.tree.provenance.parameters
    assert merged.tree.provenance.parameters["merge_spellings"] is True
    assert Recipe.of(merged.tree).merge_spellings
    assert not Recipe.of(plain.tree).merge_spellings
    for name, built in (("plain", plain), ("merged", merged)):
        built.write(tmp_path / name)
    report = json.loads((tmp_path / "merged" / "report.json").read_bytes())
    assert report["merged_spellings"] == [
        {"kept": "empathy", "other": "empaty", "kind": "typo"},
        {"kept": "honor", "other": "honour", "kind": "dialect"},
    ]
    assert report["input"]["aliases"] == 3
    assert "merged_spellings" not in json.loads((tmp_path / "plain" / "report.json").read_bytes())


def test_nothing_of_the_example_values_is_merged() -> None:
    values = read_values(FIXTURE)
    assert values.merge_twins() == values


def test_the_order_of_the_input_changes_nothing() -> None:
    backwards = dict(reversed(VALUES.items()))
    one, other = (build(values, merge_spellings=True, **FLAT).tree for values in (VALUES, backwards))
    assert one.to_json() == other.to_json()


def test_twins_that_join_keep_one_id_and_the_other_is_retired_with_its_successor() -> None:
    old = build(VALUES, **FLAT).tree
    ids = {label: old.node(label).id for label in ("honor", "honour", "empathy", "empaty", "care")}
    new = build(VALUES, old, merge_spellings=True, **FLAT).tree
    assert {label: new.node(label).id for label in ("honor", "empathy", "care")} == {
        label: ids[label] for label in ("honor", "empathy", "care")
    }
    gone = {entry.id: entry.replaced_by for entry in new.retired if entry.level == 0}
    assert gone == {ids["honour"]: (ids["honor"],), ids["empaty"]: (ids["empathy"],)}
    assert not any(value.is_dormant for value in new.leaves)
    # The same again is the same version.
    assert build(VALUES, new, merge_spellings=True, **FLAT).tree is new


def test_an_id_stays_when_the_other_spelling_becomes_the_heavier() -> None:
    old = build(VALUES, merge_spellings=True, **FLAT).tree
    new = build({**VALUES, "honour": 50.0}, old, merge_spellings=True, **FLAT).tree
    assert new.node("honour").id == new.node("honor").id == old.node("honor").id
    assert new.retired == ()


def test_twins_that_part_again_leave_the_id_with_the_label() -> None:
    old = build(VALUES, **FLAT).tree
    merged = build(VALUES, old, merge_spellings=True, **FLAT).tree
    parted = build(VALUES, merged, **FLAT).tree
    assert parted.node("honor").id == old.node("honor").id
    assert parted.node("honour").id == old.node("honour").id
    assert [entry for entry in parted.retired if entry.level == 0] == []


def test_an_edit_of_a_spelling_that_was_merged_is_reported() -> None:
    old = build(VALUES, **FLAT).tree
    edits = [Edit(action="rename", node=old.node("honour").id, to="honourability")]
    built = build(VALUES, old, merge_spellings=True, edits=edits, **FLAT)
    assert [outcome.status for outcome in built.outcomes] != ["applied"]
    assert built.tree.node("honour").label == "honor"


def test_merging_is_asked_for_by_true_or_false() -> None:
    with pytest.raises(InputError, match="`merge_spellings` is a str"):
        Recipe(merge_spellings="yes")  # type: ignore[arg-type]


# -- plurals that are words of their own -----------------------------------------------------------------------------


@pytest.mark.parametrize("plural", ["goods", "means", "mores", "arms", "customs", "manners", "morals", "spirits"])
def test_a_plural_that_is_a_word_of_its_own_stays_one(plural: str) -> None:
    singular = plural.removesuffix("s")
    for one, other in ((singular, plural), (f"public {singular}", f"Public-{plural.upper()}")):
        for strings in ([one, other], [other, one]):
            assert sorted(read_values(strings).labels) == sorted([one, other])


@given(st.permutations(["publicgoods", "public goods", "public good", "boundaries", "boundary"]))
def test_whether_a_plural_joins_does_not_depend_on_the_order(strings: list[str]) -> None:
    found = {value.label: value.aliases for value in read_values(strings).values}
    assert found == {"boundaries": ("boundary",), "public good": (), "public goods": ("publicgoods",)}


@pytest.mark.parametrize("plural", sorted(OWN_PLURALS))
def test_the_listed_plurals_are_plurals_by_spelling_alone(plural: str) -> None:
    assert singulars(plural) == []
    assert singulars(f"x{plural}") != []
    assert len(read_values([plural, plural[:-1]])) == 2
