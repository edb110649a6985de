"""What people decided on a node: added to its history, dated, and told in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from taxonomy.model.nodes import Decision, Node, Retired

Dated = TypeVar("Dated", Node, Retired)
# What to say of the node that an edit names, and of another one; `goal` and `node` are what nodes are called.
_WITHOUT = {
    "emptied": "left without children",
    "pin": "kept in its place",
    "reject": "rejected",
    "review": "reviewed",
    "split": "split",
    "unreview": "to be reviewed again",
}
_WITH_A_GOAL = _WITHOUT | {
    "alias": "also spelled {to}",
    "define": "defined: {to}",
    "merge": "merged into {goal}",
    "move": "moved under {goal}",
    "pin": "kept under {goal}",
    "rename": "renamed to {to}",
    "review": "reviewed in version {to}",
}
_OF_ANOTHER = {
    "alias": "taken in by {node}, as {to}",
    "merge": "took in {node}",
    "new": "made under {node}",
    "split": "split off from {node}",
}


def add_decision(history: Sequence[Decision], decision: Decision) -> tuple[Decision, ...]:
    """Return a history with a decision at its end; one that it holds has its note and author updated, if need be."""
    for index, known in enumerate(history):
        if _what(known) == _what(decision):
            update = {"note": decision.note, "author": decision.author}
            return (*history[:index], known.model_copy(update=update), *history[index + 1 :])
    return (*history, decision)


def has_decision(history: Iterable[Decision], decision: Decision) -> bool:
    """Tell whether a history holds a decision, whatever its note and its author."""
    return any(_what(known) == _what(decision) for known in history)


def _what(decision: Decision) -> tuple[str | None, ...]:
    return decision.action, decision.node, decision.to, decision.date


def with_version(entry: Dated, version: str) -> Dated:
    """Return a node or a retired one whose decisions that have no version yet have this one."""
    if all(decision.version for decision in entry.history):
        return entry
    history = (known if known.version else known.model_copy(update={"version": version}) for known in entry.history)
    return entry.model_copy(update={"history": tuple(history)})


def names_by_id(nodes: Iterable[Node], retired: Iterable[Retired]) -> Callable[[str], str]:
    """Return what to call the node of an id: its label, now or last; the id itself where there never was one."""
    labels = {gone.id: gone.label for gone in retired} | {node.id: node.label for node in nodes}
    return lambda id: labels.get(id, id)


def describe_decision(decision: Decision, own: str, name: Callable[[str], str]) -> str:
    """Return what was decided, from the point of view of one node.

    Parameters
    ----------
    decision : Decision
    own : str
        Id of the node in whose history it stands.
    name : callable
        Returns what to call the node of an id.
    """
    said = _OF_ANOTHER if decision.node != own else _WITH_A_GOAL if decision.to else _WITHOUT
    template = said.get(decision.action, decision.action)
    return template.format(to=decision.to, goal=name(decision.to or ""), node=name(decision.node))


def sign_decision(decision: Decision) -> str:
    """Return who decided and when, such as ``kim, 2026-01-31``; empty where neither is known."""
    return ", ".join(part for part in (decision.author, decision.date) if part)
