"""Scope notes: what a node covers, and where what borders on it is.

"Covers candor, plain speech and 86 more. For tact, see Diplomacy, under Social." Which values it names is chosen when
it is written; the number, and the names of the nodes that it points to, follow the tree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from taxonomy.english.polarity import polarity_of
from taxonomy.model.nodes import Node

if TYPE_CHECKING:
    from taxonomy.model.draft import Draft

MOST_WORDS = 30
_FORM = re.compile(
    r"Covers (?:(?P<unnamed>[\d,]+ values?)|(?P<shown>[^.;]+?)(?: and (?:[\d,]+ more|nothing else))?)"
    r"(?:, [\d,]+ of them (?:a vice|vices))?\.(?: For (?P<beside>.+?), see .+\.| Nothing borders on it on its level\.)?"
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
        How many of those that are not shown are vices among values.
    place : Place, optional
        Where the value beside is; without it nothing borders on the node.

    Examples
    --------
    >>> write_scope_note(Scope(("candor", "plain speech"), "tact"), 88, place=Place("Diplomacy", "Social"))
    'Covers candor, plain speech and 86 more. For tact, see Diplomacy, under Social.'
    >>> write_scope_note(Scope(("candor",)), 3, 1)
    'Covers candor and 2 more, 1 of them a vice. Nothing borders on it on its level.'
    """
    covers = f"Covers {_listed(scope.shown, n_values)}{_vices(n_vices)}."
    if place is None:
        return f"{covers} Nothing borders on it on its level."
    here = f"For {scope.beside}, see {place.label}"
    long = f"{covers} {here}, {f'under {place.parent}' if place.parent else 'beside it'}."
    return long if len(long.split()) <= MOST_WORDS else f"{covers} {here}."


class ScopeNotes:
    """The scope notes of a draft, as they read today."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def current(self) -> dict[str, str]:
        """Return the scope notes that machines wrote, as of this tree, by id of the node."""
        notes = ((node, read_scope(node.definition)) for node in self._draft.nodes.values() if node.level)
        scopes = {node.id: scope for node, scope in notes if scope is not None and node.has_machine_definition}
        return {id: self.write(id, scope) for id, scope in scopes.items()}

    def write(self, id: str, scope: Scope) -> str:
        """Return the scope note of a node."""
        labels = [value.label.casefold() for value in self._draft.leaves(id) if not value.is_dormant]
        vices = {label for label in labels if polarity_of(label) == "vice"}
        among = vices - {text.casefold() for text in scope.shown} if 2 * len(vices) < len(labels) else ()
        place = self._place(id, scope.beside)
        # What it pointed to has gone, or is in the node now.
        scope = scope if place is not None else replace(scope, beside="")
        return write_scope_note(scope, len(labels), len(among), place)

    def _place(self, id: str, value: str) -> Place | None:
        """Return where a value is on the level of a node, None where it is not elsewhere."""
        nodes = self._draft.nodes
        node = self._live_values.get(value.casefold())
        while node is not None and node.level < nodes[id].level:
            node = nodes.get(node.parent or "")
        if node is None or node.id == id:
            return None
        return Place(node.label, nodes[node.parent].label if node.parent in nodes else "")

    @cached_property
    def _live_values(self) -> dict[str, Node]:
        return {value.label.casefold(): value for value in self._draft.level(0) if not value.is_dormant}


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
