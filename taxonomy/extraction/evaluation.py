"""How well values, response types and tasks were extracted from conversations of which it is known what they hold."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from taxonomy.errors import InputError
from taxonomy.extraction.evaluated_files import ExtractedFolder, Truth, read_extraction, read_truth
from taxonomy.extraction.extraction_defaults import LIKENESS
from taxonomy.extraction.judged_answers import cross_responses, cross_screening, judge_tasks, measure_kappas
from taxonomy.extraction.matched_values import (
    check_matching,
    compare_distributions,
    match_items,
    pair_values,
    score_stated,
    score_values,
)
from taxonomy.extraction.measures import Share, plain_part, share_columns
from taxonomy.mentions.columns import SIDES
from taxonomy.model import Taxonomy

if TYPE_CHECKING:
    from embeddings import Encoder
    from embeddings.progress import Progress

_SOURCE = ("digest", "models", "prompts", "settings")
EXTRACTED, SCREENED_OUT, ABSENT = "extracted", "screened out", "not in the extraction"


@dataclass(frozen=True)
class Evaluation:
    """How well an extraction agrees with the truth.

    All figures but those of screening are of conversations that were extracted and are in the truth. Intervals are
    95%: Wilson's of shares, which take values for independent; the bootstrap's over conversations of F1. What is a
    share of nothing is NaN in a table, None elsewhere.

    Attributes
    ----------
    source : mapping
        The ``digest``, ``models``, ``prompts`` and ``settings`` of the extraction.
    outcomes : mapping of str to int
        The truth's conversations: ``extracted``, ``screened out``, ``failed: `` and its outcome, ``not in the
        extraction``.
    unjudged : int
        Extracted conversations that are not in the truth.
    values : DataFrame
        One row for each ``matching`` and ``side``, values as sets in a conversation: how many are ``true``, ``found``
        and both, ``right``; ``precision``, ``recall`` and ``f1``, each with ``_low`` and ``_high``;
        ``true_with_screened_out`` and ``recall_with_screened_out``, for which what was screened out was missed. The
        matching is ``key``, the same canonical key; ``cluster``, the same node of level 1 of the taxonomy, where a
        value that it lacks is one of its own; ``likeness``, one to one by the cosine of embeddings.
    stated : DataFrame
        The recall of values that are ``stated``, or only shown, by ``matching`` and ``side``.
    explicitness : DataFrame
        The AI's values that are right by key: how many (``values``) are truly ``stated`` and ``said_stated``.
    explicit_right : Share
        Those of them with the right flag.
    sides : DataFrame
        Values that are truly of one side of a conversation only: how many (``values``) of the ``true_side`` were found
        on the ``found_side``, by key.
    wrong_side : Share
        Those of them that were found on the other side.
    traps : DataFrame
        Values that are named and not expressed, by ``place``: how many (``traps``), and how many came out as a value of
        their side, ``expressed``, with their ``share``.
    traps_expressed : Share
    screening : DataFrame
        For each ``level`` of subjectivity that the screener gave, and whether it was ``kept``: the ``conversations``,
        how many are truly ``subjective``, and their ``share``.
    screener_precision, screener_recall : Share
        Conversations that were kept and are subjective, of those kept and of those subjective; only screened ones.
    responses : DataFrame
        Conversations by true response type (rows) and extracted one (columns).
    response_right : Share
    kappas : DataFrame
        Cohen's kappa of response types by ``weights``: ``none`` for all seven; ``linear`` and ``quadratic`` for the six
        from support to resistance, conversations left out where either has "no values", which is not between them.
    task_right : Share
        Tasks with the true one's canonical key.
    languages : DataFrame
        By ``language``: ``conversations``; values of both sides by key, as in `values`; ``responses``, those ``right``
        (``responses_right``), and their share ``accuracy``.
    distributions : DataFrame
        By ``matching`` (not by likeness) and ``side``: how many ``items`` are ``true`` or ``found``, once a
        conversation; the total variation ``distance`` of their shares; ``chance``, the mean distance of as many draws
        from the true shares, and ``chance_high``, its 95th percentile; ``spearman``, the rank correlation of counts.
    """

    source: Mapping[str, Any]
    outcomes: Mapping[str, int]
    unjudged: int
    values: pd.DataFrame
    stated: pd.DataFrame
    explicitness: pd.DataFrame
    explicit_right: Share
    sides: pd.DataFrame
    wrong_side: Share
    traps: pd.DataFrame
    traps_expressed: Share
    screening: pd.DataFrame
    screener_precision: Share
    screener_recall: Share
    responses: pd.DataFrame
    response_right: Share
    kappas: pd.DataFrame
    task_right: Share
    languages: pd.DataFrame
    distributions: pd.DataFrame

    def to_json(self) -> str:
        """Return all of it as one JSON object; what is missing is null."""
        plain = {field.name: plain_part(getattr(self, field.name)) for field in dataclasses.fields(self)}
        return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False)


def evaluate_extraction(
    folder: str | Path,
    truth: str | Path,
    *,
    taxonomy: Taxonomy | None = None,
    encoder: Encoder | None = None,
    likeness: float = LIKENESS,
    progress: Progress | None = None,
) -> Evaluation:
    """Compare an extraction with what its conversations truly hold.

    Parameters
    ----------
    folder : str or Path
        The folder that ``value-taxonomy extract run`` wrote, with its private files.
    truth : str or Path
        A table of facts, .parquet or .csv, with the columns ``conversation_id`` (as it was before the extraction),
        ``kind``, ``label``, ``side``, ``explicit`` and, if wanted, ``place``. The kinds are ``value`` (of a ``side``,
        and ``explicit`` if it is stated), ``not expressed`` (a value that is named and not held), ``response``,
        ``task``, ``language`` and ``subjectivity`` (yes or no); others are ignored. A conversation in it has all of its
        values there: one without values has a row of another kind.
    taxonomy : Taxonomy, optional
        To compare clusters, too.
    encoder : Encoder, optional
        To match values by likeness, too.
    likeness : float
        The least cosine of two values that are alike, above 0 and up to 1.
    progress : callable, optional
        Told (strings embedded, strings in all).

    Returns
    -------
    Evaluation
        The same each time: what is drawn is drawn with a fixed seed.

    Raises
    ------
    InputError
        If either can't be read, or they have no extracted conversation in common.
    """
    check_matching(taxonomy, likeness)
    extraction, known = read_extraction(Path(folder)), read_truth(Path(truth))
    outcomes = _outcomes(extraction, known)
    judged = outcomes.index[outcomes == EXTRACTED]
    if not len(judged):
        problem = "no conversation of the truth was extracted"
        raise InputError(problem, path=str(truth), remedy=f"give the truth of the conversations in {folder}")
    settled = outcomes.index[outcomes.isin([EXTRACTED, SCREENED_OUT])]
    true = _of_conversations(known.values, settled)
    # Of a truth without values nothing is known about them.
    found = _of_conversations(extraction.values, judged if len(true) else judged[:0])
    by_key: pd.DataFrame | None = None
    scores, stated, distributions = [], [], []
    for matching, true_items, found_items in pair_values(true, found, taxonomy, encoder, likeness, progress):
        items = match_items(true.assign(item=true_items), found.assign(item=found_items))
        inside = _of_conversations(items, judged)
        scores.append(score_values(inside, items, len(judged)).assign(matching=matching))
        stated.append(score_stated(inside).assign(matching=matching))
        if matching != "likeness":
            distributions.append(compare_distributions(inside).assign(matching=matching))
        by_key = inside if by_key is None else by_key
    assert by_key is not None
    facts = known.facts.loc[judged].join(extraction.answers.add_suffix("_found"))
    return Evaluation(
        source={name: extraction.summary.get(name) for name in _SOURCE},
        outcomes={str(name): int(count) for name, count in outcomes.value_counts().sort_index().items()},
        unjudged=int((~extraction.answers.index.isin(known.facts.index)).sum()),
        values=_stacked(scores),
        stated=_stacked(stated),
        distributions=_stacked(distributions),
        **_judge_flags(by_key),
        **_judge_sides(by_key),
        **_judge_traps(_of_conversations(known.traps, judged), by_key),
        **_judge_screening(extraction.screened, known.facts["subjectivity"].dropna()),
        **_judge_answers(facts),
        languages=_by_language(facts, by_key),
    )


def _outcomes(extraction: ExtractedFolder, known: Truth) -> pd.Series[str]:
    """Return what became of each conversation of the truth."""
    ids = known.facts.index.to_series()
    outcomes = ("failed: " + ids.map(extraction.failed).astype(str)).where(ids.isin(extraction.failed.index), ABSENT)
    kept = extraction.screened["kept"].astype(bool)
    outcomes = outcomes.mask(ids.isin(kept.index[~kept]), SCREENED_OUT)
    return outcomes.mask(ids.isin(extraction.answers.index), EXTRACTED)


def _of_conversations(frame: pd.DataFrame, ids: pd.Index[str]) -> pd.DataFrame:
    return frame[frame["conversation"].isin(ids)]


def _stacked(tables: list[pd.DataFrame]) -> pd.DataFrame:
    table = pd.concat(tables, ignore_index=True)
    return table[["matching", *(name for name in table.columns if name != "matching")]]


def _cross(rows: pd.DataFrame, of: Sequence[object]) -> pd.DataFrame:
    """Return how many rows (``values``) have each pair of the last two columns, each of which is one `of` two."""
    names = list(rows.columns[-2:])
    pairs = pd.MultiIndex.from_product([of, of], names=names)
    return rows.groupby(names).size().reindex(pairs, fill_value=0).reset_index(name="values")


def _judge_flags(matched: pd.DataFrame) -> dict[str, Any]:
    """Judge whether the AI's values are stated."""
    right = matched[(matched["side"] == "ai") & matched["true"] & matched["found"]]
    flags = right[["stated", "said_stated"]].dropna().astype(bool)
    same = flags["stated"] == flags["said_stated"]
    return {
        "explicitness": _cross(flags, (True, False)),
        "explicit_right": Share(int(same.sum()), len(flags)),
    }


