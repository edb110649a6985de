"""The vectors of a tree's values and labels, from the store where a build left them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embeddings.progress import Progress
from taxonomy.errors import InputError
from taxonomy.geometry import cluster_means
from taxonomy.model import Node, Taxonomy

if TYPE_CHECKING:
    from embeddings import Encoder, SentenceTransformerEncoder


class RuntimeChangeWarning(UserWarning):
    """The vectors of a tree are made again by another runtime than it was built with."""


@dataclass(frozen=True, slots=True)
class TreeVectors:
    """Unit vectors of the strings of a tree.

    Attributes
    ----------
    values : ndarray of shape (n_values, dimension)
        Of the values' labels, in the order of `tree.nodes`.
    labels : ndarray of shape (n_inner, dimension)
        Of the labels above the values, in the order of `tree.nodes`; none where only values were asked for.
    """

    values: NDArray[np.float32]
    labels: NDArray[np.float32]


def embed_tree(
    tree: Taxonomy,
    *,
    model: str | None = None,
    labels: bool = True,
    progress: Progress | None = None,
) -> TreeVectors:
    """Embed the strings of a tree with the encoder that it was built with.

    Parameters
    ----------
    tree : Taxonomy
    model : str, optional
        A name as for `embeddings.load_encoder`. By default the model that the tree names, which is never downloaded;
        for an imported tree, which names none, ``minilm``.
    labels : bool
        Whether to embed the labels above the values too.
    progress : callable, optional
        Told (strings done, strings in all).

    Raises
    ------
    InputError
        If the model found is not the one that the tree was built with.
    embeddings.EmbeddingError
        If the model is not there.
    """
    values = [node.label for node in tree.leaves]
    above = [node.label for node in tree.nodes if node.level > 0] if labels else []
    vectors = tree_encoder(tree, model).encode(values + above, progress=progress)
    return TreeVectors(vectors[: len(values)], vectors[len(values) :])


def inner_centroids(tree: Taxonomy, vectors: NDArray[np.float32]) -> Iterator[tuple[list[Node], NDArray[np.float32]]]:
    """Yield the nodes of each level above the values and their centroids, finest level first.

    A centroid is the mean vector of the values below a node that are not dormant, scaled to unit length. A node without
    such has none, and is left out.

    Parameters
    ----------
    tree : Taxonomy
    vectors : ndarray of shape (n_values, dimension)
        Unit vectors, in the order of `tree.leaves`.
    """
    live = np.array([not value.is_dormant for value in tree.leaves], dtype=bool)
    vectors = vectors[live]
    for level in tree.ancestors[:, live]:
        positions, members = np.unique(level, return_inverse=True)
        means = cluster_means(vectors, members)
        yield (
            [tree.nodes[at] for at in positions],
            means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12),
        )


def nearest_nodes(tree: Taxonomy, node: Node, *, n: int, model: str | None = None) -> list[tuple[Node, float]]:
    """Return the nodes of its level that are most like a node, with their cosines: see `Taxonomy.nearest`."""
    vectors = embed_tree(tree, model=model, labels=False).values
    if node.level == 0:
        nodes, rows = list(tree.leaves), vectors
    else:
        nodes, rows = next(pair for level, pair in enumerate(inner_centroids(tree, vectors), 1) if level == node.level)
    row_of = {candidate.id: row for row, candidate in enumerate(nodes)}
    if node.id not in row_of:
        return []
    cosines = rows @ rows[row_of[node.id]]
    nearest = [row for row in np.argsort(-cosines, kind="stable").tolist() if row != row_of[node.id]]
    return [(nodes[row], round(float(cosines[row]), 6)) for row in nearest[:n]]


def tree_encoder(tree: Taxonomy, model: str | None = None) -> Encoder:
    """Return what embeds strings as the tree's values were; parameters and errors as for `embed_tree`.

    Strings that are compared need one runtime. It is the one that the tree was built with as long as that is here and
    the vectors of the tree's values are stored; else the one that a build would take now, for the tree's values too.

    Warns
    -----
    RuntimeChangeWarning
        If the tree was built with another runtime than the one returned.
    """
    from embeddings import StoredEncoder

    return StoredEncoder(unstored_encoder(tree, model))


def model_name(tree: Taxonomy, model: str | None) -> str:
    """Return the model that embeds the strings of a tree, as `embeddings.load_encoder` takes it."""
    from embeddings import DEFAULT_MODEL

    named = tree.provenance.model
    return model or (named.name if named else DEFAULT_MODEL)


def unstored_encoder(tree: Taxonomy, model: str | None = None) -> SentenceTransformerEncoder:
    """Return the encoder of `tree_encoder`, without a store."""
    from embeddings import load_encoder
    from embeddings.runtimes import SENTENCE_TRANSFORMERS, noted_runtime

    named = tree.provenance.model
    name, download = model_name(tree, model), model is not None
    encoder = load_encoder(name, download=download)
    if model is None and named is not None and encoder.weights_sha256 != named.sha256:
        raise InputError(
            f"the tree was built with {named.name} of sha256 {named.sha256[:12]}..., and the one on this machine has "
            f"{encoder.weights_sha256[:12]}...",
            remedy="name one with `model`",
        )
    if named is None or encoder.weights_sha256 != named.sha256 or named.runtime == noted_runtime(encoder):
        return encoder
    before = named.runtime or SENTENCE_TRANSFORMERS
    own = _own_encoder(tree, lambda runtime: load_encoder(name, download=download, runtime=runtime), before)
    if own is not None:
        return own
    problem = f"the vectors that {before} made for the tree are not here; all are made again by {encoder.runtime}"
    warnings.warn(f"{tree.id}: {problem}, and may differ in the last bits", RuntimeChangeWarning, stacklevel=4)
    return encoder


def _own_encoder(
    tree: Taxonomy, load: Callable[[str], SentenceTransformerEncoder], runtime: str
) -> SentenceTransformerEncoder | None:
    """Return an encoder by the runtime of a tree if it is here and the vectors of the tree's values are stored."""
    from embeddings import EmbeddingError, StoredEncoder

    try:
        encoder = load(runtime)
    except EmbeddingError:
        return None
    return encoder if StoredEncoder(encoder).holds([value.label for value in tree.leaves]) else None
