"""Where each spelling of a set of values belongs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from operator import attrgetter

from embeddings import using_device
from embeddings.progress import Progress
from taxonomy.errors import check_type
from taxonomy.model import Node, Taxonomy, values_by_spelling
from taxonomy.placement.assigned import Assigned, Assignment, Status
from taxonomy.placement.places import Place, Places, check_levels
from taxonomy.quality.vectors import tree_encoder
from taxonomy.values import SpellingIndex, Value, ValueSet, ValueSource, canonical_key, read_values


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
    check_levels(tree)

    def place(texts: Sequence[str]) -> list[Place]:
        encoder = tree_encoder(tree, model)
        return Places(tree, encoder, progress).place(texts, encoder, progress)

    assigned = find_assignments(values.values, values_by_spelling(tree.leaves), place, min_confidence)
    rows = values.first_rows
    return sorted((replace(one, row=row) for one, row in zip(assigned, rows, strict=True)), key=attrgetter("row"))


def find_assignments(
    values: Sequence[Value],
    known: SpellingIndex[Node],
    place: Callable[[Sequence[str]], Sequence[Place]],
    min_confidence: float,
) -> Iterator[Assignment]:
    """Yield where each spelling belongs, label, then aliases, value by value; the rows are 0.

    Parameters
    ----------
    values : sequence of Value
    known : SpellingIndex of Node
        The values of the taxonomy.
    place : callable
        Places the labels of the new values; it is called once, and not at all where there are none.
    min_confidence : float
        What is placed with less is ``unplaced``.
    """
    owners = [_owner(known, (value.label, *value.aliases)) for value in values]
    new = [value.label for value, owner in zip(values, owners, strict=True) if owner is None]
    places = iter(place(new) if new else ())
    for value, owner in zip(values, owners, strict=True):
        found = next(places) if owner is None else Place(owner)
        for text in (value.label, *value.aliases):
            yield Assignment(0, text, _status(text, owner, found, min_confidence), *found)


def _status(text: str, owner: Node | None, place: Place, min_confidence: float) -> Status:
    if owner is not None:
        return "value" if canonical_key(text) == canonical_key(owner.label) else "alias"
    return "placed" if place.confidence is None or place.confidence >= min_confidence else "unplaced"


def _owner(known: SpellingIndex[Node], spellings: Sequence[str]) -> Node | None:
    return next((owner for owner in map(known.find, spellings) if owner is not None), None)
