"""The questions asked of conversations: planted effects come back, and nothing rare is disclosed."""

from __future__ import annotations

import csv
import json
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

import taxonomy
from taxonomy.cli import main
from taxonomy.errors import InputError
from taxonomy.mentions.disclosure import Disclosure
from taxonomy.mentions.opening import Mentions, open_mentions
from taxonomy.mentions.placed import PlacedMentions
from taxonomy.questions.anomalies import find_anomalies
from taxonomy.questions.compared_models import compare_models
from taxonomy.questions.contexts import compare_contexts
from taxonomy.questions.drift import detect_drift
from taxonomy.questions.frequency import measure_frequency
from taxonomy.questions.mirroring import measure_mirroring
from taxonomy.questions.principles import measure_principles, read_principles
from taxonomy.questions.recall import measure_recall
from taxonomy.questions.responses import describe_responses
from tests.conftest import ROOT

RECORDS = ROOT / "fixtures" / "mentions"
EVERYTHING = Disclosure(min_conversations=1, min_users=1)


@pytest.fixture(scope="module")
def tree(example_build: Path) -> taxonomy.Taxonomy:
    return taxonomy.load(example_build / "taxonomy.json")


@pytest.fixture(scope="module")
def tree_path(example_build: Path) -> Path:
    return example_build / "taxonomy.json"


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    planted: dict[str, Any] = json.loads((RECORDS / "truth.json").read_text(encoding="utf-8"))
    return planted


@pytest.fixture(scope="module")
def mentions(tree: taxonomy.Taxonomy) -> Iterator[Mentions]:
    with open_mentions(RECORDS, tree) as opened:
        yield opened


@pytest.fixture(scope="module")
def sides(mentions: Mentions) -> tuple[PlacedMentions, PlacedMentions]:
    return mentions.ai, mentions.human


def ask(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["analyze", *map(str, arguments)])


def within(table: pd.DataFrame, planted: dict[str, float], key: str) -> None:
    rows = table.set_index(key)
    for name, part in planted.items():
        assert rows["low"][name] <= part <= rows["high"][name], name


# -- planted effects --------------------------------------------------------------------------------------------


def check_effects(
    ai: PlacedMentions, human: PlacedMentions, truth: dict[str, Any], disclosure: Disclosure, columns: set[str]
) -> None:
    """Check that every planted association of these columns is significant, with its sign."""
    for column in sorted(columns):
        found = compare_contexts(ai, human if column == "human" else column, disclosure=disclosure)
        table = found.associations[found.associations["level"] == 0].set_index(["label", "category"])
        for effect in truth["effects"]:
            if effect["column"] == column:
                row = table.loc[(effect["value"], effect["category"])]
                assert row["p_fdr"] < 0.05, effect
                assert np.sign(row["residual"]) == effect["sign"], effect


def test_values_of_one_task_only_come_back(sides: tuple[PlacedMentions, PlacedMentions], truth: dict[str, Any]) -> None:
    strong = [effect for effect in truth["effects"] if effect["column"] == "task" and effect["rate"] >= 0.15]
    assert len(strong) == 6
    check_effects(*sides, {**truth, "effects": strong}, EVERYTHING, {"task"})


def test_levels_are_whole_numbers(sides: tuple[PlacedMentions, PlacedMentions]) -> None:
    found = compare_contexts(sides[0], "task")
    assert len(found.variation) > 0
    assert found.variation["level"].dtype == found.associations["level"].dtype == np.int64


def test_response_types(sides: tuple[PlacedMentions, PlacedMentions], truth: dict[str, Any]) -> None:
    found = describe_responses(sides[0])
    planted = truth["proportions"]["response_types"]
    within(found.types, planted, "response")
    both = found.types.set_index("response")["conversations"]
    assert both["support"] == both["strong support"] + both["mild support"]
    types = found.explicit.dropna(subset="response")
    within(types, {name: truth["proportions"]["explicit"][name] for name in types["response"]}, "response")


def test_mirroring(sides: tuple[PlacedMentions, PlacedMentions], truth: dict[str, Any]) -> None:
    table = measure_mirroring(*sides, disclosure=EVERYTHING).table
    values = table[table["level"] == 0]
    planted = truth["proportions"]["mirrored"]
    within(values, {name: planted[name] for name in values["response"] if name in planted}, "response")
    support = values.set_index("response").loc["support"]
    assert support["beyond_chance_low"] > 0.1
    # Five domains are shared by strangers, too.
    assert table[table["level"] == 3]["chance_share"].min() > 0.5


