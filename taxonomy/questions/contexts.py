"""Which values go with which task, model, language or human value, and how much they vary between contexts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from taxonomy.mentions.disclosure import MIN_CONVERSATIONS, MIN_USERS
from taxonomy.mentions.placed import Placed
from taxonomy.mentions.statistics import chance_variation, coefficients_of_variation, variation_intervals
from taxonomy.model import Taxonomy
from taxonomy.questions.crossing import UNKNOWN, Crossing, associations, cross, cross_human, dense

# Nodes of which less is told have no coefficient of variation.
_TOLD = 0.8


@dataclass(frozen=True)
class Context:
    """What goes with a context.

    Attributes
    ----------
    associations : DataFrame
        Nodes by category; see `taxonomy.questions.crossing.associations`.
    variation : DataFrame
        One row a node: ``cv``, the coefficient of variation of its share across the categories that are known, with a
        95% bootstrap interval ``cv_low`` to ``cv_high``; ``cv_by_chance``, what it would be about if categories did not
        matter, at this count. Empty for human values.
    hidden : int
        Cells that are not told.
    """

    associations: pd.DataFrame
    variation: pd.DataFrame
    hidden: int


def context(
    placed: Placed, column: str, *, min_conversations: int = MIN_CONVERSATIONS, min_users: int = MIN_USERS
) -> Context:
    """Say which nodes go with which category of a column of conversations.

    Parameters
    ----------
    placed : Placed
    column : str
        Such as ``task``, ``model`` or ``language``.
    min_conversations, min_users : int
        The least that a figure is told from.
    """
    crossing = cross(placed, column, min_conversations=min_conversations, min_users=min_users)
    return Context(associations(crossing, placed.tree), variation(crossing, placed.tree), crossing.hidden)


def human_context(
    ai: Placed, human: Placed, *, min_conversations: int = MIN_CONVERSATIONS, min_users: int = MIN_USERS
) -> Context:
    """Say which of the AI's nodes go with which of people's, level by level.

    Parameters
    ----------
    ai, human : Placed
        Of the same records.
    min_conversations, min_users : int
        The least that a figure is told from.
    """
    labels = {node.id: node.label for node in human.tree.nodes}
    levels = range(min(len(ai.tree.levels), len(human.tree.levels)))
    found = [
        cross_human(ai, human, level=level, min_conversations=min_conversations, min_users=min_users)
        for level in reversed(levels)
    ]
    tables = [associations(one, ai.tree, category_labels=labels) for one in found]
    none = pd.DataFrame(columns=["level", "node", "label", "conversations", "cv", "cv_low", "cv_high", "cv_by_chance"])
    return Context(pd.concat(tables, ignore_index=True), none, sum(one.hidden for one in found))


def variation(crossing: Crossing, tree: Taxonomy) -> pd.DataFrame:
    """Say how much the share of each node varies between categories; see `Context.variation`.

    Notes
    -----
    A cell that is not told counts with its part of what the told ones leave of the node's conversations. Nodes of
    which less than four fifths are told have no row.
    """
    labels = {node.id: node.label for node in tree.nodes}
    known = crossing.categories.index != UNKNOWN
    tables = []
    for level in sorted(crossing.nodes["level"].unique(), reverse=True):
        nodes, counts, sizes, told = dense(crossing, level)
        counts, told, sizes = counts[:, known], told[:, known], sizes[known]
        total = counts.sum(axis=1)
        enough = (counts * told).sum(axis=1) >= _TOLD * np.maximum(total, 1)
        counts, total = counts[enough], total[enough]
        low, high = variation_intervals(counts, sizes)
        ids = [node for node, is_enough in zip(nodes, enough, strict=True) if is_enough]
        tables.append(
            pd.DataFrame(
                {
                    "level": level,
                    "node": ids,
                    "label": [labels[one] for one in ids],
                    "conversations": np.round(total).astype(int),
                    "cv": coefficients_of_variation(counts, sizes),
                    "cv_low": low,
                    "cv_high": high,
                    "cv_by_chance": chance_variation(total, sizes),
                }
            )
        )
    found = pd.concat(tables, ignore_index=True)
    return found.sort_values(["level", "cv", "label"], ascending=[False, True, True], ignore_index=True)
