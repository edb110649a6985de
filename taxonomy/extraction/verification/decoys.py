"""Values of other conversations that are mixed into a sheet, to see who accepts anything."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence

import numpy as np
import pandas as pd

from taxonomy.model import Node, Taxonomy, values_by_spelling


def swap_values(
    hosts: pd.DataFrame,
    values: pd.DataFrame,
    named: Mapping[str, Collection[str]],
    tree: Taxonomy | None,
    generator: np.random.Generator,
) -> pd.DataFrame:
    """Return mentions with a value in the place of their own that their conversation does not express.

    It is drawn from the mentions of other conversations on the same side, as often as it occurs there, with the same
    rarity and, where there is a taxonomy, the same domain; not one of the conversation's own values, nor of a node that
    holds one of them, nor one that stands in for another of its values. Where there is none with the same domain the
    domain is free, and then the rarity; where there is none at all the mention is left out.

    Parameters
    ----------
    hosts, values : DataFrame
        The mentions that lend their turn and quote, and all there are: see `Population.values`.
    named : mapping of str to collection of str
        Keys of values that were named for a conversation and do not count, which may be true.
    tree : Taxonomy or None
    generator : Generator
    """
    every = values.assign(**_places(values, tree)).reset_index(drop=True)
    own = every.groupby("conversation")
    keys, parents = own["key"].agg(set), own["parent"].agg(set)
    swapped = []
    for host in hosts.assign(**_places(hosts, tree)).to_dict("records"):
        conversation = host["conversation"]
        strange = every[
            (every["side"] == host["side"])
            & ~every["key"].isin(keys[conversation].union(named.get(str(conversation), ())))
            & (every["parent"].eq("") | ~every["parent"].isin(parents[conversation]))
        ]
        like = _most_alike(strange, host, ("rarity", "domain"))
        if len(like):
            drawn = like.iloc[int(generator.integers(len(like)))]
            keys[conversation].add(drawn["key"])
            swapped.append({**host, "value": drawn["value"], "key": drawn["key"], "rarity": drawn["rarity"]})
    return pd.DataFrame(swapped, columns=hosts.columns)


def _most_alike(rows: pd.DataFrame, host: Mapping[Hashable, object], wanted: Sequence[str]) -> pd.DataFrame:
    """Return the rows that are as a host in all that is wanted, or in as much of it, from the first on, as there is."""
    for last in range(len(wanted), -1, -1):
        like = rows[np.logical_and.reduce([rows[name] == host[name] for name in wanted[:last]] or [rows["key"] != ""])]
        if len(like):
            return like
    return rows


def _places(values: pd.DataFrame, tree: Taxonomy | None) -> dict[str, list[str]]:
    """Return the domain and the node above of each value, empty where they are not known."""
    nodes: dict[str, Node] = {}
    tops: dict[str, str] = {}
    if tree is not None:
        named, tops = values_by_spelling(tree.leaves), tree.top_ids
        nodes = {value: node for value in values["value"].unique() if (node := named.find(value)) is not None}
    found = [nodes.get(value) for value in values["value"]]
    return {
        "domain": ["" if node is None else tops[node.id] for node in found],
        "parent": ["" if node is None else node.parent or "" for node in found],
    }
