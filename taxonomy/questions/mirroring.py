"""How often the AI takes up what people value: the same value, or node, on both sides of a conversation."""

from __future__ import annotations

from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd

from taxonomy.errors import InputError
from taxonomy.mentions.columns import CONVERSATION, RESPONSE_TYPES, USER
from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.mentions.linked_cells import Cells
from taxonomy.mentions.placed import PlacedMentions, count_rows
from taxonomy.mentions.query_engine import Frame, distinct
from taxonomy.mentions.statistics import difference_interval, wilson_interval
from taxonomy.mentions.suppression import Disclosed
from taxonomy.questions.answer import Answer
from taxonomy.questions.arguments import check_disclosure, check_sides
from taxonomy.questions.asking import Asking, answer_alone
from taxonomy.questions.responses import STANCES

# Other conversations with whose AI values each conversation's human values are compared.
_STRANGERS = 2


@dataclass(frozen=True)
class Mirroring:
    """How often both sides of a conversation express the same.

    Attributes
    ----------
    table : DataFrame
        One row a level and response type, the top level first, the totals ``support`` and ``resistance`` among them:
        ``level`` (0 is the same value on both sides), ``response``; ``conversations`` with values on both sides;
        ``mirrored``, those with a node on both; their ``share`` and its 95% Wilson interval ``low`` to ``high``;
        ``chance_share``, that of strangers; and ``beyond_chance``, the difference, with its 95% interval
        ``beyond_chance_low`` to ``beyond_chance_high``.
    suppressed : int
        Rows that are not disclosed; `table` does not show them.
    disclosure : Disclosure
        What `table` was disclosed by.
    """

    table: pd.DataFrame
    suppressed: int
    disclosure: Disclosure

    def answer(self) -> Answer:
        """Return it in the form of all answers: the table ``responses`` and no figures."""
        return Answer(
            question="mirroring",
            sides=("ai", "human"),
            figures={},
            tables={"responses": self.table},
            suppressed=self.suppressed,
            internal=self.disclosure.is_internal,
        )


def measure_mirroring(ai: PlacedMentions, human: PlacedMentions, *, disclosure: Disclosure = PUBLIC) -> Mirroring:
    """Measure in which share of conversations a node occurs on both sides, by response type and level.

    Parameters
    ----------
    ai, human : PlacedMentions
        Of the same records. Where they have two taxonomies, those must share ids.
    disclosure : Disclosure
        The least that a figure is disclosed from, of conversations that mirror and of those that do not; by default 15
        conversations and 5 users.

    Returns
    -------
    Mirroring
        Its `table` has a row for each level and type of response.

    Raises
    ------
    InputError
        If no conversation has values on both sides and a response type, the taxonomies have no node in common, or an
        argument is of another type.

    Notes
    -----
    Chance is measured on strangers: the person's values in each conversation are compared with the AI's values in two
    other conversations of the same response type, so that values that are common anyway do not count as mirroring.
    """
    check_sides(ai, human)
    check_disclosure(disclosure)
    return answer_alone(ask_mirroring(ai, human, disclosure=disclosure), disclosure)


def ask_mirroring(ai: PlacedMentions, human: PlacedMentions, *, disclosure: Disclosure) -> Asking[Mirroring]:
    """Ask what `measure_mirroring` answers."""
    levels = [
        level.level
        for level in ai.tree.levels
        if {node.id for node in ai.tree.nodes if node.level == level.level}
        & {node.id for node in human.tree.nodes if node.level == level.level}
    ]
    if not levels:
        raise InputError("the taxonomies of the two sides have no node in common", remedy="give one for both")
    both = _both(ai, human)
    groups = _groups(ai)
    sizes = _by_response(ai, both, groups)
    if not len(sizes):
        remedy = "give conversations with their response_type, and mentions of both sides"
        raise InputError("no conversation has values on both sides and a response type", remedy=remedy)
    engine = ai.records.engine
    counted = []
    for level in reversed(levels):
        node = f"level_{level}"
        expressed = engine.keep(both.join(distinct(ai.frame, CONVERSATION, node), on=CONVERSATION, how="inner"))
        valued = engine.keep(distinct(human.frame.join(both, on=CONVERSATION, how="semi"), CONVERSATION, node))
        shared = _shared(expressed, valued, both, node)
        counts = sizes.merge(
            _by_response(ai, shared, groups), on="response", how="left", suffixes=("", "_mirrored")
        ).fillna(0)
        strangers = [
            _by_response(ai, _shared(expressed, valued, _shifted(both, step), node), groups)
            for step in range(1, _STRANGERS + 1)
        ]
        by_chance = pd.concat(strangers).groupby("response")["conversations"].sum()
        counts["by_chance"] = counts["response"].map(by_chance).fillna(0)
        counted.append(counts)
    cells = [_cells(counts, level, disclosure) for counts, level in zip(counted, reversed(levels), strict=True)]
    disclosed = yield cells
    tables = [
        _make_table(counts, parts.table, shown).assign(level=level)
        for counts, parts, shown, level in zip(counted, cells, disclosed, reversed(levels), strict=True)
    ]
    table = _select_levels(pd.concat(tables, ignore_index=True), disclosure)
    columns = ["level", *(name for name in table.columns if name != "level")]
    return Mirroring(table[columns], len(sizes) * len(levels) - len(table), disclosure)


