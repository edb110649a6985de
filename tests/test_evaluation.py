"""An extraction beside the truth: figures worked out by hand, what always holds, and what can't be evaluated."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.proportion import proportion_confint

from taxonomy.cli import main
from taxonomy.errors import InputError
from taxonomy.extraction.evaluation import Evaluation, evaluate_extraction
from taxonomy.mentions.columns import RESPONSE_TYPES
from tests.conftest import ROOT, examples
from tests.tiny_encoder import TinyEncoder
from tests.trees import make_tree

# The modules of fixtures/ import each other as scripts do.
sys.path.append(str(ROOT / "fixtures"))

Fact = tuple[str, str, str, str | None, bool | None]
Found = tuple[str, str, str, bool]
TRUTH = ("conversation_id", "kind", "label", "side", "explicit")
HEADER = ",".join(TRUTH)


@dataclass(frozen=True)
class Out:
    """What an extraction's folder is to hold, with the original ids."""

    found: Sequence[Found]
    answers: Mapping[str, tuple[str | None, str | None]]
    screened: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    failed: Sequence[tuple[str, str]] = ()

    def write(self, folder: Path) -> Path:
        (folder / "private").mkdir(parents=True, exist_ok=True)
        originals = list(dict.fromkeys([*self.answers, *self.screened, *(one for one, _ in self.failed)]))
        digests = {original: f"{number:032x}" for number, original in enumerate(originals)}
        tables: dict[str, tuple[Sequence[str], list[tuple[Any, ...]]]] = {
            "mentions": (
                ("conversation_id", "side", "value", "explicit"),
                [(digests[i], *row) for i, *row in self.found],
            ),
            "conversations": (
                ("conversation_id", "response_type", "task"),
                [(digests[i], *answer) for i, answer in self.answers.items()],
            ),
            "private/ids": (
                ("kind", "digest", "original"),
                [*(("conversation", digest, i) for i, digest in digests.items()), ("user", "u", "c1")],
            ),
            "private/screened": (
                ("conversation_id", "subjectivity", "kept"),
                [(digests[i], *row) for i, row in self.screened.items()],
            ),
            "private/failures": (
                ("conversation_id", "question", "outcome", "reason"),
                [(digests[i], "task", outcome, "") for i, outcome in self.failed],
            ),
        }
        for name, (columns, rows) in tables.items():
            pd.DataFrame(rows, columns=pd.Index(columns)).to_parquet(folder / f"{name}.parquet", index=False)
        summary = {"format": "value-taxonomy extraction", "version": 1, "digest": "d", "models": ["m"]}
        (folder / "extraction.json").write_text(json.dumps(summary), encoding="utf-8")
        return folder


def write_truth(facts: Sequence[tuple[Any, ...]], path: Path, columns: Sequence[str] = TRUTH) -> Path:
    frame = pd.DataFrame(facts, columns=pd.Index(columns))
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    return path


def evaluated(out: Out, facts: Sequence[Fact], folder: Path, **options: Any) -> Evaluation:
    return evaluate_extraction(out.write(folder / "out"), write_truth(facts, folder / "truth.parquet"), **options)


def row(table: pd.DataFrame, **where: Any) -> dict[str, Any]:
    chosen = table
    for name, value in where.items():
        chosen = chosen[chosen[name] == value]
    [one] = chosen.to_dict("records")
    return {str(name): cell for name, cell in one.items()}


def figures(table: pd.DataFrame, names: Sequence[str], **where: Any) -> list[Any]:
    one = row(table, **where)
    return [one[name] for name in names]