def _judge_sides(matched: pd.DataFrame) -> dict[str, Any]:
    """Judge on which side values were found that are of one side only."""
    of = ["conversation", "item"]
    true = matched.loc[matched["true"], [*of, "side"]]
    one_sided = true[~true.duplicated(of, keep=False)]
    found = one_sided.merge(matched.loc[matched["found"], [*of, "side"]], on=of, suffixes=("_true", "_found"))
    return {
        "sides": _cross(found.rename(columns={"side_true": "true_side", "side_found": "found_side"}), SIDES),
        "wrong_side": Share(int((found["side_true"] != found["side_found"]).sum()), len(found)),
    }


def _judge_traps(traps: pd.DataFrame, matched: pd.DataFrame) -> dict[str, Any]:
    """Judge which values came out that are named and not expressed; those expressed elsewhere are none of these."""
    rows = traps.rename(columns={"key": "item"}).merge(matched, on=["conversation", "side", "item"], how="left")
    rows = rows[rows["true"].isna() | ~rows["true"].fillna(False).astype(bool)]
    rows["found"] = rows["found"].fillna(False).astype(bool)
    table = rows.groupby("place")["found"].agg(traps="size", expressed="sum").reset_index()
    return {
        "traps": table.assign(**share_columns("share", table["expressed"], table["traps"])),
        "traps_expressed": Share(int(rows["found"].sum()), len(rows)),
    }