def _select_levels(table: pd.DataFrame, disclosure: Disclosure) -> pd.DataFrame:
    """Leave out levels that differ from the one below by too few conversations: who shares a value shares its nodes."""
    kept = []
    for _, rows in table.groupby("response", sort=False):
        below = -1
        for index, count in rows.sort_values("level")["mirrored"].items():
            if below < 0 or count == below or count - below >= disclosure.min_conversations:
                kept.append(index)
                below = count
    return table[table.index.isin(kept)].reset_index(drop=True)


def _both(ai: PlacedMentions, human: PlacedMentions) -> Frame:
    """Return the conversations with values on both sides and a response type, numbered within each."""
    frame = distinct(ai.frame, CONVERSATION, USER)
    frame = frame.join(distinct(human.frame, CONVERSATION), on=CONVERSATION, how="inner")
    known = ai.records.conversations.select(CONVERSATION, "conversation_id", response=nw.col("response_type"))
    frame = frame.join(known.filter(~nw.col("response").is_null()), on=CONVERSATION, how="inner")
    frame = frame.with_columns(place=nw.lit(1))
    place = nw.col("place").cum_sum().over("response", order_by="conversation_id") - 1
    frame = frame.with_columns(place=place.cast(nw.Int64), size=nw.len().over("response").cast(nw.Int64))
    return ai.records.engine.keep(frame.drop("conversation_id"))


def _shifted(both: Frame, step: int) -> Frame:
    """Return the conversations with the place of the one whose AI values they get: another of the same type."""
    away = 1 + (step - 1) * nw.col("size") // _STRANGERS
    return both.with_columns(place=(nw.col("place") + away) % nw.col("size"))


def _shared(expressed: Frame, valued: Frame, paired: Frame, node: str) -> Frame:
    """Return the conversations whose human values have a node in common with the AI's of the one at `place`."""
    valued = paired.join(valued, on=CONVERSATION, how="inner")
    shared = valued.join(expressed.select("response", "place", node), on=["response", "place", node], how="inner")
    return distinct(shared, CONVERSATION, USER, "response")


def _groups(ai: PlacedMentions) -> Frame:
    """Return the groups in which a response is counted: its type, and its stance."""
    import pyarrow as pa

    groups = [*((name, name) for name in RESPONSE_TYPES), *STANCES.items()]
    table = pa.table({"response": [name for name, _ in groups], "group": [group for _, group in groups]})
    return ai.records.engine.table(table)


def _by_response(ai: PlacedMentions, frame: Frame, groups: Frame) -> pd.DataFrame:
    """Count conversations and users by response type, and by stance."""
    frame = frame.join(groups, on="response", how="inner")
    frame = frame.select(CONVERSATION, USER, response=nw.col("group"))
    return count_rows(ai.records, frame, ["response"])


def _cells(counts: pd.DataFrame, level: int, disclosure: Disclosure) -> Cells:
    """Return the conversations of one level by response type, those that mirror and those that do not."""
    mirrored = counts.rename(columns={"conversations": "all", "conversations_mirrored": "conversations"})
    mirrored = mirrored.drop(columns="users", errors="ignore").rename(columns={"users_mirrored": "users"})
    # What is left must be many, too: it is what a subtraction gives.
    rest = mirrored.assign(conversations=mirrored["all"] - mirrored["conversations"]).drop(
        columns="users", errors="ignore"
    )
    whole = counts[["response", "conversations", *(["users"] if "users" in counts else [])]]
    parts = pd.concat(
        [mirrored.assign(mirrored="yes"), rest.assign(mirrored="no"), whole.assign(mirrored=None)], ignore_index=True
    )
    if disclosure.min_conversations <= 1:
        # Where everything is disclosed, so is that nobody mirrors, or that everybody does.
        parts = parts[parts["conversations"] > 0]
    return Cells(
        parts[["response", "mirrored", "conversations", *(["users"] if "users" in parts else [])]],
        {"response": "response_type", "mirrored": f"mirrored on level {level}"},
        {"response": STANCES},
        population="with values of both sides",
    )


def _make_table(counts: pd.DataFrame, cells: pd.DataFrame, disclosed: Disclosed) -> pd.DataFrame:
    """Return the figures of one level, of the types of response with all cells disclosed."""
    suppressed = cells.drop(index=disclosed.table.index)["response"]
    kept = counts[~counts["response"].isin(suppressed)]
    total, count = kept["conversations"].to_numpy(dtype=int), kept["conversations_mirrored"].to_numpy(dtype=int)
    chance = kept["by_chance"].to_numpy(dtype=float)
    low, high = wilson_interval(count, total)
    away_low, away_high = difference_interval(count, total, chance, _STRANGERS * total)
    table = pd.DataFrame(
        {
            "response": kept["response"],
            "conversations": total,
            "mirrored": count,
            "share": count / total,
            "low": low,
            "high": high,
            "chance_share": chance / (_STRANGERS * total),
            "beyond_chance": count / total - chance / (_STRANGERS * total),
            "beyond_chance_low": np.asarray(away_low),
            "beyond_chance_high": np.asarray(away_high),
        }
    )
    return table.sort_values(["conversations", "response"], ascending=[False, True], ignore_index=True)
