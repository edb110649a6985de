"""What the page knows, as plain lists: a column a field, nodes by their position in `tree.nodes`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from taxonomy.model import Node, Retired, Taxonomy
from taxonomy.model.history import describe_decision, names_by_id, sign_decision
from taxonomy.quality.findings import UNSTABLE, VECTOR_CHECKS, list_findings
from taxonomy.versions.diff import Change, Diff
from taxonomy.views.page.nearest import nearest_elsewhere

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from taxonomy.quality.vectors import TreeVectors

# The map's coordinates, from -1 to 1, in whole steps.
_STEPS = 10_000


def page_data(
    tree: Taxonomy,
    *,
    vectors: TreeVectors | None,
    points: NDArray[np.float64] | None,
    old: Taxonomy | None,
) -> dict[str, Any]:
    """Return plain lists, dicts, strings and numbers; parameters as for `taxonomy_page`."""
    position = {node.id: index for index, node in enumerate(tree.nodes)}
    provenance = tree.provenance
    name = names_by_id(tree.nodes, tree.retired)
    return {
        "title": tree.title or tree.id,
        "id": tree.id,
        "version": tree.version,
        "digest": tree.digest,
        "unit": tree.weight_unit,
        "levels": [level.name for level in tree.levels],
        "previous": (provenance.previous or {}).get("version"),
        "method": provenance.method,
        "model": provenance.model.name if provenance.model else None,
        "labeller": provenance.labeller,
        "nodes": _columns(tree, position, vectors),
        "map": None if points is None else (points * _STEPS).round().astype(int).tolist(),
        "findings": [
            [finding.code, position[finding.node], finding.message] for finding in list_findings(tree, vectors)
        ],
        "unchecked": [] if vectors is not None else sorted(VECTOR_CHECKS),
        "unstable": UNSTABLE,
        "retired": [
            [gone.id, gone.label, gone.level, gone.since, list(gone.replaced_by), _history(gone, name)]
            for gone in tree.retired
        ],
        "diff": None if old is None else _diff(old, tree, position),
    }


def _columns(tree: Taxonomy, position: Mapping[str, int], vectors: TreeVectors | None) -> dict[str, Any]:
    name = names_by_id(tree.nodes, tree.retired)
    near = None if vectors is None else nearest_elsewhere(tree, vectors.values)

    def column(field: Callable[[Node], Any]) -> list[Any]:
        return [field(node) for node in tree.nodes]

    def sparse(field: Callable[[Node], Any]) -> dict[int, Any]:
        found = ((index, field(node)) for index, node in enumerate(tree.nodes))
        return {index: value for index, value in found if value not in (None, "", ())}

    return {
        "id": column(lambda node: node.id),
        "level": column(lambda node: node.level),
        "label": column(lambda node: node.label),
        "parent": column(lambda node: -1 if node.parent is None else position[node.parent]),
        "weight": column(lambda node: node.weight),
        "share": column(lambda node: node.share),
        "definition": sparse(lambda node: node.definition),
        "aliases": sparse(lambda node: node.aliases),
        "flags": sparse(lambda node: node.flags),
        "polarity": sparse(lambda node: "".join(node.polarity_mark)),
        "reviewed": sparse(lambda node: node.reviewed or None),
        "history": sparse(lambda node: _history(node, name) or None),
        "source": column(lambda node: node.label_source),
        "rank": sparse(lambda node: node.label_rank),
        "covered": sparse(lambda node: node.label_fit.covered if node.label_fit else None),
        "stability": column(lambda node: node.stability),
        "confidence": column(lambda node: node.placement.confidence if node.placement else None),
        # Of an imported tree the runner-up may be a node that is not in it.
        "second": column(lambda node: position.get(node.placement.second_parent or "", -1) if node.placement else -1),
        "votes": sparse(lambda node: node.placement.votes if node.placement else None),
        "conversations": sparse(
            lambda node: list(node.conversations.model_dump().values()) if node.conversations else None
        ),
        "near": None if near is None else column(lambda node: [position[id] for id in near.get(node.id, ())]),
    }


def _history(entry: Node | Retired, name: Callable[[str], str]) -> list[list[str]]:
    """Return what people decided: version, what, why, and by whom and when."""
    return [
        [decision.version, describe_decision(decision, entry.id, name), decision.note, sign_decision(decision)]
        for decision in entry.history
    ]


def _diff(old: Taxonomy, new: Taxonomy, position: Mapping[str, int]) -> dict[str, Any]:
    diff = Diff.between(old, new)
    return {
        "old_version": diff.old_version,
        "new_version": diff.new_version,
        "bump": diff.bump,
        "counts": diff.counts(),
        "changes": [
            [
                change.kind,
                position.get(change.id),
                change.id,
                change.label,
                change.level,
                _say(diff, change),
                _why(change),
            ]
            for change in diff.listed
        ],
    }


def _why(change: Change) -> str:
    return f"by {change.reason}" + (f": {change.note}" if change.note else "")


def _say(diff: Diff, change: Change) -> str:
    """Return what happened to a node, to stand after its label."""

    def name(id: str | None) -> str:
        return "nothing" if id is None else diff.labels.get(id, id)

    if change.kind == "added":
        return f"under {name(change.new.parent)}" if change.new.parent else "at the top"
    if change.kind == "retired":
        return f"replaced by {' and '.join(map(name, change.new)) or 'nothing'}"
    if change.kind in ("merged", "split"):
        return f"into {' and '.join(map(name, change.new))}"
    if change.kind == "moved":
        return f"from {name(change.old)} to {name(change.new)}"
    if change.kind == "renamed":
        return f"was {change.old}"
    if change.kind == "respelled":
        return f"also {change.new}" if change.new else f"no longer {change.old}"
    if change.kind in ("dormant", "revived"):
        return "is no longer in the input" if change.kind == "dormant" else "is in the input again"
    return f"was defined as: {change.old}" if change.old else "has a definition now"
