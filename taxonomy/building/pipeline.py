"""The main job, readable top to bottom: values in, a named tree out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder
from taxonomy.building.assembly import assemble
from taxonomy.building.built import Built
from taxonomy.building.recipe import Recipe
from taxonomy.building.spaces import Space
from taxonomy.clustering.recursion import Anchors, build_hierarchy
from taxonomy.domains import Domain
from taxonomy.errors import InputError
from taxonomy.labels.language_model import Labelled
from taxonomy.labels.naming import name_nodes
from taxonomy.model import InputProvenance, Provenance, Taxonomy, default_level_names
from taxonomy.model.draft import Draft
from taxonomy.progress import StageProgress, stage_of
from taxonomy.values import ValueSet, read_values
from taxonomy.versions.carrying_over import carry_over
from taxonomy.versions.edits import Edit, edit_values
from taxonomy.versions.replay import Replay, replay_edits
from taxonomy.versions.retire import retire, succeed

if TYPE_CHECKING:
    import pandas as pd

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "sentence-transformers", "transformers")


class Labeller(Protocol):
    """What gives nodes other names than those made offline."""

    def name(
        self,
        draft: Draft,
        vectors: NDArray[np.float32],
        *,
        only: Collection[str] | None = None,
        progress: StageProgress | None = None,
    ) -> Labelled:
        """Name nodes of a draft: see `taxonomy.labels.language_model.LanguageModel.name`."""


def build(
    values: Path | Iterable[str] | Mapping[str, float] | pd.DataFrame | ValueSet,
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
    values : Path, iterable of str, mapping of str to float, DataFrame or ValueSet
        A file (.txt, .csv, .tsv, .jsonl, .parquet), strings, strings with weights, a table, or what `read_values` gave.
    recipe : Recipe, optional
        How to build it; the default one if not given.
    id, title : str, optional
        Name the taxonomy; those of `previous` by default, else ``values`` and nothing.
    previous : Taxonomy, optional
        The version before: its ids, names and placements are carried over, and so are the sizes of its levels where
        the recipe asks for none. Only nodes without a name are named.
    edits : sequence of Edit
        A person's decisions, replayed on the tree: see `taxonomy.versions.edits`.
    encoder : Encoder, optional
        What embeds the strings, in place of the recipe's model.
    vectors : ndarray of shape (n_rows, dimension), optional
        Vectors of the strings, one a row of the input; scaled to unit length. For names and examples of domains give
        the `encoder` that made them, else these have the mean vector of the values that share their words.
    labeller : Labeller, optional
        Names the nodes, such as a `taxonomy.labels.language_model.LanguageModel`; what it leaves is named offline.
    value_column, weight_column : str, optional
        Columns of a file or table.
    progress : callable, optional
        Told a stage, steps done, and steps in all.
    **fields
        Fields of `Recipe`, which replace those of `recipe`.

    Returns
    -------
    Built

    Raises
    ------
    InputError, DomainsError, LevelsError, EditsError
        If what was given can't be built from.
    LabelError
        If the labeller can't be asked.
    embeddings.EmbeddingError
        If the model is not there.
    """
    recipe = dataclasses.replace(recipe or Recipe(), **fields)
    if not isinstance(values, ValueSet):
        values = read_values(values, value_column=value_column, weight_column=weight_column)
    value_set = edit_values(values, edits, previous)
    kept = None if previous is None else [level.size for level in previous.levels[1:-1]]
    sizes, n_top = recipe.sizes(len(value_set), kept)

    if vectors is not None:
        recipe = dataclasses.replace(recipe, phrasings=("{}",))
        space = Space.of_vectors(value_set, vectors, encoder)
    elif encoder is not None:
        space = Space.of_encoder(encoder, recipe)
    else:
        # Every node gets a name, which is embedded, too.
        space = Space.of_model(recipe, expected=sum(sizes))
    embedded = space.values.encode(value_set.labels, progress=stage_of(progress, "embedding"))

    layers = build_hierarchy(
        embedded,
        sizes,
        anchors=find_anchors(recipe.tops, value_set, space.values) if recipe.tops else None,
        n_top=n_top,
        method=recipe.method,
        seed=recipe.seed,
        min_children=recipe.min_children,
        exact=recipe.levels is not None,
        progress=stage_of(progress, "clustering"),
    )
    draft = assemble(value_set, layers, recipe.tops)
    rows = _Rows(value_set.labels, embedded, space.values)
    header = Taxonomy.header(
        id=id or (previous.id if previous else "values"),
        title=title if title is not None else previous.title if previous else "",
        weight_unit=value_set.weight_unit,
        version=previous.version if previous else "1.0.0",
        provenance=_provenance(value_set, recipe, space, n_top),
    )
