"""Names and definitions for the nodes of a draft that have none, made offline."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from embeddings.vocabulary import scripts
from taxonomy.english.words import may_be_english
from taxonomy.labels.definitions import Definer
from taxonomy.labels.keyphrase import Encode, Namer
from taxonomy.model import LabelFit, Node, ancestor_positions
from taxonomy.model.draft import Draft
from taxonomy.model.scope_notes import ScopeNotes
from taxonomy.values import canonical_key

Members = NDArray[np.intp]
# Whose nodes get a definition: those that we or a person named.
_DEFINED = frozenset({"keyphrase", "llm", "human"})


def lacks_words(draft: Draft) -> bool:
    """Tell whether a node of a draft lacks a name, or a definition that `name_nodes` gives."""
    return any(not node.label or _lacks_definition(node) for node in draft.nodes.values())


def _lacks_definition(node: Node) -> bool:
    # A file that says nothing of a node stays as it is.
    return node.level > 0 and not node.definition and node.label_source in _DEFINED


def name_nodes(draft: Draft, vectors: NDArray[np.float32], encode: Encode) -> frozenset[str]:
    """Name the nodes that have no name, from the top down so that a child can avoid its parent's name.

    Labels that nodes have stay; their ranks are found anew, and those without a definition are defined. Dormant values
    name nothing.

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
    live = _telling(draft)
    values = [value for value, tells in zip(draft.level(0), live, strict=True) if tells]
    vectors = vectors if live.all() else vectors[live]
    weights = np.array([value.weight for value in values])
    namer = Namer.from_weights([value.label for value in values], weights, vectors, encode, _foreign(values))
    members = _members(draft, live)
    named: set[str] = set()
    for level in range(draft.top, 0, -1):
        nodes = draft.level(level)
        new, old = ([node for node in nodes if bool(node.label) is known] for known in (False, True))
        if new:
            named |= _name_level(draft, new, old, namer, members)
        _measure(draft, level, namer, members)
    _define(draft, namer, members)
    return frozenset(named)


def _foreign(values: Sequence[Node]) -> NDArray[np.bool_]:
    """Tell which values are not English, by their words and letters, or by the company that they are in."""
    if not may_be_english([value.label for value in values]):
        return np.ones(len(values), dtype=bool)
    return np.array([value.has_unknown_words or not scripts(value.label) <= {"LATIN"} for value in values], dtype=bool)


def _telling(draft: Draft) -> NDArray[np.bool_]:
    """Tell which values names are made of: those that are not dormant, and all of an unnamed node without such."""
    nodes = list(draft.nodes.values())
    unnamed = np.array([not node.label for node in nodes], dtype=bool)
    live = np.array([not value.is_dormant for value in draft.level(0)], dtype=bool)
    telling = live.copy()
    for above in ancestor_positions(nodes, draft.top + 1):
        telling |= unnamed[above] & (np.bincount(above, live, len(nodes))[above] == 0)
    return telling


def _measure(draft: Draft, level: int, namer: Namer, members: dict[str, Members]) -> None:
    """Note how well the labels of a level fit."""
    nodes = draft.level(level)
    fits = namer.measure([node.label for node in nodes], [members[node.id] for node in nodes])
    for node, fit in zip(nodes, fits, strict=True):
        label_fit = LabelFit(covered=fit.covered, margin=fit.margin) if fit else None
        draft.change(node.id, label_rank=fit.rank if fit else None, label_fit=label_fit)


def _define(draft: Draft, namer: Namer, members: dict[str, Members]) -> None:
    """Give scope notes to the nodes without a definition, once all have a name."""
    definer = Definer(namer.labels, namer.vicious, namer.frequency, namer.vectors, namer.lexicon, namer.unlike)
    notes = ScopeNotes(draft.nodes)
    for level in range(1, draft.top + 1):
        nodes = draft.level(level)
        wanted = [at for at, node in enumerate(nodes) if _lacks_definition(node) and len(members[node.id])]
        scopes = definer.define_level([node.label for node in nodes], [members[node.id] for node in nodes], wanted)
        for at, scope in zip(wanted, scopes, strict=True):
            source = None if nodes[at].label_source == "keyphrase" else "keyphrase"
            draft.change(nodes[at].id, definition=notes.write(nodes[at].id, scope), definition_source=source)


def _members(draft: Draft, live: NDArray[np.bool_]) -> dict[str, Members]:
    """Return the live values below each node above them, by their positions among those."""
    nodes = list(draft.nodes.values())
    members = {node.id: np.empty(0, dtype=np.intp) for node in nodes if node.level}
    for row in ancestor_positions(nodes, draft.top + 1)[:, live]:
        order = np.argsort(row, kind="stable")
        above, starts = np.unique(row[order], return_index=True)
        for position, (start, end) in zip(above.tolist(), pairwise([*starts.tolist(), len(order)]), strict=True):
            members[nodes[position].id] = order[start:end]
    return members


def _name_level(draft: Draft, new: list[Node], old: list[Node], namer: Namer, members: dict[str, Members]) -> set[str]:
    # A name that is also that of a node above or below would make a look-up by label ambiguous.
    above = {canonical_key(node.label) for node in draft.nodes.values() if node.level > new[0].level}
    labels = namer.name_level(
        [members[node.id] for node in new],
        [(above, {canonical_key(child.label) for child in draft.children(node.id) if child.level}) for node in new],
        [(node.label, members[node.id]) for node in old],
    )
    for node, label in zip(new, labels, strict=True):
        draft.change(node.id, label=label, label_source="keyphrase")
    return {node.id for node in new}
