"""The main job, readable top to bottom: values in, a named tree out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder, using_device
from embeddings.encoder import find_unknown_words
from embeddings.progress import Progress
from taxonomy.building.assembly import assemble
from taxonomy.building.built import Built
from taxonomy.building.recipe import Recipe
from taxonomy.building.spaces import Space
from taxonomy.clustering.recursion import Anchors, Settings, build_hierarchy
from taxonomy.domains import Domain
from taxonomy.errors import InputError, TaxonomyError, check_type
from taxonomy.garbage import collection_paused
from taxonomy.labels.language_model import Labelled, Labeller
from taxonomy.labels.naming import lacks_words, name_nodes
from taxonomy.model import InputProvenance, Node, Provenance, Retired, Taxonomy, default_level_names
from taxonomy.model.draft import Draft
from taxonomy.progress import StageProgress, stage_of
from taxonomy.values import ValueSet, ValueSource, read_values
from taxonomy.versions.carrying_over import carry_over
from taxonomy.versions.edits import Edit, edit_values, find_taken_in
from taxonomy.versions.replay import Replay, replay_edits, with_reasons
from taxonomy.versions.retirement import dated, retire, succeed
from taxonomy.versions.staleness import empty_stale_definitions

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "sentence-transformers", "transformers")


@collection_paused()
def build(  # noqa: PLR0913 - the public call: keywords in place of a recipe, one per choice
    values: ValueSource,
    recipe: Recipe | None = None,
    *,
    id: str | None = None,
    title: str | None = None,
    previous: Taxonomy | None = None,
    edits: Sequence[Edit] = (),
    encoder: Encoder | None = None,
    vectors: NDArray[np.floating[Any]] | None = None,
    labeller: Labeller | None = None,
    value_column: str | None = None,
    weight_column: str | None = None,
    progress: StageProgress | None = None,
    **fields: Any,
) -> Built:
    """Build a taxonomy of value strings.

    Parameters
    ----------
    values : str, Path, iterable of str, mapping of str to float, Series, DataFrame or ValueSet
        A file (.txt, .csv, .tsv, .jsonl, .parquet), whose path may be a str; strings; strings with weights, as a
        mapping or as `Series.value_counts` gives them; a table; or the values of another build.
    recipe : Recipe, optional
        How to build it; the default one if not given.
    id, title : str, optional
        Name the taxonomy; those of `previous` by default, else ``values`` and nothing.
    previous : Taxonomy, optional
        The version before: its ids, names and placements are carried over, and so are the sizes of its levels where
        the recipe asks for none. Only nodes without a name are named.
    edits : sequence of Edit
        A person's decisions, replayed on the tree: what `taxonomy.read_edits` returns.
    encoder : Encoder, optional
        What embeds the strings, in place of the recipe's model.
    vectors : ndarray of shape (n_rows, dimension), optional
        Vectors of the strings, one a row of the input; scaled to unit length. For names and examples of domains give
        the `encoder` that made them, else these have the mean vector of the values that share their words.
    labeller : Labeller, optional
        Names the nodes, such as a `LanguageModel`; what it leaves is named offline.
    value_column, weight_column : str, optional
        Columns of a file or table.
    progress : callable, optional
        Called with a stage, steps done, and steps in all.
    **fields
        Fields of `Recipe`, which replace those of `recipe`.

    Returns
    -------
    Built

    Raises
    ------
    InputError, DomainsError, LevelsError, EditsError
        If what was given can't be built from.
    LanguageModelError
        If the labeller can't be asked.
    embeddings.EmbeddingError
        If the model is not there.

    Notes
    -----
    The default model comes with the extra ``bundled``, so nothing is downloaded. Another model of the hub is downloaded
    when it is first used. The vectors of a model or an encoder are kept on disk, so each string is embedded once: in
    the folder that the environment variable ``VALUE_TAXONOMY_CACHE`` names, else in the user's cache folder.
    """
    recipe = _with_fields(recipe, fields)
    _check_arguments(previous, edits, encoder, labeller)
    read = read_values(values, value_column=value_column, weight_column=weight_column)
    if recipe.merge_spellings:
        read = read.merge_twins()
    value_set = edit_values(read, edits, previous)
    kept = None if previous is None else [level.size for level in previous.levels[1:-1]]
    sizes, n_top = recipe.sizes(len(value_set), kept)

    if vectors is not None:
        space = Space.of_vectors(value_set, vectors, encoder)
    elif encoder is not None:
        space = Space.of_encoder(encoder)
    else:
        # Every node gets a name, which is embedded, too.
        with using_device(recipe.device, recipe.precision):
            space = Space.of_model(recipe.model, expected=sum(sizes), previous=previous)
    rows = _Rows(value_set.labels, space.encoder, stage_of(progress, "embedding"))

    layers = build_hierarchy(
        rows.vectors,
        sizes,
        Settings(recipe.method, recipe.seed, recipe.min_children, exact=recipe.levels is not None),
        anchors=find_anchors(recipe.tops, value_set, space.encoder) if recipe.tops else None,
        n_top=n_top,
        labels=value_set.labels,
        progress=stage_of(progress, "clustering"),
    )

    header: dict[str, Any] = {
        "id": id or (previous.id if previous else "values"),
        "title": title if title is not None else previous.title if previous else "",
        "weight_unit": value_set.weight_unit,
        "provenance": _provenance(value_set, recipe, space, n_top),
    }
    draft = assemble(value_set, layers, recipe.tops)
    gone: tuple[Retired, ...] = ()
    if previous is not None and _is_same_ground(previous, header, recipe):
        draft, gone, header["provenance"] = Draft(previous.nodes), previous.retired, previous.provenance
    elif previous is not None:
        draft = carry_over(
            previous,
            draft,
            rows.of,
            stay=recipe.stay,
            min_children=recipe.min_children,
            retire_after=recipe.dormant_builds,
            sizes=recipe.levels,
        )
        gone = retire(previous.nodes, previous.retired, draft.nodes.values(), {}, since="")
    rows.flag_unknown_words(draft)

    naming = _Naming(rows, space.encoder, labeller, previous, progress)
    labelled = None
    edited, replay = _replay(draft, edits, gone)
    if replay.lacks_names:
        # An edit asks for a node by a name that it is yet to get.
        labelled = naming.name(draft)
        edited, replay = _replay(draft, edits, gone)
    if previous is not None:
        empty_stale_definitions(edited, previous.nodes, pointers=True)
    if edits:
        rows.flag_unknown_words(edited)
        # What was named before the edits may name what they took out.
        empty_stale_definitions(edited, draft.nodes.values(), pointers=True)
    if lacks_words(edited):
        labelled = naming.name(edited) or labelled

    header["provenance"] = _with_labeller(header["provenance"], labelled, edited, previous)
    tree = _numbered(edited, header, previous, draft, replay, recipe)
    outcomes = with_reasons(replay.outcomes, find_taken_in(read, edits, previous))
    return Built(tree, value_set, rows.of(tree.leaves), outcomes, labelled, space)


def _with_fields(recipe: Recipe | None, fields: Mapping[str, Any]) -> Recipe:
    if recipe is not None:
        check_type(recipe, Recipe, "recipe", "give a taxonomy.Recipe, or its fields by name")
    known = [field.name for field in dataclasses.fields(Recipe)]
    for name in fields:
        if name not in known:
            raise TaxonomyError(
                f"`{name}` is not a parameter of build or a field of Recipe", remedy=f"fields are {', '.join(known)}"
            )
    return dataclasses.replace(recipe or Recipe(), **fields)


def _check_arguments(previous: Any, edits: Any, encoder: Any, labeller: Any) -> None:
    """See that what is not None has the methods that it is used by."""
    if previous is not None:
        check_type(previous, Taxonomy, "previous", "give a Taxonomy, as taxonomy.read returns it")
    check_type(edits, Sequence, "edits", "give what taxonomy.read_edits returns")
    for edit in edits:
        check_type(edit, Edit, "edits", "give what taxonomy.read_edits returns")
    for name in ("name", "digest", "dimension", "encode"):
        if encoder is not None and not hasattr(encoder, name):
            raise InputError(f"`encoder` has no {name}", remedy="give a taxonomy.Encoder")
    if labeller is not None and not callable(getattr(labeller, "name", None)):
        raise InputError("`labeller` has no method name", remedy="give a taxonomy.LanguageModel")


def find_anchors(tops: Sequence[Domain], value_set: ValueSet, encoder: Encoder) -> Anchors:
    """Return the domains' examples as anchors of the values' clustering.

    Raises
    ------
    InputError
        If nothing is known of any example of a domain: vectors that the user brings may lack them.
    """
    texts = [example for domain in tops for example in domain.examples]
    numbers = np.array([number for number, domain in enumerate(tops) for _ in domain.examples], dtype=np.intp)
    vectors = encoder.encode(texts)
    known: NDArray[np.bool_] = np.any(vectors != 0, axis=1)
    for number, domain in enumerate(tops):
        if not known[numbers == number].any():
            problem = f"no example of the domain {domain.name!r} shares a word with a value"
            raise InputError(problem, remedy="give the encoder that made the vectors, or domains=None")
    position = {value.key: index for index, value in enumerate(value_set.values)}
    domains = np.full(len(value_set), -1, dtype=np.intp)
    for text, number in zip(texts, numbers.tolist(), strict=True):
        value = value_set.find(text)
        if value is not None:
            domains[position[value.key]] = number
    return Anchors(vectors=vectors[known], domains=numbers[known], known=domains)


class _Rows:
    """The vectors of values; those of a label that is met anew are embedded then."""

    def __init__(self, labels: Sequence[str], encoder: Encoder, progress: Progress | None) -> None:
        self.vectors = encoder.encode(labels, progress=progress)
        self._row = {label: row for row, label in enumerate(labels)}
        self._encoder = encoder

    def of(self, values: Sequence[Node]) -> NDArray[np.float32]:
        """Return the vectors of values, shape (n, dimension)."""
        labels = [value.label for value in values]
        # Spellings that a version before or a person prefers are strings of their own.
        new = [label for label in dict.fromkeys(labels) if label not in self._row]
        if new:
            self._row |= {label: len(self.vectors) + row for row, label in enumerate(new)}
            self.vectors = np.concatenate([self.vectors, self._encoder.encode(new)])
        rows = np.array([self._row[label] for label in labels], dtype=np.intp)
        # A copy of a million vectors takes 1.5 GB.
        return self.vectors if np.array_equal(rows, np.arange(len(self.vectors))) else self.vectors[rows]

    def flag_unknown_words(self, draft: Draft) -> None:
        """Flag the values of a draft that hold words which the model does not know."""
        values = draft.level(0)
        unknown = find_unknown_words(self._encoder, [value.label for value in values])
        draft.flag_unknown_words({values[row].id for row in np.flatnonzero(unknown)})


@dataclasses.dataclass(frozen=True)
class _Naming:
    """Names the nodes of a draft that have no name: offline first, then by the labeller, who may move what is new."""

    rows: _Rows
    encoder: Encoder
    labeller: Labeller | None
    previous: Taxonomy | None
    progress: StageProgress | None

    def name(self, draft: Draft) -> Labelled | None:
        vectors = self.rows.of(draft.level(0))
        named = name_nodes(draft, vectors, self.encoder.encode)
        if self.labeller is None or not named:
            return None
        only = None
        if self.previous is not None:
            only = named | (draft.nodes.keys() - {node.id for node in self.previous.nodes})
        return self.labeller.name(draft, vectors, self.encoder, only=only, progress=self.progress)


def _replay(draft: Draft, edits: Sequence[Edit], gone: Sequence[Retired]) -> tuple[Draft, Replay]:
    """Return a draft with edits applied, and what they did."""
    edited = draft.copy() if edits else draft
    return edited, replay_edits(edited, edits, gone)


def _numbered(
    edited: Draft,
    header: Mapping[str, Any],
    previous: Taxonomy | None,
    before: Draft,
    replay: Replay,
    recipe: Recipe,
) -> Taxonomy:
    """Return the tree as a version: the first, or the one after `previous`; `before` is the draft without edits."""
    names = default_level_names(edited.top + 1)
    if previous is not None:
        came_from = {"id": previous.id, "version": previous.version, "digest": previous.digest}
        provenance = header["provenance"].model_copy(update={"previous": came_from | _carried(recipe)})
        fields = {**header, "provenance": provenance, "version": previous.version}
        tree = Taxonomy.from_nodes(edited.finish(), level_names=names, **fields)
        return succeed(previous, tree, replay.replaced, replay.decisions)
    tree = Taxonomy.from_nodes(edited.finish(), level_names=names, **header)
    retired = retire(before.nodes.values(), (), tree.nodes, replay.replaced, replay.decisions, since="")
    return dated(tree.model_copy(update={"retired": retired}))


def _provenance(value_set: ValueSet, recipe: Recipe, space: Space, n_top: int) -> Provenance:
    return Provenance(
        input=InputProvenance(
            sha256=value_set.sha256,
            strings=sum(1 + len(value.aliases) for value in value_set.values),
            mentions=round(math.fsum(value_set.weights), 6),
        ),
        model=space.model,
        method=recipe.method,
        parameters=recipe.parameters(n_top),
        seed=recipe.seed,
        labeller="keyphrase",
        software={name: version(name) for name in (*PACKAGES, *filter(None, [space.model.runtime]))},
    )


def _carried(recipe: Recipe) -> dict[str, str]:
    """Return how a version before is carried over, as provenance notes it."""
    return {"stay": f"{recipe.stay:g}", "retire_after": str(recipe.dormant_builds)}


def _is_same_ground(previous: Taxonomy, header: Mapping[str, Any], recipe: Recipe) -> bool:
    """Tell whether `previous` was made of the same values in the same way, so that there is nothing to carry over."""
    came_from = previous.provenance.previous
    same_stay = came_from is None or _carried(recipe).items() <= came_from.items()
    made = [_unlabelled(provenance) for provenance in (previous.provenance, header["provenance"])]
    return (
        same_stay
        and made[0] == made[1]
        and all(getattr(previous, name) == value for name, value in header.items() if name != "provenance")
    )


def _unlabelled(provenance: Provenance) -> Provenance:
    """Return where values and places come from, without who named the nodes and what version came before."""
    parameters = {name: value for name, value in provenance.parameters.items() if name != "llm"}
    return provenance.model_copy(update={"previous": None, "labeller": None, "parameters": parameters})


def _with_labeller(
    provenance: Provenance, labelled: Labelled | None, draft: Draft, previous: Taxonomy | None
) -> Provenance:
    """Return where a tree comes from; it names the model that named its nodes, now or in the version before."""
    noted = provenance if labelled is None else labelled.noted(provenance)
    if noted is not provenance or previous is None:
        return noted
    if not any(node.label_source == "llm" for node in draft.nodes.values()):
        return noted
    asked = {name: value for name, value in previous.provenance.parameters.items() if name == "llm"}
    return provenance.model_copy(
        update={"labeller": previous.provenance.labeller, "parameters": provenance.parameters | asked}
    )
