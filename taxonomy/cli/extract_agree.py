"""`value-taxonomy extract agree`: how far two extractions of the same conversations agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from taxonomy.cli.answer_output import Shown, column, draw, format_percent, format_whole
from taxonomy.cli.extract_evaluate import likeness_options, matching_values, written
from taxonomy.cli.options import PATH, quiet_option, taxonomy_option

if TYPE_CHECKING:
    from taxonomy.extraction.repeated_extraction import ExtractionAgreement


@click.command("agree")
@click.argument("out", type=PATH)
@click.argument("other", metavar="OUT2", type=PATH)
@taxonomy_option
@likeness_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@quiet_option
def agree_command(
    out: Path,
    other: Path,
    taxonomy: Path | None,
    model: str | None,
    no_vectors: bool,
    likeness: float,
    as_json: bool,
    quiet: bool,
) -> None:
    """Say how far two extractions of the same conversations agree.

    OUT and OUT2 are folders that extract run wrote, with their private files: by two models, by two prompts, or one run
    twice. Values are compared by spelling, by likeness and, with --taxonomy, by cluster. Neither is the truth.

    \b
    Example:
      value-taxonomy extract agree extraction/ extraction-of-another-model/ --no-vectors
    """
    from taxonomy.cli.answer_output import say_internal
    from taxonomy.cli.screen import console, print_fields
    from taxonomy.extraction.repeated_extraction import compare_extractions

    with matching_values(taxonomy, model, no_vectors, likeness, quiet) as matching:
        found = compare_extractions(out, other, **matching)
    say_internal()
    if as_json:
        click.echo(found.to_json(), nl=False)
    if as_json or quiet:
        return
    screen = console()
    print_fields(screen, _fields(found))
    for shown in _tables(found):
        screen.print()
        screen.print(draw(shown), markup=False)


def _fields(found: ExtractionAgreement) -> dict[str, str]:
    only = " and ".join(f"{count:,}" for count in found.apart)
    models = " and ".join(str(source.get("model") or "?") for source in found.sources)
    return {
        "models": models,
        "they differ in": ", ".join(found.differences) or "nothing: the same model and prompts",
        "conversations": f"{found.conversations:,}",
        "in one alone": only if any(found.apart) else "",
        "same task": written(found.tasks),
    }


def _tables(found: ExtractionAgreement) -> Iterator[Shown]:
    names = [str(name) for name in found.outcomes.columns]
    outcomes = found.outcomes.reset_index()
    title = "Conversations by what became of them (columns: in the second)"
    counts = (column(format_whole, name) for name in names)
    yield Shown(outcomes, (column(str, "first", heading=""), *counts), title=title)
    whole = tuple(column(format_whole, name) for name in ("first", "second", "both"))
    agreement = column("{:.1%} ({:.1%} to {:.1%})".format, "agreement", "low", "high", heading="agreement, bootstrap")
    places = (column(str, "matching", heading=""), column(str, "side", heading=""))
    yield Shown(found.values, (*places, *whole, column(format_percent, "overlap"), agreement), title="Values")
    value = column("{:.2f} ({:.2f} to {:.2f})".format, "value", "low", "high", heading="value, 95% interval")
    columns = (column(str, "of", heading=""), column(str, "coefficient", heading=""), column(format_whole, "units"))
    yield Shown(found.coefficients, (*columns, value), title="Agreement", most=60)
