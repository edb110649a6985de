"""Look-ups of nodes by id, label or alias, and of retired ids."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from functools import cached_property

from taxonomy.errors import AmbiguousKeyError, LookupFailedError
from taxonomy.model.nodes import Node, Retired
from taxonomy.model.search import suggest_labels
from taxonomy.values import SpellingIndex


def live_successors(id: str, retired: Mapping[str, Retired], present: Container[str]) -> tuple[str, ...]:
    """Return the nodes that replace a retired one today: those that replaced it may have gone since."""
    alive: list[str] = []
    seen = {id}
    frontier = list(retired[id].replaced_by) if id in retired else []
    while frontier:
        successor = frontier.pop(0)
        if successor in seen:
            continue
        seen.add(successor)
        if successor in present:
            alive.append(successor)
        elif successor in retired:
            frontier += retired[successor].replaced_by
    return tuple(alive)


def values_by_spelling(leaves: Iterable[Node]) -> SpellingIndex[Node]:
    """Return values by their spellings; a label goes before an alias."""
    values = list(leaves)
    labels = [(node.label, node) for node in values]
    return SpellingIndex([*labels, *((alias, node) for node in values for alias in node.aliases)])


class Lookup:
    """The nodes of a tree and its retired ids, as `Taxonomy.node` and `Taxonomy.retired_node` find them.

    Attributes
    ----------
    by_id : dict of str to Node
        In the order of the tree's nodes.
    """

    def __init__(self, nodes: Iterable[Node], retired: Iterable[Retired]) -> None:
        self.by_id = {node.id: node for node in nodes}
        self._retired = {entry.id: entry for entry in retired}

    @cached_property
    def _by_name(self) -> SpellingIndex[Node]:
        return SpellingIndex((name, node) for node in self.by_id.values() for name in (node.label, *node.aliases))

    def find_all(self, key: str, level: int | None = None) -> list[Node]:
        """Return the node of this id, else all of this label or alias."""
        by_id = self.by_id.get(key)
        if by_id is not None and level in (None, by_id.level):
            return [by_id]
        return [node for node in self._by_name.find_all(key) if level in (None, node.level)]

    def find(self, key: str, level: int | None) -> Node:
        """Return the one node that matches; see `Taxonomy.node`."""
        matches = self.find_all(key, level)
        if not matches:
            if key in self._retired:
                raise LookupFailedError(self._describe_retired(key), remedy="give an id of this version")
            where = "" if level is None else f" on level {level}"
            raise LookupFailedError(f"there is no node {key!r}{where}", remedy=self._suggest(key, level))
        # A cluster may have the name of a value in it: "Prudence" is the cluster, "prudence" the value.
        exact = [node for node in matches if node.label == key]
        if len(matches) > 1 and len(exact) != 1:
            listed = [f"{node.id} (level {node.level}, {node.label!r})" for node in matches]
            problem = f"{key!r} is the label or alias of {len(matches)} nodes: {', '.join(listed)}"
            raise AmbiguousKeyError(problem, listed, remedy="give an id or a level")
        return exact[0] if exact else matches[0]

    def find_retired(self, id: str) -> Retired:
        """Return the entry of a retired id; see `Taxonomy.retired_node`."""
        if id not in self._retired:
            problem = f"no id {id!r} was retired from this taxonomy"
            raise LookupFailedError(problem, remedy="give an id of an earlier version")
        return self._retired[id]

    def _suggest(self, key: str, level: int | None) -> str:
        nodes = [node for node in self.by_id.values() if level in (None, node.level)]
        near = " or ".join(map(repr, suggest_labels(nodes, key)))
        return f"did you mean {near}?" if near else "give an id, a label or an alias of this taxonomy"

    def _describe_retired(self, id: str) -> str:
        entry = self._retired[id]
        successors = " and ".join(self._describe(successor) for successor in entry.replaced_by) or "nothing"
        return f"{id} ({entry.label!r}) was retired in version {entry.since} and replaced by {successors}"

    def _describe(self, id: str) -> str:
        known = self.by_id.get(id) or self._retired.get(id)
        return f"{id} ({known.label!r})" if known else id
