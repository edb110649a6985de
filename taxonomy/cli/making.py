"""Commands that make a taxonomy, or its names: build, label."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from taxonomy.building.defaults import ABSENCES, ABSENT, METHOD, MIN_CHILDREN, MODEL, RETIRE_AFTER, SEED, STAY
from taxonomy.cli.llm_options import language_model_options, take_labelling
from taxonomy.cli.options import (
    PATH,
    Choice,
    check_spark_options,
    column_options,
    device_options,
    model_option,
    quiet_option,
    spark_master_option,
    taxonomy_argument,
)
from taxonomy.clustering.names import METHOD_NAMES

if TYPE_CHECKING:
    from embeddings.spark import SparkEncoder

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


@click.command("build")
@click.argument("values", metavar="VALUES")
@click.option("--out", "out", required=True, type=PATH, help="Folder to write.")
@click.option("--levels", type=Sizes(), help="Exact sizes between values and top, finest first: 266,26.")
@click.option("--domains", metavar="FILE|none", help="A domains file; none for a top found in the data.")
@click.option("--top", type=int, help="Size of the top with --domains none (default 5).")
@click.option("--model", default=MODEL, show_default=True, help="minilm, mpnet, a hub name or a folder.")
@device_options
@spark_master_option("Embed")
@click.option("--method", type=Choice(METHOD_NAMES), default=METHOD, show_default=True)
@click.option("--min-children", default=MIN_CHILDREN, show_default=True, help="Children every node has at least.")
@click.option("--seed", default=SEED, show_default=True, help="For the methods with a random part.")
@click.option("--id", "id", help="The taxonomy's own id (default: that of --previous, else values).")
@click.option("--title", help="The taxonomy's title (default: that of --previous).")
@click.option("--previous", type=PATH, help="The version before: ids, names and places stay.")
@click.option("--stay", type=float, default=STAY, show_default=True, help="How strongly, 0 (as rebuilt) to 1 (fixed).")
@click.option("--absent", type=Choice(ABSENCES), default=ABSENT, show_default=True, help="Values no longer mentioned.")
@click.option("--retire-after", default=RETIRE_AFTER, show_default=True, help="Builds that a value may be dormant in.")
@click.option("--merge-spellings", is_flag=True, help="Merge honour and honor, typos and the like: see lint.")
@click.option("--edits", type=PATH, help="A person's decisions: see the command edit.")
@click.option("--strict", is_flag=True, help="Exit with 1 if an edit does not apply.")
@column_options
@click.option("--labeller", type=Choice(LABELLERS), default="keyphrase", show_default=True, help="Who names nodes.")
@language_model_options
@click.option("--page", is_flag=True, help="Write taxonomy.html, to open in a browser, and its map.")
@quiet_option
def build_command(
    values: str,
    out: Path,
    domains: str | None,
    previous: Path | None,
    edits: Path | None,
    strict: bool,
    spark_master: str | None,
    value_column: str | None,
    weight_column: str | None,
    labeller: str,
    page: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Build a taxonomy of value strings.

    VALUES is a .txt, .csv, .tsv, .jsonl, .json or .parquet file, or - for standard input.

    \b
    Example:
      value-taxonomy build values.csv --levels 266,26 --out build/
    """
    from taxonomy.building.folder import check_build_folder
    from taxonomy.building.pipeline import build
    from taxonomy.cli.screen import progress_bars
    from taxonomy.cli.summary import fail_if_left, print_outcomes, print_summary
    from taxonomy.formats.readers import read
    from taxonomy.values import read_values
    from taxonomy.versions.edits_file import read_edits
    from taxonomy.views.page import check_size

    if strict and edits is None:
        raise click.UsageError("--strict goes with --edits")
    labelling = take_labelling(options, wanted=labeller == "llm", quiet=quiet)
    old = None if previous is None else read(previous)
    decisions = () if edits is None else read_edits(edits)
    value_set = read_values(values, value_column=value_column, weight_column=weight_column)
    if page:
        check_size(len(value_set))
    check_build_folder(out, page=page)
    if domains is not None:
        options["domains"] = None if domains == "none" else domains
    with progress_bars(quiet, labelling.note if labelling else None) as progress:
        built = build(
            value_set,
            previous=old,
            edits=decisions,
            encoder=None if spark_master is None else _spark_encoder(options["model"], spark_master),
            labeller=labelling,
            progress=progress,
            **options,
        )
        if labelling is not None and built.labelled is None:
            labelling.say_nothing_to_name()
        files = built.write(out, page=page, progress=progress)
    if not quiet:
        print_summary(built, out, files)
        if previous is not None:
            click.echo(
                f"Version {built.tree.version}; see what changed: value-taxonomy diff {previous} {out}/taxonomy.json"
            )
        if edits is not None:
            print_outcomes(built.outcomes, built.tree, options["levels"])
    if labelling is not None and built.labelled is not None:
        labelling.report_failures(built.labelled)
    if strict:
        fail_if_left(built.outcomes)


def _spark_encoder(model: str, master: str) -> SparkEncoder:
    from embeddings.spark import SparkEncoder, spark_session
    from taxonomy.spark_calls import check_pyspark

    check_spark_options()
    check_pyspark()
    return SparkEncoder(model, spark_session(master)[0])


@click.command("label")
@taxonomy_argument
@click.option("--out", type=PATH, help="File to write.")
@click.option("--in-place", is_flag=True, help="Write TAXONOMY itself.")
@language_model_options
@model_option("Embedding model")
@quiet_option
def label_command(
    taxonomy: Path, out: Path | None, in_place: bool, model: str | None, quiet: bool, **options: Any
) -> None:
    """Name the nodes of a taxonomy by a language model.

    TAXONOMY is in any format that import reads. Labels that people or the domains file gave stay. The key is taken from
    ANTHROPIC_API_KEY or OPENAI_API_KEY. Every answer is kept, so that a run that was killed goes on where it was, and a
    second one asks nothing. Where nothing is named, nothing is written, and the exit status is 1.

    \b
    Example:
      value-taxonomy label build/taxonomy.json --llm anthropic/NAME --dry-run
      value-taxonomy label build/taxonomy.json --out named.json --llm openai/NAME --llm-base-url http://localhost:8000/v1
    """
    from taxonomy.building.labelling import label
    from taxonomy.cli.screen import plain, progress_bars
    from taxonomy.files import updating
    from taxonomy.formats.readers import read
    from taxonomy.publishing import check_ending

    labelling = take_labelling(options, wanted=True, quiet=quiet)
    assert labelling is not None
    if out is not None and in_place:
        raise click.UsageError("--out and --in-place exclude each other")
    if in_place and taxonomy.suffix.lower() != ".json":
        raise click.UsageError("--in-place writes a taxonomy.json: name the file to write with --out")
    if out is None and not in_place and not labelling.dry_run:
        raise click.UsageError("name the file to write with --out, or write TAXONOMY itself with --in-place")
    target = out or taxonomy
    check_ending(target)
    with updating(taxonomy, None if labelling.dry_run else target) as check:
        with progress_bars(quiet, labelling.note) as progress:
            labelled, done = label(read(taxonomy), labelling, model=model, progress=progress)
        nothing = not done.named and not done.moved
        if nothing:
            click.echo(plain(f"Error: nothing was named, so {target} was not written"), err=True)
        else:
            check()
            labelled.write(target)
    labelling.report_failures(done)
    if nothing:
        raise SystemExit(1)
