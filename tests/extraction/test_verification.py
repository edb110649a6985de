"""Sheets for people to check an extraction, and what their answers say."""

from __future__ import annotations

import csv
import json
import shutil
import stat
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.errors import InputError, OutputError
from taxonomy.extraction.repeated_extraction import compare_extractions
from taxonomy.extraction.verification.answer_key import AnswerKey, read_key
from taxonomy.extraction.verification.decoys import swap_values
from taxonomy.extraction.verification.label_studio import read_export
from taxonomy.extraction.verification.review_item import KINDS, ReviewItem, ShownTurn, answers_of
from taxonomy.extraction.verification.review_sheet import COLUMNS, read_sheet, sheet_csv, shown_text
from taxonomy.extraction.verification.sampled_items import Sampled, sample_extraction
from taxonomy.extraction.verification.scored_answers import score_review
from taxonomy.extraction.verification.sheet_files import write_part
from taxonomy.extraction.verification.stratified_sampling import draw_stratified
from taxonomy.extraction.verification.verification import read_verification
from taxonomy.mentions.columns import RESPONSE_TYPES
from taxonomy.report.checked import NOBODY
from tests.conftest import Run, examples
from tests.extraction.direct import extract_directly
from tests.extraction.planted import write_planted
from tests.llm_server.oracle import Oracle

Answer = Callable[[ReviewItem, pd.Series], str]
CONVERSATIONS, N = 200, 120


@pytest.fixture(scope="module")
def chats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chats")
    return write_planted(folder, CONVERSATIONS)


