"""`value-taxonomy explore`, and the page of `build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from taxonomy.model import Taxonomy
    from taxonomy.progress import StageProgress
    from taxonomy.quality.vectors import TreeVectors


@click.command()
@click.argument("taxonomy", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The page to write, ending in .html.")
@click.option("--diff", "old", metavar="OLD", type=click.Path(path_type=Path), help="Colour what changed since OLD.")
@click.option("--model", help="Model of the vectors (default: the one that TAXONOMY names, else minilm).")
@click.option(
    "--no-vectors", is_flag=True, help="Leave out what needs a model: nearest nodes, map, findings by likeness."
)
@click.option("--quiet", is_flag=True, help="Print errors only.")
def explore(taxonomy: Path, out: Path, old: Path | None, model: str | None, no_vectors: bool, quiet: bool) -> None:
    """Write TAXONOMY, in any format that import reads, as a page: one file that opens in a browser without a network.

    \b
    Example:
      value-taxonomy explore build/taxonomy.json --out taxonomy.html
      value-taxonomy explore build/taxonomy.json --diff old/taxonomy.json --out changes.html
    """
    from taxonomy.cli.reading import read_tree
    from taxonomy.cli.screen import plain, progress_bars
    from taxonomy.files import replace_file
    from taxonomy.views.map import NAME, read_map
    from taxonomy.views.page import check_size, taxonomy_page

    if no_vectors and model:
        raise click.UsageError("--model and --no-vectors exclude each other")
    if out.suffix.lower() not in (".html", ".htm"):
        raise click.BadParameter(f"{out} does not end in .html", param_hint="--out")
    tree = read_tree(taxonomy)
    before = None if old is None else read_tree(old)
    check_size(tree.levels[0].size)
    points = read_map(taxonomy.with_name(NAME), tree)
    vectors = None
    with progress_bars(quiet) as progress:
        if not no_vectors:
            vectors, points = vectors_and_map(tree, model, points, progress)
    replace_file(out, taxonomy_page(tree, vectors=vectors, points=points, old=before).encode())
    if not quiet:
        click.echo(f"Written to {plain(str(out))}: open it in a browser")


def vectors_and_map(
    tree: Taxonomy, model: str | None, points: NDArray[np.float64] | None, progress: StageProgress | None
) -> tuple[TreeVectors, NDArray[np.float64]]:
    """Return the vectors of a tree, and its map, made where `points` is not it already."""
    from embeddings.errors import EmbeddingError
    from taxonomy.errors import TaxonomyError
    from taxonomy.progress import stage_of
    from taxonomy.quality.vectors import embed_tree
    from taxonomy.views.layout import lay_out

    try:
        vectors = embed_tree(tree, model=model, progress=stage_of(progress, "embedding labels"))
    except EmbeddingError as error:
        raise TaxonomyError(
            f"the page needs a model: {error}; or leave out what needs one with --no-vectors"
        ) from error
    if points is None:
        drawing = stage_of(progress, "laying out the map")
        if drawing:
            drawing(0, 1)
        points = lay_out(vectors.values)
        if drawing:
            drawing(1, 1)
    return vectors, points