def _judge_screening(screened: pd.DataFrame, subjectivity: pd.Series[str]) -> dict[str, Any]:
    """Judge which conversations the screener kept; `subjectivity` is "yes" or "no"."""
    known = screened.join((subjectivity == "yes").to_frame("subjective"), how="inner")
    known = known.rename(columns={"subjectivity": "level"}).astype({"kept": bool, "subjective": bool})
    right = int((known["kept"] & known["subjective"]).sum())
    return {
        "screening": cross_screening(known),
        "screener_precision": Share(right, int(known["kept"].sum())),
        "screener_recall": Share(right, int(known["subjective"].sum())),
    }


def _judge_answers(facts: pd.DataFrame) -> dict[str, Any]:
    """Judge response types and tasks."""
    responses = cross_responses(facts)
    right = int(np.trace(responses.to_numpy()))
    return {
        "responses": responses,
        "response_right": Share(right, int(responses.to_numpy().sum())),
        "kappas": measure_kappas(responses),
        "task_right": judge_tasks(facts),
    }


def _by_language(facts: pd.DataFrame, matched: pd.DataFrame) -> pd.DataFrame:
    answered = facts["response"].notna() & facts["response_found"].notna()
    of_conversations = pd.DataFrame(
        {
            "language": facts["language"],
            "conversations": 1,
            "responses": answered,
            "responses_right": answered & (facts["response"] == facts["response_found"]),
        }
    )
    right = matched["true"] & matched["found"]
    of_values = matched.assign(right=right).groupby("conversation")[["true", "found", "right"]].sum()
    joined = of_conversations.join(of_values).fillna({"true": 0, "found": 0, "right": 0})
    table = joined.groupby("language").sum().astype(int).reset_index()
    return table.assign(
        **share_columns("precision", table["right"], table["found"]),
        **share_columns("recall", table["right"], table["true"]),
        **share_columns("accuracy", table["responses_right"], table["responses"]),
    )
