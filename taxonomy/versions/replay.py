"""Edits applied to a tree, in the order of their file.

An edit is replayed by every build, so what is in place already is left as it is. One that no longer applies is reported
and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from taxonomy.errors import check_type
from taxonomy.model import Retired, Taxonomy
from taxonomy.model.draft import Draft
from taxonomy.model.nodes import Decision
from taxonomy.versions.conflicts import find_superseded, refuse_contradictions
from taxonomy.versions.editor import Editor
from taxonomy.versions.edits import Edit
from taxonomy.versions.references import DoesNotApplyError
from taxonomy.versions.retirement import succeed
from taxonomy.versions.staleness import empty_stale_definitions

Status = Literal["applied", "in place", "superseded", "does not apply"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an edit, and why; or what it does beyond its words."""

    edit: Edit
    status: Status
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Replay:
    """What edits did to a tree.

    Attributes
    ----------
    outcomes : tuple of Outcome
        One an edit, in their order.
    replaced : mapping of str to tuple of str
        The ids that edits took out, and what replaces them.
    decisions : mapping of str to sequence of Decision
        What edits decided on ids that are retired.
    changed : bool
        Whether they changed anything.
    lacks_names : bool
        Whether one of them asks for a node that was not found, or takes one out, while nodes have no name yet.
    """

    outcomes: tuple[Outcome, ...]
    replaced: Mapping[str, tuple[str, ...]]
    decisions: Mapping[str, Sequence[Decision]]
    changed: bool
    lacks_names: bool


def replay_edits(draft: Draft, edits: Sequence[Edit], retired: Sequence[Retired] = ()) -> Replay:
    """Apply edits to a tree.

    Parameters
    ----------
    draft : Draft
        Changed in place.
    edits : sequence of Edit
    retired : sequence of Retired
        Nodes that went before: what was merged or split then is in place.

    Returns
    -------
    Replay

    Raises
    ------
    EditsError
        If two edits contradict each other; it names both lines.
    """
    editor = Editor(draft, retired)
    key = editor.references.key
    superseded = find_superseded(edits, key, draft.nodes)
    refuse_contradictions([edit for edit, by in zip(edits, superseded, strict=True) if by is None], key)
    outcomes = []
    for edit, by in zip(edits, superseded, strict=True):
        if by is not None:
            outcomes.append(Outcome(edit, "superseded", f"by line {by.line}" if by.line else "by a later one"))
            continue
        try:
            status: Status = "applied" if editor.apply(edit) else "in place"
            outcomes.append(Outcome(edit, status, editor.reason))
        except DoesNotApplyError as error:
            outcomes.append(Outcome(edit, "does not apply", str(error)))
    return Replay(tuple(outcomes), editor.replaced, editor.decisions, editor.changed, editor.lacks_names)


def with_reasons(outcomes: Sequence[Outcome], reasons: Mapping[Edit, str]) -> tuple[Outcome, ...]:
    """Return outcomes with what their edits did before the replay."""
    return tuple(
        replace(outcome, reason=outcome.reason or reasons.get(outcome.edit, ""))
        if outcome.status in ("applied", "in place")
        else outcome
        for outcome in outcomes
    )


def apply_edits(tree: Taxonomy, edits: Sequence[Edit]) -> tuple[Taxonomy, tuple[Outcome, ...]]:
    """Apply edits to a taxonomy, which makes it the next version.

    Parameters
    ----------
    tree : Taxonomy
    edits : sequence of Edit

    Returns
    -------
    tree : Taxonomy
        The same, if every edit was in place.
    outcomes : tuple of Outcome

    Raises
    ------
    EditsError
        If two edits contradict each other.
    """
    check_type(tree, Taxonomy, "tree", "give a Taxonomy, as taxonomy.read returns it")
    draft = Draft(tree.nodes)
    replay = replay_edits(draft, edits, tree.retired)
    if replay.changed:
        empty_stale_definitions(draft, tree.nodes)
    edited = tree.with_nodes(draft.finish()) if replay.changed else tree
    return succeed(tree, edited, replay.replaced, replay.decisions), replay.outcomes
