"""A person's decisions; `edits_file` reads and writes them, `replay` applies them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from taxonomy.errors import EditsError
from taxonomy.model import Taxonomy
from taxonomy.values import Value, ValueSet, clean, label_problem, reason_to_reject
from taxonomy.versions.identity import value_ids

Action = Literal["rename", "define", "move", "merge", "split", "pin", "alias", "reject", "new", "review", "unreview"]
Reference = str | tuple[str, ...]
# What each action takes besides its node: True where it must be given.
_TAKES: dict[str, dict[str, bool]] = {
    "rename": {"to": True},
    "define": {"to": True},
    "move": {"to": True},
    "merge": {"to": True},
    "split": {"into": True},
    "pin": {"to": False},
    "alias": {"to": True},
    "reject": {},
    "new": {"to": True, "members": False},
    "review": {"to": False},
    "unreview": {"to": False},
}
_TO_A_NODE = ("move", "merge", "pin")


class Part(BaseModel):
    """A node that a split makes: its label, and the children it takes, by id or label."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    members: tuple[str, ...]


class Edit(BaseModel):
    """One decision.

    Attributes
    ----------
    action : str
    node : str, optional
        Id of the node; for ``new``, of the parent.
    path : tuple of str, optional
        Or its labels from the top down.
    to : str or tuple of str, optional
        The new label (rename, new), the definition (define), the other spelling (alias), the version that was looked
        at (review, unreview), or a node by id or path: the parent (move, pin) or the node that goes on (merge).
    into : tuple of Part
        The parts of a split; children that no part takes stay.
    members : tuple of str
        Children of a new node, by id or label; none for a new value.
    note, author, date : str
        Why, who, and the day as YYYY-MM-DD: they stand in the node's history.
    line : int
        Of the file, from 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Action
    node: str | None = None
    path: tuple[str, ...] | None = None
    to: Reference | None = None
    into: tuple[Part, ...] = ()
    members: tuple[str, ...] = ()
    note: str = ""
    author: str = ""
    date: str = ""
    line: int = 0

    @field_validator("date", mode="before")
    @classmethod
    def _date(cls, value: object) -> object:
        if isinstance(value, datetime.datetime):
            value = value.date()
        if isinstance(value, datetime.date):
            return value.isoformat()
        if value and not (isinstance(value, str) and _is_day(value)):
            raise ValueError(f"is {value!r}, and not a day such as 2026-01-31")
        return value

    @model_validator(mode="after")
    def _fits_its_action(self) -> Edit:
        if (self.node is None) == (self.path is None):
            raise ValueError("give either node, an id, or path, labels from the top down")
        if self.path == () or self.node == "":
            raise ValueError("the node is empty")
        takes = _TAKES[self.action]
        for name in ("to", "into", "members"):
            given = bool(getattr(self, name))
            if given and name not in takes:
                raise ValueError(f"{self.action} takes no {name}")
            if not given and takes.get(name):
                raise ValueError(f"{self.action} needs {name}")
        if isinstance(self.to, tuple) and not self.leads_to_a_node:
            raise ValueError(f"to of {self.action} is one text")
        if isinstance(self.to, str) and not self.to.strip():
            raise ValueError("to is empty")
        if any(not part.label.strip() or not part.members for part in self.into):
            raise ValueError("each part of a split has a label and members")
        return self

    @model_validator(mode="after")
    def _names_what_can_be_named(self) -> Edit:
        labels = [("label of a part", part.label) for part in self.into]
        if self.action in ("rename", "new"):
            labels.append(("to", str(self.to)))
        for what, label in labels:
            if problem := label_problem(label):
                raise ValueError(f"{what} {problem}")
        if self.action == "alias":
            spelling = str(self.to)
            if reason := reason_to_reject(spelling, clean(spelling)):
                raise ValueError(f"to is not a value: {reason}")
        return self

    @property
    def leads_to_a_node(self) -> bool:
        """Whether `to` names a node."""
        return self.action in _TO_A_NODE

    @property
    def target(self) -> Reference:
        """The node, by id or by path."""
        return self.node if self.node is not None else self.path or ()

    def __str__(self) -> str:
        """Return what a person calls it."""
        name = self.node if self.node is not None else " > ".join(self.path or ())
        return f"{self.action} {name}"


def make_edit(fields: Mapping[str, object]) -> Edit:
    """Return the edit of these fields.

    Raises
    ------
    EditsError
        If they are none; it names the field.
    """
    try:
        return Edit.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        problem = " ".join([*map(str, first["loc"]), first["msg"].removeprefix("Value error, ")])
        raise EditsError(problem, remedy="see value-taxonomy edit --help") from error


def edit_values(value_set: ValueSet, edits: Sequence[Edit], previous: Taxonomy | None) -> ValueSet:
    """Return values as edits have them, before a tree is built: rejected ones are out, an alias is one with its value.

    Parameters
    ----------
    value_set : ValueSet
    edits : sequence of Edit
        Those that name a value that is not there are left to `replay.replay_edits`, which reports them.
    previous : Taxonomy or None
        Says which ids the values have.
    """
    if not any(edit.action in ("reject", "alias", "merge") for edit in edits):
        return value_set
    key_of = {id: value.key for id, value in _by_id(value_set, previous).items()}
    rejected: set[str] = set()
    merged: dict[str, str] = {}
    for edit in edits:
        own = _key(edit.target, value_set, key_of)
        if own is None:
            continue
        if edit.action == "reject":
            rejected.add(own)
        elif edit.action == "alias":
            other = value_set.find(str(edit.to))
            if other is not None and other.key != own:
                merged[other.key] = own
        elif edit.action == "merge" and edit.node is not None and isinstance(edit.to, str) and edit.to in key_of:
            merged[own] = key_of[edit.to]
    return value_set.edited(rejected=rejected, merged=merged)


def find_taken_in(value_set: ValueSet, edits: Sequence[Edit], previous: Taxonomy | None) -> dict[Edit, str]:
    """Return what aliases take in that are values by themselves, as `edit_values` merges them: a sentence for each."""
    aliases = [edit for edit in edits if edit.action == "alias"]
    if not aliases:
        return {}
    values = _by_id(value_set, previous)
    key_of = {id: value.key for id, value in values.items()}
    id_of = {key: id for id, key in key_of.items()}
    taken = {}
    for edit in aliases:
        own, other = _key(edit.target, value_set, key_of), value_set.find(str(edit.to))
        if own is not None and other is not None and other.key != own:
            taken[edit] = say_taken_in(other.label, id_of[other.key])
    return taken


def say_taken_in(label: str, id: str) -> str:
    """Return why an alias is more than a spelling."""
    return f"takes in the value {label!r} ({id}) and its mentions"


def _by_id(value_set: ValueSet, previous: Taxonomy | None) -> dict[str, Value]:
    ids = value_ids([(value.label, *value.aliases) for value in value_set.values], previous)
    return dict(zip(ids, value_set.values, strict=True))


def _key(reference: Reference, value_set: ValueSet, key_of: Mapping[str, str]) -> str | None:
    """Return the key of the value that an edit names by its id, or as the end of a path."""
    if isinstance(reference, str):
        return key_of.get(reference)
    value = value_set.find(reference[-1])
    return None if value is None else value.key


def _is_day(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
