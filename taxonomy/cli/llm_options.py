"""The options by which commands ask a language model, and what they print about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from taxonomy.english.plurals import count_of
from taxonomy.llm.limits import CONCURRENCY, RETRIES, TIMEOUT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from embeddings import Encoder
    from taxonomy.labels.language_model import Estimate, Failure, Labelled, LanguageModel
    from taxonomy.model.draft import Draft
    from taxonomy.progress import StageProgress

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
    "max_cost": click.option("--max-cost", type=click.FloatRange(0), help="Refuse if the estimate is above, in US$."),
    "concurrency": click.option(
        "--concurrency", type=click.IntRange(1), default=CONCURRENCY, show_default=True, help="Calls under way at once."
    ),
    "max_failures": click.option(
        "--max-failures", type=click.IntRange(0), default=0, show_default=True, help="Exit with 1 if more fail."
    ),
    "timeout": click.option(
        "--timeout",
        type=click.FloatRange(0, min_open=True),
        default=TIMEOUT,
        show_default=True,
        help="Seconds to wait.",
    ),
    "retries": click.option(
        "--retries",
        type=click.IntRange(0),
        default=RETRIES,
        show_default=True,
        help="Times a failed call is made again.",
    ),
}


def language_model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them among its keyword arguments."""
    for option in reversed(OPTIONS.values()):
        command = option(command)
    return command


@dataclass(frozen=True)
class Labelling:
    """A labeller that prints what asking a language model would cost, and what it did."""

    model: LanguageModel
    dry_run: bool
    max_cost: float | None
    max_failures: int
    quiet: bool

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
        if self.dry_run or not self.quiet:
            click.echo(_estimated(self.model.model, estimate))
        self._check_cost(estimate)
        if self.dry_run:
            raise click.exceptions.Exit(0)
        done = self.model.name(draft, vectors, encoder, only=only, progress=progress)
        if not self.quiet:
            moved = f", {count_of(done.moved, 'member')} moved" if self.model.refine else ""
            parts = (
                count_of(done.usage.calls, "call"),
                count_of(done.usage.stored, "stored answer"),
                count_of(len(done.failures), "failure"),
            )
            click.echo(f"{count_of(done.named, 'node')} named by {self.model.model}{moved}; {', '.join(parts)}")
        return done

    def say_nothing_to_name(self) -> None:
        """Say that every node has a name, and stop there with `dry_run`."""
        if self.dry_run or not self.quiet:
            click.echo(f"{self.model.model}: 0 calls to make, every node has a name")
        if self.dry_run:
            raise click.exceptions.Exit(0)

    def report_failures(self, failures: Sequence[Failure]) -> None:
        """List what failed on stderr, and exit with 1 if it is more than was allowed."""
        from taxonomy.cli.screen import plain

        for failure in failures:
            node = f"{plain(failure.node)}  {plain(failure.label)}"
            click.echo(f"failed  {node}  {failure.stage}: {plain(failure.problem)}", err=True)
        if len(failures) > self.max_failures:
            problem = f"{count_of(len(failures), 'failure')}, more than --max-failures {self.max_failures}"
            click.echo(f"Error: {problem}", err=True)
            raise SystemExit(1)

    def _check_cost(self, estimate: Estimate) -> None:
        from taxonomy.errors import LabelError

        if self.max_cost is None or not estimate.usage.calls:
            return
        if estimate.cost is None:
            problem = f"the price of {self.model.model} is not known"
            raise LabelError(problem, remedy="leave `max_cost` out")
        if estimate.cost > self.max_cost:
            problem = f"the estimate is ${estimate.cost:.4f}, above `max_cost` {self.max_cost:g}"
            raise LabelError(problem, remedy="nothing was asked")


def take_labelling(options: dict[str, Any], *, wanted: bool, quiet: bool) -> Labelling | None:
    """Take the options above out of a command's; None if no language model is wanted, and then none may be given."""
    own = {name: options.pop(name) for name in OPTIONS}
    if not wanted:
        context = click.get_current_context()
        for name in OPTIONS:
            if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
                option = next(one for one in context.command.params if one.name == name).opts[0]
                raise click.UsageError(f"{option} goes with --labeller llm")
        return None
    if own["llm"] is None:
        raise click.UsageError("name a language model with --llm PROVIDER/NAME")

    from taxonomy.labels.language_model import LanguageModel

    asking = {name: own[name] for name in ("base_url", "refine", "votes", "concurrency", "timeout", "retries")}
    return Labelling(LanguageModel(own["llm"], **asking), own["dry_run"], own["max_cost"], own["max_failures"], quiet)


def _estimated(model: str, estimate: Estimate) -> str:
    from importlib.metadata import version

    usage = estimate.usage
    price = (
        "price unknown"
        if estimate.cost is None
        else f"about ${estimate.cost:.4f} by the prices of genai-prices {version('genai-prices')}"
    )
    return (
        f"{model}: {count_of(usage.calls, 'call')} to make, {count_of(usage.stored, 'stored answer')}; "
        f"about {usage.input_tokens:,} tokens "
        f"in and {usage.output_tokens:,} out (4 characters a token; retries and refused answers come on top); {price}"
    )
