"""Which values go with the AI's support, reframing and resistance, and which it expresses explicitly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.mentions.linked_cells import Cells
from taxonomy.mentions.placed import PlacedMentions, count_cells, count_nodes, parents_of
from taxonomy.mentions.statistics import wilson_interval
from taxonomy.questions.answer import Answer
from taxonomy.questions.arguments import check_disclosure, check_mentions
from taxonomy.questions.asking import Asking, answer_alone, ask_all
from taxonomy.questions.crossing import Crossing, cross, find_associations

# Types that are counted together, too.
STANCES = {
    "strong support": "support",
    "mild support": "support",
    "mild resistance": "resistance",
    "strong resistance": "resistance",
}
_EXPLICIT = {False: "no", True: "yes"}


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
        Cells that are not disclosed, those that would give others away among them.
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
    return answer_alone(ask_responses(ai, disclosure=disclosure), disclosure)


def ask_responses(ai: PlacedMentions, *, disclosure: Disclosure) -> Asking[Responses]:
    """Ask what `describe_responses` answers."""
    asked: list[Asking[Any]] = [cross(ai, "response_type", groups=STANCES), _ask_explicit(ai)]
    crossing, (explicit, suppressed) = yield from ask_all(asked)
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


def _ask_explicit(ai: PlacedMentions) -> Asking[tuple[pd.DataFrame, int]]:
    """Return the shares of explicit mentions, by response type and by node, where both kinds are disclosed."""
    margins = [["response_type", "explicit"], ["response_type"], ["explicit"], []]
    responses = pd.concat([count_cells(ai, by) for by in margins], ignore_index=True)
    responses = responses.rename(columns={"response_type": "response"})
    # The mentions of a node are those of both kinds, and those of frequency's table.
    nodes = pd.concat([count_nodes(ai, ["explicit"]), count_nodes(ai)], ignore_index=True)
    for table in (responses, nodes):
        table["explicit"] = table["explicit"].map(_EXPLICIT)
    by_response, by_node = yield [
        Cells(responses, {"response": "response_type", "explicit": "explicit"}, population="with a value of the AI"),
        Cells(nodes, {"node": ai.side, "explicit": "explicit"}, {"node": parents_of(ai.tree)}),
    ]
    tables, suppressed = [], 0
    for key, counted, disclosed in (("response", responses, by_response), ("node", nodes, by_node)):
        shown = disclosed.table.dropna(subset=[key, "explicit"])
        suppressed += len(counted.dropna(subset=[key, "explicit"])) - len(shown)
        wide = shown.pivot_table(index=key, columns="explicit", values="mentions", aggfunc="sum")
        # Where one kind is suppressed, the share would disclose it.
        wide = wide.reindex(columns=list(_EXPLICIT.values())).dropna()
        mentions = wide.sum(axis=1).to_numpy(dtype=int)
        count = wide[_EXPLICIT[True]].to_numpy(dtype=int)
        low, high = wilson_interval(count, mentions)
        figures = {"mentions": mentions, "share": count / mentions, "low": low, "high": high}
        tables.append(pd.DataFrame({key: wide.index, **figures}))
    levels = {node.id: node.level for node in ai.tree.nodes}
    tables[1].insert(0, "level", tables[1]["node"].map(levels))
    tables[1].insert(2, "label", tables[1]["node"].map(ai.labels))
    table = pd.concat(tables, ignore_index=True)
    columns = ["response", "level", "node", "label", "mentions", "share", "low", "high"]
    table = table[columns].sort_values(
        ["response", "level", "share", "label"], ascending=[True, False, False, True], ignore_index=True
    )
    return table.astype({"level": "Int64"}), suppressed