@pytest.fixture(scope="module")
def extraction(chats: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("extraction") / "out"
    extract_directly(chats / "conversations.jsonl", out, Oracle.of_folder(chats))
    return out


@pytest.fixture(scope="module")
def sampled(extraction: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sampled]:
    sheet = tmp_path_factory.mktemp("sheets") / "sheet.csv"
    return sheet, sample_extraction(extraction, sheet, n=N, seed=7)


@pytest.fixture(scope="module")
def sheet(sampled: tuple[Path, Sampled]) -> Path:
    return sampled[0]


@pytest.fixture(scope="module")
def key(sheet: Path) -> AnswerKey:
    return read_key(sheet.with_name("sheet.csv.private.parquet"))


def fill(sheet: Path, key: AnswerKey, out: Path, answer: Answer, missing: str = "") -> Path:
    """Answer every item of a sheet."""
    known = key.items.set_index("item")
    items = [replace(item, answer=answer(item, known.loc[item.item])) for item in read_sheet(sheet)]
    items = [replace(item, missing=missing if item.answer == "wrong" else "") for item in items]
    out.write_text(sheet_csv(items), encoding="utf-8")
    return out


def knowing(item: ReviewItem, row: pd.Series) -> str:
    """Answer as one who knows the key, and to whom nothing is missing."""
    if item.kind == "value":
        return "wrong" if row["decoy"] else "right"
    return "right" if item.kind == "conversation" else str(row["extracted"])


def careless(item: ReviewItem, row: pd.Series) -> str:
    return answers_of(item.kind)[0]


# -- sampling --------------------------------------------------------------------------------------------------


def test_a_sheet_has_items_of_all_kinds(sampled: tuple[Path, Sampled], key: AnswerKey) -> None:
    sheet, said = sampled
    items = read_sheet(sheet)
    assert Counter(item.kind for item in items) == {"value": 72, "response": 18, "screening": 18, "conversation": 12}
    assert dict(said.items) == Counter(item.kind for item in items)
    assert [item.kind for item in items] == sorted((item.kind for item in items), key=KINDS.index)
    known = key.items.set_index("item").loc[[item.item for item in items]]
    assert said.decoys == known["decoy"].sum() == 7
    assert set(known.loc[known["kind"] == "response", "extracted"]) == set(RESPONSE_TYPES)
    decisions = Counter(known.loc[known["kind"] == "screening", "extracted"])
    assert decisions == {"wrong": 12, "right": 6}
    # What the items stand for together is what there is.
    real = known[~known["decoy"]]
    for kind, part in real.groupby("kind"):
        assert part["weight"].sum() == pytest.approx(said.population[kind], rel=0.25)
    assert set(real.loc[real["kind"] == "value", "rarity"]) == {"head", "rare"}


def test_a_sheet_is_blind(sheet: Path, extraction: Path) -> None:
    text = sheet.read_text(encoding="utf-8-sig")
    header = next(csv.reader(text.splitlines()))
    assert tuple(header[: len(COLUMNS)]) == COLUMNS
    assert all(name.startswith("text") for name in header[len(COLUMNS) :])
    for secret in ("decoy", "openai/fake", (extraction / "private" / "key").read_text().strip()):
        assert secret not in text
    ids = pq.read_table(extraction / "private" / "ids.parquet").to_pandas()
    assert not any(id in text for id in [*ids["digest"], *ids["original"]])


def test_a_sheet_and_its_key_are_private(sampled: tuple[Path, Sampled]) -> None:
    for path in sampled[1].paths:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_evidence_stands_in_its_turn_with_one_around_it(sheet: Path, key: AnswerKey) -> None:
    for item in read_sheet(sheet):
        numbers = [turn.number for turn in item.turns]
        if item.kind != "value":
            assert numbers[0] == 1
            continue
        assert item.turn in numbers
        assert set(numbers) <= {item.turn - 1, item.turn, item.turn + 1}
        assert next(turn.side for turn in item.turns if turn.number == item.turn) == item.side


def test_decoys_are_values_of_other_conversations(sheet: Path, key: AnswerKey, extraction: Path) -> None:
    mentions = pq.read_table(extraction / "mentions.parquet").to_pandas()
    of = mentions.groupby("conversation_id")["value"].agg(set)
    known = key.items.set_index("item")
    rarity = {item.item: known.loc[item.item, "rarity"] for item in read_sheet(sheet) if item.kind == "value"}
    for item in read_sheet(sheet):
        row = known.loc[item.item]
        if row["kind"] == "value":
            assert (item.claim in of[row["conversation"]]) != row["decoy"]
            assert item.claim in set(mentions.loc[mentions["side"] == item.side, "value"])
    assert set(rarity.values()) == {"head", "rare"}


def test_no_decoy_is_twice_in_a_conversation() -> None:
    """It would be one item with two rows."""
    rows = [("a", "ai", "candour"), ("a", "ai", "thrift"), ("b", "ai", "zest"), ("b", "human", "calm")]
    values = pd.DataFrame(rows, columns=["conversation", "side", "value"]).assign(rarity="rare")
    values["key"] = values["value"]
    swapped = swap_values(values[:2], values, {}, None, np.random.default_rng(0))
    assert swapped[["conversation", "side", "value"]].to_numpy().tolist() == [["a", "ai", "zest"]]


def test_the_seed_says_what_is_drawn(extraction: Path, sheet: Path, tmp_path: Path) -> None:
    sample_extraction(extraction, tmp_path / "same.csv", n=N, seed=7)
    sample_extraction(extraction, tmp_path / "other.csv", n=N, seed=8)
    assert (tmp_path / "same.csv").read_bytes() == sheet.read_bytes()
    assert {one.item for one in read_sheet(tmp_path / "other.csv")}.isdisjoint(one.item for one in read_sheet(sheet))


def test_a_sheet_that_people_filled_in_is_not_replaced(
    extraction: Path, sheet: Path, key: AnswerKey, tmp_path: Path
) -> None:
    sample_extraction(extraction, tmp_path / "sheet.csv", n=N, seed=7)
    filled = fill(sheet, key, tmp_path / "sheet.csv", knowing).read_bytes()
    with pytest.raises(OutputError, match=r"sheet\.csv: there is another file of this name"):
        sample_extraction(extraction, tmp_path / "sheet.csv", n=N, seed=7)
    assert (tmp_path / "sheet.csv").read_bytes() == filled


def test_conversations_that_moved_are_named(extraction: Path, chats: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved.jsonl"
    source = extraction / "private" / "sources.json"
    said = source.read_text()
    try:
        source.write_text(json.dumps({"paths": [str(tmp_path / "gone.jsonl")], "format": None}))
        with pytest.raises(InputError, match="gone"):
            sample_extraction(extraction, tmp_path / "sheet.csv", n=100)
        moved.write_bytes((chats / "conversations.jsonl").read_bytes())
        assert (
            sum(sample_extraction(extraction, tmp_path / "sheet.csv", n=100, conversations=[moved]).items.values())
            == 100
        )
    finally:
        source.write_text(said)


def test_conversations_that_changed_are_refused(extraction: Path, chats: Path, tmp_path: Path) -> None:
    lines = (chats / "conversations.jsonl").read_text().splitlines()
    (tmp_path / "few.jsonl").write_text("\n".join(lines[:50]))
    with pytest.raises(InputError, match="a conversation that was drawn is not in the files; name the files"):
        sample_extraction(extraction, tmp_path / "sheet.csv", n=100, conversations=[tmp_path / "few.jsonl"])
    assert not list(tmp_path.glob("sheet*"))


def test_bad_arguments_of_a_sample(extraction: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give 20 items or more"):
        sample_extraction(extraction, tmp_path / "sheet.csv", n=3)
    with pytest.raises(OutputError, match=r"end the name in \.csv"):
        sample_extraction(extraction, tmp_path / "sheet.xlsx")
    with pytest.raises(InputError, match="this is no folder of an extraction"):
        sample_extraction(tmp_path, tmp_path / "sheet.csv")


@examples(30)
@given(st.data())
def test_what_is_drawn_stands_for_all(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 60), min_size=1, max_size=12))
    n = data.draw(st.integers(1, 80))
    power = data.draw(st.sampled_from([0.0, 0.5, 1.0]))
    frame = pd.DataFrame({"stratum": np.repeat(np.arange(len(sizes)), sizes)})
    drawn = draw_stratified(frame, n, ["stratum"], np.random.default_rng(data.draw(st.integers(0, 99))), power=power)
    assert len(drawn) == min(n, len(frame))
    assert drawn.index.is_unique
    assert (drawn["weight"] >= 1 - 1e-9).all()
    # Each stratum gets its part of the sample, to within a row.
    for stratum, part in drawn.groupby("stratum"):
        assert abs(len(part) - sizes[stratum] / part["weight"].iloc[0]) <= 1 + 1e-6


def test_weights_are_not_biased() -> None:
    frame = pd.DataFrame({"stratum": np.repeat([0, 1, 2], [500, 40, 5]), "right": np.arange(545) % 3 == 0})
    means = []
    for seed in range(300):
        drawn = draw_stratified(frame, 60, ["stratum"], np.random.default_rng(seed))
        means.append((drawn["right"] * drawn["weight"]).sum())
    assert np.mean(means) == pytest.approx(frame["right"].sum(), rel=0.03)


# -- sheets ----------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="utf-8"), max_size=80) | st.sampled_from(
    ["=1+1", "-2", "@x", "Turn 4, AI:\n| no", "| x", "'", "a\r\nb\rc", "", "\n"]
)


