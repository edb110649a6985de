"""How far two extractions of the same conversations agree: by two models, by two prompts, or one run twice."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from taxonomy.errors import InputError
from taxonomy.extraction.evaluated_files import ExtractedFolder, read_extraction
from taxonomy.extraction.extraction_defaults import LEVELS, LIKENESS
from taxonomy.extraction.judged_answers import ORDERED
from taxonomy.extraction.matched_values import check_matching, match_items, pair_values
from taxonomy.extraction.measures import Share, plain_part
from taxonomy.extraction.reliability import bootstrap_interval, measure_reliability, ratio
from taxonomy.mentions.columns import RESPONSE_TYPES, SIDES
from taxonomy.mentions.origins import describe_difference
from taxonomy.model import Taxonomy
from taxonomy.values import canonical_key

if TYPE_CHECKING:
    from embeddings import Encoder
    from embeddings.progress import Progress

_SOURCE = ("digest", "model", "models", "language")
_FIRST, _SECOND = "first", "second"


@dataclass(frozen=True)
class ExtractionAgreement:
    """How far two extractions of the same conversations agree. Neither is the truth.

    Intervals are 95%, as in `taxonomy.extraction.reliability`. What is a share of nothing is NaN in a table, None
    elsewhere.

    Attributes
    ----------
    sources : tuple of two mappings
        The ``digest``, ``models`` and ``language`` of each.
    differences : tuple of str
        What they differ in, such as the model or the prompts; nothing where one was run twice.
    conversations : int
        Conversations that are in both.
    apart : tuple of two ints
        Those that are in one alone.
    outcomes : DataFrame
        Conversations by what became of them in the first (rows) and the second (columns): ``extracted``, ``screened
        out``, or ``failed: `` and its outcome.
    values : DataFrame
        One row for each ``matching`` and ``side``, values as sets in a conversation that both extracted: how many are
        of the ``first``, of the ``second`` and of ``both``; the ``overlap``, both of all (Jaccard); and the
        ``agreement``, twice both of the sum (positive agreement, Cicchetti and Feinstein 1990), with its bootstrap
        interval over conversations. What neither names can't be counted, so that there is no kappa of values.
    coefficients : DataFrame
        Percent agreement, Cohen's kappa, Krippendorff's alpha and Gwet's AC1, by what they are ``of``: ``screening``
        (kept or not), ``subjectivity``, ``response``, and ``explicit`` of the AI's values that both have.
    tasks : Share
        Tasks with the same canonical key.
    """

    sources: tuple[Mapping[str, Any], Mapping[str, Any]]
    differences: tuple[str, ...]
    conversations: int
    apart: tuple[int, int]
    outcomes: pd.DataFrame
    values: pd.DataFrame
    coefficients: pd.DataFrame
    tasks: Share

    def to_json(self) -> str:
        """Return all of it as one JSON object; what is missing is null."""
        plain = {field.name: plain_part(getattr(self, field.name)) for field in dataclasses.fields(self)}
        return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def compare_extractions(
    folder: str | Path,
    other: str | Path,
    *,
    taxonomy: Taxonomy | None = None,
    encoder: Encoder | None = None,
    likeness: float = LIKENESS,
    progress: Progress | None = None,
) -> ExtractionAgreement:
    """Compare two extractions of the same conversations.

    Parameters
    ----------
    folder, other : str or Path
        Folders that ``extract run`` wrote, with their private files.
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
    ExtractionAgreement

    Raises
    ------
    InputError
        If either can't be read, or they have no conversation in common.
    """
    check_matching(taxonomy, likeness)
    first, second = read_extraction(Path(folder)), read_extraction(Path(other))
    outcomes = pd.DataFrame({_FIRST: _outcomes(first), _SECOND: _outcomes(second)})
    both = outcomes.dropna()
    if not len(both):
        problem = "the two extractions have no conversation in common"
        raise InputError(problem, path=f"{folder}, {other}", remedy="give two extractions of the same files")
    missing = outcomes.isna().sum()
    extracted = both.index[(both == "extracted").all(axis=1)]
    one, two = (each.values[each.values["conversation"].isin(extracted)] for each in (first, second))
    rows, stated = [], None
    for matching, items, other_items in pair_values(one, two, taxonomy, encoder, likeness, progress):
        matched = match_items(one.assign(item=items), two.assign(item=other_items))
        rows += [{"matching": matching, **row} for row in _overlaps(matched)]
        stated = _stated(matched) if stated is None else stated
    assert stated is not None
    answers = _side_by_side(first.answers.loc[extracted], second.answers.loc[extracted])
    return ExtractionAgreement(
        sources=(_source(first), _source(second)),
        differences=tuple(describe_difference(first.summary, second.summary)),
        conversations=len(both),
        apart=(int(missing[_SECOND]), int(missing[_FIRST])),
        outcomes=pd.crosstab(both[_FIRST], both[_SECOND]),
        values=pd.DataFrame(rows),
        coefficients=_coefficients(first, second, answers, stated),
        tasks=_same_tasks(answers),
    )


def _source(extraction: ExtractedFolder) -> dict[str, Any]:
    return {name: extraction.summary.get(name) for name in _SOURCE}


def _outcomes(extraction: ExtractedFolder) -> pd.Series[str]:
    """Return what became of each conversation."""
    kept = extraction.screened["kept"].astype(bool)
    parts = (
        pd.Series("extracted", index=extraction.answers.index),
        pd.Series("screened out", index=kept.index[~kept]),
        "failed: " + extraction.failed.astype(str),
    )
    every = pd.concat(parts)
    return every[~every.index.duplicated()]


def _overlaps(matched: pd.DataFrame) -> list[dict[str, Any]]:
    rows = []
    for side in (*SIDES, "both"):
        part = matched if side == "both" else matched[matched["side"] == side]
        counts = part[["true", "found"]].assign(both=part["true"] & part["found"]).to_numpy(dtype=np.float64)
        in_first, in_second, in_both = counts.sum(axis=0)

        def agreement(sums: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
            return ratio(2 * sums[:, 2], sums[:, 0] + sums[:, 1])

        low, high = bootstrap_interval(counts, pd.factorize(part["conversation"])[0], agreement)
        rows.append(
            {
                "side": side,
                "first": int(in_first),
                "second": int(in_second),
                "both": int(in_both),
                "overlap": in_both / len(part) if len(part) else np.nan,
                "agreement": float(agreement(counts.sum(axis=0)[None])[0]),
                "low": low,
                "high": high,
            }
        )
    return rows


def _stated(matched: pd.DataFrame) -> pd.DataFrame:
    """Return whether the AI's values that both have are stated, in each, with their conversations."""
    both = matched[(matched["side"] == "ai") & matched["true"] & matched["found"]]
    flags = both[["stated", "said_stated"]].astype(object).replace({True: "stated", False: "shown"})
    return flags.set_axis([_FIRST, _SECOND], axis=1).assign(conversation=both["conversation"])


