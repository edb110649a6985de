"""Draw what people check of an extraction, and show it with its turns."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from taxonomy.errors import InputError, LookupFailedError, check_type
from taxonomy.extraction.conversation import Conversation
from taxonomy.extraction.conversation_set import Conversations, open_conversations
from taxonomy.extraction.evidence import evidence_problem
from taxonomy.extraction.extraction_folder import PRIVATE, read_sources
from taxonomy.extraction.keyed_ids import read_key as read_id_key
from taxonomy.extraction.verification.answer_key import STRATA, AnswerKey
from taxonomy.extraction.verification.decoys import swap_values
from taxonomy.extraction.verification.population import Population, read_population
from taxonomy.extraction.verification.review_item import KINDS, RIGHT, SIDE_NAMES, WRONG, Kind, ReviewItem, ShownTurn
from taxonomy.extraction.verification.review_sheet import shown_text
from taxonomy.extraction.verification.sheet_files import check_sheet_path, write_sheet
from taxonomy.extraction.verification.stratified_sampling import WEIGHT, draw_stratified
from taxonomy.mentions.columns import SIDES, Side
from taxonomy.model import Taxonomy

# What part of the items is of each kind.
PARTS: dict[Kind, float] = {"value": 0.6, "response": 0.15, "screening": 0.15, "conversation": 0.1}
# Of the values, decoys; of the screener's decisions, conversations that it left out.
DECOYS, LEFT_OUT = 0.1, 2 / 3
# To which kind a conversation goes, in turn.
_TURNS: tuple[Kind, ...] = (
    *("value", "response", "value", "conversation", "value"),
    *("screening", "value", "response", "value", "conversation"),
)
# Fewer items say nothing of any stratum.
LEAST = 20


@dataclass(frozen=True)
class Sampled:
    """A sheet that was drawn.

    Attributes
    ----------
    items : mapping of str to int
        How many are of each kind.
    decoys : int
        Values of other conversations among them.
    population : mapping of str to int
        Of each kind, how many there are in the extraction.
    paths : tuple of Path
        The sheet, what goes with it, and last the key, which whoever judges must not see.
    """

    items: Mapping[Kind, int]
    decoys: int
    population: Mapping[Kind, int]
    paths: tuple[Path, ...]


def sample_extraction(
    folder: str | Path,
    out: str | Path,
    *,
    n: int = 300,
    seed: int = 0,
    taxonomy: Taxonomy | None = None,
    conversations: Sequence[str | Path] | None = None,
) -> Sampled:
    """Draw what people check of an extraction into a sheet.

    Of the items 60% are values, 15% types of responses, 15% decisions of the screener and 10% whole conversations.
    Values are drawn by side, explicitness, rarity, response and language; responses by type, as many of each; of the
    screener's decisions two in three are conversations that it left out. Rare strata are drawn more often than their
    share, with known weights (see `draw_stratified`). One value in ten is a decoy: the value of another conversation.
    No conversation has items of two kinds, which would tell of each other: of a small extraction there are fewer than
    `n`.

    Parameters
    ----------
    folder : str or Path
        The folder that ``extract run`` wrote, with its private files.
    out : str or Path
        The sheet, .csv, or .json for Label Studio, whose labelling configuration is written beside it as .xml. The key
        is written beside it, too, as ``.private.parquet``. All quote conversations or say what was extracted from them:
        only their owner can read them.
    n : int
        Items to draw.
    seed : int
        The same seed draws the same items in the same order.
    taxonomy : Taxonomy, optional
        By which decoys are of the same domain.
    conversations : sequence of str or Path, optional
        The files of the conversations, where they are not where they were.

    Returns
    -------
    Sampled

    Raises
    ------
    InputError
        If the extraction or a conversation can't be read, or is not what it was.
    OutputError
        If the sheet can't be written, or would replace another one: people may have filled it in.
    """
    folder, out = Path(folder), Path(out)
    check_type(taxonomy, (Taxonomy, type(None)), "taxonomy", "give a Taxonomy, as taxonomy.read returns it")
    check_type(n, int, "n", "give a whole number")
    check_type(seed, int, "seed", "give a whole number from 0")
    if n < LEAST or seed < 0:
        problem = f"`n` is {n:,}" if n < LEAST else f"`seed` is {seed}"
        raise InputError(problem, remedy=f"give {LEAST} items or more, and a seed from 0")
    check_sheet_path(out)
    population = read_population(folder)
    drawn = _draw(population, n, np.random.default_rng(seed), taxonomy)
    drawn["item"] = _item_ids(drawn, folder, seed)
    paths, format = ([*map(str, conversations)], None) if conversations is not None else read_sources(folder)
    with open_conversations(paths, format=format) as opened:
        items = list(_items(drawn, population, opened, paths))
    counts = {kind: int((drawn["kind"] == kind).sum()) for kind in KINDS}
    sizes = {name: len(frame) for name, frame in _frames(population).items()}
    source = {
        "digest": population.summary.get("digest"),
        "models": population.summary.get("models"),
        "tables": population.tables,
        "population": sizes,
        "seed": seed,
    }
    written = write_sheet(items, out, AnswerKey(drawn, source))
    return Sampled(counts, int(drawn["decoy"].sum()), sizes, tuple(written))


# -- drawing ---------------------------------------------------------------------------------------------------


def _frames(population: Population) -> dict[Kind, pd.DataFrame]:
    """Return what there is to draw from, by kind."""
    frames: dict[Kind, pd.DataFrame] = {
        "value": population.values,
        "response": population.conversations.assign(extracted=population.conversations["response_type"]),
        "screening": population.screened.assign(extracted=np.where(population.screened["kept"], RIGHT, WRONG)),
        "conversation": population.conversations,
    }
    return frames


def _draw(population: Population, n: int, generator: np.random.Generator, tree: Taxonomy | None) -> pd.DataFrame:
    """Return the items of a sheet in the order in which they are judged: by kind, and then by chance.

    Each kind is drawn from conversations of its own, since an item would tell of another: only those that the screener
    kept have values.
    """
    frames = _frames(population)
    if not len(frames["value"]):
        raise InputError("nothing was extracted that could be checked", remedy="extract values first")
    parts = _part_conversations(population, generator)
    own = {kind: frame[frame["conversation"].map(parts).fillna("screening") == kind] for kind, frame in frames.items()}
    draws: dict[Kind, Callable[[pd.DataFrame, int], pd.DataFrame]] = {
        "response": lambda frame, size: draw_stratified(frame, size, ["response_type"], generator, power=0),
        "screening": lambda frame, size: _draw_decisions(frame, size, generator),
        "conversation": lambda frame, size: draw_stratified(frame, size, ["response", "language"], generator),
    }
    drawn = [draw(own[kind], round(PARTS[kind] * n)).assign(kind=kind) for kind, draw in draws.items()]
    size = min(n - sum(map(len, drawn)), len(own["value"]))
    hosts = round(DECOYS * size)
    drawn.append(draw_stratified(own["value"], size - hosts, STRATA, generator).assign(kind="value"))
    lending = own["value"].drop(index=drawn[-1].index)
    lending = draw_stratified(lending, hosts, STRATA, generator).drop(columns=WEIGHT)
    decoys = swap_values(lending, frames["value"], population.named, tree, generator).assign(kind="value", decoy=True)
    every = pd.concat([*(frame.assign(decoy=False) for frame in drawn), decoys], ignore_index=True)
    # An item stands for those of the other kinds' conversations, too.
    in_part = pd.Series(parts).value_counts()
    stands_for = every["kind"].map(len(parts) / in_part).where(every["conversation"].isin(parts), 1.0)
    every[WEIGHT] *= stands_for.astype(np.float64)
    every = every.iloc[generator.permutation(len(every))]
    every = every.sort_values("kind", key=lambda kinds: kinds.map(KINDS.index), kind="stable", ignore_index=True)
    every["keys"] = _listed_keys(every, population)
    every["extracted"] = every["extracted"].fillna("")
    return every


def _part_conversations(population: Population, generator: np.random.Generator) -> dict[str, Kind]:
    """Part the conversations that were kept between the kinds by chance, those of each response type alike."""
    screened = population.screened
    kept = screened.loc[screened["kept"].astype(bool), ["conversation"]]
    every = pd.concat([population.conversations[["conversation", "response_type"]], kept])
    every = every.drop_duplicates("conversation").fillna({"response_type": ""})
    mixed = every.iloc[generator.permutation(len(every))].sort_values("response_type", kind="stable")
    first = int(generator.integers(len(_TURNS)))
    kinds = (_TURNS[(first + place) % len(_TURNS)] for place in range(len(mixed)))
    return dict(zip(mixed["conversation"], kinds, strict=True))


def _draw_decisions(frame: pd.DataFrame, size: int, generator: np.random.Generator) -> pd.DataFrame:
    """Return decisions of the screener, those to leave out above all."""
    kept = frame["kept"].astype(bool)
    left_out = min(round(LEFT_OUT * size), int((~kept).sum()))
    parts = ((frame[~kept], left_out), (frame[kept], size - left_out))
    return pd.concat([draw_stratified(part, number, ["subjectivity"], generator) for part, number in parts])


def _listed_keys(drawn: pd.DataFrame, population: Population) -> list[str]:
    """Return the keys of the values that a whole conversation is shown with, with lines between."""
    keys = population.values.groupby("conversation")["key"].agg(lambda some: "\n".join(sorted(set(some))))
    rows = zip(drawn["kind"], drawn["conversation"], strict=True)
    return [keys.get(conversation, "") if kind == "conversation" else "" for kind, conversation in rows]


def _item_ids(drawn: pd.DataFrame, folder: Path, seed: int) -> list[str]:
    """Return ids that say nothing without the key of the extraction."""
    key = bytes.fromhex(read_id_key(folder / PRIVATE / "key"))
    rows = drawn[["kind", "conversation", "side", "value"]].fillna("").itertuples(index=False)
    digests = (hmac.new(key, json.dumps(["item", seed, *row]).encode(), hashlib.sha256).hexdigest() for row in rows)
    return [f"r{digest[:15]}" for digest in digests]


# -- showing ---------------------------------------------------------------------------------------------------


def _items(
    drawn: pd.DataFrame, population: Population, conversations: Conversations, paths: Sequence[str]
) -> Iterator[ReviewItem]:
    listed = dict(iter(population.values.groupby("conversation")))
    for row in drawn.to_dict("records"):
        try:
            conversation = conversations.find(population.originals[row["conversation"]])
        except LookupFailedError:
            problem = "a conversation that was drawn is not in the files"
            remedy = "name the files that the values were extracted from"
            raise InputError(problem, path=", ".join(paths), remedy=remedy) from None
        if row["kind"] == "value":
            yield _value_item(row, conversation, paths)
        else:
            yield _whole_item(row, conversation, listed.get(row["conversation"]))


def _value_item(row: Mapping[Hashable, Any], conversation: Conversation, paths: Sequence[str]) -> ReviewItem:
    numbered = dict(enumerate(conversation.turns, 1))
    number = int(row["turn"])
    if evidence_problem(row["quote"], number, row["side"], numbered) is not None:
        problem = "a conversation that was drawn is not what it was: its evidence is not in it"
        remedy = "name the files that the values were extracted from, as they were then"
        raise InputError(problem, path=", ".join(paths), remedy=remedy)
    turns = _shown(conversation, range(number - 1, number + 2))
    return ReviewItem(row["item"], "value", row["side"], row["value"], number, shown_text(row["quote"]), turns)


def _whole_item(row: Mapping[Hashable, Any], conversation: Conversation, values: pd.DataFrame | None) -> ReviewItem:
    claim = ""
    if row["kind"] == "conversation":
        named = {side: SIDE_NAMES[side][:1].upper() + SIDE_NAMES[side][1:] for side in SIDES}
        claim = "\n".join(f"{name}: {_listed(values, side)}" for side, name in named.items())
    turns = _shown(conversation, range(1, len(conversation.turns) + 1))
    return ReviewItem(row["item"], row["kind"], None, claim, 0, "", turns)


def _listed(values: pd.DataFrame | None, side: Side) -> str:
    if values is None:
        return "none"
    return "; ".join(values.loc[values["side"] == side, "value"]) or "none"


def _shown(conversation: Conversation, numbers: range) -> tuple[ShownTurn, ...]:
    numbered = list(enumerate(conversation.turns, 1))
    return tuple(ShownTurn(n, turn.side, shown_text(turn.text)) for n, turn in numbered if n in numbers)