# Two languages, five extracted conversations, one screened out that should not be, one failed, one never read.
FACTS: list[Fact] = [
    ("c1", "language", "en", None, None),
    ("c1", "subjectivity", "yes", None, None),
    ("c1", "response", "strong support", None, None),
    ("c1", "task", "writing code", None, None),
    ("c1", "value", "honesty", "ai", True),
    ("c1", "value", "well-being", "ai", False),
    ("c1", "value", "patience", "human", True),
    ("c1", "not expressed", "thrift", "ai", None),
    ("c1", "secret", "e-mail", "human", None),
    ("c2", "language", "en", None, None),
    ("c2", "subjectivity", "yes", None, None),
    ("c2", "response", "reframing", None, None),
    ("c2", "task", "cooking", None, None),
    ("c2", "value", "honesty", "ai", False),
    ("c2", "value", "courage", "human", True),
    ("c2", "not expressed", "thrift", "human", None),
    ("c2", "not expressed", "courage", "human", None),
    ("c3", "language", "de", None, None),
    ("c3", "subjectivity", "no", None, None),
    ("c4", "language", "de", None, None),
    ("c4", "subjectivity", "yes", None, None),
    ("c4", "response", "no values", None, None),
    ("c4", "value", "candor", "ai", True),
    ("c5", "subjectivity", "yes", None, None),
    ("c5", "value", "calm", "ai", True),
    ("c6", "subjectivity", "no", None, None),
    ("c7", "subjectivity", "yes", None, None),
]
OUT = Out(
    found=[
        ("c1", "ai", "Honesty", True),
        ("c1", "ai", "wellbeing", True),
        ("c1", "ai", "thrift", False),
        # On the wrong side.
        ("c1", "ai", "patience", True),
        ("c2", "ai", "honesty", False),
        ("c2", "human", "courage", True),
        ("c3", "human", "speed", True),
        ("c4", "ai", "candour", True),
        ("c9", "ai", "honesty", True),
    ],
    answers={
        "c1": ("strong support", "Writing code"),
        "c2": ("mild support", "baking"),
        "c3": ("no values", "arithmetic"),
        "c4": ("no values", None),
        "c9": ("reframing", "none"),
    },
    screened={
        "c1": ("subjective", True),
        "c2": ("mostly subjective", True),
        "c3": ("mostly subjective", True),
        "c4": ("subjective", True),
        "c5": ("objective", False),
        "c6": ("objective", False),
        "c7": ("subjective", True),
        "c9": ("subjective", True),
    },
    failed=[("c7", "invalid"), ("c7", "invalid")],
)
# Thrift and candour are no values of it.
TREE = make_tree(["honesty", "candor", "well-being", "patience", "courage", "speed"], [0, 0, 1, 2, 2, 1], [0, 0, 0])
SCORES = ("true", "found", "right", "precision", "recall")


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("evaluation")
    return evaluated(OUT, FACTS, folder, taxonomy=TREE, encoder=TinyEncoder(), likeness=0.5)


# -- worked out by hand --------------------------------------------------------------------------------------------


def test_conversations_are_counted_by_what_became_of_them(evaluation: Evaluation) -> None:
    expected = {"extracted": 4, "failed: invalid": 1, "screened out": 2}
    assert evaluation.outcomes == expected
    assert evaluation.unjudged == 1
    assert evaluation.source == {"digest": "d", "models": ["m"], "prompts": None, "settings": None}


def test_values_are_compared_as_sets_by_key(evaluation: Evaluation) -> None:
    def scores(side: str) -> list[Any]:
        return figures(evaluation.values, SCORES, matching="key", side=side)

    assert scores("ai") == [4, 6, 3, 3 / 6, 3 / 4]
    assert scores("human") == [2, 2, 1, 1 / 2, 1 / 2]
    assert scores("both") == [6, 8, 4, 4 / 8, 4 / 6]
    both = row(evaluation.values, matching="key", side="both")
    assert both["f1"] == pytest.approx(2 * 4 / 14)
    assert (both["precision_low"], both["precision_high"]) == pytest.approx(proportion_confint(4, 8, method="wilson"))
    assert both["f1_low"] <= both["f1"] <= both["f1_high"]
    # Calm was lost with the conversation that was screened out.
    assert (both["true_with_screened_out"], both["recall_with_screened_out"]) == (7, 4 / 7)


def test_values_are_compared_by_cluster(evaluation: Evaluation) -> None:
    # By conversation, of the AI: {n0, n1} and {n0, n1, thrift, n2}; n0 and n0; candor's and candour, which is no value.
    assert figures(evaluation.values, SCORES, matching="cluster", side="ai") == [4, 6, 3, 3 / 6, 3 / 4]
    assert figures(evaluation.values, SCORES, matching="cluster", side="human") == [2, 2, 1, 1 / 2, 1 / 2]


