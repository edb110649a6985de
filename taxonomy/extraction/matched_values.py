"""Extracted values beside those that are truly there: matched one to one in a conversation and side, and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taxonomy.errors import InputError, check_type
from taxonomy.extraction.measures import share_columns
from taxonomy.mentions.columns import SIDES
from taxonomy.model import Taxonomy, values_by_spelling
from taxonomy.values import clean

if TYPE_CHECKING:
    from embeddings import Encoder
    from embeddings.progress import Progress

# What counts as one value: one canonical key, one node of level 1, or likeness.
Matching = Literal["key", "cluster", "likeness"]
_PLACE = ["conversation", "side"]
BOTH = "both"
SEED = 0
_RESAMPLES, _DRAWS = 1000, 200


def check_matching(taxonomy: Taxonomy | None, likeness: float) -> None:
    """Check what values are matched by.

    Raises
    ------
    InputError
        If it is not a taxonomy, or no cosine above 0.
    """
    check_type(taxonomy, (Taxonomy, type(None)), "taxonomy", "give a Taxonomy, as taxonomy.read returns it")
    check_type(likeness, (int, float), "likeness", "give a number above 0 and up to 1")
    if not 0 < likeness <= 1:
        raise InputError(f"`likeness` is {likeness}", remedy="give a number above 0 and up to 1")


def pair_values(
    true: pd.DataFrame,
    found: pd.DataFrame,
    taxonomy: Taxonomy | None,
    encoder: Encoder | None,
    likeness: float,
    progress: Progress | None,
) -> Iterator[tuple[Matching, pd.Series[str], pd.Series[str]]]:
    """Yield each matching, by key first, with the items that true and found values are.

    Parameters
    ----------
    true, found : DataFrame
        With ``conversation``, ``side``, ``value`` and ``key``.
    taxonomy : Taxonomy or None
        For matching by cluster.
    encoder : Encoder or None
        For matching by likeness.
    likeness : float
        The least cosine of two values that are alike.
    progress : callable or None
    """
    yield "key", true["key"], found["key"]
    if taxonomy is not None:
        yield "cluster", find_clusters(true, taxonomy), find_clusters(found, taxonomy)
    if encoder is not None:
        yield "likeness", true["key"], find_alike(true, found, encoder, likeness, progress)


def match_items(truth: pd.DataFrame, extracted: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each conversation, side and item that the truth or the extraction has.

    Parameters
    ----------
    truth, extracted : DataFrame
        With ``conversation``, ``side``, ``item`` and ``explicit``; several values may be one item.

    Returns
    -------
    DataFrame
        ``conversation``, ``side``, ``item``; whether it is ``true`` and ``found``; whether it is stated as the truth
        and the extraction have it, ``stated`` and ``said_stated``: so it is if one of several values is.
    """
    both = [_united(frame) for frame in (truth, extracted)]
    joined = both[0].merge(both[1], on=[*_PLACE, "item"], how="outer", suffixes=("", "_found"), indicator=True)
    return pd.DataFrame(
        {
            "conversation": joined["conversation"],
            "side": joined["side"],
            "item": joined["item"],
            "true": joined["_merge"] != "right_only",
            "found": joined["_merge"] != "left_only",
            "stated": joined["explicit"].astype("boolean"),
            "said_stated": joined["explicit_found"].astype("boolean"),
        }
    )


def score_values(matched: pd.DataFrame, with_screened_out: pd.DataFrame, conversations: int) -> pd.DataFrame:
    """Return precision, recall and F1 of each side and of both: see `Evaluation.values`.

    Parameters
    ----------
    matched : DataFrame
        As `match_items` returns it, of the conversations that were extracted.
    with_screened_out : DataFrame
        The same of those that were screened out, too.
    conversations : int
        How many were extracted, those without a value too.
    """
    rows = []
    for side in (*SIDES, BOTH):
        part, whole = (frame[(frame["side"] == side) | (side == BOTH)] for frame in (matched, with_screened_out))
        counts = {"true": int(part["true"].sum()), "found": int(part["found"].sum())}
        right, total = int((part["true"] & part["found"]).sum()), sum(counts.values())
        low, high = _f1_interval(part, conversations)
        f1 = {"f1": 2 * right / total if total else np.nan, "f1_low": low, "f1_high": high}
        rows.append({"side": side, **counts, "right": right, **f1, "true_with_screened_out": int(whole["true"].sum())})
    table = pd.DataFrame(rows)
    return table.assign(
        **share_columns("precision", table["right"], table["found"]),
        **share_columns("recall", table["right"], table["true"]),
        **share_columns("recall_with_screened_out", table["right"], table["true_with_screened_out"]),
    )


def score_stated(matched: pd.DataFrame) -> pd.DataFrame:
    """Return the recall of values that are stated, and of those that are only shown: see `Evaluation.stated`."""
    true = matched[matched["true"] & matched["stated"].notna()]
    grouped = true.groupby(["side", true["stated"].astype(bool)], sort=True)["found"]
    table = grouped.agg(true="size", right="sum").reset_index()
    return table.assign(**share_columns("recall", table["right"], table["true"]))


def find_clusters(values: pd.DataFrame, tree: Taxonomy) -> pd.Series[str]:
    """Return the node above each value; the key of one that the taxonomy lacks.

    Raises
    ------
    InputError
        If the taxonomy has no level above its values.
    """
    if len(tree.levels) < 2:
        problem = f"the taxonomy {tree.id!r} has no level above its values"
        raise InputError(problem, remedy="give one with clusters, or none")
    known = values_by_spelling(tree.leaves)
    parents: dict[str, str] = {}
    for text in values["value"].unique():
        node = known.find(text)
        parent = None if node is None else tree.parent(node)
        if parent is not None:
            parents[text] = f"node {parent.id}"
    places = zip(values["value"], values["key"], strict=True)
    return pd.Series([parents.get(text, key) for text, key in places], index=values.index, dtype=object)


