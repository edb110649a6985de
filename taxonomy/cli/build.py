"""`value-taxonomy build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from taxonomy.cli.language_model import language_model_options, take_labelling
from taxonomy.cli.options import column_options

if TYPE_CHECKING:
    from taxonomy.model import Taxonomy
    from taxonomy.progress import StageProgress
    from taxonomy.quality.cohesion import LevelCohesion
    from taxonomy.versions.replay import Outcome

METHODS = ("average", "ward", "kmeans", "density")
LABELLERS = ("keyphrase", "llm")


class Sizes(click.ParamType[tuple[int, ...]]):
    """Comma-separated level sizes."""

    name = "N,N,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Parse ``266,26`` as (266, 26)."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not a list of sizes such as 266,26", param, ctx)


@click.command()
@click.argument("values", metavar="VALUES")
@click.option("--out", "out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--levels", type=Sizes(), help="Exact sizes between values and top, finest first: 266,26.")
@click.option("--domains", metavar="FILE|none", help="A domains file; none for a top found in the data.")
@click.option("--top", type=int, help="Size of the top with --domains none (default 5).")
@click.option("--model", default="minilm", show_default=True, help="minilm, mpnet, a hub name or a folder.")
@click.option("--spark-master", metavar="URL", help="Embed on this Spark cluster: local[*] or spark://HOST:7077.")
@click.option("--method", type=click.Choice(METHODS), default="average", show_default=True)
@click.option("--min-children", default=2, show_default=True, help="Children every node has at least.")
@click.option("--seed", default=0, show_default=True, help="For the methods with a random part.")
@click.option("--id", "id", help="The taxonomy's own id (default: that of --previous, else values).")
@click.option("--title", help="The taxonomy's title (default: that of --previous).")
@click.option("--previous", type=click.Path(path_type=Path), help="The version before: ids, names and places stay.")
@click.option("--stay", type=float, default=0.3, show_default=True, help="How strongly, 0 (as rebuilt) to 1 (fixed).")
@click.option("--edits", type=click.Path(path_type=Path), help="A person's decisions: see the command edit.")
@column_options
@click.option(
    "--labeller", type=click.Choice(LABELLERS), default="keyphrase", show_default=True, help="Who names nodes."
)
@language_model_options
@click.option("--page", is_flag=True, help="Write taxonomy.html, to open in a browser, and its map.")
@click.option("--quiet", is_flag=True, help="Print errors only.")
def build(
    values: str,
    out: Path,
    domains: str | None,
    previous: Path | None,
    edits: Path | None,
    value_column: str | None,
    weight_column: str | None,
    labeller: str,
    page: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Build a taxonomy of VALUES: a .txt, .csv, .tsv, .jsonl or .parquet file, or - for standard input.

    \b
    Example:
      value-taxonomy build values.csv --levels 266,26 --out build/
    """
    from taxonomy.building.folder import check_writable, write_build
    from taxonomy.building.pipeline import build_tree
    from taxonomy.cli.screen import progress_bars
    from taxonomy.cli.summary import print_outcomes, print_summary
    from taxonomy.formats.readers import read_taxonomy
    from taxonomy.quality.cohesion import measure_cohesion
    from taxonomy.values import read_values
    from taxonomy.versions.edits import edit_values, read_edits
    from taxonomy.views.page import check_size

    labelling = take_labelling(options, wanted=labeller == "llm", quiet=quiet)
    options["previous"] = old = None if previous is None else read_taxonomy(previous)
    options["edits"] = decisions = () if edits is None else read_edits(edits)
    value_set = read_values(Path(values), value_column=value_column, weight_column=weight_column)
    value_set = edit_values(value_set, decisions, old)
    if page:
        check_size(len(value_set))
    check_writable(out)
    if domains is not None:
        options["domains"] = None if domains == "none" else Path(domains)
    with progress_bars(quiet) as progress:
        quality: list[LevelCohesion] = []
        if labelling is not None:
            labelling.progress = progress
        outcomes: list[Outcome] = []
        tree = build_tree(
            value_set,
            labeller=labelling,
            progress=progress,
            inspect=lambda tree, vectors: quality.extend(measure_cohesion(tree, vectors)),
            replayed=outcomes.extend,
            **options,
        )
        pages = _page(tree, options["model"], progress) if page else {}
    write_build(out, tree, value_set, quality, pages)
    if not quiet:
        print_summary(tree, value_set, out, pages=pages)
        if previous is not None:
            click.echo(f"Version {tree.version}; see what changed: value-taxonomy diff {previous} {out}/taxonomy.json")
        if edits is not None:
            print_outcomes(outcomes)
    if labelling is not None:
        labelling.report_failures()


def _page(tree: Taxonomy, model: str, progress: StageProgress | None) -> dict[str, bytes]:
    from taxonomy.progress import stage_of
    from taxonomy.quality.vectors import embed_tree
    from taxonomy.views.layout import lay_out
    from taxonomy.views.map import NAME, map_parquet
    from taxonomy.views.page import taxonomy_page

    vectors = embed_tree(tree, model=model, progress=stage_of(progress, "embedding labels"))
    points = lay_out(vectors.values, progress=stage_of(progress, "laying out the map"))
    html = taxonomy_page(tree, vectors=vectors, points=points)
    return {NAME: map_parquet(tree, points), "taxonomy.html": html.encode()}