def test_values_of_one_cluster_count_once(tmp_path: Path) -> None:
    facts: list[Fact] = [("c1", "value", value, "ai", value == "candor") for value in ("honesty", "candor", "speed")]
    found = [("c1", "ai", value, True) for value in ("candor", "patience")]
    result = evaluated(Out(found, {"c1": (None, None)}), facts, tmp_path, taxonomy=TREE)
    assert figures(result.values, SCORES, matching="cluster", side="ai") == [2, 2, 1, 1 / 2, 1 / 2]
    # One of two values of the cluster is stated, so the cluster is.
    stated = result.stated[result.stated["matching"] == "cluster"]
    assert stated[["stated", "true", "right"]].to_numpy().tolist() == [[False, 1, 0], [True, 1, 1]]


def test_values_are_compared_by_likeness(evaluation: Evaluation) -> None:
    # Candor and candour share letters enough.
    assert figures(evaluation.values, SCORES, matching="likeness", side="ai") == [4, 6, 4, 4 / 6, 1]
    assert figures(evaluation.values, SCORES, matching="likeness", side="human") == [2, 2, 1, 1 / 2, 1 / 2]


@dataclass
class Angles:
    """An encoder of values that are angles in degrees."""

    name: str = "angles"
    digest: str = "angles"
    dimension: int = 2

    def encode(self, strings: Sequence[str], *, progress: object = None) -> np.ndarray:
        angles = np.radians([float(string.split()[1]) for string in strings])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_likeness_matches_one_to_one_with_the_largest_sum(tmp_path: Path) -> None:
    # The nearest of both true values is at 20; taken by the first, it would leave the second with nothing.
    facts: list[Fact] = [("c1", "value", f"angle {angle}", "ai", True) for angle in (0, 40)]
    found = [("c1", "ai", f"angle {angle}", True) for angle in (19, 335, 200)]
    result = evaluated(Out(found, {"c1": (None, None)}), facts, tmp_path, encoder=Angles(), likeness=0.9)
    assert figures(result.values, SCORES, matching="likeness", side="ai") == [2, 3, 2, 2 / 3, 1]
    strict = evaluate_extraction(tmp_path / "out", tmp_path / "truth.parquet", encoder=Angles(), likeness=0.94)
    assert figures(strict.values, SCORES, matching="likeness", side="ai") == [2, 3, 1, 1 / 3, 1 / 2]


def test_recall_of_stated_and_of_shown_values(evaluation: Evaluation) -> None:
    names = ("true", "right", "recall")
    assert figures(evaluation.stated, names, matching="key", side="ai", stated=True) == [2, 1, 1 / 2]
    assert figures(evaluation.stated, names, matching="key", side="ai", stated=False) == [2, 2, 1]
    assert figures(evaluation.stated, names, matching="key", side="human", stated=True) == [2, 1, 1 / 2]


def test_flags_of_explicitness(evaluation: Evaluation) -> None:
    counts = evaluation.explicitness.set_index(["stated", "said_stated"])["values"].to_dict()
    assert counts == {(True, True): 1, (True, False): 0, (False, True): 1, (False, False): 1}
    assert (evaluation.explicit_right.count, evaluation.explicit_right.of) == (2, 3)


def test_sides_are_confused_where_a_value_is_of_the_other_side_only(evaluation: Evaluation) -> None:
    counts = evaluation.sides.set_index(["true_side", "found_side"])["values"].to_dict()
    assert counts == {("ai", "ai"): 3, ("ai", "human"): 0, ("human", "ai"): 1, ("human", "human"): 1}
    assert (evaluation.wrong_side.count, evaluation.wrong_side.of) == (1, 5)


