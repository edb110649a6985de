"""Match the nodes of a new tree with those of the old one.

A value is known by its spellings. Any other node continues the old node whose values it best holds together: an optimal
matching, level by level, on the overlap of leaf sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from taxonomy.model import Taxonomy, ancestor_positions, mint_id
from taxonomy.model.draft import Draft
from taxonomy.values import SpellingIndex, value_keys

# Where a node falls into two halves, or two equal nodes become one, one of both goes on under the old id (overlap 1/2);
# of three equal parts none is the old node.
_CONTINUES = 1 / 3


def value_ids(spellings: Sequence[Sequence[str]], previous: Taxonomy | None) -> list[str]:
    """Return the id of each value: the old one of a value with a spelling in common, else that of its canonical key.

    Parameters
    ----------
    spellings : sequence of sequence of str
        Label and aliases of each value.
    previous : Taxonomy or None
        Where several old values could be meant, label meets label before alias. An id that was retired is revived by
        the same value.

    Returns
    -------
    list of str
        Each id once.
    """
    found = _old_ids(spellings, previous) if previous is not None else [None] * len(spellings)
    known = {node.id for node in previous.nodes} if previous is not None else set()
    retired = previous.retired if previous is not None else ()
    gone = SpellingIndex((entry.label, entry) for entry in retired if entry.level == 0)
    ids = []
    for id, own, key in zip(found, spellings, value_keys(label for label, *_ in spellings), strict=True):
        if id is None:
            revived = (entry for spelling in own for entry in gone.find_all(spelling) if entry.id not in known)
            id = next((entry.id for entry in revived), None)
        ids.append(id or fresh_id("value", 0, [key], known))
        known.add(ids[-1])
    return ids


def _old_ids(spellings: Sequence[Sequence[str]], previous: Taxonomy) -> list[str | None]:
    """Return the old id of each value that has a spelling in common with an old one."""
    by_label = SpellingIndex((node.label, node) for node in previous.leaves)
    by_alias = SpellingIndex((alias, node) for node in previous.leaves for alias in node.aliases)
    found: list[str | None] = [None] * len(spellings)
    taken: set[str] = set()
    for first, theirs in ((True, by_label), (True, by_alias), (False, by_label), (False, by_alias)):
        for index, own in enumerate(spellings):
            for spelling in () if found[index] else own[:1] if first else own[1:]:
                node = next((node for node in theirs.find_all(spelling) if node.id not in taken), None)
                if node is not None:
                    taken.add(node.id)
                    found[index] = node.id
                    break
    return found


def fresh_id(kind: str, level: int, content: Iterable[str], taken: set[str]) -> str:
    """Return the id of content; where another node carried that id over, a number is added to the content."""
    parts = list(content)
    id = mint_id(kind, level, parts)
    number = 2
    while id in taken:
        id = mint_id(kind, level, [*parts, f"#{number}"])
        number += 1
    return id


def match_trees(previous: Taxonomy, rebuilt: Draft) -> dict[str, str]:
    """Return the id that each node of a rebuilt tree goes by.

    Parameters
    ----------
    previous : Taxonomy
    rebuilt : Draft

    Returns
    -------
    dict of str to str
        From the id in `rebuilt` to the final one, for every node. An old id that is not among the final ones has gone.
    """
    values = rebuilt.level(0)
    final = dict(
        zip(
            (node.id for node in values),
            value_ids([(node.label, *node.aliases) for node in values], previous),
            strict=True,
        )
    )
    taken = {node.id for node in previous.nodes} | set(final.values())
    matched = _match_nodes(previous, rebuilt, final)
    for node in rebuilt.nodes.values():
        if node.level:
            final[node.id] = matched.get(node.id) or _unused(node.id, node.level, taken)
            taken.add(final[node.id])
    return final


def _unused(id: str, level: int, taken: set[str]) -> str:
    return id if id not in taken else fresh_id("node", level, [id], taken)


def _match_nodes(previous: Taxonomy, rebuilt: Draft, values: Mapping[str, str]) -> dict[str, str]:
    """Match the nodes above the values; `values` gives the final ids of the rebuilt tree's values.

    New values say nothing of what a node was, so they are left out of its overlap; withdrawn ones do, and count.
    """
    nodes = list(rebuilt.nodes.values())
    old_position = {node.id: index for index, node in enumerate(previous.leaves)}
    pairs = [(old_position.get(values[node.id], -1), index) for index, node in enumerate(rebuilt.level(0))]
    shared_old, shared_new = (
        np.array([pair[side] for pair in pairs if pair[0] >= 0], dtype=np.intp) for side in (0, 1)
    )
    weights = attention(previous)
    old_rows, new_rows = previous.ancestors, ancestor_positions(nodes, rebuilt.top + 1)
    tops = len(old_rows), len(new_rows)
    levels = [(level, level) for level in range(1, min(tops))] + ([tops] if all(tops) else [])
    matched: dict[str, str] = {}
    for old_level, new_level in levels:
        old, new = old_rows[old_level - 1], new_rows[new_level - 1][shared_new]
        # The same content has the same id: domains are known by their key, even if nothing belongs to them.
        if (old_level, new_level) == tops:
            same = {node.id for node in previous.top}
            matched |= {node.id: node.id for node in rebuilt.level(new_level) if node.id in same}
        for mine, theirs in _match(old, new, shared_old, weights):
            one, other = nodes[mine].id, previous.nodes[theirs].id
            if one not in matched and other not in matched:
                matched[one] = other
    return matched


def attention(tree: Taxonomy) -> NDArray[np.float64]:
    """Return how much each value says of its node: one, and the log of its weight over the least.

    A frequent value says more than a rare one, but one that makes up half of all mentions is not half of what its node
    means.
    """
    weights = np.array([node.weight for node in tree.leaves])
    positive = weights[weights > 0]
    least = positive.min() if len(positive) else 1.0
    return np.asarray(1 + np.log(np.maximum(weights / least, 1)))


def _match(
    old: NDArray[np.intp], new: NDArray[np.intp], shared_old: NDArray[np.intp], weights: NDArray[np.float64]
) -> list[tuple[int, int]]:
    """Return pairs of a new and an old node, by position, that are one another's continuation."""
    if not len(new):
        return []
    weight = weights[shared_old]
    n_old, n_new = int(old.max()) + 1, int(new.max()) + 1
    overlap = sp.coo_array((weight, (new, old[shared_old])), shape=(n_new, n_old))
    overlap.sum_duplicates()
    old_size, new_size = np.bincount(old, weights, n_old), np.bincount(new, weight, n_new)
    rows, columns = overlap.coords
    jaccard = overlap.data / (old_size[columns] + new_size[rows] - overlap.data)
    # Overlaps of one node add up to 1 at most, so above a third it has two candidates at most.
    kept = jaccard > _CONTINUES
    return assign(rows[kept].astype(np.intp), columns[kept].astype(np.intp), jaccard[kept])


def assign(rows: NDArray[np.intp], columns: NDArray[np.intp], scores: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the pairs of rows and columns with the largest sum of scores, each row and column once.

    Solved exactly within each connected part of the graph of candidates, so that nothing n-by-n is held.
    """
    if not len(rows):
        return []
    # Imported late: only a version after another needs them.
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse.csgraph import connected_components

    n_rows, n_columns = int(rows.max()) + 1, int(columns.max()) + 1
    size = n_rows + n_columns
    graph = sp.coo_array((np.ones(len(rows)), (rows, n_rows + columns)), shape=(size, size))
    _, parts = connected_components(graph.tocsr(), directed=False)
    order = np.argsort(parts[rows], kind="stable")
    pairs = []
    for part in np.split(order, np.flatnonzero(np.diff(parts[rows][order])) + 1):
        own_rows, row = np.unique(rows[part], return_inverse=True)
        own_columns, column = np.unique(columns[part], return_inverse=True)
        score = np.zeros((len(own_rows), len(own_columns)))
        score[row, column] = scores[part]
        chosen = zip(*linear_sum_assignment(score, maximize=True), strict=True)
        pairs += [(int(own_rows[i]), int(own_columns[j])) for i, j in chosen if score[i, j] > 0]
    return pairs
