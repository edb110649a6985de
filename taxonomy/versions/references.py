"""The nodes that edits name: by id, by path, or as members of another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from taxonomy.model import Node, Retired
from taxonomy.model.draft import Draft
from taxonomy.values import canonical_key, is_one_value
from taxonomy.versions.edits import Reference


class DoesNotApplyError(Exception):
    """An edit that can't be applied to this tree."""


class References:
    """Finds the nodes of a draft that edits name.

    Parameters
    ----------
    draft : Draft
    retired : sequence of Retired
        Nodes that went before.

    Attributes
    ----------
    retired : dict of str to Retired
        By id.
    lacks_names : bool
        Whether a node was asked for and not found that may have no name yet.
    """

    def __init__(self, draft: Draft, retired: Sequence[Retired]) -> None:
        self.draft = draft
        self.retired = {gone.id: gone for gone in retired}
        self.lacks_names = False
        # The values are asked for their keys once, and not once an edit.
        self._key = cache(canonical_key)
        self._all_named = all(node.label for node in draft.nodes.values())

    def key(self, reference: Reference) -> Reference:
        """Return the id of a node where it can be found, else the reference itself."""
        found = self.find(reference)
        return found.id if found is not None else reference

    def id_of(self, reference: Reference) -> str | None:
        """Return the id of a node that is there, or was."""
        found = self.find(reference) or self.gone(reference)
        return None if found is None else found.id

    def find(self, reference: Reference) -> Node | None:
        """Return the node that a reference means, None if it is not there."""
        if isinstance(reference, str):
            return self.draft.nodes.get(reference)
        steps = [node for node in self.draft.nodes.values() if node.level == self.draft.top]
        found = None
        for label in reference:
            found = next((node for node in steps if node.label == label), None)
            if found is None:
                return None
            steps = self.draft.children(found.id)
        return found

    def get(self, reference: Reference) -> Node:
        """Return the node that a reference means.

        Raises
        ------
        DoesNotApplyError
            If it is not there; it says what became of it.
        """
        found = self.find(reference)
        if found is None:
            self.lacks_names = not self._all_named
            raise DoesNotApplyError(f"{self.say(reference)} is not in the taxonomy{self._why(reference)}")
        return found

    def gone(self, reference: Reference) -> Retired | None:
        """Return the retired node that a reference means."""
        if isinstance(reference, str):
            return self.retired.get(reference)
        level = self.draft.top + 1 - len(reference)
        same = [gone for gone in self.retired.values() if (gone.level, gone.label) == (level, reference[-1])]
        return same[0] if len(same) == 1 else None

    def gone_value(self, spelling: str, *, into: str) -> Retired | None:
        """Return the retired value of this label that a node took in."""
        values = (gone for gone in self.retired.values() if gone.level == 0 and into in gone.replaced_by)
        return next((gone for gone in values if gone.label == spelling), None)

    def _why(self, reference: Reference) -> str:
        gone = self.gone(reference)
        if gone is None:
            return ""
        heirs = [self.say(heir) for heir in gone.replaced_by]
        return f": it was retired{' and replaced by ' + ' and '.join(heirs) if heirs else ''}"

    def say(self, reference: Reference) -> str:
        """Return what a person calls the node."""
        if not isinstance(reference, str):
            return " > ".join(reference)
        node = self.draft.nodes.get(reference) or self.retired.get(reference)
        return f"{reference} ({node.label!r})" if node else reference

    def child(self, parent: Node | None, level: int, name: str) -> Node:
        """Find a member by id or label, among the children of `parent` where it is given."""
        nodes = self.draft.children(parent.id) if parent else self.draft.nodes.values()
        found = [node for node in nodes if node.level == level and name in (node.id, node.label)]
        if len(found) != 1:
            self.lacks_names = not self._all_named
            problem = f"{len(found)} nodes are" if found else "no node is"
            where = f" under {parent.label!r}" if parent else f" on level {level}"
            raise DoesNotApplyError(f"{problem} called {name!r}{where}")
        return found[0]

    def value_of(self, spelling: str) -> Node | None:
        """Return the value with exactly this spelling."""
        nodes = (node for node in self.draft.nodes.values() if node.level == 0)
        return next((node for node in nodes if spelling in (node.label, *node.aliases)), None)

    def value_spelled(self, spelling: str, first: Sequence[Node] = ()) -> Node | None:
        """Return the value that a text is a spelling of, by the rule for values; one of `first` where it can be."""
        values = [*first, *(node for node in self.draft.nodes.values() if node.level == 0)]
        return next((node for node in values if self._is_spelled(node, spelling)), None)

    def _is_spelled(self, node: Node, spelling: str) -> bool:
        key = self._key(spelling)
        own = [one for one in (node.label, *node.aliases) if self._key(one) == key]
        return bool(own) and all(is_one_value(one, spelling) for one in own)
