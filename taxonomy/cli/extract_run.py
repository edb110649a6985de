"""`value-taxonomy extract run`: from conversations to records of the values that they express."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from taxonomy.cli.asking_models import Asking, saying_how_to_go_on
from taxonomy.cli.llm_options import asking_options, check_failures, plan_asking, said_of, take_model
from taxonomy.cli.options import PATH, Choice, quiet_option
from taxonomy.english.plurals import count_of
from taxonomy.extraction.extraction_defaults import DEFAULT_LEVEL, LEVELS, WINDOW
from taxonomy.extraction.readers import list_formats

if TYPE_CHECKING:
    from taxonomy.extraction.conversation_set import Conversations
    from taxonomy.extraction.extraction_recipe import ExtractionRecipe
    from taxonomy.extraction.extractor import Extraction
    from taxonomy.labels.language_model import LanguageModel
    from taxonomy.llm.settling import Asker
    from taxonomy.llm.spending import Usage
    from taxonomy.progress import StageProgress


_OPTIONS = (
    click.argument("files", nargs=-1, required=True, type=PATH),
    click.option("--format", type=Choice(list_formats()), help="Format of the files (default: each file's own)."),
    click.option("--screen-llm", "screen_model", metavar="PROVIDER/NAME", help="Another model for the screener."),
    click.option("--screen/--no-screen", default=True, help="Leave out what is not subjective (default), or nothing."),
    click.option(
        "--keep-from",
        type=Choice(LEVELS),
        default=DEFAULT_LEVEL,
        show_default=True,
        help="Least subjective level to keep.",
    ),
    click.option("--combined", is_flag=True, help="Ask one question of each conversation, instead of four."),
    click.option("--language", default="English", show_default=True, help="In which values and tasks are named."),
    click.option("--window", default=WINDOW, show_default=True, help="Characters that the model is shown at once."),
    click.option("--key", type=PATH, help="private/key of another extraction, for the same digests of ids."),
)
# The fields of a recipe.
_RECIPE = ("screen", "keep_from", "combined", "language", "window")


def extraction_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add FILES, and how values are extracted from them."""
    command = asking_options(command)
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_recipe(options: dict[str, Any], screen_model: str | None) -> ExtractionRecipe:
    """Take a recipe out of the options of a command."""
    from taxonomy.extraction.extraction_recipe import ExtractionRecipe

    if screen_model is not None and not options["screen"]:
        raise click.UsageError("--screen-llm can't be combined with --no-screen")
    return ExtractionRecipe(**{name: options.pop(name) for name in _RECIPE})


@click.command("run")
@extraction_options
@click.option("--out", required=True, type=PATH, help="Folder to write, which you alone can read.")
@quiet_option
def run_command(
    files: tuple[Path, ...],
    out: Path,
    format: str | None,
    screen_model: str | None,
    key: Path | None,
    dry_run: bool,
    max_failures: Any,
    quiet: bool,
    **options: Any,
) -> None:
    """Extract the values that the conversations in FILES express, with evidence for each.

    FILES are chat exports, logs and data sets, as `conversations show` reads them. A screener leaves out what is not
    subjective. Of each other conversation the model names the AI's values, the values that the person states, the type
    of the response, and the task. A value counts only with a quote that stands in a turn of its own side.

    The same command again goes on where one was cut short.

    \b
    Example:
      value-taxonomy extract run export.zip --llm anthropic/NAME --out extraction/
      value-taxonomy analyze frequency extraction/ --taxonomy build/taxonomy.json
    """
    from taxonomy.cli.screen import print_written
    from taxonomy.extraction.extraction_run import extract_values

    llm = take_model(options)
    recipe = take_recipe(options, screen_model)
    asking = Watch(llm, recipe, screen_model, dry_run=dry_run, quiet=quiet)
    with asking.of(files, format) as (conversations, progress):
        done = extract_values(
            conversations,
            llm,
            out,
            recipe=recipe,
            screen_model=screen_model,
            key=key,
            progress=progress,
            watch=asking.begin,
        )
    failed = sum(done.failed.values())
    if not quiet:
        print_extraction(done)
        click.echo(f"{llm.model}: {said_of(asking.usage, failed)}")
        print_written(out)
    check_failures(failed, done.counts["kept"], max_failures)


class Watch:
    """Prints what asking about conversations will take, and how it goes."""

    def __init__(
        self, llm: LanguageModel, recipe: ExtractionRecipe, screen_model: str | None, *, dry_run: bool, quiet: bool
    ) -> None:
        self._llm = llm
        self._recipe = recipe
        self._screen_model = screen_model
        self._dry_run = dry_run
        self._quiet = quiet
        self._planned: Usage | None = None
        self._asker: Asker | None = None
        self._asking: Asking | None = None

    @contextmanager
    def of(self, files: tuple[Path, ...], format: str | None) -> Iterator[tuple[Conversations, StageProgress | None]]:
        """Read files, print the estimate, and give the conversations and a progress; a dry run ends here."""
        from taxonomy.cli.screen import progress_bars, waiting
        from taxonomy.extraction.conversation_set import open_conversations
        from taxonomy.extraction.extraction_run import plan_extraction

        with waiting("reading", self._quiet):
            opened = open_conversations(files, format=format)
        with opened as conversations:
            with waiting("estimating", self._quiet):
                planned = plan_extraction(
                    conversations, self._llm, recipe=self._recipe, screen_model=self._screen_model
                )
            if self._recipe.screen and (self._dry_run or not self._quiet):
                click.echo("Estimated as if the screener kept every conversation whose screening is not stored:")
            plan_asking(self._llm, planned, dry_run=self._dry_run, quiet=self._quiet)
            self._planned = planned
            with saying_how_to_go_on(), progress_bars(self._quiet, self.note) as progress:
                yield conversations, progress

    def begin(self, asker: Asker) -> None:
        """Take what asks."""
        assert self._planned is not None
        self._asker, self._asking = asker, Asking(self._planned, asker)

    def note(self) -> str:
        """Return how asking goes: rate, what is spent, failures."""
        return "" if self._asking is None else self._asking.note()

    @property
    def usage(self) -> Usage:
        """What was asked in this run."""
        assert self._asker is not None
        return self._asker.usage


def print_extraction(done: Extraction) -> None:
    """Print what became of the conversations and of the values that were named."""
    counts = done.counts
    lost = f"{counts['unreadable']:,} unreadable + {counts['duplicates']:,} duplicates"
    read = f"{lost} + {counts['nothing']:,} without text + {counts['kept']:,} kept"
    click.echo(f"{count_of(counts['read'], 'conversation')} read = {read}")
    failed = f"{sum(done.failed.values()):,} failed"
    if done.failed:
        failed += f" ({_listed(done.failed)})"
    became = f"{counts['screened_out']:,} screened out + {failed} + {counts['extracted']:,} extracted"
    click.echo(f"{counts['kept']:,} kept = {became}")
    ai, human = done.values["ai"], done.values["human"]
    stated = done.values["ai_explicit"]
    click.echo(
        f"{count_of(ai, 'value')} of the AI's, {stated:,} of them stated; {human:,} of the person's; "
        f"{count_of(counts['without_values'], 'conversation')} without any"
    )
    if done.refused:
        click.echo(f"Refused: {count_of(sum(done.refused.values()), 'value')} ({_listed(done.refused)})")
    if counts["windowed"]:
        windows = count_of(counts["windows"], "window")
        click.echo(f"{count_of(counts['windowed'], 'long conversation')} read in {windows}")


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())