def test_traps_that_came_out_as_values_of_their_side(evaluation: Evaluation, tmp_path: Path) -> None:
    # Courage is expressed elsewhere in its conversation, so it is no trap.
    assert (evaluation.traps_expressed.count, evaluation.traps_expressed.of) == (1, 2)
    places = {"thrift": "negation", "courage": "third party"}
    facts = [(*fact, places.get(fact[2], "")) for fact in FACTS]
    path = write_truth(facts, tmp_path / "truth.csv", (*TRUTH, "place"))
    table = evaluate_extraction(OUT.write(tmp_path / "out"), path).traps
    assert table[["place", "traps", "expressed", "share"]].to_numpy().tolist() == [["negation", 2, 1, 0.5]]


def test_response_types_and_tasks(evaluation: Evaluation) -> None:
    assert (evaluation.response_right.count, evaluation.response_right.of) == (2, 3)
    crossed = evaluation.responses.stack()
    assert crossed[crossed > 0].to_dict() == {
        ("strong support", "strong support"): 1,
        ("reframing", "mild support"): 1,
        ("no values", "no values"): 1,
    }
    assert (evaluation.task_right.count, evaluation.task_right.of) == (1, 2)


def test_kappa_is_that_of_scikit_learn(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    true = generator.integers(0, 7, 300)
    found = np.where(generator.random(300) < 0.7, true, generator.integers(0, 7, 300))
    facts: list[Fact] = [(f"c{i}", "response", RESPONSE_TYPES[one], None, None) for i, one in enumerate(true)]
    out = Out([], {f"c{i}": (RESPONSE_TYPES[one], None) for i, one in enumerate(found)})
    kappas = evaluated(out, facts, tmp_path).kappas
    ordered = (true < 6) & (found < 6)
    assert row(kappas, weights="none")["kappa"] == pytest.approx(cohen_kappa_score(true, found))
    for weights in ("linear", "quadratic"):
        one = row(kappas, weights=weights)
        expected = cohen_kappa_score(true[ordered], found[ordered], labels=range(6), weights=weights)
        assert one["kappa"] == pytest.approx(expected)
        assert one["conversations"] == ordered.sum()
        assert one["low"] < one["kappa"] < one["high"]


def test_the_screener(evaluation: Evaluation) -> None:
    # Kept: c1, c2, c4 and c7, which failed later, of five subjective ones; and c3, which is objective.
    assert (evaluation.screener_precision.count, evaluation.screener_precision.of) == (4, 5)
    assert (evaluation.screener_recall.count, evaluation.screener_recall.of) == (4, 5)
    names = ("conversations", "subjective", "share")
    assert figures(evaluation.screening, names, level="objective", kept=False) == [2, 1, 0.5]
    assert figures(evaluation.screening, names, level="subjective", kept=True) == [3, 3, 1]


def test_languages(evaluation: Evaluation) -> None:
    names = ("conversations", *SCORES, "responses", "responses_right", "accuracy")
    assert figures(evaluation.languages, names, language="en") == [2, 5, 6, 4, 4 / 6, 4 / 5, 2, 1, 1 / 2]
    assert figures(evaluation.languages, names, language="de") == [2, 1, 2, 0, 0, 0, 1, 1, 1]


def test_distances_of_distributions(evaluation: Evaluation) -> None:
    # True: honesty 2/4, well-being 1/4, candor 1/4. Found: honesty 2/6, four others 1/6.
    ai = row(evaluation.distributions, matching="key", side="ai")
    assert ai["items"] == 6
    assert ai["distance"] == pytest.approx(3 / 6)
    assert 0 < ai["chance"] <= ai["chance_high"] <= 1
    human = row(evaluation.distributions, matching="key", side="human")
    assert human["distance"] == pytest.approx(1 / 2)
    cluster = row(evaluation.distributions, matching="cluster", side="ai")
    # True: n0 3/4, n1 1/4. Found: n0 2/6, n1, n2, thrift and candour 1/6.
    assert cluster["distance"] == pytest.approx((3 / 4 - 2 / 6) + (1 / 4 - 1 / 6))


def test_nothing_is_said_of_values_where_the_truth_has_none(tmp_path: Path) -> None:
    facts = [fact for fact in FACTS if fact[1] != "value"]
    result = evaluated(OUT, facts, tmp_path, taxonomy=TREE, encoder=TinyEncoder())
    assert result.values[["true", "found"]].to_numpy().sum() == 0
    assert result.values["precision"].isna().all()
    assert len(result.stated) == 0
    assert result.distributions["distance"].isna().all()
    assert result.explicit_right.share is None
    assert result.explicit_right.interval is None
    assert result.response_right.of == 3


# -- what always holds ---------------------------------------------------------------------------------------------

VALUES = ("honesty", "candor", "well-being", "patience", "courage", "speed", "thrift")
facts_of_one = st.dictionaries(
    st.tuples(st.sampled_from(("ai", "human")), st.sampled_from(VALUES)), st.booleans(), max_size=5
)
corpora = st.lists(facts_of_one, min_size=1, max_size=6)
Corpus = list[dict[tuple[str, str], bool]]


def as_truth(corpus: Corpus) -> list[Fact]:
    facts: list[Fact] = []
    for number, values in enumerate(corpus):
        facts.append((f"c{number}", "response", RESPONSE_TYPES[number % 7], None, None))
        facts.append((f"c{number}", "language", ("en", "de")[number % 2], None, None))
        facts.append((f"c{number}", "task", f"task {number}", None, None))
        facts += [(f"c{number}", "value", value, side, explicit) for (side, value), explicit in values.items()]
    return facts


def as_out(corpus: Corpus) -> Out:
    return Out(
        found=[(f"c{i}", side, value, flag) for i, one in enumerate(corpus) for (side, value), flag in one.items()],
        answers={f"c{i}": (RESPONSE_TYPES[i % 7], f"Task {i}") for i in range(len(corpus))},
        screened={f"c{i}": ("subjective", True) for i in range(len(corpus))},
    )


@given(corpora)
@examples(3)
def test_a_perfect_extraction_is_right_everywhere(tmp_path_factory: pytest.TempPathFactory, corpus: Corpus) -> None:
    folder = tmp_path_factory.mktemp("perfect")
    result = evaluated(as_out(corpus), as_truth(corpus), folder, taxonomy=TREE, encoder=TinyEncoder())
    for table, names in (
        (result.values, ("precision", "recall", "f1", "f1_low", "f1_high", "recall_with_screened_out")),
        (result.stated, ("recall",)),
        (result.languages, ("precision", "recall", "accuracy")),
        (result.distributions, ("spearman",)),
        (result.kappas, ("kappa",)),
    ):
        figures = table[list(names)].to_numpy(dtype=float)
        assert np.allclose(figures[~np.isnan(figures)], 1)
    assert (result.distributions["distance"].dropna() == 0).all()
    assert result.wrong_side.count == 0
    for share in (result.explicit_right, result.response_right, result.task_right):
        assert share.share in (1, None)
    json.loads(result.to_json())


@given(corpora, corpora)
@examples(3)
def test_swapped_precision_is_recall_and_likeness_finds_no_less(
    tmp_path_factory: pytest.TempPathFactory, first: Corpus, second: Corpus
) -> None:
    first, second = first[: len(second)], second[: len(first)]
    folder = tmp_path_factory.mktemp("swapped")
    options: dict[str, Any] = {"taxonomy": TREE, "encoder": TinyEncoder(), "likeness": 0.4}
    if not (any(first) and any(second)):
        return
    one = evaluated(as_out(second), as_truth(first), folder, **options)
    other = evaluated(as_out(first), as_truth(second), folder, **options)
    for name, swapped in (("precision", "recall"), ("true", "found"), ("f1", "f1"), ("right", "right")):
        np.testing.assert_allclose(one.values[name], other.values[swapped])
    right = one.values.pivot(index="side", columns="matching", values="right")
    assert (right["likeness"] >= right["key"]).all()
    assert (one.values["right"] <= one.values[["true", "found"]].min(axis=1)).all()
    for name in ("precision", "recall"):
        known = one.values.dropna(subset=[name])
        assert (known[f"{name}_low"] <= known[name] + 1e-12).all()
        assert (known[name] <= known[f"{name}_high"] + 1e-12).all()


def test_known_rates_come_back_within_their_intervals(tmp_path: Path) -> None:
    from make_conversations import invent

    generator = np.random.default_rng(7)
    facts, found, answers = [], [], {}
    for _, known in invent(1000, 1):
        facts += [(fact.conversation_id, fact.kind, fact.label, fact.side, fact.explicit) for fact in known]
        labels = {fact.kind: fact.label for fact in known}
        if labels["subjectivity"] == "no":
            continue
        id = known[0].conversation_id
        wrong = RESPONSE_TYPES[(RESPONSE_TYPES.index(labels["response"]) + 1) % 7]
        answers[id] = (wrong if generator.random() < 0.08 else labels["response"], labels["task"])
        for fact in known:
            if fact.kind == "value" and generator.random() < 0.9:
                side = {"ai": "human", "human": "ai"}[fact.side] if generator.random() < 0.03 else fact.side
                found.append((id, side, fact.label, bool(fact.explicit)))
    result = evaluated(Out(found, answers), facts, tmp_path)
    both = row(result.values, matching="key", side="both")
    assert both["recall_low"] < 0.9 * 0.97 < both["recall_high"]
    assert result.wrong_side.interval is not None
    assert result.wrong_side.interval[0] < 0.03 < result.wrong_side.interval[1]
    assert result.response_right.interval is not None
    assert result.response_right.interval[0] < 0.92 < result.response_right.interval[1]
    assert result.task_right.share == 1
    assert len(result.languages) == 8
    assert result.outcomes == {"extracted": len(answers), "not in the extraction": 1000 - len(answers)}


def test_rows_in_another_order_give_the_same(evaluation: Evaluation, tmp_path: Path) -> None:
    shuffled = replace(OUT, found=OUT.found[::-1], answers=dict(reversed(OUT.answers.items())))
    options: dict[str, Any] = {"taxonomy": TREE, "encoder": TinyEncoder(), "likeness": 0.5}
    assert evaluated(shuffled, FACTS[::-1], tmp_path, **options).to_json() == evaluation.to_json()


# -- what can't be evaluated -----------------------------------------------------------------------------------------


def test_a_truth_in_csv_is_the_same(evaluation: Evaluation, tmp_path: Path) -> None:
    options: dict[str, Any] = {"taxonomy": TREE, "encoder": TinyEncoder(), "likeness": 0.5}
    path = write_truth(FACTS, tmp_path / "truth.csv")
    assert evaluate_extraction(OUT.write(tmp_path / "out"), path, **options).to_json() == evaluation.to_json()


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (
            ["conversation_id,kind,label,side"],
            "column 'explicit': there is no such column; give a table with the columns",
        ),
        ([HEADER, "c1,value"], "line 2: the row has 2 cells, and the header 5"),
        (
            [HEADER, "c1,value,calm,bot,"],
            "row 1, column 'side': the side is neither ai nor human; correct it: it is 'bot'",
        ),
        ([HEADER, "c1,value,calm,ai,maybe"], "column 'explicit': .*'maybe'"),
        ([HEADER, "c1,value,,ai,"], "column 'label': the row says nothing"),
        ([HEADER, "c1,value,--,ai,"], "column 'value': the value has no letters"),
        ([HEADER, ",task,x,,"], "the row is of no conversation"),
        ([HEADER, "c1,response,meh,,"], "a row of kind 'response' has none of the labels strong support"),
        ([HEADER, "c1,subjectivity,so,,"], "none of the labels yes, no"),
        ([HEADER, "c1,task,x,,", "", "c1,task,y,,"], "row 2, column 'kind': .*already"),
        ([HEADER, "x,task,x,,"], "no conversation of the truth was extracted"),
        ([HEADER], "no conversation of the truth was extracted"),
    ],
)
def test_a_truth_that_can_not_be_used(lines: list[str], problem: str, tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=problem) as error:
        evaluate_extraction(OUT.write(tmp_path / "out"), path)
    assert "truth.csv" in str(error.value)


