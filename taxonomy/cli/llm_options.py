"""The options by which commands ask a language model, and what they print about it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from taxonomy.cli.asking_models import Asking, saying_how_to_go_on
from taxonomy.english.plurals import count_of
from taxonomy.llm.limits import CONCURRENCY, RETRIES, TIMEOUT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from embeddings import Encoder
    from taxonomy.labels.language_model import Labelled, LanguageModel
    from taxonomy.llm.settling import Asker
    from taxonomy.llm.spending import Usage
    from taxonomy.model.draft import Draft
    from taxonomy.progress import StageProgress


@dataclass(frozen=True)
class MostFailures:
    """How many failures are allowed: a number, or a percentage of the questions."""

    number: float
    percent: bool

    def allows(self, failures: int, questions: int) -> bool:
        """Say whether so many failures of so many questions are allowed."""
        return failures <= (self.number * questions / 100 if self.percent else self.number)

    def __str__(self) -> str:
        """Return it as it was written."""
        return f"{self.number:g}{'%' if self.percent else ''}"


class FailureLimit(click.ParamType[MostFailures]):
    """N, or P% of the questions."""

    name = "N|P%"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> MostFailures:
        """Read what was typed."""
        if isinstance(value, MostFailures):
            return value
        percent = value.endswith("%")
        try:
            number = float(value[:-1]) if percent else int(value)
        except ValueError:
            number = -1
        if not 0 <= number < float("inf"):
            self.fail(f"{value!r} is neither a number nor a percentage; give one such as 10 or 2%", param, ctx)
        return MostFailures(number, percent)


OPTIONS = {
    "llm": click.option(
        "--llm", metavar="PROVIDER/NAME", help="Language model: anthropic/NAME, openai/NAME or ollama/NAME."
    ),
    "base_url": click.option(
        "--llm-base-url", "base_url", metavar="URL", help="Another server, as any that speaks the OpenAI protocol."
    ),
    "refine": click.option("--refine", is_flag=True, help="Let it move doubtful members to a node beside theirs."),
    "votes": click.option(
        "--votes", type=click.IntRange(1), default=1, show_default=True, help="Votes on each move of --refine."
    ),
    "dry_run": click.option("--dry-run", is_flag=True, help="Print calls, tokens and cost, and stop there."),
    "max_cost": click.option(
        "--max-cost", type=click.FloatRange(0), help="Stop where this is spent, in US$; refuse more."
    ),
    "concurrency": click.option(
        "--concurrency", type=click.IntRange(1), default=CONCURRENCY, show_default=True, help="Calls under way at once."
    ),
    "max_failures": click.option(
        "--max-failures",
        type=FailureLimit(),
        default="0",
        metavar="N|P%",
        show_default=True,
        help="Exit with 1 if more fail.",
    ),
    "timeout": click.option(
        "--timeout",
        type=click.FloatRange(0, min_open=True),
        default=TIMEOUT,
        show_default=True,
        help="Seconds that a call may take.",
    ),
    "retries": click.option(
        "--retries",
        type=click.IntRange(0),
        default=RETRIES,
        show_default=True,
        help="Times a failed call is made again.",
    ),
    "requests_per_minute": click.option(
        "--requests-per-minute", type=click.IntRange(1), help="Most calls a minute, spread evenly."
    ),
    "tokens_per_minute": click.option(
        "--tokens-per-minute", type=click.IntRange(1), help="Most tokens a minute, in and out, spread evenly."
    ),
    "batch": click.option("--batch", is_flag=True, help="Ask in batches, for half the price within a day."),
    "batch_rest": click.option("--batch-rest", is_flag=True, help="Ask live what a batch leaves."),
}


# Those that are about naming nodes alone.
_OF_NAMING = ("refine", "votes")
# What a command of its own does with a model, beside how the model is asked.
_OF_COMMANDS = ("dry_run", "max_failures")


def language_model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them among its keyword arguments."""
    for option in reversed(OPTIONS.values()):
        command = option(command)
    return command


