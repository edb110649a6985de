"""Which values go with which task, model, language or human value, and how much they vary between contexts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from taxonomy.mentions.columns import Side
from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.mentions.placed import Placed
from taxonomy.questions.answer import Answer
from taxonomy.questions.crossing import cross, cross_human, find_associations
from taxonomy.questions.variation import measure_variation


@dataclass(frozen=True)
class Contexts:
    """What goes with the categories of a column.

    Attributes
    ----------
    column : str
        ``human-value`` where the categories are nodes of the human side.
    sides : tuple of {"ai", "human"}
        Whose values are in it.
    associations : DataFrame
        Nodes by category; see `taxonomy.questions.crossing.find_associations`.
    variation : DataFrame
        One row a node: ``cv``, the coefficient of variation of its share across the categories that are known, with a
        95% bootstrap interval ``cv_low`` to ``cv_high``; ``cv_by_chance``, what it would be about if categories did not
        matter, at this count. Empty for human values.
    suppressed : int
        Cells that are not told.
    disclosure : Disclosure
        What it was told by.
    """

    column: str
    sides: tuple[Side, ...]
    associations: pd.DataFrame
    variation: pd.DataFrame
    suppressed: int
    disclosure: Disclosure

    @property
    def low_expected(self) -> int | None:
        """Nodes whose chi-square is not to be trusted; None where there is none, as categories overlap."""
        nodes = self.associations.drop_duplicates("node")
        return int(nodes["low_expected"].sum()) if "low_expected" in nodes else None

    def at_level(self, level: int) -> Contexts:
        """Return what is of one level alone."""
        associations, variation = (table[table["level"] == level] for table in (self.associations, self.variation))
        return replace(self, associations=associations, variation=variation)

    def answer(self) -> Answer:
        """Return it in the form of all answers."""
        return Answer(
            question="context",
            sides=self.sides,
            figures={"by": self.column, "low_expected": self.low_expected},
            tables={"associations": self.associations, "variation": self.variation},
            suppressed=self.suppressed,
            internal=self.disclosure.is_internal,
        )


def compare_contexts(placed: Placed, column: str, *, disclosure: Disclosure = PUBLIC) -> Contexts:
    """Say which nodes go with which category of a column of conversations.

    Parameters
    ----------
    placed : Placed
    column : str
        Such as ``task``, ``model`` or ``language``.
    disclosure : Disclosure
        The least that a figure is told from.
    """
    crossing = cross(placed, column, disclosure=disclosure)
    return Contexts(
        column=column,
        sides=("ai",),
        associations=find_associations(crossing, placed.labels),
        variation=measure_variation(crossing, placed.labels),
        suppressed=crossing.suppressed,
        disclosure=disclosure,
    )


def compare_human_values(ai: Placed, human: Placed, *, disclosure: Disclosure = PUBLIC) -> Contexts:
    """Say which of the AI's nodes go with which of people's, level by level.

    Parameters
    ----------
    ai, human : Placed
        Of the same records.
    disclosure : Disclosure
        The least that a figure is told from.
    """
    levels = range(min(len(ai.tree.levels), len(human.tree.levels)))
    found = [cross_human(ai, human, level=level, disclosure=disclosure) for level in reversed(levels)]
    tables = [find_associations(one, ai.labels, category_labels=human.labels) for one in found]
    none = pd.DataFrame(columns=["level", "node", "label", "conversations", "cv", "cv_low", "cv_high", "cv_by_chance"])
    return Contexts(
        column="human-value",
        sides=("ai", "human"),
        associations=pd.concat(tables, ignore_index=True),
        variation=none,
        suppressed=sum(one.suppressed for one in found),
        disclosure=disclosure,
    )
