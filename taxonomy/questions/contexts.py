"""Which values go with which task, model, language or human value, and how much they vary between contexts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from taxonomy.errors import check_type
from taxonomy.mentions.columns import Side
from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.mentions.placed import PlacedMentions
from taxonomy.questions.answer import Answer
from taxonomy.questions.arguments import check_column, check_disclosure, check_mentions, check_sides
from taxonomy.questions.crossing import cross, cross_human, find_associations
from taxonomy.questions.variation import measure_variation

# The name of the context whose categories are the nodes of the human side.
HUMAN_VALUE = "human-value"


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
        Cells that are not disclosed.
    disclosure : Disclosure
        What the tables were disclosed by.
    """

    column: str
    sides: tuple[Side, ...]
    associations: pd.DataFrame
    variation: pd.DataFrame
    suppressed: int
    disclosure: Disclosure

    @property
    def low_expected(self) -> int | None:
        """Nodes whose chi-square is not to be trusted; None for human values, which have no chi-square."""
        nodes = self.associations.drop_duplicates("node")
        return int(nodes["low_expected"].sum()) if "low_expected" in nodes else None

    def at_level(self, level: int) -> Contexts:
        """Return the rows of one level."""
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


def compare_contexts(
    ai: PlacedMentions, by: str | PlacedMentions = "task", *, disclosure: Disclosure = PUBLIC
) -> Contexts:
    """Compare how often the AI expresses each value in different contexts.

    Parameters
    ----------
    ai : PlacedMentions
        Of the AI's side.
    by : str or PlacedMentions
        A column of conversations, such as ``task``, ``model`` or ``language``; or the human side of the same records,
        whose nodes are then the contexts, level by level.
    disclosure : Disclosure
        The least that a figure is disclosed from.

    Returns
    -------
    Contexts
        Its `associations` have a row for each node and category, with ``conversations``, ``share``, ``expected``,
        ``residual`` and p-values; its `variation` says how much the share of each node varies.

    Raises
    ------
    InputError
        If there is no such column, or an argument is of another type.

    Examples
    --------
    >>> found = taxonomy.compare_contexts(mentions.ai, by="task")  # doctest: +SKIP
    >>> found.associations.query("level == 0 and p_fdr < 0.05")  # doctest: +SKIP
    """
    check_mentions(ai, "ai", side="ai")
    check_type(by, (str, PlacedMentions), "by", "give a column of conversations, or mentions.human")
    check_disclosure(disclosure)
    if isinstance(by, PlacedMentions):
        return _compare_human_values(ai, by, disclosure)
    check_column(ai, by, "by")
    crossing = cross(ai, by, disclosure=disclosure)
    return Contexts(
        column=by,
        sides=("ai",),
        associations=find_associations(crossing, ai.labels),
        variation=measure_variation(crossing, ai.labels),
        suppressed=crossing.suppressed,
        disclosure=disclosure,
    )


def _compare_human_values(ai: PlacedMentions, human: PlacedMentions, disclosure: Disclosure) -> Contexts:
    check_sides(ai, human, human_parameter="by")
    levels = range(min(len(ai.tree.levels), len(human.tree.levels)))
    crossings = [cross_human(ai, human, level=level, disclosure=disclosure) for level in reversed(levels)]
    tables = [find_associations(crossing, ai.labels, category_labels=human.labels) for crossing in crossings]
    none = pd.DataFrame(columns=["level", "node", "label", "conversations", "cv", "cv_low", "cv_high", "cv_by_chance"])
    return Contexts(
        column=HUMAN_VALUE,
        sides=("ai", "human"),
        associations=pd.concat(tables, ignore_index=True),
        variation=none,
        suppressed=sum(crossing.suppressed for crossing in crossings),
        disclosure=disclosure,
    )
