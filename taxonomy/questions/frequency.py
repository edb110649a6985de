"""How often values and their nodes are expressed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from taxonomy.mentions.columns import Side
from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.mentions.linked_cells import Cells
from taxonomy.mentions.placed import PlacedMentions, count_cells, count_conversations, count_nodes, parents_of
from taxonomy.mentions.statistics import wilson_interval
from taxonomy.model import Conversations, Taxonomy
from taxonomy.questions.answer import Answer
from taxonomy.questions.arguments import check_disclosure, check_mentions
from taxonomy.questions.asking import Asking, answer_alone

# Values in a smaller share of conversations are the long tail.
RARE = 0.0004


@dataclass(frozen=True)
class Frequency:
    """How often the nodes of a taxonomy are expressed by one side.

    Attributes
    ----------
    side : {"ai", "human"}
    table : DataFrame
        One row a node with a mention, the top level first, then the most conversations: ``side``, ``level``, ``node``
        (its id), ``label``; ``conversations`` with it, ``conversation_share`` of all conversations and its 95% Wilson
        interval ``conversation_low`` to ``conversation_high``; ``mentions`` of it, ``mention_share`` of all that the
        taxonomy has, and its interval ``mention_low`` to ``mention_high``.
    conversations : int
        All conversations, also those without a value.
    mentions : int
        Mentions that the taxonomy has.
    suppressed : int
        Nodes with too few conversations or users to be disclosed, and those that would give them away.
    rare : int
        Values in less than 0.04% of all conversations, suppressed ones included.
    values : int
        Values with a mention.
    disclosure : Disclosure
        What `table` was disclosed by.
    """

    side: Side
    table: pd.DataFrame
    conversations: int
    mentions: int
    suppressed: int
    rare: int
    values: int
    disclosure: Disclosure

    def answer(self) -> Answer:
        """Return it in the form of all answers.

        The figure is ``conversations``; the tables are ``nodes`` and ``sides``, one row with the other figures.
        """
        names = ("side", "mentions", "values", "rare", "suppressed")
        return Answer(
            question="frequency",
            sides=(self.side,),
            figures={"conversations": self.conversations},
            tables={"nodes": self.table, "sides": pd.DataFrame([{name: getattr(self, name) for name in names}])},
            suppressed=self.suppressed,
            internal=self.disclosure.is_internal,
        )


def measure_frequency(mentions: PlacedMentions, *, disclosure: Disclosure = PUBLIC) -> Frequency:
    """Count the conversations and the mentions of each value, and of each node above.

    Parameters
    ----------
    mentions : PlacedMentions
        Of either side.
    disclosure : Disclosure
        The least that a node is disclosed from; by default 15 conversations and 5 users.

    Returns
    -------
    Frequency
        Its `table` has a row for each node.

    Raises
    ------
    InputError
        If an argument is of another type.

    Notes
    -----
    A node's conversations are those with any of its values, so they are fewer than the sum over its values; mentions
    add up. Intervals are Wilson's (1927) at 95%. That of mentions takes them as independent, which mentions of one
    conversation are not quite: it is somewhat narrow.
    """
    check_mentions(mentions, "mentions")
    check_disclosure(disclosure)
    return answer_alone(ask_frequency(mentions, disclosure=disclosure), disclosure)


def ask_frequency(mentions: PlacedMentions, *, disclosure: Disclosure) -> Asking[Frequency]:
    """Ask what `measure_frequency` answers."""
    nodes = count_nodes(mentions)
    everything = count_conversations(mentions.records)
    conversations = int(everything["conversations"].iloc[0])
    n_mentions = int(count_cells(mentions, [])["mentions"].iloc[0])
    values = nodes[nodes["level"] == 0]
    counted = pd.concat([nodes, everything.assign(node=None)], ignore_index=True)
    [suppressed] = yield [Cells(counted, {"node": mentions.side}, {"node": parents_of(mentions.tree)})]
    disclosed = suppressed.table.dropna(subset="node")
    table = pd.DataFrame(
        {
            "side": mentions.side,
            "level": disclosed["level"].astype(int),
            "node": disclosed["node"],
            "label": disclosed["node"].map(mentions.labels),
        }
    )
    for unit, total in (("conversation", conversations), ("mention", n_mentions)):
        count = disclosed[f"{unit}s"].to_numpy(dtype=int)
        low, high = wilson_interval(count, total)
        table[f"{unit}s"] = count
        table[f"{unit}_share"] = count / total
        table[f"{unit}_low"], table[f"{unit}_high"] = low, high
    order = ["level", "conversations", "mentions", "label"]
    return Frequency(
        side=mentions.side,
        table=table.sort_values(order, ascending=[False, False, False, True], ignore_index=True),
        conversations=conversations,
        mentions=n_mentions,
        suppressed=len(nodes) - len(table),
        rare=int((values["conversations"] < RARE * conversations).sum()),
        values=len(values),
        disclosure=disclosure,
    )


def add_conversations(tree: Taxonomy, frequency: Frequency) -> Taxonomy:
    """Return a taxonomy with the conversations of each node that is disclosed, and of no other."""
    disclosed: Mapping[str, Conversations] = {
        row["node"]: Conversations(
            count=row["conversations"],
            total=frequency.conversations,
            low=round(row["conversation_low"], 6),
            high=round(row["conversation_high"], 6),
        )
        for row in frequency.table.to_dict("records")
    }
    return tree.with_nodes(node.model_copy(update={"conversations": disclosed.get(node.id)}) for node in tree.nodes)