def asking_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command that asks a language model, and names no nodes."""
    for name, option in reversed(OPTIONS.items()):
        command = command if name in _OF_NAMING else option(command)
    return command


def take_model(options: dict[str, Any]) -> LanguageModel:
    """Take a language model out of the options of a command that asks one."""
    from taxonomy.labels.language_model import LanguageModel

    own = {name: options.pop(name) for name in OPTIONS if name in options and name not in _OF_COMMANDS}
    if own["llm"] is None:
        raise click.UsageError("name a language model with --llm PROVIDER/NAME")
    return LanguageModel(own.pop("llm"), **own)


@dataclass
class Labelling:
    """A labeller that prints what asking a language model would cost, and what it did."""

    model: LanguageModel
    dry_run: bool
    max_failures: MostFailures
    quiet: bool
    _asking: Asking | None = None

    def note(self) -> str:
        """Return how asking goes: rate, what is spent, failures."""
        return "" if self._asking is None else self._asking.note()

    def _watch(self, planned: Usage, asker: Asker) -> None:
        self._asking = Asking(planned, asker)

    def name(
        self,
        draft: Draft,
        vectors: NDArray[np.float32],
        encoder: Encoder,
        *,
        only: Collection[str] | None = None,
        progress: StageProgress | None = None,
    ) -> Labelled:
        """Print the estimate, stop there with `dry_run`, else name the nodes and print what was done."""
        estimate = self.model.estimate(draft, vectors, encoder, only=only)
        plan_asking(self.model, estimate.usage, dry_run=self.dry_run, quiet=self.quiet)
        watch = partial(self._watch, estimate.usage)
        with saying_how_to_go_on():
            done = self.model.name(draft, vectors, encoder, only=only, progress=progress, watch=watch)
        if not self.quiet:
            moved = f", {count_of(done.moved, 'member')} moved" if self.model.refine else ""
            took = said_of(done.usage, len(done.failures))
            click.echo(f"{count_of(done.named, 'node')} named by {self.model.model}{moved}; {took}")
        return done

    def say_nothing_to_name(self) -> None:
        """Say that every node has a name, and stop there with `dry_run`."""
        if self.dry_run or not self.quiet:
            click.echo(f"{self.model.model}: 0 calls to make, every node has a name")
        if self.dry_run:
            raise click.exceptions.Exit(0)

    def report_failures(self, done: Labelled) -> None:
        """List what failed on stderr, and exit with 1 if it is more than was allowed."""
        from taxonomy.cli.screen import plain

        for failure in done.failures:
            node = f"{plain(failure.node)}  {plain(failure.label)}"
            click.echo(f"failed  {node}  {failure.stage}: {failure.outcome}: {plain(failure.reason)}", err=True)
        check_failures(len(done.failures), done.questions, self.max_failures)


def take_labelling(options: dict[str, Any], *, wanted: bool, quiet: bool) -> Labelling | None:
    """Take the options above out of a command's; None if no language model is wanted, and then none may be given."""
    if not wanted:
        context = click.get_current_context()
        for name in OPTIONS:
            del options[name]
            if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
                option = next(one for one in context.command.params if one.name == name).opts[0]
                raise click.UsageError(f"{option} goes with --labeller llm")
        return None
    dry_run, max_failures = (options.pop(name) for name in _OF_COMMANDS)
    return Labelling(take_model(options), dry_run, max_failures, quiet)


def plan_asking(model: LanguageModel, planned: Usage, *, dry_run: bool, quiet: bool) -> None:
    """Print an estimate, stop there with `dry_run`, and refuse one above the most that may be spent."""
    from taxonomy.errors import LanguageModelError

    if dry_run or not quiet:
        click.echo(_estimated(model.model, planned))
    limit = model.max_cost
    if limit is not None and planned.calls:
        if planned.cost is None:
            problem = f"the price of {model.model} is not known"
            raise LanguageModelError(problem, remedy="leave `max_cost` out")
        if planned.cost > limit:
            problem = f"the estimate is ${planned.cost:.4f}, above `max_cost` {limit:g}"
            raise LanguageModelError(problem, remedy="nothing was asked")
    if dry_run:
        raise click.exceptions.Exit(0)


def check_failures(failures: int, questions: int, limit: MostFailures) -> None:
    """Exit with 1 if more failed than was allowed."""
    if not limit.allows(failures, questions):
        click.echo(f"Error: {count_of(failures, 'failure')}, more than --max-failures {limit}", err=True)
        raise SystemExit(1)


def _estimated(model: str, usage: Usage) -> str:
    return (
        f"{model}: {count_of(usage.calls, 'call')} to make, {count_of(usage.stored, 'stored answer')}; "
        f"about {usage.input_tokens:,} tokens "
        f"in and {usage.output_tokens:,} out (by their bytes; retries and refused answers come on top); "
        f"{_priced(usage.cost, 'about ')}"
    )


def said_of(usage: Usage, failures: int) -> str:
    """Return what calls took and how many failures there were."""
    parts = [count_of(usage.calls, "call"), count_of(usage.stored, "stored answer"), count_of(failures, "failure")]
    if usage.calls:
        parts.append(f"{usage.input_tokens:,} tokens in and {usage.output_tokens:,} out")
        parts.append(_priced(usage.cost))
    return ", ".join(parts)


def _priced(cost: float | None, about: str = "") -> str:
    from importlib.metadata import version

    if cost is None:
        return "price unknown"
    return f"{about}${cost:.4f} by the prices of genai-prices {version('genai-prices')}"
