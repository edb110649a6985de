"""Which values go with the AI's support, reframing and resistance, and which it expresses explicitly."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.mentions.placed import PlacedMentions, count_cells, count_nodes, parents_of
from taxonomy.mentions.statistics import wilson_interval
from taxonomy.mentions.suppression import suppress
from taxonomy.questions.answer import Answer
from taxonomy.questions.arguments import check_disclosure, check_mentions
from taxonomy.questions.crossing import Crossing, cross, find_associations

# Types that are counted together, too.
STANCES = {
    "strong support": "support",
    "mild support": "support",
    "mild resistance": "resistance",
    "strong resistance": "resistance",
}


@dataclass(frozen=True)
class Responses:
    """How the AI responds, and which of its values go with it.

    Attributes
    ----------
    types : DataFrame
        One row a response type, the most frequent first: ``response``, ``conversations``, their ``share`` of all, also
        of those without a value, and its 95% Wilson interval ``low`` to ``high``. The types are ``strong support``,
        ``mild support``, ``neutral acknowledgment``, ``reframing``, ``mild resistance``, ``strong resistance`` and
        ``no values``. The rows ``support`` and ``resistance`` are totals of the strong and the mild type, and ``not
        known`` is the row of conversations without a type.
    associations : DataFrame
        As of `Contexts`; the categories are the rows of `types`.
    explicit : DataFrame
        How much is expressed explicitly. Rows by response type have a ``response`` and no ``node``; rows by node have
        ``level``, ``node``, ``label`` and no ``response``. All have ``mentions``, of which it is known; the ``share``
        that is explicit; and its 95% Wilson interval ``low`` to ``high``.
    conversations : int
        All conversations.
    suppressed : int
        Cells that are not disclosed.
    disclosure : Disclosure
        What the tables were disclosed by.
    """

    types: pd.DataFrame
    associations: pd.DataFrame
    explicit: pd.DataFrame
    conversations: int
    suppressed: int
    disclosure: Disclosure

    def answer(self) -> Answer:
        """Return it in the form of all answers.

        The figure is ``conversations``; the tables are ``associations``, ``types`` and ``explicit``.
        """
        return Answer(
            question="responses",
            sides=("ai",),
            figures={"conversations": self.conversations},
            tables={"associations": self.associations, "types": self.types, "explicit": self.explicit},
            suppressed=self.suppressed,
            internal=self.disclosure.is_internal,
        )


def describe_responses(ai: PlacedMentions, *, disclosure: Disclosure = PUBLIC) -> Responses:
    """Describe how the AI responds to people's values, and which of its values go with each type of response.

    Parameters
    ----------
    ai : PlacedMentions
        Of the AI's side.
    disclosure : Disclosure
        The least that a figure is disclosed from; by default 15 conversations and 5 users.

    Returns
    -------
    Responses
        With frames of the response `types`, of the `associations` of nodes with them, and of what is said `explicit`.

    Raises
    ------
    InputError
        If an argument is of another type.
    """
    check_mentions(ai, "ai", side="ai")
    check_disclosure(disclosure)
    crossing = cross(ai, "response_type", groups=STANCES, disclosure=disclosure)
    explicit, suppressed = _count_explicit(ai, disclosure)
    return Responses(
        types=_count_types(crossing),
        associations=find_associations(crossing, ai.labels),
        explicit=explicit,
        conversations=crossing.total,
        suppressed=crossing.suppressed + suppressed,
        disclosure=disclosure,
    )


def _count_types(crossing: Crossing) -> pd.DataFrame:
    count = crossing.categories.to_numpy()
    low, high = wilson_interval(count, crossing.total)
    table = pd.DataFrame(
        {
            "response": crossing.categories.index,
            "conversations": count,
            "share": count / crossing.total,
            "low": low,
            "high": high,
        }
    )
    return table.sort_values(["conversations", "response"], ascending=[False, True], ignore_index=True)


def _count_explicit(ai: PlacedMentions, disclosure: Disclosure) -> tuple[pd.DataFrame, int]:
    """Return the shares of explicit mentions, by response type and by node, where both kinds are disclosed."""
    by_response = count_cells(ai, ["response_type", "explicit"]).rename(columns={"response_type": "response"})
    by_node = count_nodes(ai, ["explicit"])
    tables, suppressed = [], 0
    for counted, key, trees in ((by_response, "response", {}), (by_node, "node", {"node": parents_of(ai.tree)})):
        disclosed = suppress(counted, by=[key, "explicit"], trees=trees, disclosure=disclosure)
        suppressed += disclosed.suppressed
        wide = disclosed.table.pivot_table(index=key, columns="explicit", values="mentions", aggfunc="sum")
        # Where one kind is suppressed, the share would disclose it.
        wide = wide.reindex(columns=[False, True]).dropna()
        mentions = wide.sum(axis=1).to_numpy(dtype=int)
        low, high = wilson_interval(wide[True].to_numpy(dtype=int), mentions)
        table = pd.DataFrame(
            {key: wide.index, "mentions": mentions, "share": wide[True].to_numpy() / mentions, "low": low, "high": high}
        )
        tables.append(table)
    levels = {node.id: node.level for node in ai.tree.nodes}
    tables[1].insert(0, "level", tables[1]["node"].map(levels))
    tables[1].insert(2, "label", tables[1]["node"].map(ai.labels))
    table = pd.concat(tables, ignore_index=True)
    columns = ["response", "level", "node", "label", "mentions", "share", "low", "high"]
    table = table[columns].sort_values(
        ["response", "level", "share", "label"], ascending=[True, False, False, True], ignore_index=True
    )
    return table.astype({"level": "Int64"}), suppressed
