"""Scope notes: what a node covers, and where what borders on it is.

"Covers candor, plain speech and 86 more. For tact, see Diplomacy, under Social." Which values it names is chosen when
it is written; the number, and the names of the nodes that it points to, follow the tree.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from taxonomy.english.polarity import are_few, polarity_of
from taxonomy.model.nodes import Node

_MOST_WORDS = 30
_NOWHERE = "It points to no other node of its level."
_FORM = re.compile(
    r"Covers (?:[\d,]+ values?|(?P<shown>[^.;]+?)(?: and (?:[\d,]+ more|nothing else))?)"
    r"(?:, [\d,]+ of them (?:a vice|vices))?\. "
    rf"(?:For (?P<beside>.+?), see .+\.|{re.escape(_NOWHERE)})"
)
_LISTED = re.compile(r", | and ")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a scope note names.

    Attributes
    ----------
    shown : tuple of str
        Values of the node.
    beside : str
        A value of the node that it points to; empty where it points to none.
    """

    shown: tuple[str, ...]
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A node that a scope note points to, by its label and that of its parent, which is empty at the top."""

    label: str
    parent: str = ""


def read_scope(definition: str) -> Scope | None:
    """Return what a scope note names, None for another definition."""
    found = _FORM.fullmatch(definition)
    if found is None:
        return None
    return Scope(tuple(_LISTED.split(found["shown"])) if found["shown"] else (), found["beside"] or "")


def write_scope_note(scope: Scope, n_values: int, n_vices: int = 0, place: Place | None = None) -> str:
    """Return a scope note of 10 to 30 words, as far as the names in it allow.

    Parameters
    ----------
    scope : Scope
    n_values : int
        How many values the node has.
    n_vices : int
        How many of them are vices among values, which are not shown.
    place : Place, optional
        Where the value beside is; without it the note points to no other node.

    Examples
    --------
    >>> write_scope_note(Scope(("candor", "plain speech"), "tact"), 88, place=Place("Diplomacy", "Social"))
    'Covers candor, plain speech and 86 more. For tact, see Diplomacy, under Social.'
    >>> write_scope_note(Scope(("candor",)), 3, 1)
    'Covers candor and 2 more, 1 of them a vice. It points to no other node of its level.'
    """
    covers = f"Covers {_listed(scope.shown, n_values)}{_vices(n_vices)}."
    if place is None:
        return f"{covers} {_NOWHERE}"
    here = f"For {scope.beside}, see {place.label}"
    long = f"{covers} {here}, {f'under {place.parent}' if place.parent else 'beside it'}."
    return long if len(long.split()) <= _MOST_WORDS else f"{covers} {here}."


class ScopeNotes:
    """The scope notes of a tree, as they read today.

    Parameters
    ----------
    nodes : mapping of str to Node
        All nodes, by id.
    """

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self._nodes = nodes

    def current(self) -> dict[str, str]:
        """Return the scope notes that machines wrote, as of this tree, by id of the node."""
        notes = ((node, read_scope(node.definition)) for node in self._nodes.values() if node.level)
        scopes = {node.id: scope for node, scope in notes if scope is not None and node.has_machine_definition}
        return {id: self.write(id, scope) for id, scope in scopes.items()}

    def write(self, id: str, scope: Scope) -> str:
        """Return the scope note of a node."""
        n_values, n_vices = (counts[id] for counts in self._counts)
        place = self._place(id, scope.beside)
        return write_scope_note(scope, n_values, n_vices if are_few(n_vices, n_values) else 0, place)

    def _place(self, id: str, value: str) -> Place | None:
        """Return where a value is on the level of a node, None where it is not elsewhere."""
        node = self._live_values.get(value.casefold())
        while node is not None and node.level < self._nodes[id].level:
            node = self._nodes.get(node.parent or "")
        if node is None or node.id == id:
            return None
        above = self._nodes.get(node.parent or "")
        return Place(node.label, above.label if above else "")

    @cached_property
    def _live(self) -> list[Node]:
        return [node for node in self._nodes.values() if node.level == 0 and not node.is_dormant]

    @cached_property
    def _live_values(self) -> dict[str, Node]:
        return {spelling.casefold(): value for value in self._live for spelling in (*value.aliases, value.label)}

    @cached_property
    def _counts(self) -> tuple[Counter[str], Counter[str]]:
        """How many values that are not dormant are below each node, and how many of these are vices."""
        vices = [value for value in self._live if polarity_of(value.label) == "vice"]
        counts = Counter(value.parent or "" for value in self._live), Counter(value.parent or "" for value in vices)
        inner = (node for node in self._nodes.values() if node.level)
        for node in sorted(inner, key=lambda node: node.level):
            for below in counts:
                below[node.parent or ""] += below[node.id]
        return counts


def is_same_scope(old: str, new: str) -> bool:
    """Tell whether two definitions are scope notes that name the same values."""
    scope = read_scope(old)
    return scope is not None and scope == read_scope(new)


def said_of_members(definition: str) -> str:
    """Return the part of a definition that speaks of the node's own values: all of it, but for a scope note."""
    scope = read_scope(definition)
    return definition if scope is None else ", ".join(scope.shown)


def _listed(shown: Sequence[str], n_values: int) -> str:
    if not shown:
        return f"{n_values:,} value{'s' if n_values != 1 else ''}"
    rest = n_values - len(shown)
    if rest <= 0:
        return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else f"{shown[0]} and nothing else"
    return f"{', '.join(shown)} and {rest:,} more"


def _vices(count: int) -> str:
    if not count:
        return ""
    return f", {count:,} of them {'a vice' if count == 1 else 'vices'}"