def test_mirroring_is_disclosed_from_many_only(sides: tuple[PlacedMentions, PlacedMentions]) -> None:
    table = measure_mirroring(*sides).table
    assert table["mirrored"].min() >= 15
    assert (table["conversations"] - table["mirrored"]).min() >= 15
    wide = table.pivot(index="response", columns="level", values="mirrored")
    steps = -wide[sorted(wide.columns, reverse=True)].diff(axis=1).to_numpy()
    steps = steps[np.isfinite(steps)]
    assert ((steps == 0) | (steps >= 15)).all()


def test_models_are_compared_within_tasks(sides: tuple[PlacedMentions, PlacedMentions]) -> None:
    found = compare_models(sides[0], disclosure=EVERYTHING).table
    plain = compare_models(sides[0], control=None, disclosure=EVERYTHING).table
    only = found[found["only"]]
    assert (only["others_share"] == 0).all()
    assert found["conversations"].sum() == plain["conversations"].sum()
    assert not np.allclose(found["controlled_difference"], plain["controlled_difference"])
    np.testing.assert_allclose(plain["controlled_difference"], plain["difference"], atol=6e-5)


def test_domains(sides: tuple[PlacedMentions, PlacedMentions], truth: dict[str, Any]) -> None:
    table = measure_frequency(sides[0]).table
    domains = table[table["level"] == 3].rename(columns={"mention_low": "low", "mention_high": "high"})
    within(domains, truth["proportions"]["domains"], "label")


def test_principles(sides: tuple[PlacedMentions, PlacedMentions], tree: taxonomy.Taxonomy) -> None:
    found = measure_principles(sides[0])
    assert found.absent == ()
    assert found.table["mention_share"].sum() == pytest.approx(1)
    assert found.table["principle"].tolist() == ["Helpful", "Honest", "Harmless"]


# -- what is disclosed ------------------------------------------------------------------------------------------


def test_no_small_cell_is_disclosed(sides: tuple[PlacedMentions, PlacedMentions], truth: dict[str, Any]) -> None:
    ai, human = sides
    tables = [
        compare_contexts(ai, "task").associations,
        describe_responses(ai).associations,
        compare_contexts(ai, human).associations,
        compare_models(ai).table,
    ]
    for table in tables:
        assert table["conversations"].min() >= 15
    (secret,) = truth["only_one_user"].values()
    everything = pd.concat([*tables, measure_frequency(ai).table])
    assert secret not in set(everything["node"])
    assert secret in set(compare_contexts(ai, "language", disclosure=EVERYTHING).associations["node"])


# -- the command line -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["responses", "mirroring", "models"])
def test_every_question_answers(name: str, tree_path: Path, tmp_path: Path) -> None:
    check_answer(name, tree_path, tmp_path / "x.parquet")


def check_answer(name: str, tree_path: Path, out: Path) -> None:
    done = ask(name, RECORDS, "--taxonomy", tree_path, "--out", out)
    assert done.exit_code == 0, done.output
    assert re.search(
        r"^Suppressed: [\d,]+ figures?, from fewer than 15 conversations or 5 users", done.output, re.MULTILINE
    )
    assert len(pd.read_parquet(out))


@pytest.mark.parametrize(
    "name",
    [
        "context",
        "principles",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("responses", "mirroring", "models")),
    ],
)
def test_a_question_asked_again_gives_the_same_bytes(name: str, tree_path: Path, tmp_path: Path) -> None:
    check_answer(name, tree_path, tmp_path / "x.parquet")
    again = ask(name, RECORDS, "--taxonomy", tree_path, "--out", tmp_path / "y.parquet", "--quiet")
    assert (again.exit_code, again.output) == (0, "")
    assert (tmp_path / "x.parquet").read_bytes() == (tmp_path / "y.parquet").read_bytes()


