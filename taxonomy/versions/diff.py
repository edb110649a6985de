"""What changed between two versions, in the names of KGCL where it has one, and enough of it to make the new one.

KGCL is the Knowledge Graph Change Language (Hegde et al. 2025, "A change language for ontologies and knowledge
graphs"). `NodeSplit`, `NodeDormancy`, `NodeRevival`, `NodeRecount` and `NodeReview` are ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from taxonomy.errors import InputError, check_type
from taxonomy.model import Node, Retired, Taxonomy
from taxonomy.model.nodes import DORMANT
from taxonomy.model.scope_notes import is_same_scope
from taxonomy.versions.number import Bump, bump
from taxonomy.versions.reasons import Reason, Reasons
from taxonomy.versions.retirement import find_successors

# Kinds of change, in the order of the text, and the types that belong to each.
KINDS: dict[str, tuple[str, ...]] = {
    "added": ("NodeCreation", "NodeUnobsoletion"),
    "retired": (
        "NodeObsoletion",
        "NodeObsoletionWithDirectReplacement",
        "NodeObsoletionWithNoDirectReplacement",
        "NodeDeletion",
    ),
    "merged": ("NodeDirectMerge",),
    "split": ("NodeSplit",),
    "moved": ("NodeMove",),
    "renamed": ("NodeRename",),
    "redefined": ("NewTextDefinition", "RemoveTextDefinition", "TextDefinitionReplacement"),
    "respelled": ("NewSynonym", "RemoveSynonym"),
    "dormant": ("NodeDormancy",),
    "revived": ("NodeRevival",),
    "recounted": ("NodeRecount",),
    "annotated": ("NodeAnnotationChange",),
    "reviewed": ("NodeReview",),
}
# Nearly every node may have one of these, and none of them changes what a node is: they are counted.
COUNTED = ("recounted", "annotated", "reviewed")
_KIND_OF = {type: kind for kind, types in KINDS.items() for type in types}
_TYPE_OF_FIELD = {
    "label": "NodeRename",
    "parent": "NodeMove",
    "weight": "NodeRecount",
    "share": "NodeRecount",
    "conversations": "NodeRecount",
    "reviewed": "NodeReview",
}
_HEADER = tuple(name for name in Taxonomy.model_fields if name != "nodes")


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one node.

    Attributes
    ----------
    type : str
        Its name in the Knowledge Graph Change Language (KGCL), such as ``NodeMove``. ``NodeSplit``,
        ``NodeDormancy``, ``NodeRevival``, ``NodeRecount`` and ``NodeReview`` are not in KGCL.
    id, label : str
        The node, by its new label, or its last one.
    level : int
    domain : str
        Label of the top node that it is under, or was.
    field : str
        The field of `Node` that changed; empty for a node that came, went or was split.
    old, new : object
        The field before and after; `new` is the `Node` for one that came, and the ids in its place for one that went
        or was split.
    reason : {"edit", "data", "rebuild"}
        Why: a person decided it, values came, went or counted otherwise, or the tree was clustered or named anew.
    note : str
        What the person who decided it says: note, author and date.
    reviewed : bool
        Whether the node is reviewed in the new version; False for one that went.
    """

    type: str
    id: str
    label: str
    level: int
    domain: str
    field: str = ""
    old: Any = None
    new: Any = None
    reason: Reason = "rebuild"
    note: str = ""
    reviewed: bool = False

    @property
    def kind(self) -> str:
        """What a person calls it.

        One of ``added``, ``retired``, ``merged``, ``split``, ``moved``, ``renamed``, ``redefined``, ``respelled``,
        ``dormant``, ``revived``, ``recounted``, ``annotated`` and ``reviewed``.
        """
        return _KIND_OF[self.type]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types."""
        plain = {name: _plain(getattr(self, name)) for name in self.__slots__}
        return {name: value for name, value in plain.items() if value not in (None, "")}


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed between two versions of a taxonomy.

    Attributes
    ----------
    old_version, new_version : str
    old_digest : str
        Of the nodes of the old version.
    bump : {"major", "minor", "patch"} or None
        What the change means by the version rule.
    changes : tuple of Change
        Top first, then by label, retired nodes last. Each has `kind`, `type`, `id`, `label`, `field`, `old` and `new`.
    header : mapping of str to object
        The fields of the new version other than its nodes.
    labels : mapping of str to str
        Of every node named in `changes`.
    has_reviews : bool
        Whether a node of the new version is reviewed.
    """

    old_version: str
    new_version: str
    old_digest: str
    bump: Bump | None
    changes: tuple[Change, ...]
    header: Mapping[str, Any]
    labels: Mapping[str, str]
    has_reviews: bool

    @classmethod
    def between(cls, old: Taxonomy, new: Taxonomy) -> Diff:
        """Compare two versions, by id."""
        for name, tree in (("old", old), ("new", new)):
            check_type(tree, Taxonomy, name, "give a Taxonomy, as taxonomy.read returns it")
        labels = {gone.id: gone.label for gone in new.retired} | {
            node.id: node.label for node in (*old.nodes, *new.nodes)
        }
        return cls(
            old_version=old.version,
            new_version=new.version,
            old_digest=old.compute_digest(),
            bump=bump(old, new),
            changes=tuple(_changes(old, new)),
            header={name: getattr(new, name) for name in _HEADER},
            labels=labels,
            has_reviews=any(node.reviewed for node in new.nodes),
        )

    @property
    def listed(self) -> tuple[Change, ...]:
        """The changes of what nodes are: all but recounts, annotations and reviews."""
        return tuple(change for change in self.changes if change.kind not in COUNTED)

    def lacks_review(self, change: Change) -> bool:
        """Tell whether a listed change is one of a node that is there and not reviewed, once there are reviews."""
        is_there = change.kind not in ("retired", "merged", "split")
        return self.has_reviews and is_there and change.kind not in COUNTED and not change.reviewed

    def counts(self, domain: str | None = None) -> dict[str, int]:
        """Return how many nodes changed, by `Change.kind`; of one domain, by its label, where it is given."""
        changed = {(change.kind, change.id) for change in self.changes if domain in (None, change.domain)}
        counts = Counter(kind for kind, _ in changed)
        return {kind: counts[kind] for kind in KINDS if counts[kind]}

    def to_dict(self, *, all: bool = True) -> dict[str, Any]:
        """Return plain dicts, lists and numbers; without `all`, recounts, annotations and reviews are counted alone."""
        return {
            "old_version": self.old_version,
            "new_version": self.new_version,
            "change": self.bump,
            "counts": self.counts(),
            "changes": [change.to_dict() for change in (self.changes if all else self.listed)],
        }

    def apply(self, old: Taxonomy) -> Taxonomy:
        """Return the new version.

        Raises
        ------
        InputError
            If `old` is not the version that the difference starts from.
        """
        if old.compute_digest() != self.old_digest:
            raise InputError(
                f"the taxonomy {old.id} {old.version} is not the one that this difference starts from",
                remedy=f"apply it to version {self.old_version}",
            )
        nodes = {node.id: node for node in old.nodes}
        fields: dict[str, dict[str, Any]] = {}
        for change in self.changes:
            if isinstance(change.new, Node):
                nodes[change.id] = change.new
            elif change.kind in ("retired", "merged"):
                del nodes[change.id]
            elif change.kind == "respelled":
                aliases = set(fields.setdefault(change.id, {}).get("aliases", nodes[change.id].aliases))
                aliases = aliases - {change.old} if change.type == "RemoveSynonym" else aliases | {change.new}
                fields[change.id]["aliases"] = tuple(sorted(aliases))
            elif change.field:
                fields.setdefault(change.id, {})[change.field] = change.new
        for id, update in fields.items():
            nodes[id] = nodes[id].model_copy(update=update)
        ordered = sorted(nodes.values(), key=lambda node: (-node.level, node.label, node.id))
        return Taxonomy(nodes=tuple(ordered), **self.header)


