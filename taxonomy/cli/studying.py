"""`value-taxonomy study`: from conversations to a taxonomy and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from taxonomy.cli.extract_run import Watch, extraction_options, print_extraction, take_recipe
from taxonomy.cli.llm_options import check_failures, said_of, take_model
from taxonomy.cli.making import Sizes
from taxonomy.cli.options import PATH, device_options, quiet_option
from taxonomy.cli.record_options import disclosure_options, take_disclosure


@click.command("study")
@extraction_options
@click.option("--out", required=True, type=PATH, help="Folder to write.")
@click.option("--levels", type=Sizes(), help="Exact sizes between values and top, finest first: 266,26.")
@device_options
@disclosure_options
@quiet_option
def study_command(
    files: tuple[Path, ...],
    out: Path,
    format: str | None,
    screen_model: str | None,
    key: Path | None,
    levels: tuple[int, ...] | None,
    dry_run: bool,
    max_failures: Any,
    quiet: bool,
    **options: Any,
) -> None:
    """Extract the values of the conversations in FILES, build their taxonomy, and report what they show.

    The steps are those of `extract run`, `mentions count --side both`, `build` and `report`, and each can be run alone
    on what is in the folder. The same command again goes on where one was cut short. The command `label` lets
    the model name the nodes, too.

    \b
    Example:
      value-taxonomy study export.zip --llm anthropic/NAME --out study/
    """
    from taxonomy.building.recipe import Recipe
    from taxonomy.cli.answer_output import say_internal
    from taxonomy.cli.summary import print_summary
    from taxonomy.study import REPORT, TAXONOMY, run_study

    disclosure = take_disclosure(options)
    llm = take_model(options)
    recipe = take_recipe(options, screen_model)
    asking = Watch(llm, recipe, screen_model, dry_run=dry_run, quiet=quiet)
    with asking.of(files, format) as (conversations, progress):
        done = run_study(
            conversations,
            llm,
            out,
            recipe=recipe,
            screen_model=screen_model,
            key=key,
            building=Recipe(levels=levels),
            disclosure=disclosure,
            progress=progress,
            watch=asking.begin,
        )
    if disclosure.is_internal:
        say_internal()
    failed = sum(done.extraction.failed.values())
    if not quiet:
        print_extraction(done.extraction)
        click.echo(f"{llm.model}: {said_of(asking.usage, failed)}")
        print_summary(done.built, out / TAXONOMY, sorted(path.name for path in (out / TAXONOMY).iterdir()))
        click.echo(f"Written to {out}: open {out / REPORT} in a browser")
    check_failures(failed, done.extraction.counts["kept"], max_failures)