SPLIT = ("--split-at", "2025-01-20")
EVERY_QUESTION = {
    "frequency": ("frequency", (), ["ai", "human"], ["nodes", "sides"]),
    "context": ("context", ("--internal",), ["ai"], ["associations", "variation"]),
    "human values": ("context", ("--by", "human-value"), ["ai", "human"], ["associations", "variation"]),
    "responses": ("responses", ("--internal",), ["ai"], ["associations", "types", "explicit"]),
    "mirroring": ("mirroring", ("--internal",), ["ai", "human"], ["responses"]),
    "models": ("models", ("--internal",), ["ai"], ["differences"]),
    "principles": ("principles", ("--internal",), ["ai"], ["principles", "absent"]),
    "anomalies": ("anomalies", SPLIT, ["ai"], ["reasons"]),
    "alerts": ("anomalies", (*SPLIT, "--internal"), ["ai"], ["reasons", "alerts"]),
    "drift": ("drift", (*SPLIT, "--side", "human"), ["human"], ["nodes"]),
}


@pytest.mark.parametrize(("name", "options", "sides", "tables"), EVERY_QUESTION.values(), ids=EVERY_QUESTION)
def test_every_answer_has_one_form(
    name: str, options: tuple[str, ...], sides: list[str], tables: list[str], tree_path: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.csv"
    done = ask(name, RECORDS, "--taxonomy", tree_path, *options, "--json", "--out", out)
    assert done.exit_code == 0, done.output

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    if name != "anomalies":
        # Not even for internal use.
        for text in (done.stdout, out.read_text(encoding="utf-8")):
            assert '"c0' not in text
            assert '"u0' not in text
            assert "conversation_id" not in text
    answer = json.loads(done.stdout, parse_constant=refuse)
    assert list(answer) == ["question", "sides", "internal", "suppressed", "figures", "tables"]
    assert (answer["question"], answer["sides"], list(answer["tables"])) == (name, sides, tables)
    assert answer["internal"] is ("--internal" in options)
    assert (answer["suppressed"] == 0) or not answer["internal"] or name in ("drift", "mirroring")
    assert all(figure is None or isinstance(figure, int | float | str) for figure in answer["figures"].values())
    # What is missing is null.
    if name == "models":
        assert {row["odds_ratio"] is None for row in answer["tables"]["differences"]} == {True, False}
    if name == "responses":
        explicit = answer["tables"]["explicit"]
        assert {(row["response"] is None, row["node"] is None) for row in explicit} == {(True, False), (False, True)}
        assert {type(row["level"]) for row in explicit} == {int, type(None)}
    # The first table is what --out gets, with a column that marks it as internal.
    with out.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert len(rows) == len(answer["tables"][tables[0]])
    if rows:
        assert header == [*answer["tables"][tables[0]][0], *(["internal"] if answer["internal"] else [])]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["context", "--by", "mood"],
            "--by is 'mood', which is not a column of the conversations; did you mean 'model'?",
        ),
        (["context", "--by", "taks"], "did you mean 'task'? give one of response_type, model, task, language"),
        (["context", "--by", "user_id"], "--by is 'user_id', which is not a column"),
        (["models", "--control", "mood"], "--control is 'mood', which is not a column"),
        (["models", "--control", "task", "--no-control"], "exclude each other"),
        (["principles", "--principles", "nowhere.toml"], "nowhere.toml: cannot be read"),
        (["mirroring", "--out", "x.xlsx"], "not a format of a table"),
    ],
)
def test_wrong_uses_say_what_to_do(arguments: list[str], said: str, tree_path: Path) -> None:
    name, *rest = arguments
    done = ask(name, RECORDS, "--taxonomy", tree_path, *rest)
    assert done.exit_code == 2
    assert said in done.output


