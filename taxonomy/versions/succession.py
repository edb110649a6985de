"""The next version of a taxonomy: a rebuilt tree in the frame of the old one, ids and names carried over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taxonomy.errors import LevelsError
from taxonomy.labels.keyphrase import Encode, Namer
from taxonomy.model import Node, Placement, Taxonomy, slugify
from taxonomy.model.draft import Draft
from taxonomy.values import canonical_key
from taxonomy.versions.edits import Edit
from taxonomy.versions.identity import match_trees
from taxonomy.versions.replay import Outcome, replay_edits
from taxonomy.versions.retire import retire, succeed
from taxonomy.versions.stay import Level, settle

# A name is made of two of a node's fourteen most telling values. While three quarters of what the old and the new node
# hold is the same, they are most likely still there, and a new name would say the same thing in other words.
SAME_MEMBERS = 0.75


def next_tree(
    previous: Taxonomy | None,
    rebuilt: Taxonomy,
    vectors: NDArray[np.float32],
    *,
    stay: float,
    min_children: int,
    edits: Sequence[Edit],
    encode: Encode,
) -> tuple[Taxonomy, tuple[Outcome, ...]]:
    """Make the next version of a rebuilt tree: carried over from `previous` where there is one, and edited.

    Parameters
    ----------
    previous : Taxonomy or None
    rebuilt, vectors, stay, min_children, encode
        As for `continue_tree`.
    edits : sequence of Edit

    Returns
    -------
    tree : Taxonomy
    outcomes : tuple of Outcome
        What became of each edit.

    Raises
    ------
    LevelsError, EditsError
    """
    if previous is None:
        edited, outcomes, replaced = replay_edits(rebuilt, edits)
        gone = retire(rebuilt, edited, replaced, since=rebuilt.version)
        return edited.model_copy(update={"retired": gone}), outcomes
    if _same_ground(previous, rebuilt, stay):
        tree = previous
    else:
        tree = continue_tree(previous, rebuilt, vectors, stay=stay, min_children=min_children, encode=encode)
    tree, outcomes, replaced = replay_edits(tree, edits, retire(previous, tree, {}, since=""))
    came_from = {"id": previous.id, "version": previous.version, "digest": previous.digest, "stay": f"{stay:g}"}
    provenance = tree.provenance.model_copy(update={"previous": came_from})
    return succeed(previous, tree.model_copy(update={"provenance": provenance}), replaced), outcomes


def _same_ground(previous: Taxonomy, rebuilt: Taxonomy, stay: float) -> bool:
    """Tell whether `previous` was made of the same values in the same way, so that there is nothing to carry over."""
    came_from = previous.provenance.previous
    made = [tree.provenance.model_copy(update={"previous": None}) for tree in (previous, rebuilt)]
    named = [(tree.id, tree.title, tree.weight_unit) for tree in (previous, rebuilt)]
    return made[0] == made[1] and named[0] == named[1] and (came_from is None or came_from.get("stay") == f"{stay:g}")


def continue_tree(
    previous: Taxonomy,
    rebuilt: Taxonomy,
    vectors: NDArray[np.float32],
    *,
    stay: float,
    encode: Encode,
    min_children: int = 2,
) -> Taxonomy:
    """Carry ids, placements and names of an old tree over to a rebuilt one.

    Parameters
    ----------
    previous, rebuilt : Taxonomy
    vectors : ndarray of shape (n_values, dimension)
        Unit vectors of the values of `rebuilt`, in the order of its nodes.
    stay : float
        How strongly placements hold on to the old tree, from 0 to 1: see `stay`.
    encode : callable
        Strings to unit vectors, for names that are made anew.
    min_children : int

    Returns
    -------
    Taxonomy
        Its version is still that of `previous`, and nothing is retired yet: see `retire.succeed`.

    Raises
    ------
    LevelsError
        If the trees differ in the number of levels and `stay` is not 0.
    """
    if stay > 0 and len(previous.levels) != len(rebuilt.levels):
        raise LevelsError(
            f"the previous taxonomy has {len(previous.levels)} levels and this one {len(rebuilt.levels)}: "
            "placements can't be held; ask for as many levels, or for --stay 0"
        )
    final = match_trees(previous, rebuilt)
    levels = settle(previous, rebuilt, final, vectors, stay=stay, min_children=min_children)
    draft = _draft(previous, rebuilt, final, levels)
    _name(draft, previous, rebuilt, final, vectors, encode)
    return Taxonomy.from_nodes(
        draft.finish(),
        level_names=[level.name for level in rebuilt.levels],
        id=rebuilt.id,
        title=rebuilt.title,
        weight_unit=rebuilt.weight_unit,
        version=previous.version,
        provenance=rebuilt.provenance,
    )


def _draft(previous: Taxonomy, rebuilt: Taxonomy, final: Mapping[str, str], levels: Iterable[Level]) -> Draft:
    """Make the nodes, with the old names where there are any and no weights above the values yet."""
    old = {node.id: node for node in previous.nodes}
    new = {final[node.id]: node for node in rebuilt.nodes}
    top = len(rebuilt.levels) - 1
    parents: dict[str, str] = {}
    placements: dict[str, Placement] = {}
    for level in levels:
        parents |= level.parents
        placements |= level.placements
    # A domain that nothing belongs to stays.
    tops = {id for id, node in new.items() if node.level == top and node.label_source == "domain"}
    strings = {spelling for node in rebuilt.leaves for spelling in (node.label, *node.aliases)}
    draft = Draft(())
    for id in sorted({*parents, *parents.values(), *tops}):
        node = new.get(id) or old[id]
        fields: dict[str, Any] = {"id": id, "parent": parents.get(id), "placement": placements.get(id)}
        fields["flags"] = ("doubtful",) if id in placements and placements[id].confidence < 0.5 else ()
        if id in old and node.level == 0:
            fields |= _value_names(old[id], node, strings)
        elif id in old and (node.label_source != "domain" or old[id].label_source == "human"):
            fields |= {name: getattr(old[id], name) for name in ("label", "slug", "definition", "label_source")}
        draft.put(node.model_copy(update=fields))
    return draft


def _value_names(old: Node, new: Node, strings: Collection[str]) -> dict[str, Any]:
    """Keep the old label of a value while it is one of its spellings, or a person chose it and it names no other."""
    spellings = {new.label, *new.aliases}
    fields: dict[str, Any] = {"definition": old.definition or new.definition}
    if old.label_source == "human":
        fields["label_source"] = "human"
    if old.label in spellings or (old.label_source == "human" and old.label not in strings):
        fields |= {"label": old.label, "slug": slugify(old.label)}
        fields["aliases"] = tuple(sorted(spellings - {old.label}))
    return fields


def _name(
    draft: Draft,
    previous: Taxonomy,
    rebuilt: Taxonomy,
    final: Mapping[str, str],
    vectors: NDArray[np.float32],
    encode: Encode,
) -> None:
    """Name what is new or has become another, from the top down so that a child can avoid its parent's name."""
    order = {final[node.id]: index for index, node in enumerate(rebuilt.leaves)}
    old, new = _leaf_sets(previous.nodes, {}), _leaf_sets(rebuilt.nodes, final)
    now = _leaf_sets(draft.nodes.values(), {})
    rebuilt_nodes = {final[node.id]: node for node in rebuilt.nodes}
    labels = [draft.nodes[id].label for id in order]
    weights = np.array([draft.nodes[id].weight for id in order])
    namer = Namer.from_weights(labels, weights, vectors, encode)
    for level in range(draft.top, 0, -1):
        nodes = sorted((node for node in draft.nodes.values() if node.level == level), key=lambda node: node.id)
        open_: list[Node] = []
        for node in nodes:
            fixed = node.label_source in ("domain", "human") or not now[node.id]
            if not (fixed or (node.id in old and _jaccard(old[node.id], now[node.id]) >= SAME_MEMBERS)):
                open_.append(node)
        changing = {node.id for node in open_}
        taken = {canonical_key(node.label) for node in nodes if node.id not in changing}
        unnamed = []
        for node in open_:
            # The rebuilt tree has named exactly these values already.
            theirs = rebuilt_nodes.get(node.id)
            if theirs is not None and new[node.id] == now[node.id] and canonical_key(theirs.label) not in taken:
                _rename(draft, node.id, theirs.label, theirs.definition, theirs.label_source)
                taken.add(canonical_key(theirs.label))
            else:
                unnamed.append(node)
        _name_level(draft, unnamed, taken, namer, now, order)


