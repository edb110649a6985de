"""Names for the nodes of a taxonomy that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from taxonomy.errors import InputError, check_type
from taxonomy.labels.language_model import Labelled, Labeller
from taxonomy.model import Taxonomy
from taxonomy.model.draft import Draft
from taxonomy.progress import StageProgress, stage_of
from taxonomy.quality.vectors import tree_encoder
from taxonomy.versions.retirement import to_review_again

if TYPE_CHECKING:
    from embeddings import Encoder


def label(
    tree: Taxonomy, labeller: Labeller, *, model: str | None = None, progress: StageProgress | None = None
) -> tuple[Taxonomy, Labelled]:
    """Name the nodes of a taxonomy above its values; labels by people and the domains file stay.

    Parameters
    ----------
    tree : Taxonomy
    labeller : Labeller
        What names the nodes: a `LanguageModel`.
    model : str, optional
        The embedding model; by default the one that the taxonomy was built with.
    progress : callable, optional
        Called with a stage, steps done, and steps in all.

    Returns
    -------
    Taxonomy
        With the new names and definitions.
    Labelled
        What the labeller did: nodes named, members moved, failures, and calls.

    Raises
    ------
    InputError
        If an argument is of another type than it must be, or the taxonomy was built with another model.
    LanguageModelError
        If the language model can't be asked.
    embeddings.EmbeddingError
        If the embedding model is not there.
    """
    check_type(tree, Taxonomy, "tree", "give a Taxonomy, as taxonomy.read returns it")
    if not callable(getattr(labeller, "name", None)):
        raise InputError("`labeller` has no method name", remedy="give a taxonomy.LanguageModel")
    encoder = tree_encoder(tree, model)
    vectors = encoder.encode([value.label for value in tree.leaves], progress=stage_of(progress, "embedding"))
    return label_nodes(tree, vectors, encoder, labeller, progress=progress)


def label_nodes(
    tree: Taxonomy,
    vectors: NDArray[np.float32],
    encoder: Encoder,
    labeller: Labeller,
    *,
    progress: StageProgress | None = None,
) -> tuple[Taxonomy, Labelled]:
    """Name the nodes of a taxonomy whose values have these vectors by an encoder, in the order of `tree.leaves`."""
    draft = Draft(tree.nodes)
    done = labeller.name(draft, vectors, encoder, progress=progress)
    labelled = tree.with_nodes(draft.finish(), provenance=done.noted(tree.provenance))
    return to_review_again(tree, labelled), done
