"""New values in an existing taxonomy, without building it again.

The domain goes by likeness to the examples that the taxonomy was built with, as in a build; within it, a value belongs
to the node of level 1 whose values' mean vector lies nearest. A taxonomy without examples goes by the nearest node.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from embeddings import using_device
from embeddings.encoder import find_unknown_words
from embeddings.progress import Progress
from taxonomy.clustering.affinity import domain_affinity
from taxonomy.errors import InputError, check_type
from taxonomy.files import replace_file
from taxonomy.formats.csv import number_text, table_csv
from taxonomy.geometry import cluster_means, confidence, two_nearest
from taxonomy.model import Node, Placement, Taxonomy, mint_id, slugify, values_by_spelling
from taxonomy.model.draft import DOUBTFUL, Draft
from taxonomy.model.nodes import UNKNOWN_WORDS
from taxonomy.quality.vectors import tree_encoder
from taxonomy.values import SpellingIndex, ValueSet, ValueSource, canonical_key, read_values
from taxonomy.versions.identity import value_ids
from taxonomy.versions.retirement import succeed

if TYPE_CHECKING:
    import pandas as pd

Status = Literal["value", "alias", "placed", "unplaced"]
_COLUMNS = ("row", "value", "status", "id", "path", "confidence", "runner_up")
_BLOCK = 4096


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

        return pd.DataFrame(self._rows(), columns=list(_COLUMNS))

    def write(self, path: str | Path) -> None:
        """Write the rows of `to_frame` as CSV.

        Raises
        ------
        OutputError
            If it can't be written.
        """
        replace_file(Path(path), table_csv(_COLUMNS, self._rows()).encode())

    def _rows(self) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = [
            (
                assignment.row,
                assignment.text,
                assignment.status,
                assignment.node.id if assignment.status != "unplaced" else "",
                self._path(assignment.node) if assignment.status != "unplaced" else "",
                "" if assignment.confidence is None else number_text(assignment.confidence),
                self._path(assignment.node if assignment.status == "unplaced" else assignment.runner_up),
            )
            for assignment in self.assignments
        ]
        rows += [
            (string.row, string.value, f"rejected: {string.reason}", "", "", "", "") for string in self.values.rejected
        ]
        return sorted(rows, key=lambda row: str(row[0]).zfill(12))

    def _path(self, node: Node | None) -> str:
        return "" if node is None else " > ".join(step.label for step in self.source.path(node))


def assign(  # noqa: PLR0913 - the public call: one keyword per choice
    values: ValueSource,
    tree: Taxonomy,
    *,
    model: str | None = None,
    device: str | None = None,
    min_confidence: float = 0.0,
    value_column: str | None = None,
    weight_column: str | None = None,
    progress: Progress | None = None,
) -> Assigned:
    """Find where value strings belong in a taxonomy, without building it again.

    Parameters
    ----------
    values : str, Path, iterable of str, mapping of str to float, Series, DataFrame or ValueSet
        As for `taxonomy.build`.
    tree : Taxonomy
    model : str, optional
        The embedding model; by default the one that the taxonomy was built with.
    device : str, optional
        Where it runs, as for `embeddings.load_encoder`; by default where it did for the taxonomy, if that is here.
    min_confidence : float
        What is placed with less confidence is ``unplaced``.
    value_column, weight_column : str, optional
        Columns of a file or table.
    progress : callable, optional
        Called with (strings embedded, strings in all).

    Returns
    -------
    Assigned

    Raises
    ------
    InputError
        If the values can't be read, or the taxonomy has one level or was built with another model.
    embeddings.EmbeddingError
        If the model is not there.
    """
    check_type(tree, Taxonomy, "tree", "give a Taxonomy, as taxonomy.read returns it")
    value_set = read_values(values, value_column=value_column, weight_column=weight_column)
    with using_device(device):
        placed = place_values(tree, value_set, model=model, min_confidence=min_confidence, progress=progress)
    return Assigned(tree, value_set, tuple(placed))


def place_values(
    tree: Taxonomy,
    values: ValueSet,
    *,
    model: str | None = None,
    min_confidence: float = 0.0,
    progress: Progress | None = None,
) -> list[Assignment]:
    """Return where values belong, one assignment for each cleaned spelling, by row: see `assign`."""
    if len(tree.levels) < 2:
        raise InputError("the taxonomy has one level", remedy="give one with a level above the values")
    known = values_by_spelling(tree.leaves)
    owners = [_owner(known, (value.label, *value.aliases)) for value in values.values]
    new = [value.label for value, owner in zip(values.values, owners, strict=True) if owner is None]
    places = iter(_Places(tree, model, progress).place(new, progress) if new else ())
    assignments = []
    start = 0
    for value, owner in zip(values.values, owners, strict=True):
        spellings = (value.label, *value.aliases)
        rows = values.first_rows[start : start + len(spellings)]
        start += len(spellings)
        if owner is None:
            place = next(places)
            status: Status = "unplaced" if place.confidence < min_confidence else "placed"
            assignments += [Assignment(row, text, status, *place) for row, text in zip(rows, spellings, strict=True)]
        else:
            key = canonical_key(owner.label)
            assignments += [
                Assignment(row, text, "value" if canonical_key(text) == key else "alias", owner)
                for row, text in zip(rows, spellings, strict=True)
            ]
    return sorted(assignments, key=lambda assignment: assignment.row)


def _owner(known: SpellingIndex[Node], spellings: Sequence[str]) -> Node | None:
    return next((owner for owner in map(known.find, spellings) if owner is not None), None)


class _Place(NamedTuple):
    """The node of a new value, as in `Assignment`."""

    node: Node
    confidence: float
    runner_up: Node | None
    unknown_words: bool = False


class _Places:
    """The nodes of level 1 of a tree as points, and the examples of its domains."""

    def __init__(self, tree: Taxonomy, model: str | None, progress: Progress | None) -> None:
        self._encoder = tree_encoder(tree, model)
        vectors = self._encoder.encode([value.label for value in tree.leaves], progress=progress)
        rows = tree.ancestors
        positions, first, labels = np.unique(rows[0], return_index=True, return_inverse=True)
        self._nodes = [tree.nodes[position] for position in positions]
        self._centers = cluster_means(vectors, labels).astype(np.float64)
        # Domains by number, and the domain of each node.
        self._tops, self._domains = np.unique(rows[-1][first], return_inverse=True)
        self._examples = self._embed_examples(tree, [tree.nodes[position] for position in self._tops])

    def _embed_examples(self, tree: Taxonomy, tops: Sequence[Node]) -> tuple[NDArray[np.float32], list[int]] | None:
        """Return the vectors of the examples of the domains, and the domain of each; None if one has none."""
        described = tree.provenance.parameters.get("domains") or []
        level = len(tree.levels) - 1
        texts: list[str] = []
        numbers: list[int] = []
        for number, top in enumerate(tops):
            own = [
                domain
                for domain in described
                if top.id == mint_id("domain", level, [domain["key"]]) or top.label == domain["name"]
            ]
            if not own:
                return None
            texts += own[0]["examples"]
            numbers += [number] * len(own[0]["examples"])
        return self._encoder.encode(texts), numbers

    def place(self, texts: Sequence[str], progress: Progress | None) -> list[_Place]:
        """Return where each text belongs."""
        vectors = self._encoder.encode(texts, progress=progress)
        found: list[_Place] = []
        shares = self._shares(vectors)
        for start in range(0, len(vectors), _BLOCK):
            rows = slice(start, start + _BLOCK)
            found += self._place_block(vectors[rows], None if shares is None else shares[rows])
        unknown = find_unknown_words(self._encoder, texts)
        return [
            _Place(place.node, 0.0, None, unknown_words=True) if lost else place
            for place, lost in zip(found, unknown, strict=True)
        ]

    def _shares(self, vectors: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """Return the affinity of vectors to the domains, None without examples or without a choice."""
        if self._examples is None or len(self._tops) == 1:
            return None
        examples, numbers = self._examples
        # Nothing is spread: each string is by itself.
        alone = sp.csr_array(sp.eye_array(len(vectors)))
        nobody = np.full(len(vectors), -1, dtype=np.intp)
        return domain_affinity(vectors, alone, examples, np.array(numbers, dtype=np.intp), nobody)

    def _place_block(self, vectors: NDArray[np.float32], shares: NDArray[np.float64] | None) -> list[_Place]:
        if shares is None:
            best, other, near, far = two_nearest(vectors, self._centers)
            return self._labelled(best, confidence(near, far), other)
        order = np.argsort(-shares, axis=1, kind="stable")
        positions = np.arange(len(vectors))
        first, second = shares[positions, order[:, 0]], shares[positions, order[:, 1]]
        sure_domain = first / (first + second)
        best, other, near, far = self._nearest_within(vectors, order[:, 0])
        elsewhere = self._nearest_within(vectors, order[:, 1])[0]
        sure_place = confidence(near, far)
        other = np.where(sure_domain < sure_place, elsewhere, other)
        return self._labelled(best, np.minimum(sure_domain, sure_place), other)

    def _nearest_within(
        self, vectors: NDArray[np.float32], domains: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        """Return the two nearest nodes of each vector within its domain, and the distances."""
        n = len(vectors)
        best, other = np.empty(n, dtype=np.intp), np.empty(n, dtype=np.intp)
        near, far = np.empty(n), np.empty(n)
        for domain in np.unique(domains):
            rows = np.flatnonzero(domains == domain)
            nodes = np.flatnonzero(self._domains == domain)
            first, second, near[rows], far[rows] = two_nearest(vectors[rows], self._centers[nodes])
            best[rows], other[rows] = nodes[first], np.where(second < 0, -1, nodes[second])
        return best, other, near, far

    def _labelled(self, best: NDArray[np.intp], sure: NDArray[np.float64], other: NDArray[np.intp]) -> list[_Place]:
        return [
            _Place(self._nodes[node], round(certainty, 6), None if runner_up < 0 else self._nodes[runner_up])
            for node, certainty, runner_up in zip(best.tolist(), sure.tolist(), other.tolist(), strict=True)
        ]


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
