"""A planted run of 2,000 conversations through sample, two simulated raters, score, audit and report."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from taxonomy.extraction.verification.answer_key import key_path, read_key
from taxonomy.extraction.verification.review_sheet import read_sheet, sheet_csv
from taxonomy.extraction.verification.scored_answers import score_review
from taxonomy.extraction.verification.verification import read_verification
from taxonomy.mentions.statistics import wilson_interval
from tests.conftest import ROOT, Run
from tests.extraction.direct import extract_directly
from tests.extraction.planted import plant, values_of, write_planted
from tests.llm_server.oracle import Oracle

sys.path.append(str(ROOT / "fixtures"))

from simulate_rater import answer_items

pytestmark = pytest.mark.slow
COUNT = 2000


@pytest.fixture(scope="module")
def extraction(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_planted(tmp_path_factory.mktemp("corpus"), COUNT)
    out = folder / "extraction"
    oracle = Oracle.of_folder(folder, misses=0.1, inventions=0.1, wrong_responses=0.08)
    extract_directly(folder / "conversations.jsonl", out, oracle)
    return out


def test_from_a_sample_to_the_report(extraction: Path, run: Run, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    assert run("extract", "sample", extraction, "--n", 300, "--seed", 3, "--out", sheet).returncode == 0
    assert run("extract", "review", sheet, "--out", tmp_path / "review.html").returncode == 0
    for name, seed, errors in (("a", 1, 0.03), ("b", 2, 0.1)):
        items = answer_items(sheet, seed, errors, unsure=0.02)
        (tmp_path / f"{name}.csv").write_text(sheet_csv(items), encoding="utf-8")
    scored = run(
        "extract", "score", tmp_path / "a.csv", tmp_path / "b.csv", "--out", extraction / "verification.json",
        "--disagreements", tmp_path / "third.csv",
    )  # fmt: skip
    assert scored.returncode == 0, scored.stderr
    found = read_verification(extraction / "verification.json")
    assert found.decoys["decoys"].ge(15).all()
    assert len(read_sheet(tmp_path / "third.csv")) == len(found.disagreements) > 10
    shares = found.shares.set_index(["rater", "kind", "stratum", "level"])
    for name, errors in (("a", 0.03), ("b", 0.1)):
        row = shares.loc[(name, "value", "all", "all")]
        assert row["low"] <= 1 - errors <= row["high"]

    counts, build = tmp_path / "counts.csv", tmp_path / "build"
    assert run("mentions", "count", extraction, "--side", "both", "--out", counts).returncode == 0
    columns = ("--value-column", "value", "--weight-column", "count")
    assert run("build", counts, *columns, "--out", build).returncode == 0
    audited = run("extract", "audit", extraction, "--taxonomy", build / "taxonomy.json")
    assert audited.returncode in (0, 1), audited.stderr
    page = tmp_path / "report.html"
    report = ("report", extraction, "--taxonomy", build / "taxonomy.json", "--out", page, "--markdown")
    assert run(*report).returncode == 0
    text = page.with_suffix(".md").read_text(encoding="utf-8")
    assert "2 people checked 300 items of a sample" in text
    assert f"AI values that are right: {shares.loc[('majority', 'value', 'side', 'ai'), 'share']:.1%}" in text
    assert "98% agreement can be a kappa of 0.32" in text
    assert "sheet" not in text, "the names of raters are not told"
    (extraction / "verification.json").unlink()
    assert run(*report).returncode == 0
    assert "Nobody has checked how well the values were extracted" in page.read_text(encoding="utf-8")


def test_raters_who_know_find_the_mistakes_that_were_planted(extraction: Path, tmp_path: Path, run: Run) -> None:
    """The share right is that of the extraction, as the truth says it, within its interval."""
    sheet = tmp_path / "sheet.csv"
    assert run("extract", "sample", extraction, "--n", 1000, "--out", sheet).returncode == 0
    key = read_key(key_path(sheet)).items.set_index("item")
    ids = pq.read_table(extraction / "private" / "ids.parquet").to_pandas().set_index("digest")["original"]
    true = {id: set(values_of(facts)) for id, facts in plant(COUNT).facts.items()}

    def expresses(conversation: str, side: str, value: str) -> bool:
        return (side, value) in true[ids[conversation]]

    items = answer_items(sheet, 1, 0.0)
    answered = [
        item.__class__(
            **{
                **{name: getattr(item, name) for name in item.__slots__},
                "answer": "right" if expresses(key.loc[item.item, "conversation"], item.side, item.claim) else "wrong",
            }
        )
        if item.kind == "value"
        else item
        for item in items
    ]
    (tmp_path / "a.csv").write_text(sheet_csv(answered), encoding="utf-8")
    found = score_review([tmp_path / "a.csv"], key=key_path(sheet))
    shares = found.shares[found.shares["rater"] == "a"].set_index(["kind", "stratum", "level"])
    mentions = pq.read_table(extraction / "mentions.parquet").to_pandas()
    right = [
        expresses(*row) for row in mentions[["conversation_id", "side", "value"]].itertuples(index=False, name=None)
    ]
    for side in ("ai", "human"):
        row = shares.loc[("value", "side", side)]
        assert row["low"] <= np.mean(np.array(right)[mentions["side"] == side]) <= row["high"]
    row = shares.loc[("value", "all", "all")]
    assert row["low"] <= np.mean(right) <= row["high"]
    assert found.decoys.loc[0, "share"] < 0.1


@pytest.mark.parametrize(("errors", "first"), [(0.012, 0), (0.05, 100), (0.2, 200)])
def test_intervals_hold_the_error_rates_of_raters(extraction: Path, tmp_path: Path, errors: float, first: int) -> None:
    """Of 100 fixed seeds 89 to 100 intervals hold what is true, and they are as wide as they should be."""
    from taxonomy.extraction.verification.sampled_items import sample_extraction

    sheet = tmp_path / "sheet.csv"
    sample_extraction(extraction, sheet, n=300)
    weights = read_key(key_path(sheet)).items[lambda items: (items["kind"] == "value") & ~items["decoy"]]["weight"]
    effective = weights.sum() ** 2 / (weights**2).sum()
    held = {"share": 0, "bootstrap": 0, "decoys": 0, "agreement": 0, "responses": 0}
    widths = []
    for seed in range(first, first + 100):
        for name, number in (("a", seed), ("b", seed + 10_000)):
            items = [one for one in answer_items(sheet, number, errors) if one.kind in ("value", "response")]
            # The texts are not needed, and take time.
            bare = [one.__class__(one.item, one.kind, one.side, "", 0, "", (), one.answer) for one in items]
            (tmp_path / f"{name}.csv").write_text(sheet_csv(bare), encoding="utf-8")
        found = score_review([tmp_path / "a.csv", tmp_path / "b.csv"], key=key_path(sheet))
        row = found.shares.set_index(["rater", "kind", "stratum"]).loc[("a", "value", "all")]
        held["share"] += row["low"] <= 1 - errors <= row["high"]
        held["bootstrap"] += row["boot_low"] <= 1 - errors <= row["boot_high"]
        widths.append(row["high"] - row["low"])
        decoys = found.decoys.loc[0]
        held["decoys"] += decoys["low"] <= errors <= decoys["high"]
        agreement = found.agreement.set_index(["kind", "coefficient"]).loc[("value", "percent agreement")]
        held["agreement"] += agreement["low"] <= (1 - errors) ** 2 + errors**2 <= agreement["high"]
        answers = found.agreement[found.agreement["kind"] == "response, extracted"].set_index("coefficient")
        responses = answers.loc["percent agreement"].iloc[0]
        held["responses"] += responses["low"] <= 1 - errors <= responses["high"]
    assert all(89 <= count <= 100 for count in held.values()), held
    low, high = wilson_interval((1 - errors) * effective, effective)
    assert np.mean(widths) == pytest.approx(float(high - low), rel=0.1)
