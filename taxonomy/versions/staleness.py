"""Definitions that no longer say what their node holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from taxonomy.english.phrases import Phrases
from taxonomy.model import Node
from taxonomy.model.draft import Draft
from taxonomy.model.scope_notes import read_scope, said_of_members


def empty_stale_definitions(draft: Draft, before: Collection[Node], *, pointers: bool = False) -> None:
    """Empty the definitions made by a machine that name a value which is gone, from their node or from the tree.

    What is dormant counts as gone.

    Parameters
    ----------
    draft : Draft
        Changed in place.
    before : collection of Node
        The nodes as they were.
    pointers : bool
        Whether to empty scope notes, too, that would come to point to no other node: where they are written anew.
    """
    old, held, holds = {node.id: node for node in before}, Draft(before).leaf_ids(), draft.leaf_ids()
    live_ids = {value.id for value in draft.level(0) if not value.is_dormant}
    vanished = Phrases(_spellings(node for node in before if node.level == 0 and node.id not in live_ids))
    for id, node in list(draft.nodes.items()):
        if not node.level or not node.has_machine_definition or id not in held:
            continue
        live = _spellings(draft.nodes[value] for value in holds[id] & live_ids)
        lost = Phrases(_spellings(old[value] for value in held[id] - holds[id]))
        said = said_of_members(node.definition)
        scope = read_scope(node.definition) if pointers else None
        if any(gone.find(said, within=live) for gone in (vanished, lost)) or (
            scope is not None and vanished.find(scope.beside)
        ):
            draft.change(id, definition="", definition_source=None)


def _spellings(values: Iterable[Node]) -> list[str]:
    return [spelling for value in values for spelling in (value.label, *value.aliases)]
