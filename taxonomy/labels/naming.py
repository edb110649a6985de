"""Names and definitions for the nodes of a draft that have none, made offline."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from taxonomy.labels.keyphrase import Encode, Namer
from taxonomy.model import Node, ancestor_positions
from taxonomy.model.draft import Draft
from taxonomy.values import canonical_key

Members = NDArray[np.intp]


def name_nodes(draft: Draft, vectors: NDArray[np.float32], encode: Encode) -> frozenset[str]:
    """Name the nodes that have no name, from the top down so that a child can avoid its parent's name.

    Labels that nodes have stay; their ranks are found anew.

    Parameters
    ----------
    draft : Draft
        Changed in place.
    vectors : ndarray of shape (n_values, dimension)
        Unit vectors of its values, in its order.
    encode : callable
        Returns the unit vectors of strings.

    Returns
    -------
    frozenset of str
        Ids of the nodes that were named.
    """
    values = draft.level(0)
    weights = np.array([value.weight for value in values])
    namer = Namer.from_weights([value.label for value in values], weights, vectors, encode)
    spellings = [{canonical_key(name) for name in (value.label, *value.aliases)} for value in values]
    members = _members(draft)
    named: set[str] = set()
    for level in range(draft.top, 0, -1):
        nodes = draft.level(level)
        new, old = ([node for node in nodes if bool(node.label) is known] for known in (False, True))
        if new:
            named |= _name_level(draft, new, old, namer, members, spellings)
        if old:
            own = [members[node.id] for node in (*old, *new)]
            for node, rank in zip(old, namer.rank([node.label for node in old], own), strict=True):
                draft.change(node.id, label_rank=rank)
    return frozenset(named)


def _members(draft: Draft) -> dict[str, Members]:
    """Return the values below each node above them, by their positions."""
    nodes = list(draft.nodes.values())
    members = {node.id: np.empty(0, dtype=np.intp) for node in nodes if node.level}
    for row in ancestor_positions(nodes, draft.top + 1):
        order = np.argsort(row, kind="stable")
        above, starts = np.unique(row[order], return_index=True)
        for position, (start, end) in zip(above.tolist(), pairwise([*starts.tolist(), len(order)]), strict=True):
            members[nodes[position].id] = order[start:end]
    return members


def _name_level(
    draft: Draft,
    new: list[Node],
    old: list[Node],
    namer: Namer,
    members: dict[str, Members],
    spellings: list[set[str]],
) -> set[str]:
    parents = draft.level(new[0].level + 1)
    position = {parent.id: index for index, parent in enumerate(parents)}
    taken = {canonical_key(node.label) for node in old}
    names = namer.name_level(
        [members[node.id] for node in new],
        [-1 if node.parent is None else position[node.parent] for node in new],
        [parent.label for parent in parents],
        # A name that is also a value or a child below would make a look-up by label ambiguous.
        [
            taken.union(
                {canonical_key(child.label) for child in draft.children(node.id)},
                *(spellings[value] for value in members[node.id]),
            )
            for node in new
        ],
        [(node.label, members[node.id]) for node in old],
    )
    for node, name in zip(new, names, strict=True):
        draft.change(
            node.id, label=name.label, definition=name.definition, label_rank=name.rank, label_source="keyphrase"
        )
    return {node.id for node in new}
