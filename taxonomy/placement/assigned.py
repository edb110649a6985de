"""Where value strings belong in a taxonomy, and the next version of it, with them in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from taxonomy.files import replace_file
from taxonomy.formats.csv import number_text, table_csv
from taxonomy.model import Node, Placement, Taxonomy, slugify
from taxonomy.model.draft import DOUBTFUL, Draft
from taxonomy.model.nodes import UNKNOWN_WORDS
from taxonomy.values import ValueSet
from taxonomy.versions.identity import value_ids
from taxonomy.versions.retirement import succeed

if TYPE_CHECKING:
    import pandas as pd

Status = Literal["value", "alias", "placed", "unplaced"]
COLUMNS = ("row", "value", "status", "id", "path", "confidence", "runner_up")


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where a string belongs.

    Attributes
    ----------
    row : int
        Of the input, in which it occurs first.
    text : str
        The cleaned spelling.
    status : {"value", "alias", "placed", "unplaced"}
        A value of the taxonomy, another spelling of one, or new, with or without a place.
    node : Node
        The value; or the node of level 1 that a new one belongs to, or would, if it is unplaced.
    confidence : float or None
        Of a new one, from 0 to 1: that of the less sure of its domain and its place there. 1/2 is a tie.
    runner_up : Node or None
        Where a new one would go if the less sure of both were wrong.
    unknown_words : bool
        Whether a new one holds words that the embedding model does not know: its confidence is 0, without a runner-up.
    """

    row: int
    text: str
    status: Status
    node: Node
    confidence: float | None = None
    runner_up: Node | None = None
    unknown_words: bool = False


@dataclass(frozen=True)
class Assigned:
    """Where value strings belong in a taxonomy.

    Attributes
    ----------
    source : Taxonomy
        The taxonomy as it was.
    values : ValueSet
        The strings, as they were read.
    assignments : tuple of Assignment
        One for each cleaned spelling, by row.
    """

    source: Taxonomy
    values: ValueSet
    assignments: tuple[Assignment, ...]

    def __repr__(self) -> str:
        counts = ", ".join(f"{count:,} {status}" for status, count in self.counts.items())
        return f"Assigned({counts} in {self.source!r})"

    @property
    def counts(self) -> dict[str, int]:
        """How many strings have each status, and how many were rejected."""
        counts = Counter(assignment.status for assignment in self.assignments)
        return {**{status: counts[status] for status in get_args(Status)}, "rejected": len(self.values.rejected)}

    @property
    def unknown_words(self) -> int:
        """How many new strings hold words that the embedding model does not know."""
        return sum(assignment.unknown_words for assignment in self.assignments)

    @cached_property
    def tree(self) -> Taxonomy:
        """The next version of the taxonomy, with the strings that were placed in it; the same if there was nothing new.

        Weights of new values are taken as they are where they count what the taxonomy's do; strings without weights are
        one mention each; else the new values weigh nothing until the next build. Weights of the values that were there
        stay. New spellings of a value become its aliases; what is unplaced is left out.
        """
        return add_assigned(self.source, self.values, self.assignments)

    def to_frame(self) -> pd.DataFrame:
        """Return where each string belongs, one a row, by row of the input.

        The columns are ``row``, ``value``, ``status``, ``id``, ``path``, ``confidence`` and ``runner_up``; a new string
        has the id and the path of the node it was placed under.
        """
        import pandas as pd

        return pd.DataFrame(self._rows(), columns=list(COLUMNS))

    def write(self, path: str | Path) -> None:
        """Write the rows of `to_frame` as CSV.

        Raises
        ------
        OutputError
            If it can't be written.
        """
        replace_file(Path(path), table_csv(COLUMNS, self._rows()).encode())

    def _rows(self) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = [
            (assignment.row, *assigned_cells(self.source, assignment)) for assignment in self.assignments
        ]
        rows += [(string.row, *rejected_cells(string.value, string.reason)) for string in self.values.rejected]
        return sorted(rows, key=lambda row: str(row[0]).zfill(12))


def assigned_cells(tree: Taxonomy, assignment: Assignment) -> tuple[str, str, str, str, str, str]:
    """Return the cells of an assignment in the columns of `Assigned.to_frame`, but for its row."""

    def path(node: Node | None) -> str:
        return "" if node is None else " > ".join(step.label for step in tree.path(node))

    is_unplaced = assignment.status == "unplaced"
    return (
        assignment.text,
        assignment.status,
        "" if is_unplaced else assignment.node.id,
        "" if is_unplaced else path(assignment.node),
        "" if assignment.confidence is None else number_text(assignment.confidence),
        path(assignment.node if is_unplaced else assignment.runner_up),
    )


def rejected_cells(text: str, reason: str) -> tuple[str, str, str, str, str, str]:
    """Return the cells of a rejected string in the same columns."""
    return text, f"rejected: {reason}", "", "", "", ""


def add_assigned(tree: Taxonomy, values: ValueSet, assignments: Sequence[Assignment]) -> Taxonomy:
    """Return the next version of a taxonomy, with the strings that were placed in it: see `Assigned.tree`."""
    by_text = {assignment.text: assignment for assignment in assignments}
    draft = Draft(tree.nodes)
    counted = values.weight_unit == tree.weight_unit or (values.weight_unit, tree.weight_unit) == (
        "strings",
        "mentions",
    )
    ids = value_ids([(value.label, *value.aliases) for value in values.values], tree)
    for id, value in zip(ids, values.values, strict=True):
        assignment = by_text[value.label]
        if assignment.status == "unplaced":
            continue
        if assignment.status == "placed":
            second = assignment.runner_up.id if assignment.runner_up else None
            draft.put(
                Node(
                    id=id,
                    level=0,
                    label=value.label,
                    slug=slugify(value.label),
                    parent=assignment.node.id,
                    aliases=value.aliases,
                    weight=round(value.weight, 6) if counted else 0.0,
                    placement=Placement(confidence=assignment.confidence or 0.0, second_parent=second),
                    flags=_flags(assignment),
                )
            )
            continue
        owner = draft.nodes[assignment.node.id]
        spellings = {owner.label, *owner.aliases, value.label, *value.aliases} - {owner.label}
        if spellings - set(owner.aliases):
            draft.change(owner.id, aliases=tuple(sorted(spellings)))
    came_from = {"id": tree.id, "version": tree.version, "digest": tree.digest, "stay": "1"}
    provenance = tree.provenance.model_copy(update={"previous": came_from})
    return succeed(tree, tree.with_nodes(draft.finish(), provenance=provenance), {})


def _flags(assignment: Assignment) -> tuple[str, ...]:
    if assignment.unknown_words:
        return (UNKNOWN_WORDS,)
    return ("doubtful",) if (assignment.confidence or 0.0) < DOUBTFUL else ()