def find_alike(
    truth: pd.DataFrame, extracted: pd.DataFrame, encoder: Encoder, least: float, progress: Progress | None
) -> pd.Series[str]:
    """Return for each extracted value the key of the true value that it is matched with, else a key of its own.

    In each conversation and side values are matched one to one, such that the sum of their cosines is the largest there
    is; pairs below `least` are none. Values of one key have the cosine 1.
    """
    spellings = pd.concat([truth, extracted]).drop_duplicates("key").set_index("key")["value"]
    vectors = encoder.encode([clean(text) for text in spellings], progress=progress)
    row_of = {key: row for row, key in enumerate(spellings.index)}
    wanted, found = _keys_by_place(truth), _keys_by_place(extracted)
    matches: dict[tuple[str, str, str], str] = {}
    for place, keys in found.items():
        pairs = _pair(wanted.get(place, ()), keys, lambda key: vectors[row_of[key]], least)
        matches |= {(*place, key): name for key, name in pairs.items()}
    places = zip(extracted["conversation"], extracted["side"], extracted["key"], strict=True)
    # No key holds a space.
    return pd.Series([matches.get(place, f"{place[2]} alone") for place in places], index=extracted.index, dtype=object)


def compare_distributions(matched: pd.DataFrame) -> pd.DataFrame:
    """Return how far the shares of items are off, beside chance: see `Evaluation.distributions`."""
    rows = []
    for side in SIDES:
        part = matched[matched["side"] == side]
        counts = part.groupby("item")[["true", "found"]].sum()
        true, found = (counts[name].to_numpy(dtype=np.int64) for name in ("true", "found"))
        distance, chance, high, correlation = [np.nan] * 4
        if true.sum() and found.sum():
            shares = true / true.sum()
            distance = _distance(shares, found)
            generator = np.random.default_rng(SEED)
            drawn = [_distance(shares, generator.multinomial(found.sum(), shares)) for _ in range(_DRAWS)]
            chance, high = float(np.mean(drawn)), float(np.quantile(drawn, 0.95))
            correlation = _rank_correlation(true, found)
        rows.append(
            {
                "side": side,
                "items": len(counts),
                "true": int(true.sum()),
                "found": int(found.sum()),
                "distance": distance,
                "chance": chance,
                "chance_high": high,
                "spearman": correlation,
            }
        )
    return pd.DataFrame(rows)


def _keys_by_place(frame: pd.DataFrame) -> dict[tuple[str, str], list[str]]:
    """Return the distinct keys of each side of each conversation."""
    keys: dict[tuple[str, str], dict[str, None]] = {}
    for conversation, side, key in zip(frame["conversation"], frame["side"], frame["key"], strict=True):
        keys.setdefault((conversation, side), {})[key] = None
    return {place: list(distinct) for place, distinct in keys.items()}


def _united(frame: pd.DataFrame) -> pd.DataFrame:
    columns = [*_PLACE, "item"]
    return frame[[*columns, "explicit"]].groupby(columns, as_index=False).max()


def _f1_interval(part: pd.DataFrame, conversations: int) -> tuple[float, float]:
    """Return the 95% interval of F1 by percentiles of a bootstrap over conversations (Efron 1979)."""
    counts = part.assign(right=part["true"] & part["found"]).groupby("conversation")[["true", "found", "right"]].sum()
    if not len(counts):
        return np.nan, np.nan
    # Conversations of the same counts are drawn together, which is the same and takes no time.
    kinds, sizes = np.unique(counts.to_numpy(dtype=np.int64), axis=0, return_counts=True)
    without = conversations - len(counts)
    kinds, sizes = np.vstack([kinds, [0, 0, 0]]), np.append(sizes, without)
    draws = np.random.default_rng(SEED).multinomial(conversations, sizes / conversations, size=_RESAMPLES) @ kinds
    total = draws[:, 0] + draws[:, 1]
    f1 = 2 * draws[total > 0, 2] / total[total > 0]
    low, high = np.quantile(f1, [0.025, 0.975]) if len(f1) else (np.nan, np.nan)
    return float(low), float(high)


def _pair(
    true: Sequence[str], found: Sequence[str], vector: Callable[[str], NDArray[np.float32]], least: float
) -> dict[str, str]:
    """Return the true key of each found one that has one."""
    from scipy.optimize import linear_sum_assignment

    same = {key: key for key in found if key in set(true)}
    # No sum is larger than that of so many ones.
    if len(same) == min(len(true), len(found)):
        return same
    cosines = np.stack([vector(key) for key in true]) @ np.stack([vector(key) for key in found]).T
    cosines = np.where(np.equal.outer(np.asarray(true), np.asarray(found)), 1.0, np.minimum(cosines, 1.0))
    cosines[cosines < least] = 0
    rows, columns = linear_sum_assignment(cosines, maximize=True)
    return {
        found[column]: true[row]
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if cosines[row, column] >= least
    }


def _distance(shares: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    """Return the total variation distance of shares and of the shares that counts have."""
    return float(np.abs(shares - counts / counts.sum()).sum() / 2)


def _rank_correlation(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    from scipy.stats import spearmanr

    if min(np.ptp(first), np.ptp(second)) == 0:
        return np.nan
    return float(spearmanr(first, second).statistic)
