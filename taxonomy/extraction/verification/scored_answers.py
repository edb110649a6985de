"""Score the answers of one or more raters."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taxonomy.errors import InputError
from taxonomy.extraction.judged_answers import ORDERED
from taxonomy.extraction.measures import Share, weighted_share
from taxonomy.extraction.reliability import bootstrap_interval, measure_reliability, ratio
from taxonomy.extraction.verification.answer_key import STRATA
from taxonomy.extraction.verification.given_answers import read_answers
from taxonomy.extraction.verification.review_item import KINDS, RIGHT, UNSURE, WRONG, Kind, answers_of
from taxonomy.extraction.verification.verification import COLUMNS, EXTRACTED, MAJORITY, MOST_DECOYS, Verification
from taxonomy.mentions.columns import RESPONSE_TYPES
from taxonomy.values import canonical_key, clean

# The strata that shares are told by, of each kind.
_TOLD: dict[Kind, tuple[str, ...]] = {
    "value": STRATA,
    "response": ("extracted", "language"),
    "screening": ("extracted",),
    "conversation": ("response", "language"),
}
# Levels that are no words a reader knows.
_LEVELS: dict[str, dict[object, str]] = {
    "explicit": {True: "stated", False: "shown"},
    "extracted": {RIGHT: "kept", WRONG: "left out"},
}
_BETWEEN = re.compile(r"[;,\n]")


def score_review(sheets: Sequence[str | Path], *, key: str | Path | None = None) -> Verification:
    """Score the sheets that people filled in.

    Parameters
    ----------
    sheets : sequence of str or Path
        One for each rater: .csv files, or exports of Label Studio, .json, which may be of several raters.
    key : str or Path, optional
        The private file that was written with the sheet; by default the one beside the first sheet that has its items.

    Returns
    -------
    Verification

    Raises
    ------
    InputError
        If a sheet can't be read, or is of another sample.
    """
    if isinstance(sheets, str | Path):
        raise InputError("`sheets` is one path", remedy="give a list of paths, one for each rater")
    found, given = read_answers([Path(sheet) for sheet in sheets], None if key is None else Path(key))
    items = found.items.set_index("item")
    judged = given.join(items, on="item")
    judged["right"] = _is_right(judged)
    raters = tuple(dict.fromkeys(given["rater"]))
    sure = judged[judged["answer"] != UNSURE]
    majority = _majority(sure)
    every = pd.concat([sure, majority]).sort_values("item", kind="stable")
    return Verification(
        source=found.source,
        raters=raters,
        answered=_count_answered(judged, majority, items),
        shares=pd.DataFrame(_shares(every[~every["decoy"].astype(bool)], raters), columns=pd.Index(COLUMNS["shares"])),
        recall=pd.DataFrame([_recall(name, rows) for name, rows in _by_rater(sure, raters)]),
        decoys=pd.DataFrame([_decoys(name, rows) for name, rows in _by_rater(sure, raters)]),
        agreement=_agreement(sure[~sure["decoy"].astype(bool)], items, raters),
        responses=_cross_responses(majority),
        disagreements=_disagreements(judged),
    )


def _is_right(judged: pd.DataFrame) -> NDArray[np.bool_]:
    """Say of each answer whether it says that the extraction is right."""
    as_extracted = judged["answer"] == judged["extracted"]
    is_claim = judged["kind"].isin(("value", "conversation"))
    return np.asarray(np.where(is_claim, judged["answer"] == RIGHT, as_extracted), dtype=bool)


def _by_rater(rows: pd.DataFrame, raters: Sequence[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    yield from ((name, rows[rows["rater"] == name]) for name in raters)


def _count_answered(judged: pd.DataFrame, majority: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    every = judged.assign(unsure=judged["answer"] == UNSURE)
    together = every.drop_duplicates("item").assign(rater=MAJORITY)
    together["unsure"] = ~together["item"].isin(majority["item"])
    grouped = pd.concat([every, together]).groupby(["rater", "kind"], sort=False)
    table = grouped["unsure"].agg(answered="size", unsure="sum").reset_index()
    table.insert(2, "items", table["kind"].map(items["kind"].value_counts()))
    return table


def _majority(sure: pd.DataFrame) -> pd.DataFrame:
    """Return the answer to each item that more than half of its raters gave."""
    votes = sure.groupby(["item", "answer"])["rater"].size()
    most = votes.reset_index(name="votes").sort_values("votes", kind="stable").drop_duplicates("item", keep="last")
    of = votes.groupby("item").sum()
    won = most[most["votes"].to_numpy() * 2 > of.loc[most["item"]].to_numpy()]
    return won.merge(sure.drop_duplicates(["item", "answer"]), on=["item", "answer"]).assign(rater=MAJORITY)


def _disagreements(judged: pd.DataFrame) -> tuple[str, ...]:
    differ = judged.groupby("item", sort=False)["answer"].nunique() > 1
    return tuple(differ.index[differ])


# -- shares ----------------------------------------------------------------------------------------------------


def _shares(rows: pd.DataFrame, raters: Sequence[str]) -> Iterator[dict[str, Any]]:
    for rater in (*raters, MAJORITY):
        of_rater = rows[rows["rater"] == rater]
        for kind in KINDS:
            part = of_rater[of_rater["kind"] == kind]
            if not len(part):
                continue
            yield {"rater": rater, "kind": kind, "stratum": "all", "level": "all", **_share(part)}
            for stratum in _TOLD[kind]:
                for level, some in part.replace({stratum: _LEVELS.get(stratum, {})}).groupby(stratum):
                    yield {"rater": rater, "kind": kind, "stratum": stratum, "level": str(level), **_share(some)}


def _share(part: pd.DataFrame) -> dict[str, Any]:
    """Return the weighted share of what is right, with its intervals."""
    right, weight = part["right"].to_numpy(dtype=np.float64), part["weight"].to_numpy(dtype=np.float64)
    sums = np.stack([right * weight, weight], axis=1)
    # One that is right and one that is wrong, of the weight of an effective row: without them, intervals of nearly
    # perfect shares are much too short.
    prior = (weight**2).sum() / weight.sum() * np.array([[1.0, 1.0], [0.0, 1.0]])
    groups = pd.factorize(part["conversation"])[0]
    low, high = bootstrap_interval(sums, groups, lambda drawn: ratio(drawn[:, 0], drawn[:, 1]), prior, 2.0)
    counted = {"items": len(part), "conversations": int(groups.max()) + 1, "right": int(right.sum())}
    return {**counted, **weighted_share(right, weight), "boot_low": low, "boot_high": high}


def _recall(rater: str, rows: pd.DataFrame) -> dict[str, Any]:
    """Return how many of the values of whole conversations were extracted, as far as a rater sees them."""
    values = rows[(rows["kind"] == "value") & ~rows["decoy"].astype(bool)]
    accepted = weighted_share(values["right"], values["weight"])["share"] if len(values) else np.nan
    whole = rows[rows["kind"] == "conversation"]
    listed = whole["keys"].str.split("\n").map(lambda keys: len(list(filter(None, keys)))).to_numpy(dtype=np.float64)
    missing = np.array([_count_missing(row) for row in whole.to_dict("records")], dtype=np.float64)
    weight = whole["weight"].to_numpy(dtype=np.float64)
    found = listed * accepted
    sums = np.stack([weight * found, weight * (found + missing)], axis=1)
    low, high = bootstrap_interval(sums, np.arange(len(whole)), lambda drawn: ratio(drawn[:, 0], drawn[:, 1]))
    recall = float(ratio(*sums.sum(axis=0)))
    counts = {"conversations": len(whole), "listed": int(listed.sum()), "missing": int(missing.sum())}
    return {"rater": rater, **counts, "recall": recall, "boot_low": low, "boot_high": high}


def _count_missing(row: Mapping[Hashable, Any]) -> int:
    if row["answer"] != WRONG:
        return 0
    named = {canonical_key(clean(part)) for part in _BETWEEN.split(row["missing"])} - {""}
    return max(1, len(named - set(row["keys"].split("\n"))))


def _decoys(rater: str, rows: pd.DataFrame) -> dict[str, Any]:
    decoys = rows[rows["decoy"].astype(bool)]
    accepted = Share(int((decoys["answer"] == RIGHT).sum()), len(decoys))
    low, high = accepted.interval or (np.nan, np.nan)
    share = np.nan if accepted.share is None else accepted.share
    counts = {"decoys": accepted.of, "accepted": accepted.count}
    return {"rater": rater, **counts, "share": share, "low": low, "high": high, "flagged": share > MOST_DECOYS}


# -- agreement -------------------------------------------------------------------------------------------------


def _agreement(sure: pd.DataFrame, items: pd.DataFrame, raters: Sequence[str]) -> pd.DataFrame:
    tables = []
    for kind in KINDS:
        part = sure[sure["kind"] == kind]
        wide = part.pivot(index="item", columns="rater", values="answer").reindex(columns=list(raters))
        categories = [answer for answer in answers_of(kind) if answer != UNSURE]
        ordered = ORDERED if kind == "response" else ()
        of = items["conversation"]
        if len(raters) > 1 and len(wide):
            tables.append(measure_reliability(wide, categories, of, ordered=ordered).assign(kind=kind))
        if kind == "response":
            extracted = items["extracted"].reindex(wide.index)
            for name in raters if len(wide) else ():
                pair = pd.DataFrame({name: wide[name], EXTRACTED: extracted}).dropna()
                table = measure_reliability(pair, categories, of, ordered=ordered)
                tables.append(table.assign(kind="response, extracted"))
    columns = pd.Index(COLUMNS["agreement"])
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def _cross_responses(majority: pd.DataFrame) -> pd.DataFrame:
    part = majority[majority["kind"] == "response"]
    table = pd.crosstab(part["extracted"], part["answer"])
    table = table.reindex(index=list(RESPONSE_TYPES), columns=list(RESPONSE_TYPES), fill_value=0)
    return table.rename_axis(index="extracted", columns=None).astype(int)