def _coefficients(
    first: ExtractedFolder, second: ExtractedFolder, answers: pd.DataFrame, stated: pd.DataFrame
) -> pd.DataFrame:
    screened = _side_by_side(first.screened, second.screened).astype(object)
    decisions = screened[["kept_1", "kept_2"]].replace({True: "kept", False: "left out"})
    of = {
        "screening": (decisions, ("kept", "left out"), ()),
        "subjectivity": (screened[["subjectivity_1", "subjectivity_2"]], LEVELS, LEVELS),
        "response": (answers[["response_1", "response_2"]], RESPONSE_TYPES, ORDERED),
        "explicit": (stated[[_FIRST, _SECOND]], ("stated", "shown"), ()),
    }
    tables = []
    for name, (ratings, categories, ordered) in of.items():
        clusters = stated["conversation"] if name == "explicit" else None
        pairs = ratings.set_axis([_FIRST, _SECOND], axis=1)
        table = measure_reliability(pairs, categories, clusters, ordered=ordered)
        tables.append(table.drop(columns="raters").assign(of=name))
    table = pd.concat(tables, ignore_index=True)
    return table[["of", *(name for name in table.columns if name != "of")]]


def _side_by_side(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of both, of the conversations that both have."""
    return first.add_suffix("_1").join(second.add_suffix("_2"), how="inner")


def _same_tasks(answers: pd.DataFrame) -> Share:
    known = answers[["task_1", "task_2"]].dropna()
    same = [canonical_key(one) == canonical_key(two) for one, two in known.itertuples(index=False)]
    return Share(sum(same), len(known))