def _changes(old: Taxonomy, new: Taxonomy) -> Iterator[Change]:
    before = {node.id: node for node in old.nodes}
    after = {node.id: node for node in new.nodes}
    retired = {gone.id: gone for gone in new.retired}
    once = {gone.id for gone in old.retired}
    domains = _domains(old) | _domains(new)
    reasons = Reasons(old, new)

    def change(type: str, node: Node, field: str = "", old: Any = None, new: Any = None) -> Change:
        reason, note = reasons.of(node.id, _KIND_OF[type])
        reviewed = node.id in after and after[node.id].reviewed
        return Change(type, node.id, node.label, node.level, domains[node.id], field, old, new, reason, note, reviewed)

    for node in new.nodes:
        if node.id not in before:
            yield change("NodeUnobsoletion" if node.id in once else "NodeCreation", node, new=node)
            continue
        was = before[node.id]
        for field in Node.model_fields:
            old_field, new_field = getattr(was, field), getattr(node, field)
            if old_field != new_field:
                yield from (
                    change(type, node, field, *pair) for type, *pair in _field_changes(field, old_field, new_field)
                )
    for node in old.nodes:
        if node.id not in after:
            gone = retired.get(node.id)
            successors = () if gone is None else gone.replaced_by
            yield change(_type_of_end(gone, before, after), node, new=successors)
    inner = [node for node in old.nodes if 0 < node.level < len(old.levels) - 1]
    for id, successors in find_successors(old.nodes, new.nodes, inner).items():
        parts = retired[id].replaced_by if id in retired else successors
        if len(parts) > 1 and (id not in after or any(part not in before for part in parts)):
            yield change("NodeSplit", after.get(id, before[id]), new=parts)


def _field_changes(field: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    if field == "aliases" and (tuple(sorted(set(old))), tuple(sorted(set(new)))) == (old, new):
        yield from (("RemoveSynonym", alias, None) for alias in old if alias not in new)
        yield from (("NewSynonym", None, alias) for alias in new if alias not in old)
    elif field == "flags" and (DORMANT in old) != (DORMANT in new):
        yield "NodeDormancy" if DORMANT in new else "NodeRevival", old, new
    elif field == "definition" and is_same_scope(old, new):
        # Its numbers and the names of the nodes that it points to follow the tree.
        yield "NodeAnnotationChange", old, new
    elif field == "definition":
        yield (
            "TextDefinitionReplacement" if old and new else "NewTextDefinition" if new else "RemoveTextDefinition",
            old,
            new,
        )
    else:
        yield _TYPE_OF_FIELD.get(field, "NodeAnnotationChange"), old, new


def _type_of_end(gone: Retired | None, before: Mapping[str, Node], after: Mapping[str, Node]) -> str:
    if gone is None:
        return "NodeDeletion"
    if not gone.replaced_by:
        return "NodeObsoletion"
    if len(gone.replaced_by) > 1:
        return "NodeObsoletionWithNoDirectReplacement"
    successor = gone.replaced_by[0]
    return "NodeDirectMerge" if successor in before and successor in after else "NodeObsoletionWithDirectReplacement"


def _domains(tree: Taxonomy) -> dict[str, str]:
    labels = {node.id: node.label for node in tree.nodes}
    return {id: labels[top] for id, top in tree.top_ids.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return list(value) if isinstance(value, tuple) else value
