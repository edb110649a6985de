"""One edit applied to a tree."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NoReturn

from taxonomy.model import Node, Retired, mint_id, slugify
from taxonomy.model.draft import Draft
from taxonomy.model.nodes import MADE
from taxonomy.values import canonical_key, clean
from taxonomy.versions.edits import Edit, Reference, say_taken_in


class DoesNotApplyError(Exception):
    """An edit that can't be applied to this tree."""


class Editor:
    """Applies edits to a draft.

    Parameters
    ----------
    draft : Draft
    retired : sequence of Retired
        Nodes that went before: what was merged or split then is in place.

    Attributes
    ----------
    replaced : dict of str to tuple of str
        The ids that were taken out, and what replaces them.
    changed : bool
    lacks_names : bool
        Whether a node was asked for and not found, or taken out, that may have no name yet.
    reason : str
        What the last edit does beyond its words.
    """

    def __init__(self, draft: Draft, retired: Sequence[Retired]) -> None:
        self.draft = draft
        self.retired = {gone.id: gone for gone in retired}
        self.replaced: dict[str, tuple[str, ...]] = {}
        self.changed = False
        self.lacks_names = False
        self.reason = ""
        # The values are asked for their keys once, and not once an edit.
        self._key = cache(canonical_key)
        self._all_named = all(node.label for node in draft.nodes.values())

    def apply(self, edit: Edit) -> bool:
        """Apply an edit, wholly or not at all; tell whether it changed anything.

        Raises
        ------
        DoesNotApplyError
            If it can't be applied; it says why.
        """
        before, replaced = self.changed, dict(self.replaced)
        self.changed, self.reason = False, ""
        self.draft.begin()
        try:
            getattr(self, f"_{edit.action}")(edit)
        except DoesNotApplyError:
            self.draft.undo()
            self.changed, self.replaced = before, replaced
            raise
        changed, self.changed = self.changed, before or self.changed
        return changed

    # -- finding nodes ----------------------------------------------------------------------------------------------

    def key(self, reference: Reference) -> Reference:
        """Return the id of a node where it can be found, else the reference itself."""
        found = self._find(reference)
        return found.id if found is not None else reference

    def _find(self, reference: Reference) -> Node | None:
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

    def _get(self, reference: Reference) -> Node:
        found = self._find(reference)
        if found is None:
            self.lacks_names = not self._all_named
            self._fail(f"{self._say(reference)} is not in the taxonomy{self._why(reference)}")
        return found

    def _gone(self, reference: Reference) -> Retired | None:
        """Return the retired node that a reference means."""
        if isinstance(reference, str):
            return self.retired.get(reference)
        level = self.draft.top + 1 - len(reference)
        same = [gone for gone in self.retired.values() if (gone.level, gone.label) == (level, reference[-1])]
        return same[0] if len(same) == 1 else None

    def _why(self, reference: Reference) -> str:
        gone = self._gone(reference)
        if gone is None:
            return ""
        heirs = [self._say(heir) for heir in gone.replaced_by]
        return f": it was retired{' and replaced by ' + ' and '.join(heirs) if heirs else ''}"

    def _say(self, reference: Reference) -> str:
        if not isinstance(reference, str):
            return " > ".join(reference)
        node = self.draft.nodes.get(reference) or self.retired.get(reference)
        return f"{reference} ({node.label!r})" if node else reference

    def _child(self, parent: Node | None, level: int, name: str) -> Node:
        """Find a member by id or label, among the children of `parent` where it is given."""
        nodes = self.draft.children(parent.id) if parent else self.draft.nodes.values()
        found = [node for node in nodes if node.level == level and name in (node.id, node.label)]
        if len(found) != 1:
            self.lacks_names = not self._all_named
            problem = f"{len(found)} nodes are" if found else "no node is"
            where = f" under {parent.label!r}" if parent else f" on level {level}"
            self._fail(f"{problem} called {name!r}{where}")
        return found[0]

    def _fail(self, reason: str) -> NoReturn:
        raise DoesNotApplyError(reason)

    # -- changing them ----------------------------------------------------------------------------------------------

    def _set(self, node: Node, **fields: object) -> Node:
        """Change a node by a person's hand."""
        fields["label_source"] = "human"
        if node.has_machine_definition and "definition" not in fields:
            # The label is a person's from now on, the definition is not.
            fields["definition_source"] = node.definition_source or node.label_source
        if all(getattr(node, name) == value for name, value in fields.items()):
            return node
        self.changed = True
        return self.draft.change(node.id, **fields)

    def _refuse_twin(self, parent: str | None, label: str, own: str | None = None) -> None:
        siblings = (
            self.draft.children(parent)
            if parent is not None
            else [node for node in self.draft.nodes.values() if node.parent is None]
        )
        for node in siblings:
            if node.label == label and node.id != own:
                self._fail(f"{node.id} under the same parent is called {label!r}")

    def _under(self, node: Node, parent: Node) -> None:
        """Put a node under a parent; one that loses its last child goes."""
        if node.parent == parent.id:
            self._set(node)
            return
        if parent.level != node.level + 1:
            self._fail(f"{parent.label!r} is on level {parent.level}, not one above level {node.level}")
        self._refuse_twin(parent.id, node.label, node.id)
        left = node.parent
        self._set(node, parent=parent.id, placement=None)
        self._prune(left, parent.id)

    def _prune(self, id: str | None, heir: str | None) -> None:
        """Take out a node without children, and what that leaves without children; the top stays."""
        node = None if id is None else self.draft.nodes.get(id)
        if node is None or node.level == self.draft.top or self.draft.children(node.id):
            return
        self._take_out(node, () if heir is None else (heir,))
        above = self.draft.nodes.get(heir).parent if heir is not None else None  # type: ignore[union-attr]
        self._prune(node.parent, above)

    def _take_out(self, node: Node, heirs: tuple[str, ...]) -> None:
        self.lacks_names = self.lacks_names or not node.label
        self.draft.remove(node.id)
        self.replaced[node.id] = heirs
        self.changed = True

    def _absorb(self, value: Node, other: Node) -> None:
        """Make a value a spelling of another."""
        aliases = tuple(sorted({*value.aliases, other.label, *other.aliases} - {value.label}))
        self._take_out(other, (value.id,))
        awake = {} if other.is_dormant or not value.is_dormant else value.awakened()
        self._set(
            value,
            **awake,
            aliases=aliases,
            weight=round(value.weight + other.weight, 6),
            share=round(value.share + other.share, 6),
            conversations=None,
        )
        self._prune(other.parent, value.parent)

    # -- the actions ------------------------------------------------------------------------------------------------

    def _rename(self, edit: Edit) -> None:
        label = str(edit.to)
        node = self._find(edit.target)
        if node is None and edit.path is not None:
            # Renamed before, it is found under its new name.
            node = self._find((*edit.path[:-1], label))
            if node is not None and node.label_source != "human":
                node = None
        node = node or self._get(edit.target)
        self._refuse_twin(node.parent, label, node.id)
        if node.level == 0:
            other = self._value_of(label)
            if other is not None and other.id != node.id:
                self._fail(f"{label!r} is the value {other.id}: merge the two, or give an alias")
            self._set(node, label=label, aliases=tuple(sorted({*node.aliases, node.label} - {label})))
        elif node.has_machine_definition and node.label != label:
            # It explains the old name.
            self._set(node, label=label, definition="", definition_source=None)
        else:
            self._set(node, label=label)

    def _define(self, edit: Edit) -> None:
        self._set(self._get(edit.target), definition=str(edit.to), definition_source=None)

    def _move(self, edit: Edit) -> None:
        parent = self._get(self._to(edit))
        node = self._find(edit.target)
        if node is None and edit.path is not None:
            moved = [child for child in self.draft.children(parent.id) if child.label == edit.path[-1]]
            node = next((child for child in moved if child.label_source == "human"), None)
        self._under(node or self._get(edit.target), parent)

    def _merge(self, edit: Edit) -> None:
        target = self._get(self._to(edit))
        node = self._find(edit.target)
        if node is None:
            gone = self._gone(edit.target)
            spellings = {mint_id("value", 0, [canonical_key(alias)]) for alias in target.aliases}
            if (gone is not None and target.id in gone.replaced_by) or edit.target in spellings:
                self._set(target)
                return
        node = node or self._get(edit.target)
        if node.id == target.id:
            self._fail("a node can't be merged into itself")
        if node.level != target.level or node.level == self.draft.top:
            self._fail("two nodes of one level below the top can be merged")
        if node.level == 0:
            self._absorb(target, node)
            return
        children = self.draft.children(node.id)
        for child in children:
            self._refuse_twin(target.id, child.label)
        for child in children:
            self.draft.change(child.id, parent=target.id)
        self._take_out(node, (target.id,))
        self._set(target)
        self._prune(node.parent, target.parent)

    def _split(self, edit: Edit) -> None:
        node = self._find(edit.target)
        gone = self._gone(edit.target)
        whole = node.id if node else gone.id if gone else None
        if whole is None:
            self._get(edit.target)
        level = node.level if node else gone.level if gone else None
        ids = [mint_id("edit", level or 0, [str(whole), part.label]) for part in edit.into]
        if all(id in self.draft.nodes for id in ids):
            return
        node = self._get(edit.target)
        if node.level in (0, self.draft.top):
            self._fail("a value or a node of the top can't be split")
        members = [[self._child(node, node.level - 1, name) for name in part.members] for part in edit.into]
        taken = [child.id for part in members for child in part]
        if len(set(taken)) < len(taken):
            self._fail("a child is in two parts")
        rest = {child.id for child in self.draft.children(node.id)} - set(taken)
        if not rest and len(ids) == 1:
            self._fail("the only part takes every child: rename the node")
        for id, part, children in zip(ids, edit.into, members, strict=True):
            # Where all children go, the label of the whole is free again.
            self._refuse_twin(node.parent, part.label, None if rest else node.id)
            self._make(id, node.level, part.label, node.parent)
            for child in children:
                self.draft.change(child.id, parent=id)
        if rest:
            self._set(node)
        else:
            self._take_out(node, tuple(ids))

    def _pin(self, edit: Edit) -> None:
        node = self._get(edit.target)
        if edit.to is not None:
            self._under(node, self._get(edit.to))
        else:
            self._set(node)

    def _alias(self, edit: Edit) -> None:
        node, spelling = self._get(edit.target), clean(str(edit.to))
        if node.level:
            self._fail("a value has aliases, a node above has none")
        other = self._value_of(spelling) or self._value_spelled(spelling, [node]) or node
        if other.id != node.id:
            self.reason = say_taken_in(other.label, other.id)
            self._absorb(node, other)
            node = self.draft.nodes[node.id]
        if spelling != node.label:
            self._set(node, aliases=tuple(sorted({*node.aliases, spelling})))

    def _reject(self, edit: Edit) -> None:
        node = self._find(edit.target)
        if node is None:
            return
        if node.level:
            self._fail("a value can be rejected; merge a node above, or move its children")
        self._take_out(node, ())
        self._prune(node.parent, None)

    def _new(self, edit: Edit) -> None:
        parent, label = self._get(edit.target), str(edit.to)
        level = parent.level - 1
        if level < 0:
            self._fail("a value has no children")
        if (level == 0) == bool(edit.members):
            self._fail("a new value has no members" if edit.members else "a new node above the values needs members")
        if level == 0:
            value = self._value_of(label) or self._value_spelled(label)
            if value is None:
                self._make(mint_id("value", 0, [canonical_key(label)]), level, label, parent.id)
            else:
                # The string came with the data, too: the person's parent holds.
                self._under(value, parent)
            return
        existing = next((child for child in self.draft.children(parent.id) if child.label == label), None)
        id = existing.id if existing else mint_id("edit", level, [parent.id, label])
        members = [self._child(None, level - 1, name) for name in edit.members]
        if existing is None:
            self._make(id, level, label, parent.id)
        for member in members:
            self._under(member, self.draft.nodes[id])

    def _make(self, id: str, level: int, label: str, parent: str | None) -> None:
        if id in self.draft.nodes:
            self._fail(f"the node it would make, {id}, is there under the name {self.draft.nodes[id].label!r}")
        flags = (MADE,) if level == 0 else ()
        node = Node(
            id=id, level=level, label=label, slug=slugify(label), parent=parent, label_source="human", flags=flags
        )
        self.draft.put(node)
        self.changed = True

    def _value_of(self, spelling: str) -> Node | None:
        """Return the value with exactly this spelling."""
        nodes = (node for node in self.draft.nodes.values() if node.level == 0)
        return next((node for node in nodes if spelling in (node.label, *node.aliases)), None)

    def _value_spelled(self, spelling: str, first: Sequence[Node] = ()) -> Node | None:
        """Return the value that a text is a spelling of, by the rule for values; one of `first` where it can be."""
        key = self._key(spelling)
        values = [*first, *(node for node in self.draft.nodes.values() if node.level == 0)]
        return next((node for node in values if key in map(self._key, (node.label, *node.aliases))), None)

    @staticmethod
    def _to(edit: Edit) -> Reference:
        assert edit.to is not None
        return edit.to