def test_a_truth_of_another_format(tmp_path: Path) -> None:
    out = OUT.write(tmp_path / "out")
    with pytest.raises(InputError, match=r"neither \.parquet nor \.csv"):
        evaluate_extraction(out, tmp_path / "truth.xlsx")
    (tmp_path / "truth.parquet").write_bytes(b"no")
    with pytest.raises(InputError, match="the file is not Parquet"):
        evaluate_extraction(out, tmp_path / "truth.parquet")


def test_a_folder_that_is_no_extraction(tmp_path: Path) -> None:
    truth = write_truth(FACTS, tmp_path / "truth.parquet")
    with pytest.raises(InputError, match="this is no folder of an extraction; give the folder that extract run wrote"):
        evaluate_extraction(tmp_path, truth)
    out = OUT.write(tmp_path / "out")
    for summary, problem in (
        ("[]", "does not say 'value-taxonomy extraction'"),
        ('{"format": "value-taxonomy extraction", "version": 2}', "is of version 2, not 1"),
    ):
        (out / "extraction.json").write_text(summary, encoding="utf-8")
        with pytest.raises(InputError, match=problem):
            evaluate_extraction(out, truth)


@pytest.mark.parametrize("name", ["ids", "screened", "failures"])
def test_a_folder_without_its_private_files(name: str, tmp_path: Path) -> None:
    out, truth = OUT.write(tmp_path / "out"), write_truth(FACTS, tmp_path / "truth.parquet")
    (out / "private" / f"{name}.parquet").unlink()
    with pytest.raises(
        InputError, match=rf"{name}\.parquet: the private file is missing; give the folder where it was written"
    ):
        evaluate_extraction(out, truth)


