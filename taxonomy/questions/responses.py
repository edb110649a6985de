"""What goes with the AI's support, reframing and resistance, and what it says explicitly."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from taxonomy.mentions.disclosure import MIN_CONVERSATIONS, MIN_USERS, suppress
from taxonomy.mentions.placed import Placed, cells, node_cells, parents
from taxonomy.mentions.statistics import wilson
from taxonomy.questions.crossing import Crossing, associations, cross

# Types that are looked at together, too.
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
        One row a response type, and one for support and resistance as a whole: ``conversations``, their ``share`` of
        all and its Wilson interval ``low`` to ``high``.
    associations : DataFrame
        Nodes by response type; see `taxonomy.questions.crossing.associations`.
    explicit : DataFrame
        How much is said explicitly, by response type and by node: ``response`` or ``level``, ``node`` and ``label``;
        ``mentions`` of which it is known, the ``share`` that is explicit, and its Wilson interval.
    hidden : int
        Cells that are not told.
    """

    types: pd.DataFrame
    associations: pd.DataFrame
    explicit: pd.DataFrame
    hidden: int


def responses(placed: Placed, *, min_conversations: int = MIN_CONVERSATIONS, min_users: int = MIN_USERS) -> Responses:
    """Say what goes with each type of response.

    Parameters
    ----------
    placed : Placed
        Of the AI's side.
    min_conversations, min_users : int
        The least that a figure is told from.
    """
    least = {"min_conversations": min_conversations, "min_users": min_users}
    crossing = cross(placed, "response_type", groups=STANCES, **least)
    explicit, hidden = _explicit(placed, least)
    return Responses(_types(crossing), associations(crossing, placed.tree), explicit, crossing.hidden + hidden)


def _types(crossing: Crossing) -> pd.DataFrame:
    count = crossing.categories.to_numpy()
    low, high = wilson(count, crossing.total)
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


def _explicit(placed: Placed, least: dict[str, int]) -> tuple[pd.DataFrame, int]:
    """Return the shares of explicit mentions, by response type and by node, where both kinds may be told."""
    by_response = cells(placed, ["response_type", "explicit"]).rename(columns={"response_type": "response"})
    by_node = node_cells(placed, ["explicit"])
    tables, hidden = [], 0
    for counted, key, trees in ((by_response, "response", {}), (by_node, "node", {"node": parents(placed.tree)})):
        told = suppress(counted, by=[key, "explicit"], trees=trees, **least)
        hidden += told.hidden
        wide = told.table.pivot_table(index=key, columns="explicit", values="mentions", aggfunc="sum")
        # Where one kind is not told, its share would tell it.
        wide = wide.reindex(columns=[False, True]).dropna()
        mentions = wide.sum(axis=1).to_numpy(dtype=int)
        low, high = wilson(wide[True].to_numpy(dtype=int), mentions)
        table = pd.DataFrame(
            {key: wide.index, "mentions": mentions, "share": wide[True].to_numpy() / mentions, "low": low, "high": high}
        )
        tables.append(table)
    steps = {node.id: node for node in placed.tree.nodes}
    tables[1].insert(0, "level", tables[1]["node"].map(lambda node: steps[node].level))
    tables[1].insert(2, "label", tables[1]["node"].map(lambda node: steps[node].label))
    found = pd.concat(tables, ignore_index=True)
    columns = ["response", "level", "node", "label", "mentions", "share", "low", "high"]
    found = found[columns].sort_values(
        ["response", "level", "share", "label"], ascending=[True, False, False, True], ignore_index=True
    )
    return found.astype({"level": "Int64"}), hidden
