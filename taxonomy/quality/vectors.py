"""The vectors of a tree's values and labels, from the store where a build left them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embeddings.progress import Progress
from taxonomy.errors import InputError
from taxonomy.geometry import cluster_means
from taxonomy.model import ModelProvenance, Node, Taxonomy

if TYPE_CHECKING:
    from embeddings import Encoder, SentenceTransformerEncoder


class RuntimeChangeWarning(UserWarning):
    """The vectors of a tree are made again by another runtime, or on another device, than it was built with."""


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
    vectors = vectors if live.all() else vectors[live]
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

    Warns
    -----
    RuntimeChangeWarning
        If the tree was built otherwise: see `as_built`.
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

    named = tree.provenance.model
    load = partial(load_encoder, model_name(tree, model), download=model is not None)
    encoder = load(expected=0 if named else len(tree.nodes))
    if model is None and named is not None and encoder.weights_sha256 != named.sha256:
        raise InputError(
            f"the tree was built with {named.name} of sha256 {named.sha256[:12]}..., and the one on this machine has "
            f"{encoder.weights_sha256[:12]}...",
            remedy="name one with `model`",
        )
    return as_built(tree, encoder, load)


def describe_model(encoder: Encoder) -> ModelProvenance:
    """Return what provenance says of an encoder."""
    from embeddings.devices import noted_device, noted_precision
    from embeddings.runtimes import noted_runtime

    return ModelProvenance(
        name=encoder.name,
        sha256=getattr(encoder, "weights_sha256", encoder.digest),
        dimension=encoder.dimension,
        runtime=noted_runtime(encoder),
        device=noted_device(encoder),
        precision=noted_precision(encoder),
    )


def as_built(
    tree: Taxonomy, encoder: SentenceTransformerEncoder, load: Callable[..., SentenceTransformerEncoder]
) -> SentenceTransformerEncoder:
    """Return an encoder of a tree's model by the runtime and on the device that the tree was built with.

    Strings that are compared need one of each. They are the tree's own where the GPU is here, or on the CPU where the
    runtime is here and the vectors of the tree's values are stored; else those of the encoder given, for the tree's
    values too. A device that the user names is taken in any case.

    Parameters
    ----------
    tree : Taxonomy
    encoder : SentenceTransformerEncoder
        What a build would take now; it is returned where the tree names no model, or another.
    load : callable
        Loads its model; takes ``runtime``, ``device`` and ``precision``.

    Warns
    -----
    RuntimeChangeWarning
        If the tree was built otherwise than what is returned computes.
    """
    named = tree.provenance.model
    if named is None or encoder.weights_sha256 != named.sha256:
        return encoder
    now = describe_model(encoder)
    if (named.runtime, named.device, named.precision) == (now.runtime, now.device, now.precision):
        return encoder
    own = _own_encoder(tree, named, now, load)
    if own is not None:
        return own
    problem = f"the tree's vectors were made by {_maker(named)}; all are made again by {_maker(now)}"
    warnings.warn(f"{tree.id}: {problem}, and may differ in the last bits", RuntimeChangeWarning, stacklevel=4)
    return encoder


def _own_encoder(
    tree: Taxonomy, named: ModelProvenance, now: ModelProvenance, load: Callable[..., SentenceTransformerEncoder]
) -> SentenceTransformerEncoder | None:
    """Return the encoder that a tree was built with if it can be used again and the user asks for no other."""
    from embeddings import EmbeddingError, StoredEncoder
    from embeddings.devices import AUTO, CPU, FP32, find_kind, wish
    from embeddings.runtimes import SENTENCE_TRANSFORMERS

    wanted = wish()
    if (wanted.device != AUTO and now.device != named.device) or (
        wanted.precision != FP32 and now.precision != named.precision
    ):
        return None
    try:
        own = load(
            runtime=named.runtime or SENTENCE_TRANSFORMERS,
            device=find_kind(named.device) if named.device else CPU,
            precision=named.precision or FP32,
        )
    except EmbeddingError:
        return None
    is_usable = own.device == named.device if named.device else StoredEncoder(own).holds([v.label for v in tree.leaves])
    return own if is_usable else None


def _maker(model: ModelProvenance) -> str:
    from embeddings.runtimes import SENTENCE_TRANSFORMERS

    device = f" on {model.device}" if model.device else ""
    precision = f" in {model.precision}" if model.precision else ""
    return f"{model.runtime or SENTENCE_TRANSFORMERS}{device}{precision}"
