"""The checks and figures that need vectors, or are left out with --no-vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from taxonomy.model import Taxonomy
    from taxonomy.progress import StageProgress
    from taxonomy.quality.vectors import TreeVectors


def check_vectors(model: str | None, no_vectors: bool) -> None:
    """See that --model and --no-vectors are not given both."""
    if no_vectors and model:
        raise click.UsageError("--model and --no-vectors exclude each other")


def embed_or_say(tree: Taxonomy, model: str | None, progress: StageProgress | None) -> TreeVectors:
    """Embed the strings of a tree; where that fails, say that there is a way without."""
    from embeddings.errors import EmbeddingError
    from taxonomy.errors import TaxonomyError
    from taxonomy.progress import stage_of
    from taxonomy.quality.vectors import embed_tree

    try:
        return embed_tree(tree, model=model, progress=stage_of(progress, "embedding"))
    except EmbeddingError as error:
        raise TaxonomyError(f"{error}; or leave out what needs one with --no-vectors") from error