def _name_level(
    draft: Draft,
    nodes: list[Node],
    taken: set[str],
    namer: Namer,
    members: Mapping[str, frozenset[str]],
    order: Mapping[str, int],
) -> None:
    if not nodes:
        return
    parents = sorted({node.parent for node in nodes if node.parent is not None})
    below = [
        taken | {canonical_key(name) for child in draft.children(node.id) for name in (child.label, *child.aliases)}
        for node in nodes
    ]
    names = namer.name_level(
        [np.array(sorted(order[leaf] for leaf in members[node.id]), dtype=np.intp) for node in nodes],
        [-1 if node.parent is None else parents.index(node.parent) for node in nodes],
        [draft.nodes[parent].label for parent in parents],
        below,
    )
    for node, name in zip(nodes, names, strict=True):
        _rename(draft, node.id, name.label, name.definition, "keyphrase")


def _rename(draft: Draft, id: str, label: str, definition: str, source: str) -> None:
    draft.change(id, label=label, definition=definition, label_source=source, label_rank=None)


def _jaccard(one: Collection[str], other: Collection[str]) -> float:
    shared = len(set(one) & set(other))
    return shared / (len(one) + len(other) - shared)


def _leaf_sets(nodes: Collection[Node], ids: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Return the values below each node, ids translated by `ids`."""
    found: dict[str, set[str]] = {node.id: set() for node in nodes}
    for node in sorted(nodes, key=lambda node: node.level):
        if node.level == 0:
            found[node.id].add(ids.get(node.id, node.id))
        if node.parent is not None:
            found[node.parent] |= found[node.id]
    return {ids.get(id, id): frozenset(leaves) for id, leaves in found.items()}
