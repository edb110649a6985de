"""Retired ids: their successors, and the version that retired them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from types import MappingProxyType

from taxonomy.model import Node, Retired, Taxonomy, values_by_spelling
from taxonomy.model.draft import Draft
from taxonomy.model.history import add_decision, with_version
from taxonomy.model.nodes import Decision
from taxonomy.model.scope_notes import is_same_scope
from taxonomy.versions.number import next_version

# A retired node is replaced by those that hold a quarter or more of its values: four at most.
_REPLACES = 0.25


def succeed(
    previous: Taxonomy,
    tree: Taxonomy,
    replaced: Mapping[str, tuple[str, ...]],
    decisions: Mapping[str, Sequence[Decision]] = MappingProxyType({}),
) -> Taxonomy:
    """Make a tree the version after `previous`: retire the ids that went, revive those that came back, and number it.

    A node that a machine has changed since it was reviewed is to be reviewed again.

    Parameters
    ----------
    previous, tree : Taxonomy
    replaced : mapping of str to tuple of str
        What replaces an id by a person's decision; else it is what holds most of its values now.
    decisions : mapping of str to sequence of Decision
        What people decided on ids that are retired.

    Returns
    -------
    Taxonomy
        `previous` itself, if nothing changed but where the tree says that it comes from.

    Raises
    ------
    InputError
        If the version of `previous` has no next.
    """
    tree = to_review_again(previous, tree)
    undated = retire(previous.nodes, previous.retired, tree.nodes, replaced, decisions, since="")
    tree = tree.model_copy(update={"retired": undated})
    version = next_version(previous, tree)
    if version is None:
        return previous
    return dated(tree.model_copy(update={"version": version}))


def dated(tree: Taxonomy) -> Taxonomy:
    """Return a tree in which all that is new in it has its version, in nodes and in what is retired."""
    version = tree.version
    nodes = tuple(_dated(node, version) for node in tree.nodes)
    retired = tuple(with_version(gone, version) for gone in tree.retired)
    retired = tuple(gone if gone.since else gone.model_copy(update={"since": version}) for gone in retired)
    tree = tree.model_copy(update={"retired": retired})
    if all(new is old for new, old in zip(nodes, tree.nodes, strict=True)):
        return tree
    tree = tree.model_copy(update={"nodes": nodes})
    return tree.model_copy(update={"digest": tree.compute_digest()})


def _dated(node: Node, version: str) -> Node:
    node = with_version(node, version)
    # What is absent for the first time has no date yet.
    return node.model_copy(update={"absent_since": version}) if node.absent_since == "" else node


def to_review_again(before: Taxonomy, tree: Taxonomy) -> Taxonomy:
    """Return a tree whose nodes are not reviewed any more where no person moved, named or defined them anew."""
    old = {node.id: node for node in before.nodes if node.reviewed}
    stale = {
        node.id
        for node in tree.nodes
        if node.reviewed and node.id in old and node.history == old[node.id].history and _is_changed(old[node.id], node)
    }
    if not stale:
        return tree
    nodes = (node.model_copy(update={"reviewed": False}) if node.id in stale else node for node in tree.nodes)
    tree = tree.model_copy(update={"nodes": tuple(nodes)})
    return tree.model_copy(update={"digest": tree.compute_digest()})


def _is_changed(old: Node, new: Node) -> bool:
    """Tell whether a person who reviewed a node would see another one."""
    redefined = old.definition != new.definition and not is_same_scope(old.definition, new.definition)
    return redefined or (old.label, old.parent) != (new.label, new.parent)


def retire(
    before: Collection[Node],
    retired: Sequence[Retired],
    now: Collection[Node],
    replaced: Mapping[str, tuple[str, ...]],
    decisions: Mapping[str, Sequence[Decision]] = MappingProxyType({}),
    *,
    since: str,
) -> tuple[Retired, ...]:
    """Return every id that ever went and is not back, by id.

    Parameters
    ----------
    before, now : collection of Node
    retired : sequence of Retired
        What had gone before.
    replaced, decisions : mapping
        As for `succeed`.
    since : str
        The version in which those went that went now.
    """
    present = {node.id for node in now}
    gone = [node for node in before if node.id not in present]
    successors = find_successors(before, now, [node for node in gone if node.id not in replaced])
    entries = [entry for entry in retired if entry.id not in present]
    entries += [
        Retired(
            id=node.id,
            level=node.level,
            label=node.label,
            since=since,
            replaced_by=replaced[node.id] if node.id in replaced else successors[node.id],
            history=node.history,
        )
        for node in gone
    ]
    entries = [
        entry.model_copy(update={"history": reduce(add_decision, decisions[entry.id], entry.history)})
        if entry.id in decisions
        else entry
        for entry in entries
    ]
    return tuple(sorted(entries, key=lambda entry: entry.id))


def find_successors(before: Iterable[Node], now: Collection[Node], gone: Sequence[Node]) -> dict[str, tuple[str, ...]]:
    """Return the successors of each removed node: those with a quarter or more of its values, largest share first."""
    if not gone:
        return {}
    present = {node.id: node for node in now}
    by_spelling = values_by_spelling(node for node in now if node.level == 0)
    ancestors: dict[str, list[str]] = {}
    for node in sorted(now, key=lambda node: -node.level):
        ancestors[node.id] = [node.id, *(ancestors[node.parent] if node.parent else ())]
    old = Draft(before)
    successors_of = {}
    for node in gone:
        counts: dict[str, int] = {}
        leaves = old.leaves(node.id)
        for leaf in leaves:
            today = present.get(leaf.id) or by_spelling.find(leaf.label)
            if today is not None and node.level < len(ancestors[today.id]):
                successor = ancestors[today.id][node.level]
                counts[successor] = counts.get(successor, 0) + 1
        ranked = sorted(counts, key=lambda id: (-counts[id], id))
        successors_of[node.id] = tuple(id for id in ranked if counts[id] >= _REPLACES * len(leaves)) or tuple(
            ranked[:1]
        )
    return successors_of