@examples(15)
@given(st.lists(st.tuples(TEXT, TEXT, st.sampled_from(KINDS)), min_size=1, max_size=4))
def test_a_sheet_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, str, str]]
) -> None:
    items = [make_item(number, *parts) for number, parts in enumerate(texts)]
    read_again(items, tmp_path_factory.mktemp("sheet") / "sheet.csv")


def test_long_turns_go_through_a_spreadsheet(tmp_path: Path) -> None:
    items = [make_item(0, "x" * 70_000, "", "value"), make_item(1, "=" * 40_000, "", "value")]
    read_again(items, tmp_path / "sheet.csv")


def make_item(number: int, text: str, note: str, kind: str) -> ReviewItem:
    return ReviewItem(
        item=f"r{number:015x}",
        kind=next(one for one in KINDS if one == kind),
        side="ai",
        claim="honesty",
        turn=2,
        quote=shown_text(note),
        turns=(ShownTurn(1, "human", shown_text(text)), ShownTurn(2, "ai", shown_text(note))),
        note=shown_text(note),
    )


def read_again(items: list[ReviewItem], path: Path) -> None:
    """Write a sheet, and check that it is read the same and fits the cells of a spreadsheet."""
    path.write_bytes(sheet_csv(items).encode())
    assert read_sheet(path) == items
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines(keepends=True)))
    assert all(len(cell) <= 32_767 and not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_damaged_sheets(sheet: Path, tmp_path: Path) -> None:
    lines = sheet.read_text(encoding="utf-8-sig").split("\n")
    damaged = tmp_path / "sheet.csv"
    for change, said in (
        (lambda text: text.replace(",turn,", ",number,"), "the sheet has no column turn"),
        (lambda text: text.replace(",value,", ",colour,"), "line 2: the row is no item of a review sheet"),
        (lambda text: text.replace("| ", ""), "a spreadsheet may have changed it"),
    ):
        damaged.write_text(change("\n".join(lines)), encoding="utf-8")
        with pytest.raises(InputError, match=said):
            read_sheet(damaged)
    damaged.write_text(lines[0])
    with pytest.raises(InputError, match="the sheet has no items"):
        read_sheet(damaged)


# -- scoring ---------------------------------------------------------------------------------------------------


def test_who_knows_finds_all_right(sheet: Path, key: AnswerKey, tmp_path: Path) -> None:
    found = score_review(
        [fill(sheet, key, tmp_path / "a.csv", knowing)], key=sheet.with_name("sheet.csv.private.parquet")
    )
    whole = found.shares[found.shares["stratum"] == "all"]
    assert set(whole["rater"]) == {"a", "majority"}
    assert (whole["share"] == 1).all()
    assert (whole["low"] < 1).all()
    assert found.decoys["accepted"].tolist() == [0]
    assert found.recall.loc[0, "recall"] == 1
    assert np.trace(found.responses.to_numpy()) == 18
    assert found.disagreements == ()
    strata = set(found.shares.loc[found.shares["kind"] == "value", "stratum"])
    assert strata == {"all", "side", "explicit", "rarity", "response", "language"}


def test_shares_are_weighted(sheet: Path, key: AnswerKey, tmp_path: Path) -> None:
    """One rater finds all that the AI states wrong; each figure is computed here again."""

    def strict(item: ReviewItem, row: pd.Series) -> str:
        if item.kind == "value" and item.side == "ai" and row["explicit"]:
            return "wrong"
        return "unsure" if item.kind == "screening" else knowing(item, row)

    path = fill(sheet, key, tmp_path / "a.csv", strict)
    found = score_review([path], key=sheet.with_name("sheet.csv.private.parquet"))
    shares = found.shares.set_index(["rater", "kind", "stratum", "level"])
    values = key.items[(key.items["kind"] == "value") & ~key.items["decoy"]]
    is_wrong = (values["side"] == "ai") & values["explicit"].astype(bool)
    expected = 1 - values.loc[is_wrong, "weight"].sum() / values["weight"].sum()
    row = shares.loc[("a", "value", "all", "all")]
    assert row["share"] == pytest.approx(expected)
    assert row["low"] < expected < row["high"]
    assert row["boot_low"] < expected < row["boot_high"]
    assert (row["items"], row["right"]) == (len(values), len(values) - is_wrong.sum())
    assert shares.loc[("a", "value", "side", "human"), "share"] == 1
    counted = found.answered.set_index(["rater", "kind"])
    assert counted.loc[("a", "screening"), "unsure"] == 18
    assert ("a", "screening", "all", "all") not in shares.index


def test_who_accepts_anything_is_flagged(sheet: Path, key: AnswerKey, tmp_path: Path) -> None:
    paths = [fill(sheet, key, tmp_path / "a.csv", knowing), fill(sheet, key, tmp_path / "b.csv", careless)]
    found = score_review(paths, key=sheet.with_name("sheet.csv.private.parquet"))
    assert found.decoys.set_index("rater")["flagged"].to_dict() == {"a": False, "b": True}
    assert found.decoys.set_index("rater").loc["b", "share"] == 1


@pytest.mark.parametrize("judged", KINDS)
def test_who_judges_one_kind_alone_is_scored(sheet: Path, key: AnswerKey, tmp_path: Path, judged: str) -> None:
    some = fill(sheet, key, tmp_path / "a.csv", lambda item, row: knowing(item, row) if item.kind == judged else "")
    found = score_review([some], key=sheet.with_name("sheet.csv.private.parquet"))
    assert set(found.shares["kind"]) == {judged}
    (tmp_path / "verification.json").write_text(found.to_json())
    again = read_verification(tmp_path / "verification.json")
    assert again.to_json() == found.to_json()
    for name in ("shares", "recall", "decoys", "agreement"):
        assert list(getattr(again, name).columns) == list(getattr(found, name).columns)


def test_who_is_unsure_of_all_is_scored(sheet: Path, key: AnswerKey, tmp_path: Path, run: Run) -> None:
    unsure = fill(sheet, key, tmp_path / "a.csv", lambda item, row: "unsure")
    private = sheet.with_name("sheet.csv.private.parquet")
    done = run("extract", "score", unsure, "--key", private, "--out", tmp_path / "verification.json")
    assert done.returncode == 0, done.stderr
    found = read_verification(tmp_path / "verification.json")
    assert len(found.shares) == len(found.agreement) == 0
    assert found.answered["unsure"].sum() == 2 * N


@pytest.mark.parametrize(
    "change", [{"shares": 5}, {"shares": [1]}, {"shares": [{"rater": "a"}]}, {"source": None}, {"raters": None}]
)
def test_a_damaged_verification_is_one_line(
    sheet: Path, key: AnswerKey, tmp_path: Path, change: dict[str, object]
) -> None:
    filled = fill(sheet, key, tmp_path / "a.csv", knowing)
    found = score_review([filled], key=sheet.with_name("sheet.csv.private.parquet"))
    path = tmp_path / "verification.json"
    path.write_text(json.dumps({**json.loads(found.to_json()), **change}))
    with pytest.raises(InputError, match="the file is no verification; give the file that `extract score` wrote"):
        read_verification(path)


def test_names_of_raters_stand_for_one_each(sheet: Path, key: AnswerKey, tmp_path: Path) -> None:
    private = sheet.with_name("sheet.csv.private.parquet")
    names = ("extracted", "majority")
    paths = [fill(sheet, key, tmp_path / f"{name}.csv", knowing) for name in names]
    found = score_review(paths, key=private)
    assert found.raters == tuple(map(str, paths))
    assert "Cohen's kappa" in set(found.agreement.loc[found.agreement["kind"] == "response, extracted", "coefficient"])
    (tmp_path / "link.csv").symlink_to(paths[0])
    for again in (paths[0], tmp_path / "link.csv"):
        with pytest.raises(InputError, match="the sheet is given twice"):
            score_review([paths[0], again], key=private)


def test_missing_values_lower_recall(sheet: Path, key: AnswerKey, tmp_path: Path) -> None:
    def lacking(item: ReviewItem, row: pd.Series) -> str:
        return "wrong" if item.kind == "conversation" else knowing(item, row)

    path = fill(sheet, key, tmp_path / "a.csv", lacking, missing="zest; Zest, plain old grit")
    found = score_review([path], key=sheet.with_name("sheet.csv.private.parquet"))
    row = found.recall.loc[0]
    assert row["conversations"] == 12
    assert row["missing"] == 24
    whole = key.items[key.items["kind"] == "conversation"]
    listed = whole["keys"].str.split("\n").map(lambda keys: len([one for one in keys if one]))
    expected = (whole["weight"] * listed).sum() / (whole["weight"] * (listed + 2)).sum()
    assert row["recall"] == pytest.approx(expected)
    assert row["boot_low"] < expected < row["boot_high"]


def test_two_raters_disagree_and_a_third_decides(sheet: Path, key: AnswerKey, tmp_path: Path) -> None:
    disputed = [item.item for item in read_sheet(sheet)][:5]

    def other(item: ReviewItem, row: pd.Series) -> str:
        return "unsure" if item.item == disputed[0] else "wrong" if item.item in disputed else knowing(item, row)

    def first(item: ReviewItem, row: pd.Series) -> str:
        return "right" if item.item in disputed else knowing(item, row)

    private = sheet.with_name("sheet.csv.private.parquet")
    paths = [fill(sheet, key, tmp_path / "a.csv", first), fill(sheet, key, tmp_path / "b.csv", other)]
    found = score_review(paths, key=private)
    assert set(found.disagreements) == set(disputed)
    undecided = found.answered.set_index(["rater", "kind"]).loc[("majority", "value"), "unsure"]
    assert undecided == 4
    write_part(paths[0], found.disagreements, tmp_path / "third.csv")
    third = read_sheet(tmp_path / "third.csv")
    assert {item.item for item in third} == set(disputed)
    assert all(item.answer == "" and item.turns for item in third)
    decided = score_review([*paths, fill(tmp_path / "third.csv", key, tmp_path / "c.csv", first)], key=private)
    assert decided.answered.set_index(["rater", "kind"]).loc[("majority", "value"), "unsure"] == 0
    value = decided.agreement[decided.agreement["kind"] == "value"]
    pairs = value.loc[value["coefficient"] == "Cohen's kappa", "raters"]
    assert pairs.tolist() == ["a, b", "a, c", "b, c"]


def test_agreement_is_told_in_all_terms(sheet: Path, key: AnswerKey, tmp_path: Path, run: Run) -> None:
    def erring(seed: int) -> Answer:
        generator = np.random.default_rng(seed)
        return lambda item, row: (
            answers_of(item.kind)[int(generator.integers(3))] if generator.random() < 0.1 else knowing(item, row)
        )

    paths = [fill(sheet, key, tmp_path / f"{name}.csv", erring(seed)) for seed, name in enumerate("ab")]
    private = sheet.with_name("sheet.csv.private.parquet")
    found = score_review(paths, key=private)
    terms = found.agreement.groupby("kind")["coefficient"].agg(set)
    plain = {"percent agreement", "Cohen's kappa", "Krippendorff's alpha", "Gwet's AC1"}
    weighted = {f"Cohen's kappa, {weights} weights" for weights in ("linear", "quadratic")}
    assert terms["value"] == terms["screening"] == terms["conversation"] == plain
    assert terms["response"] == terms["response, extracted"] == plain | weighted
    out = tmp_path / "verification.json"
    done = run("extract", "score", *paths, "--key", private, "--out", out)
    assert done.returncode == 0
    assert "98% agreement can be a kappa of 0.32" in done.stdout.replace("\n", " ")
    assert read_verification(out).to_json() == out.read_text() == found.to_json()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_label_studio_takes_and_gives_the_same(extraction: Path, sheet: Path, key: AnswerKey, tmp_path: Path) -> None:
    said = sample_extraction(extraction, tmp_path / "tasks.json", n=N, seed=7)
    assert [path.name for path in said.paths] == ["tasks.json", "tasks.xml", "tasks.json.private.parquet"]
    assert "$answers" in (tmp_path / "tasks.xml").read_text()
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    items = read_sheet(sheet)
    assert [task["data"]["item"] for task in tasks] == [item.item for item in items]
    known = key.items.set_index("item")
    for number, (task, item) in enumerate(zip(tasks, items, strict=True)):
        assert [one["value"] for one in task["data"]["answers"]] == list(item.answers)
        task["annotations"] = [
            {
                "completed_by": person,
                "was_cancelled": person == 3,
                "result": _result(answer(item, known.loc[item.item])),
            }
            for person, answer in ((1, knowing), (2, careless), (3, careless))
        ]
        task["id"] = number
    exported = tmp_path / "export.json"
    exported.write_text(json.dumps(tasks))
    from_studio = score_review([exported])
    paths = [
        fill(sheet, key, tmp_path / "export 1.csv", knowing),
        fill(sheet, key, tmp_path / "export 2.csv", careless),
    ]
    from_sheets = score_review(paths, key=sheet.with_name("sheet.csv.private.parquet"))
    assert from_studio.to_json() == from_sheets.to_json()
    write_part(tmp_path / "tasks.json", from_studio.disagreements, tmp_path / "third.csv")
    assert {one.item for one in read_sheet(tmp_path / "third.csv")} == set(from_studio.disagreements)


def _result(answer: str) -> list[dict[str, object]]:
    choice = {"from_name": "answer", "to_name": "text", "type": "choices", "value": {"choices": [answer]}}
    return [choice, {"from_name": "note", "to_name": "text", "type": "textarea", "value": {"text": ["seen"]}}]


def test_bad_answers(sheet: Path, key: AnswerKey, tmp_path: Path) -> None:
    private = sheet.with_name("sheet.csv.private.parquet")
    good = fill(sheet, key, tmp_path / "a.csv", knowing)
    with pytest.raises(InputError, match="no file beside the sheet says what its items are; name it"):
        score_review([good])
    with pytest.raises(InputError, match="no item has an answer; fill in the column answer"):
        score_review([sheet], key=private)
    text = good.read_text(encoding="utf-8")
    first = read_sheet(sheet)[0].item
    for change, said in (
        (text.replace(",right,", ",yes,", 1), r"b\.csv, line \d+: the answer is none of those"),
        (text.replace(first, f"r{0:015x}", 1), r"b\.csv, line 2: the item is not in the key"),
        (text.replace(read_sheet(sheet)[1].item, first, 1), "the item is in the sheet twice"),
    ):
        (tmp_path / "b.csv").write_text(change, encoding="utf-8")
        with pytest.raises(InputError, match=said):
            score_review([good, tmp_path / "b.csv"], key=private)
    (tmp_path / "c.json").write_text('[{"data": {}, "annotations": []}]')
    with pytest.raises(InputError, match="row 1: the task is not as Label Studio exports it"):
        list(read_export(tmp_path / "c.json"))


def test_a_spreadsheet_may_save_the_sheet_anew(sheet: Path, key: AnswerKey, tmp_path: Path) -> None:
    """With semicolons, other cases, in another order, and without the long texts."""
    filled = fill(sheet, key, tmp_path / "a.csv", knowing)
    rows = list(csv.reader(filled.read_text(encoding="utf-8-sig").splitlines(keepends=True)))
    with (tmp_path / "saved.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        for row in [rows[0], *rows[:0:-1]]:
            writer.writerow([*row[:7], f" {row[7].upper()} " if row is not rows[0] else row[7], *row[8:10], ""])
    private = sheet.with_name("sheet.csv.private.parquet")
    saved, as_filled = (score_review([path], key=private).shares for path in (tmp_path / "saved.csv", filled))
    pd.testing.assert_frame_equal(saved.drop(columns="rater"), as_filled.drop(columns="rater"))


# -- the report ------------------------------------------------------------------------------------------------


def test_a_report_takes_no_other_records_for_checked(
    sheet: Path, key: AnswerKey, extraction: Path, small_build: Path, tmp_path: Path, run: Run
) -> None:
    """Not those of two extractions by the same prompts, one of which people checked, nor a table without the other."""
    first = shutil.copytree(extraction, tmp_path / "first")
    private = sheet.with_name("sheet.csv.private.parquet")
    found = score_review([fill(sheet, key, tmp_path / "a.csv", knowing)], key=private)
    (first / "verification.json").write_text(found.to_json())
    (tmp_path / "more").mkdir()
    more = write_planted(tmp_path / "more", 50, seed=2)
    extract_directly(more / "conversations.jsonl", more / "out", Oracle.of_folder(more))
    (tmp_path / "alone").mkdir()
    for name in ("mentions.parquet", "verification.json"):
        shutil.copy(first / name, tmp_path / "alone" / name)
    page = tmp_path / "report.html"
    for records, said in (
        ([first], f"One person checked {N} items"),
        (
            [first, more / "out"],
            f"{NOBODY} in all of these records together",
        ),
        (
            [more / "out", first],
            f"{NOBODY} in all of these records together",
        ),
        ([tmp_path / "alone"], f"{NOBODY} into these records"),
    ):
        done = run("report", *records, "--taxonomy", small_build / "taxonomy.json", "--out", page, "--markdown")
        assert done.returncode == 0, done.stderr
        assert said in page.with_suffix(".md").read_text(encoding="utf-8")


# -- agreement of extractions ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def worse(chats: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("worse") / "out"
    extract_directly(chats / "conversations.jsonl", out, Oracle.of_folder(chats, misses=0.2, wrong_responses=0.2))
    return out


def test_an_extraction_agrees_with_itself(extraction: Path) -> None:
    found = compare_extractions(extraction, extraction)
    assert found.differences == ()
    assert found.apart == (0, 0)
    assert (found.values["agreement"] == 1).all()
    assert (found.coefficients["value"] == 1).all()
    assert found.tasks.share == 1


def test_two_extractions_are_told_in_the_same_terms(extraction: Path, worse: Path, run: Run) -> None:
    found = compare_extractions(extraction, worse)
    one, two = (pq.read_table(out / "mentions.parquet").to_pandas() for out in (extraction, worse))
    both = found.values.set_index(["matching", "side"]).loc[("key", "both")]
    assert (both["first"], both["second"]) == (len(one), len(two))
    assert both["agreement"] == pytest.approx(2 * both["both"] / (both["first"] + both["second"]))
    assert 0.8 < both["low"] < both["agreement"] < both["high"] < 0.95
    of = found.coefficients.set_index(["of", "coefficient"])["value"]
    assert 0.7 < of["response", "percent agreement"] < 0.9
    assert of["screening", "Cohen's kappa"] == 1
    done = run("extract", "agree", extraction, worse, "--no-vectors")
    assert done.returncode == 0
    assert "nothing: the same model and prompts" in done.stdout
    assert json.loads(run("extract", "agree", extraction, worse, "--no-vectors", "--json").stdout)["apart"] == [0, 0]


def test_extractions_of_other_conversations(extraction: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(extraction, other)
    path = other / "private" / "ids.parquet"
    ids = pq.read_table(path).to_pandas()
    ids.assign(original=ids["original"] + " of another source").to_parquet(path)
    with pytest.raises(InputError, match="no conversation in common; give two extractions of the same files"):
        compare_extractions(extraction, other)


def test_no_message_tells_a_text_an_id_or_a_key(
    extraction: Path, sheet: Path, key: AnswerKey, tmp_path: Path, run: Run
) -> None:
    private = sheet.with_name("sheet.csv.private.parquet")
    good = fill(sheet, key, tmp_path / "a.csv", knowing)
    text = good.read_text(encoding="utf-8")
    broken = tmp_path / "broken.csv"
    broken.write_text(text.replace(",right,", ",perhaps,", 3), encoding="utf-8")
    changed = tmp_path / "changed.csv"
    changed.write_text(text.replace("| ", ""), encoding="utf-8")
    few = tmp_path / "few.jsonl"
    few.write_text("")
    outputs = []
    for arguments in (
        ("sample", extraction, "--n", 60, "--out", tmp_path / "s.csv"),
        ("sample", extraction, "--n", 60, "--seed", 3, "--out", tmp_path / "s.csv"),
        ("sample", extraction, "--n", 60, "--out", tmp_path / "t.csv", "--conversations", few),
        ("review", good, "--out", tmp_path / "review.html"),
        ("review", changed, "--out", tmp_path / "review.html"),
        ("score", good, "--key", private),
        ("score", good, "--key", private, "--json"),
        ("score", broken, "--key", private),
        ("score", good, "--key", good),
        ("agree", extraction, extraction, "--no-vectors"),
    ):
        for debug in ((), ("--debug",)):
            done = run("extract", *arguments, *debug)
            outputs += [done.stdout, done.stderr]
    told = "\n".join(outputs)
    ids = pq.read_table(extraction / "private" / "ids.parquet").to_pandas()
    evidence = pq.read_table(extraction / "private" / "evidence.parquet").to_pandas()
    assert not [id for id in [*ids["digest"], *ids["original"]] if id in told]
    assert not [quote for quote in evidence["quote"] if quote in told]
    assert (extraction / "private" / "key").read_text().strip() not in told
    for item in read_sheet(sheet)[::20]:
        assert not [line for turn in item.turns for line in turn.text.split("\n") if len(line) > 20 and line in told]


def test_no_item_tells_of_another(sheet: Path, key: AnswerKey) -> None:
    kinds = key.items.groupby("conversation")["kind"].nunique()
    assert (kinds == 1).all()