@pytest.mark.parametrize(
    "text",
    [
        "",
        "principle = 1",
        "[[principle]]\nkey = 'a'\nname = 'A'",
        "[[principle]]\nkey = 'a'\nname = 'A'\nnodes = []",
        "[[principle]]\nkey = 'a'\nname = 'none of them'\nnodes = ['x']",
        "[[principle]]\nkey='a'\nname='A'\nnodes=['x']\n[[principle]]\nkey='a'\nname='B'\nnodes=['x']",
        "[[principle",
    ],
)
def test_principles_that_cannot_be_read(text: str, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(InputError, match=r"p\.toml"):
        read_principles(tmp_path / "p.toml")


def test_the_records_are_what_their_script_writes(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = ROOT / "fixtures" / "make_mentions.py"
    monkeypatch.syspath_prepend(str(script.parent))
    monkeypatch.setattr(sys, "argv", [script.name, "--conversations", "2000", "--seed", "1", "--out", str(tmp_path)])
    runpy.run_path(str(script), run_name="__main__")
    for name in ("mentions.parquet", "conversations.parquet"):
        assert pq.read_table(tmp_path / name).equals(pq.read_table(RECORDS / name))
    assert (tmp_path / "truth.json").read_bytes() == (RECORDS / "truth.json").read_bytes()


# -- at the size of the study -----------------------------------------------------------------------------------


def invent(conversations: int, seed: int, folder: Path) -> dict[str, Any]:
    script = [sys.executable, "fixtures/make_mentions.py", "--conversations", str(conversations), "--seed", str(seed)]
    subprocess.run([*script, "--out", str(folder)], check=True, cwd=ROOT)
    truth: dict[str, Any] = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return truth


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return records of as many conversations as the published study has, and what is planted in them."""
    folder = tmp_path_factory.mktemp("study")
    return folder, invent(308_210, 1, folder)


@pytest.mark.slow
def test_everything_planted_comes_back(tree: taxonomy.Taxonomy, study: tuple[Path, dict[str, Any]]) -> None:
    folder, truth = study
    planted = truth["proportions"]
    with open_mentions(folder, tree) as mentions:
        ai, human = mentions.ai, mentions.human
        check_effects(ai, human, truth, EVERYTHING, {"task", "model", "language", "human", "response_type"})
        found = compare_contexts(ai, "task", disclosure=EVERYTHING).variation.set_index("label")
        for label, shape in truth["steady"].items():
            assert found["cv_low"][label] <= shape["cv"] <= found["cv_high"][label]
        within(describe_responses(ai).types, planted["response_types"], "response")
        mirrored = measure_mirroring(ai, human).table
        values = mirrored[mirrored["level"] == 0]
        within(values, {k: v for k, v in planted["mirrored"].items() if k in set(values["response"])}, "response")
        compared = compare_models(ai).table
        only = compared[compared["only"] & (compared["level"] == 0)]
        assert set(only["label"]) == {"philosophical depth"}
        # A common cell may be suppressed for the sake of a rare one.
        compared = compare_models(ai, disclosure=EVERYTHING).table
        # More of a model because of what it is asked for: gone once tasks are controlled for.
        drawn = compared[(compared["label"] == "code quality") & (compared["model"] == "model-b")].iloc[0]
        assert drawn["difference_low"] > 0
        assert drawn["controlled_low"] < 0 < drawn["controlled_high"]
        often = measure_frequency(ai)
        domains = often.table[often.table["level"] == 3]
        within(domains.rename(columns={"mention_low": "low", "mention_high": "high"}), planted["domains"], "label")
        assert often.rare / often.values == pytest.approx(planted["values_below_4_in_10000"], abs=0.02)


@pytest.mark.slow
def test_anomalies_and_changes_come_back(tree: taxonomy.Taxonomy, study: tuple[Path, dict[str, Any]]) -> None:
    folder, truth = study
    with open_mentions(folder, tree) as mentions:
        earlier, later = mentions.ai.split_at(truth["periods"]["second"])
        found = find_anomalies(earlier, later, watch=truth["watch"], alerts_per_10000=100)
        scored = measure_recall(found, later, truth["anomalies"]).set_index("name")
        changed = detect_drift(earlier, later).table.set_index(["level", "label"])["change"]
    assert len(found.alerts) / found.conversations == pytest.approx(0.01, rel=0.1)
    assert (scored["recall"].loc[list(truth["anomalies"])] >= 0.8).all()
    for effect in truth["effects"]:
        if effect["column"] == "period":
            assert changed[0, effect["value"]] == ("rose" if effect["sign"] > 0 else "fell")


@pytest.mark.slow
def test_false_discoveries_over_seeds(tree: taxonomy.Taxonomy, tmp_path: Path) -> None:
    proportions = []
    for seed in range(20):
        truth = invent(40_000, seed, tmp_path)
        planted = {effect["value"] for effect in truth["effects"]} | set(truth["steady"])
        planted |= {value for camp in truth["camps"] for value in camp} | set(truth["only_one_user"])
        with open_mentions(tmp_path, tree) as mentions:
            table = compare_contexts(mentions.ai, "task", disclosure=EVERYTHING).associations
        significant = table[(table["level"] == 0) & (table["p_fdr"] < 0.05)]
        proportions.append(1 - significant["label"].isin(planted).mean())
    assert np.mean(proportions) <= 0.05 + 2 * np.std(proportions, ddof=1) / np.sqrt(len(proportions))
