"""`value-taxonomy extract evaluate`: what was extracted beside what the conversations hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from taxonomy.cli.answer_output import (
    Column,
    Shown,
    column,
    draw,
    format_figure,
    format_percent,
    format_whole,
    interval,
)
from taxonomy.cli.options import PATH, model_option, quiet_option, taxonomy_option
from taxonomy.extraction.extraction_defaults import LIKENESS

if TYPE_CHECKING:
    import pandas as pd

    from embeddings import Encoder
    from taxonomy.extraction.evaluation import Evaluation
    from taxonomy.extraction.measures import Share
    from taxonomy.model import Taxonomy


def likeness_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --model, --no-vectors and --likeness."""
    for option in (
        click.option(
            "--likeness", type=float, default=LIKENESS, show_default=True, help="Least cosine of values that are alike."
        ),
        click.option("--no-vectors", is_flag=True, help="Do without likeness, which needs an embedding model."),
        model_option("Embedding model by which values are alike"),
    ):
        command = option(command)
    return command


@click.command("evaluate")
@click.argument("out", type=PATH)
@click.option("--truth", required=True, type=PATH, help="The .parquet or .csv file of what conversations hold.")
@taxonomy_option
@likeness_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@quiet_option
def evaluate_command(
    out: Path,
    truth: Path,
    taxonomy: Path | None,
    model: str | None,
    no_vectors: bool,
    likeness: float,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare what was extracted with what the conversations hold.

    OUT is the folder that extract run wrote, with its private files. The truth has a row for each fact, in the columns
    conversation_id, kind, label, side and explicit: its kinds are value, "not expressed", response, task, language and
    subjectivity. Values are compared by spelling, by likeness and, with --taxonomy, by cluster.

    \b
    Example:
      value-taxonomy extract evaluate out/ --truth truth.parquet --taxonomy build/taxonomy.json
    """
    from taxonomy.cli.answer_output import say_internal
    from taxonomy.cli.screen import console, plain, print_fields
    from taxonomy.extraction.evaluation import evaluate_extraction

    with matching_values(taxonomy, model, no_vectors, likeness, quiet) as matching:
        evaluation = evaluate_extraction(out, truth, **matching)
    say_internal()
    if as_json:
        click.echo(evaluation.to_json())
        return
    if quiet:
        return
    screen = console()
    print_fields(screen, _fields(evaluation))
    for shown in _tables(evaluation):
        screen.print()
        screen.print(draw(shown) if len(shown.rows) else plain(f"{shown.title}: none"), markup=False)


@contextmanager
def matching_values(
    taxonomy: Path | None, model: str | None, no_vectors: bool, likeness: float, quiet: bool
) -> Iterator[dict[str, Any]]:
    """Give how values are matched, by the options of a command, with bars while strings are embedded."""
    from taxonomy.cli.screen import progress_bars
    from taxonomy.cli.vectors_option import check_vectors
    from taxonomy.formats.readers import read
    from taxonomy.progress import stage_of

    check_vectors(model, no_vectors)
    tree = None if taxonomy is None else read(taxonomy)
    with progress_bars(quiet) as progress:
        encoder = None if no_vectors else _encoder(tree, model)
        yield {
            "taxonomy": tree,
            "encoder": encoder,
            "likeness": likeness,
            "progress": stage_of(progress, "embedding"),
        }


def _encoder(tree: Taxonomy | None, model: str | None) -> Encoder:
    from embeddings import DEFAULT_MODEL, StoredEncoder, load_encoder
    from taxonomy.quality.vectors import tree_encoder

    if tree is not None:
        return tree_encoder(tree, model)
    return StoredEncoder(load_encoder(model or DEFAULT_MODEL, download=model is not None))


def _fields(evaluation: Evaluation) -> dict[str, str]:
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in evaluation.outcomes.items())
    shares = {
        "right flag": evaluation.explicit_right,
        "wrong side": evaluation.wrong_side,
        "traps that came out": evaluation.traps_expressed,
        "screener precision": evaluation.screener_precision,
        "screener recall": evaluation.screener_recall,
        "right response": evaluation.response_right,
        "right task": evaluation.task_right,
    }
    return {
        "conversations": outcomes,
        "not in the truth": f"{evaluation.unjudged:,}" if evaluation.unjudged else "",
        **{name: written(share) for name, share in shares.items()},
    }


def written(share: Share) -> str:
    """Return a share with its interval, nothing where it is one of nothing."""
    if share.share is None or share.interval is None:
        return ""
    low, high = share.interval
    return f"{share.share:.2%} ({low:.2%} to {high:.2%}) of {share.of:,}"


def _with_interval(name: str, low: str, high: str, heading: str | None = None) -> Column:
    return column("{:.1%} ({:.1%} to {:.1%})".format, name, low, high, heading=heading)


def _scores(*names: str) -> Iterator[Column]:
    yield from (_with_interval(name, f"{name}_low", f"{name}_high") for name in names)


def _tables(evaluation: Evaluation) -> Iterator[Shown]:
    matching, side = column(str, "matching", heading=""), column(str, "side", heading="")
    counts = tuple(column(format_whole, name) for name in ("true", "found", "right"))
    yield Shown(evaluation.values, (matching, side, *counts, *_scores("precision", "recall")), title="Values")
    name = "recall_with_screened_out"
    recall = _with_interval(name, f"{name}_low", f"{name}_high", "recall")
    title = "F1; and recall, what was screened out taken as missed"
    yield Shown(evaluation.values, (matching, side, *_scores("f1"), recall), title=title)
    stated = evaluation.stated.assign(stated=evaluation.stated["stated"].map({True: "stated", False: "shown"}))
    kind = column(str, "stated", heading="")
    yield Shown(stated, (matching, side, kind, counts[0], counts[2], *_scores("recall")), title="Stated or shown")
    flags = evaluation.explicitness.replace({True: "stated", False: "shown"})
    yield _crossed(flags, "stated", "said_stated", "The AI's values, stated or shown (columns: as extracted)")
    title = "Values of one side only (columns: where they were found)"
    yield _crossed(evaluation.sides, "true_side", "found_side", title)
    trapped = (column(format_whole, "traps"), column(format_whole, "expressed", heading="came out"))
    share = next(_scores("share"))
    yield Shown(evaluation.traps, (column(str, "place", heading=""), *trapped, share), title="Named and not expressed")
    screened = evaluation.screening.replace({"kept": {True: "kept", False: "screened out"}})
    levels = (column(str, "level", heading=""), column(str, "kept", heading=""))
    subjective = tuple(column(format_whole, name) for name in ("conversations", "subjective"))
    yield Shown(screened, (*levels, *subjective, share), title="Screening")
    numbers = {name: f"{number} {name}" for number, name in enumerate(evaluation.responses.columns, 1)}
    responses = evaluation.responses.rename(index=numbers).reset_index()
    wide = (column(format_whole, name, heading=number[0]) for name, number in numbers.items())
    title = "Response types (columns: as extracted)"
    yield Shown(responses, (column(str, "true", heading=""), *wide), title=title)
    kappa = (column(format_figure, "kappa"), interval("low", "high", "{:.2f} to {:.2f}"))
    weights = (column(str, "weights"), column(format_whole, "conversations"))
    yield Shown(evaluation.kappas, (*weights, *kappa), title="Agreement on response types, Cohen's kappa")
    language = (column(str, "language", heading=""), column(format_whole, "conversations"))
    yield Shown(
        evaluation.languages,
        (*language, *_scores("precision", "recall", "accuracy")),
        title="Languages (accuracy: response types)",
        most=40,
    )
    distances = tuple(column(format_percent, name) for name in ("distance", "chance", "chance_high"))
    columns = (
        matching,
        side,
        column(format_whole, "items"),
        *counts[:2],
        *distances,
        column(format_figure, "spearman"),
    )
    yield Shown(evaluation.distributions, columns, title="How far the shares of values are off")


def _crossed(rows: pd.DataFrame, down: str, across: str, title: str) -> Shown:
    wide = rows.pivot(index=down, columns=across, values="values")
    names = [str(name) for name in wide.columns]
    return Shown(
        wide.rename_axis(index="truth").reset_index(),
        (column(str, "truth", heading=""), *(column(format_whole, n) for n in names)),
        title,
    )
