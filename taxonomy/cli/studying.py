"""`value-taxonomy study`: from conversations to a taxonomy and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from taxonomy.cli.extract_run import Watch, extraction_options, print_extraction, take_recipe
from taxonomy.cli.llm_options import check_failures, plan_asking, said_of, take_model
from taxonomy.cli.making import LABELLERS, Sizes
from taxonomy.cli.options import PATH, Choice, quiet_option
from taxonomy.cli.record_options import disclosure_options, take_disclosure


@click.command("study")
@extraction_options
@click.option("--out", required=True, type=PATH, help="Folder to write.")
@click.option("--levels", type=Sizes(), help="Exact sizes between values and top, finest first: 266,26.")
@click.option("--labeller", type=Choice(LABELLERS), default="keyphrase", show_default=True, help="Who names nodes.")
@disclosure_options
@quiet_option
def study_command(
    files: tuple[Path, ...],
    out: Path,
    format: str | None,
    screen_model: str | None,
    key: Path | None,
    levels: tuple[int, ...] | None,
    labeller: str,
    dry_run: bool,
    max_failures: Any,
    quiet: bool,
    **options: Any,
) -> None:
    """Extract the values of the conversations in FILES, build their taxonomy, and report what they show.

    The steps are those of `extract run`, `mentions count --side both`, `build` and `report`, and each can be run alone
    on what is in the folder. The same command again goes on where one was cut short. With --labeller llm the model
    names the nodes, too.

    \b
    Example:
      value-taxonomy study export.zip --llm anthropic/NAME --out study/
    """
    from taxonomy.building.recipe import Recipe
    from taxonomy.cli.answer_output import say_internal
    from taxonomy.cli.asking_models import saying_how_to_go_on
    from taxonomy.cli.screen import progress_bars, waiting
    from taxonomy.cli.summary import print_summary
    from taxonomy.extraction.conversation_set import open_conversations
    from taxonomy.extraction.extraction_run import plan_extraction
    from taxonomy.study import REPORT, TAXONOMY, run_study

    disclosure = take_disclosure(options)
    llm = take_model(options)
    recipe = take_recipe(options, screen_model)
    with waiting("reading", quiet):
        conversations = open_conversations(files, format=format)
    with conversations:
        with waiting("estimating", quiet):
            planned = plan_extraction(conversations, llm, recipe=recipe, screen_model=screen_model)
        if recipe.screen and (dry_run or not quiet):
            click.echo("Estimated as if the screener kept every conversation whose screening is not stored:")
        plan_asking(llm, planned, dry_run=dry_run, quiet=quiet)
        watch = Watch(planned)
        with saying_how_to_go_on(), progress_bars(quiet, watch.note) as progress:
            done = run_study(
                conversations,
                llm,
                out,
                recipe=recipe,
                screen_model=screen_model,
                key=key,
                building=Recipe(levels=levels),
                labeller=llm if labeller == "llm" else None,
                disclosure=disclosure,
                progress=progress,
                watch=watch.begin,
            )
    if disclosure.is_internal:
        say_internal()
    failed = sum(done.extraction.failed.values())
    if not quiet:
        print_extraction(done.extraction)
        click.echo(f"{llm.model}: {said_of(watch.usage, failed)}")
        print_summary(done.built, out / TAXONOMY, sorted(path.name for path in (out / TAXONOMY).iterdir()))
        click.echo(f"Written to {out}: open {out / REPORT} in a browser")
    check_failures(failed, done.extraction.counts["kept"], max_failures)
