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
from taxonomy.questions.asking import Asking, answer_alone, ask_all
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
        One row a disclosed pair of a node and a category, the top level first, then the least ``p``: ``level``,
        ``node`` (its id), ``label``, ``category`` (``not known`` for conversations without one); ``conversations`` with
        both, their ``share`` of the category's conversations and its 95% Wilson interval ``low`` to ``high``;
        ``expected``, the conversations with both if the two were independent; ``residual``, the adjusted Pearson
        residual, above 0 where there are more than expected; ``p``, ``p_bonferroni`` and ``p_fdr``. Of the node, the
        same in each of its rows: ``chi_square``, ``node_p``, ``cramers_v`` and ``low_expected``.
    variation : DataFrame
        One row a node, the top level first, then the least ``cv``: ``level``, ``node``, ``label``, ``conversations`` in
        known categories; ``cv``, the coefficient of variation of its share across these, with a 95% bootstrap interval
        ``cv_low`` to ``cv_high``; and ``cv_by_chance``, about what it would be at this count if categories did not
        matter. Nodes of which less than four fifths are in disclosed cells have no row. Empty for human values.
    suppressed : int
        Cells that are not disclosed, those that would give others away among them.
    disclosure : Disclosure
        What the tables were disclosed by.

    Notes
    -----
    ``p`` is two-sided and exact: the smaller hypergeometric tail (Fisher's test), doubled. ``p_bonferroni`` and
    ``p_fdr`` (Benjamini-Hochberg) are corrected for all pairs of a disclosed node of the level and a disclosed
    category; a suppressed pair counts as a test with a p-value of 1.

    ``chi_square`` tests the node against all categories, suppressed ones taken as one; ``node_p`` is its p-value,
    ``cramers_v`` the size of the effect, from 0 to 1. Where ``low_expected`` is true, a count expected is under 5, and
    these three are not to be trusted; it does not matter for ``p``. Human values lack the four columns, since a
    conversation can have several of them; their ``category`` is the label of a node of the same level.

    The interval of ``cv`` is corrected for bias (a reversed bootstrap interval): chance raises ``cv``, so the interval
    is of lower values and need not contain it. Where ``cv`` is near ``cv_by_chance``, its coverage is below 95%.
    """

    column: str
    sides: tuple[Side, ...]
    associations: pd.DataFrame
    variation: pd.DataFrame
    suppressed: int
    disclosure: Disclosure

    @property
    def low_expected(self) -> int | None:
        """How many nodes have a chi-square that is not to be trusted; None for human values, which have none."""
        nodes = self.associations.drop_duplicates("node")
        return int(nodes["low_expected"].sum()) if "low_expected" in nodes else None

    def at_level(self, level: int) -> Contexts:
        """Return the rows of one level; `suppressed` stays that of all levels."""
        associations, variation = (table[table["level"] == level] for table in (self.associations, self.variation))
        return replace(self, associations=associations, variation=variation)

    def answer(self) -> Answer:
        """Return it in the form of all answers.

        The figures are ``by`` (`column`) and ``low_expected``; the tables are ``associations`` and ``variation``.
        """
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
        A column of conversations, such as ``task``, ``model``, ``language`` or ``response_type``; or the human side of
        the same records, whose nodes are then the contexts, level by level.
    disclosure : Disclosure
        The least that a figure is disclosed from; by default 15 conversations and 5 users.

    Returns
    -------
    Contexts
        Its `associations` have a row for each node and category; its `variation` says how much the share of each node
        varies.

    Raises
    ------
    InputError
        If there is no such column, or an argument is of another type.

    Examples
    --------
    >>> found = taxonomy.compare_contexts(mentions.ai, by="task")  # doctest: +SKIP
    >>> found.associations.query("level == 0 and residual > 0 and p_fdr < 0.05")  # doctest: +SKIP
    """
    check_mentions(ai, "ai", side="ai")
    check_type(by, (str, PlacedMentions), "by", "give a column of conversations, or mentions.human")
    check_disclosure(disclosure)
    if isinstance(by, PlacedMentions):
        check_sides(ai, by, human_parameter="by")
    else:
        check_column(ai, by, "by")
    return answer_alone(ask_contexts(ai, by, disclosure=disclosure), disclosure)


def ask_contexts(ai: PlacedMentions, by: str | PlacedMentions, *, disclosure: Disclosure) -> Asking[Contexts]:
    """Ask what `compare_contexts` answers."""
    if isinstance(by, PlacedMentions):
        return (yield from _ask_human_values(ai, by, disclosure))
    crossing = yield from cross(ai, by)
    return Contexts(
        column=by,
        sides=("ai",),
        associations=find_associations(crossing, ai.labels),
        variation=measure_variation(crossing, ai.labels),
        suppressed=crossing.suppressed,
        disclosure=disclosure,
    )


def _ask_human_values(ai: PlacedMentions, human: PlacedMentions, disclosure: Disclosure) -> Asking[Contexts]:
    levels = range(min(len(ai.tree.levels), len(human.tree.levels)))
    asked = [cross_human(ai, human, level=level, disclosure=disclosure) for level in reversed(levels)]
    crossings = yield from ask_all(asked)
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