def test_a_folder_with_ids_of_another_one(tmp_path: Path) -> None:
    out, truth = OUT.write(tmp_path / "out"), write_truth(FACTS, tmp_path / "truth.parquet")
    pd.DataFrame({"kind": ["user"], "digest": ["x"], "original": ["y"]}).to_parquet(out / "private" / "ids.parquet")
    with pytest.raises(InputError, match=r"9 rows have an id that private/ids.parquet lacks"):
        evaluate_extraction(out, truth)


def test_arguments_that_can_not_be_used(tmp_path: Path) -> None:
    out, truth = OUT.write(tmp_path / "out"), write_truth(FACTS, tmp_path / "truth.parquet")
    with pytest.raises(InputError, match="`likeness` is 0; give a number above 0 and up to 1"):
        evaluate_extraction(out, truth, likeness=0)
    with pytest.raises(InputError, match="has no level above its values"):
        evaluate_extraction(out, truth, taxonomy=make_tree(["honesty", "calm"]))
    with pytest.raises(InputError, match="`taxonomy` is a str"):
        evaluate_extraction(out, truth, taxonomy="tree.json")  # type: ignore[arg-type]


# -- the command -----------------------------------------------------------------------------------------------------


def test_the_command_prints_tables_or_json(tmp_path: Path) -> None:
    out, truth = OUT.write(tmp_path / "out"), write_truth(FACTS, tmp_path / "truth.parquet")
    TREE.write(tmp_path / "tree.json")
    given = ["extract", "evaluate", str(out), "--truth", str(truth), "--taxonomy", str(tmp_path / "tree.json")]
    done = CliRunner().invoke(main, [*given, "--no-vectors"])
    assert done.exit_code == 0, done.output
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "conversations 4 extracted, 1 failed: invalid, 2 screened out" in lines
    assert any(line.startswith("key ai 4 6 3 50.0% (18.8% to 81.2%) 75.0%") for line in lines)
    assert any(line.startswith("cluster both 6 8 4") for line in lines)
    assert "wrong side 20.00% (3.62% to 62.45%) of 5" in lines
    assert "internal use only" in done.stderr
    as_json = CliRunner().invoke(main, [*given, "--no-vectors", "--json"])
    assert as_json.stdout == evaluate_extraction(out, truth, taxonomy=TREE).to_json() + "\n"
    quiet = CliRunner().invoke(main, [*given, "--no-vectors", "--quiet"])
    assert (quiet.exit_code, quiet.stdout) == (0, "")


def test_the_command_says_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    given = ["extract", "evaluate", str(tmp_path), "--truth", "truth.csv", "--no-vectors"]
    done = CliRunner().invoke(main, given)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "this is no folder of an extraction" in done.stderr
    both = CliRunner().invoke(main, [*given, "--model", "minilm"])
    assert "--model and --no-vectors exclude each other" in both.stderr
