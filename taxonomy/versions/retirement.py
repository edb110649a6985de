"""Retired ids: their successors, and the version that retired them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from taxonomy.model import Node, Retired, Taxonomy
from taxonomy.model.draft import Draft
from taxonomy.values import canonical_key
from taxonomy.versions.number import next_version

# A retired node is replaced by those that hold a quarter or more of its values: four at most.
_REPLACES = 0.25


def succeed(previous: Taxonomy, tree: Taxonomy, replaced: Mapping[str, tuple[str, ...]]) -> Taxonomy:
    """Make a tree the version after `previous`: retire the ids that went, revive those that came back, and number it.

    Parameters
    ----------
    previous, tree : Taxonomy
    replaced : mapping of str to tuple of str
        What replaces an id by a person's decision; else it is what holds most of its values now.

    Returns
    -------
    Taxonomy
        `previous` itself, if nothing changed but where the tree says that it comes from.

    Raises
    ------
    InputError
        If the version of `previous` has no next.
    """
    undated = retire(previous.nodes, previous.retired, tree.nodes, replaced, since="")
    version = next_version(previous, tree.model_copy(update={"retired": undated}))
    if version is None:
        return previous
    dated = tuple(gone if gone.since else gone.model_copy(update={"since": version}) for gone in undated)
    tree = tree.model_copy(update={"version": version, "retired": dated})
    # What is absent for the first time has no date yet.
    new = {node.id: node.model_copy(update={"absent_since": version}) for node in tree.nodes if node.absent_since == ""}
    if not new:
        return tree
    tree = tree.model_copy(update={"nodes": tuple(new.get(node.id, node) for node in tree.nodes)})
    return tree.model_copy(update={"digest": tree.compute_digest()})


def retire(
    before: Collection[Node],
    retired: Sequence[Retired],
    now: Collection[Node],
    replaced: Mapping[str, tuple[str, ...]],
    *,
    since: str,
) -> tuple[Retired, ...]:
    """Return every id that ever went and is not back, by id.

    Parameters
    ----------
    before, now : collection of Node
    retired : sequence of Retired
        What had gone before.
    replaced : mapping of str to tuple of str
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
        )
        for node in gone
    ]
    return tuple(sorted(entries, key=lambda entry: entry.id))


def find_successors(before: Iterable[Node], now: Collection[Node], gone: Sequence[Node]) -> dict[str, tuple[str, ...]]:
    """Return the successors of each removed node: those with a quarter or more of its values, largest share first."""
    if not gone:
        return {}
    by_key = {canonical_key(name): node.id for node in now if node.level == 0 for name in (*node.aliases, node.label)}
    ancestors: dict[str, list[str]] = {}
    for node in sorted(now, key=lambda node: -node.level):
        ancestors[node.id] = [node.id, *(ancestors[node.parent] if node.parent else ())]
    old = Draft(before)
    successors_of = {}
    for node in gone:
        counts: dict[str, int] = {}
        leaves = old.leaves(node.id)
        for leaf in leaves:
            today = leaf.id if leaf.id in ancestors else by_key.get(canonical_key(leaf.label))
            if today is not None and node.level < len(ancestors[today]):
                successor = ancestors[today][node.level]
                counts[successor] = counts.get(successor, 0) + 1
        ranked = sorted(counts, key=lambda id: (-counts[id], id))
        successors_of[node.id] = tuple(id for id in ranked if counts[id] >= _REPLACES * len(leaves)) or tuple(
            ranked[:1]
        )
    return successors_of
