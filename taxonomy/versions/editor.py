"""One edit applied to a tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taxonomy.model import Node, Retired, mint_id, slugify
from taxonomy.model.draft import Draft
from taxonomy.model.history import add_decision, has_decision
from taxonomy.model.nodes import MADE, Decision
from taxonomy.values import canonical_key, clean
from taxonomy.versions.edits import Edit, Reference, say_taken_in
from taxonomy.versions.identity import fresh_id
from taxonomy.versions.references import DoesNotApplyError, References


class Editor:
    """Applies edits to a draft, and adds them to the history of the nodes that they decide on.

    Parameters
    ----------
    draft : Draft
    retired : sequence of Retired
        Nodes that went before: what was merged or split then is in place.

    Attributes
    ----------
    references : References
    replaced : dict of str to tuple of str
        The ids that were taken out, and what replaces them.
    decisions : dict of str to list of Decision
        What was decided on ids that are retired.
    changed : bool
    reason : str
        What the last edit does beyond its words.
    """

    def __init__(self, draft: Draft, retired: Sequence[Retired]) -> None:
        self.draft = draft
        self.references = References(draft, retired)
        self.replaced: dict[str, tuple[str, ...]] = {}
        self.decisions: dict[str, list[Decision]] = {}
        self.changed = False
        self.reason = ""
        # What the edit at hand decides on: ids, each with the fields of the decision that are not the edit's.
        self._touched: dict[str, dict[str, Any]] = {}

    @property
    def lacks_names(self) -> bool:
        """Whether a node was asked for and not found, or taken out, that may have no name yet."""
        return self.references.lacks_names

    def apply(self, edit: Edit) -> bool:
        """Apply an edit, wholly or not at all; tell whether it changed anything but a history.

        Raises
        ------
        DoesNotApplyError
            If it can't be applied; it says why.
        """
        before, replaced = self.changed, dict(self.replaced)
        self.changed, self.reason, self._touched = False, "", {}
        self.draft.begin()
        decision = self._decision(edit)
        try:
            getattr(self, f"_{edit.action}")(edit)
        except DoesNotApplyError:
            self.draft.undo()
            self.changed, self.replaced = before, replaced
            raise
        changed, self.changed = self.changed, before or self.changed
        self._record(decision)
        return changed

    # -- their record -----------------------------------------------------------------------------------------------

    def _decision(self, edit: Edit) -> Decision:
        to = edit.to
        if to is not None and edit.leads_to_a_node:
            to = self.references.id_of(to) or to
        return Decision(
            action=edit.action,
            node=self.references.id_of(edit.target) or "",
            to=to if to is None or isinstance(to, str) else " > ".join(to),
            note=edit.note,
            author=edit.author,
            date=edit.date,
        )

    def _record(self, decision: Decision) -> None:
        if not decision.node:
            # Found by a path that it has no more, such as a label from before it was renamed.
            decision = decision.model_copy(update={"node": next(iter(self._touched), "")})
        for id, fields in self._touched.items():
            own = decision.model_copy(update=fields)
            node = self.draft.nodes.get(id)
            if node is None:
                self.decisions.setdefault(id, []).append(own)
            elif (history := add_decision(node.history, own)) != node.history:
                self.draft.change(id, history=history)
                self.changed = True

    # -- changing them ----------------------------------------------------------------------------------------------

    def _set(self, node: Node, **fields: object) -> Node:
        """Change a node by a person's hand."""
        self._touched.setdefault(node.id, {})
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
                raise DoesNotApplyError(f"{node.id} under the same parent is called {label!r}")

    def _under(self, node: Node, parent: Node) -> None:
        """Put a node under a parent; one that loses its last child goes."""
        if node.parent == parent.id:
            self._set(node)
            return
        if parent.level != node.level + 1:
            raise DoesNotApplyError(f"{parent.label!r} is on level {parent.level}, not one above level {node.level}")
        self._refuse_twin(parent.id, node.label, node.id)
        left = node.parent
        self._set(node, parent=parent.id, placement=None)
        self._prune(left, parent.id)

    def _prune(self, id: str | None, heir: str | None) -> None:
        """Take out a node without children, and what that leaves without children; the top stays."""
        node = None if id is None else self.draft.nodes.get(id)
        if node is None or node.level == self.draft.top or self.draft.children(node.id):
            return
        self._touched.setdefault(node.id, {"action": "emptied", "node": node.id, "to": None})
        self._take_out(node, () if heir is None else (heir,))
        above = self.draft.nodes.get(heir).parent if heir is not None else None  # type: ignore[union-attr]
        self._prune(node.parent, above)

    def _take_out(self, node: Node, heirs: tuple[str, ...]) -> None:
        self._touched.setdefault(node.id, {})
        self.references.lacks_names = self.references.lacks_names or not node.label
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
        node = self.references.find(edit.target)
        if node is None and edit.path is not None:
            # Renamed before, it is found under its new name.
            node = self.references.find((*edit.path[:-1], label))
            if node is not None and node.label_source != "human":
                node = None
        node = node or self.references.get(edit.target)
        self._refuse_twin(node.parent, label, node.id)
        if node.level == 0:
            other = self.references.value_of(label)
            if other is not None and other.id != node.id:
                raise DoesNotApplyError(f"{label!r} is the value {other.id}: merge the two, or give an alias")
            self._set(node, label=label, aliases=tuple(sorted({*node.aliases, node.label} - {label})))
        elif node.has_machine_definition and node.label != label:
            # It explains the old name.
            self._set(node, label=label, definition="", definition_source=None)
        else:
            self._set(node, label=label)

    def _define(self, edit: Edit) -> None:
        self._set(self.references.get(edit.target), definition=str(edit.to), definition_source=None)

    def _move(self, edit: Edit) -> None:
        parent = self.references.get(self._to(edit))
        node = self.references.find(edit.target)
        if node is None and edit.path is not None:
            moved = [child for child in self.draft.children(parent.id) if child.label == edit.path[-1]]
            node = next((child for child in moved if child.label_source == "human"), None)
        self._under(node or self.references.get(edit.target), parent)

    def _merge(self, edit: Edit) -> None:
        target = self.references.get(self._to(edit))
        node = self.references.find(edit.target)
        if node is None:
            gone = self.references.gone(edit.target)
            spellings = {mint_id("value", 0, [canonical_key(alias)]) for alias in target.aliases}
            if (gone is not None and target.id in gone.replaced_by) or edit.target in spellings:
                self._set(target)
                self._touch_gone(gone)
                return
        node = node or self.references.get(edit.target)
        if node.id == target.id:
            raise DoesNotApplyError("a node can't be merged into itself")
        if node.level != target.level or node.level == self.draft.top:
            raise DoesNotApplyError("two nodes of one level below the top can be merged")
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
        node = self.references.find(edit.target)
        gone = self.references.gone(edit.target)
        whole = node.id if node else gone.id if gone else None
        if whole is None:
            self.references.get(edit.target)
        level = node.level if node else gone.level if gone else None
        ids = [mint_id("edit", level or 0, [str(whole), part.label]) for part in edit.into]
        if all(id in self.draft.nodes for id in ids):
            self._touched |= {id: {} for id in ids}
            self._touch_gone(gone)
            return
        node = self.references.get(edit.target)
        if node.level in (0, self.draft.top):
            raise DoesNotApplyError("a value or a node of the top can't be split")
        members = [[self.references.child(node, node.level - 1, name) for name in part.members] for part in edit.into]
        taken = [child.id for part in members for child in part]
        if len(set(taken)) < len(taken):
            raise DoesNotApplyError("a child is in two parts")
        rest = {child.id for child in self.draft.children(node.id)} - set(taken)
        if not rest and len(ids) == 1:
            raise DoesNotApplyError("the only part takes every child: rename the node")
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
        node = self.references.get(edit.target)
        if edit.to is not None:
            self._under(node, self.references.get(edit.to))
        else:
            self._set(node)

    def _alias(self, edit: Edit) -> None:
        node, spelling = self.references.get(edit.target), clean(str(edit.to))
        if node.level:
            raise DoesNotApplyError("a value has aliases, a node above has none")
        self._touch_gone(self.references.gone_value(spelling, into=node.id))
        other = self.references.value_of(spelling) or self.references.value_spelled(spelling, [node]) or node
        if other.id != node.id:
            self.reason = say_taken_in(other.label, other.id)
            self._absorb(node, other)
            node = self.draft.nodes[node.id]
        if spelling != node.label:
            self._set(node, aliases=tuple(sorted({*node.aliases, spelling})))

    def _reject(self, edit: Edit) -> None:
        node = self.references.find(edit.target)
        if node is None:
            self._touch_gone(self.references.gone(edit.target))
            return
        if node.level:
            raise DoesNotApplyError("a value can be rejected; merge a node above, or move its children")
        self._take_out(node, ())
        self._prune(node.parent, None)

    def _new(self, edit: Edit) -> None:
        parent, label = self.references.get(edit.target), str(edit.to)
        level = parent.level - 1
        if level < 0:
            raise DoesNotApplyError("a value has no children")
        if (level == 0) == bool(edit.members):
            raise DoesNotApplyError(
                "a new value has no members" if edit.members else "a new node above the values needs members"
            )
        if level == 0:
            value = self.references.value_of(label) or self.references.value_spelled(label)
            if value is None:
                self._make(fresh_id("value", 0, [canonical_key(label)], set(self.draft.nodes)), level, label, parent.id)
            else:
                # The string came with the data, too: the person's parent holds.
                self._under(value, parent)
            return
        existing = next((child for child in self.draft.children(parent.id) if child.label == label), None)
        id = existing.id if existing else mint_id("edit", level, [parent.id, label])
        members = [self.references.child(None, level - 1, name) for name in edit.members]
        if existing is None:
            self._make(id, level, label, parent.id)
        for member in members:
            self._touched[member.id] = {"action": "move", "node": member.id, "to": id}
            self._under(member, self.draft.nodes[id])

    def _review(self, edit: Edit) -> None:
        self._mark(edit, reviewed=True)

    def _unreview(self, edit: Edit) -> None:
        self._mark(edit, reviewed=False)

    def _mark(self, edit: Edit, *, reviewed: bool) -> None:
        """Mark a node and all below it; once, since what changes later is not what was reviewed."""
        node = self.references.get(edit.target)
        self._touched[node.id] = {}
        if has_decision(node.history, self._decision(edit)):
            return
        for id in [node.id, *self.draft.below(node.id)]:
            if self.draft.nodes[id].reviewed != reviewed:
                self.draft.change(id, reviewed=reviewed)
                self.changed = True

    def _touch_gone(self, gone: Retired | None) -> None:
        if gone is not None:
            self._touched.setdefault(gone.id, {})

    def _make(self, id: str, level: int, label: str, parent: str | None) -> None:
        if id in self.draft.nodes:
            raise DoesNotApplyError(
                f"the node it would make, {id}, is there under the name {self.draft.nodes[id].label!r}"
            )
        flags = (MADE,) if level == 0 else ()
        gone = self.references.retired.get(id)
        node = Node(
            id=id,
            level=level,
            label=label,
            slug=slugify(label),
            parent=parent,
            label_source="human",
            flags=flags,
            history=gone.history if gone else (),
        )
        self._touched.setdefault(id, {})
        self.draft.put(node)
        self.changed = True

    @staticmethod
    def _to(edit: Edit) -> Reference:
        assert edit.to is not None
        return edit.to
