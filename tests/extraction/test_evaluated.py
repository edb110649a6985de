"""A model that is wrong as often as planned: what `evaluate_extraction` finds is what was planned."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("openai", reason="the extra llm is not installed")
pytest.importorskip("ijson", reason="the extra extract is not installed")

from taxonomy.extraction.evaluation import Evaluation, evaluate_extraction
from taxonomy.extraction.measures import Share
from taxonomy.llm.reply import Outcome
from tests.extraction.conftest import Extract
from tests.extraction.conversing import original_ids, rows
from tests.extraction.direct import extract_directly
from tests.extraction.planted import write_planted
from tests.llm_server.oracle import Oracle

RATES = {"misses": 0.10, "inventions": 0.05, "side_swaps": 0.03, "wrong_responses": 0.08}
FAILURES = [outcome for outcome in Outcome if outcome is not Outcome.ANSWERED]
LANGUAGES = {"ar", "de", "en", "es", "fr", "hi", "ja", "pt"}


def check_within(share: Share, planned: float) -> None:
    assert share.interval is not None
    low, high = share.interval
    assert low <= planned <= high


def check_drawn(found: Evaluation, oracle: Oracle) -> Counter[str]:
    """See that the mistakes that were made are found, and return how many there are of each kind."""
    both = found.values.set_index(["matching", "side"]).loc[("key", "both")]
    drawn = Counter[str](mistake.kind for mistake in oracle.mistakes)
    assert both["true"] - both["right"] == drawn["miss"] + drawn["side swap"]
    assert both["found"] - both["right"] == drawn["invention"] + drawn["side swap"]
    assert found.response_right.of - found.response_right.count == drawn["wrong response"]
    return drawn


def check_rates(found: Evaluation, oracle: Oracle) -> None:
    """See that what was planned is within the intervals."""
    check_drawn(found, oracle)
    both = found.values.set_index(["matching", "side"]).loc[("key", "both")]
    swapped = RATES["side_swaps"]
    recall = 1 - RATES["misses"] - swapped
    precision = recall / (recall + swapped + RATES["inventions"])
    assert both["recall_low"] <= recall <= both["recall_high"]
    assert both["precision_low"] <= precision <= both["precision_high"]
    check_within(found.response_right, 1 - RATES["wrong_responses"])
    check_within(found.wrong_side, swapped)
    assert found.traps_expressed.count == 0
    by_language = found.languages.set_index("language")
    assert set(by_language.index) == LANGUAGES
    for _, language in by_language.iterrows():
        assert language["recall_low"] <= recall <= language["recall_high"]
        assert language["precision_low"] <= precision <= language["precision_high"]


@pytest.mark.slow
def test_mistakes_are_found_as_often_as_they_were_made_in_every_language(tmp_path: Path) -> None:
    corpus = write_planted(tmp_path / "corpus", 800, seed=5)
    oracle = Oracle.of_folder(corpus, seed=1, **RATES)
    done = extract_directly(corpus / "conversations.jsonl", tmp_path / "out", oracle)
    assert done.counts["extracted"] == 352
    found = evaluate_extraction(tmp_path / "out", corpus / "truth.parquet")
    asked = original_ids(tmp_path / "out")
    kept = {asked[row["conversation_id"]] for row in rows(tmp_path / "out", "conversations")}
    assert {mistake.conversation_id for mistake in oracle.mistakes} <= kept
    check_rates(found, oracle)
    assert (found.screener_precision.share, found.screener_recall.share) == (1, 1)


@pytest.mark.slow
def test_the_same_through_a_server(extract: Extract, tmp_path: Path) -> None:
    corpus = write_planted(tmp_path / "corpus", 1500, seed=5)
    oracle = Oracle.of_folder(corpus, seed=9, **RATES)
    done = extract(corpus / "conversations.jsonl", answer=oracle)
    assert done.returncode == 0, done.stderr
    check_rates(evaluate_extraction(tmp_path / "out", corpus / "truth.parquet"), oracle)


def test_the_mistakes_of_a_few_are_found(tmp_path: Path) -> None:
    corpus = write_planted(tmp_path / "corpus", 120, seed=5)
    oracle = Oracle.of_folder(corpus, **RATES)
    extract_directly(corpus / "conversations.jsonl", tmp_path / "out", oracle)
    found = evaluate_extraction(tmp_path / "out", corpus / "truth.parquet")
    drawn = check_drawn(found, oracle)
    assert min(drawn[kind] for kind in ("miss", "side swap", "invention", "wrong response")) > 0


def test_counts_add_up_with_failures_of_every_kind(tmp_path: Path) -> None:
    corpus = write_planted(tmp_path / "corpus", 250, seed=6)
    oracle = Oracle.of_folder(corpus)
    failing = dict.fromkeys(FAILURES, 0.05)
    done = extract_directly(corpus / "conversations.jsonl", tmp_path / "out", oracle, failing=failing)
    assert set(done.failed) == set(FAILURES)
    failed = sum(done.failed.values())
    assert done.counts["kept"] == 250 == done.counts["screened_out"] + failed + done.counts["extracted"]
    assert len(rows(tmp_path / "out", "conversations")) == done.counts["extracted"]
    assert len({row["conversation_id"] for row in rows(tmp_path / "out" / "private", "failures")}) == failed
    found = evaluate_extraction(tmp_path / "out", corpus / "truth.parquet")
    assert found.outcomes["extracted"] == done.counts["extracted"]
    assert {name: count for name, count in found.outcomes.items() if name.startswith("failed")} == {
        f"failed: {outcome}": count for outcome, count in done.failed.items()
    }
    # What is there is right: no failure became an answer.
    values = found.values.set_index(["matching", "side"]).loc[("key", "both")]
    assert values["true"] == values["found"] == values["right"]
    assert found.response_right.share == found.screener_recall.share == 1
