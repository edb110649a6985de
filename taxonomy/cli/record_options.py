"""The options by which commands read records of mentions, and find where their values belong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from taxonomy.cli.options import Choice
from taxonomy.mentions.columns import SIDES, Side
from taxonomy.mentions.disclosure import INTERNAL, PUBLIC, Disclosure
from taxonomy.mentions.engines import ENGINES, EngineName
from taxonomy.mentions.rejected import MAX_REJECTED

if TYPE_CHECKING:
    import pandas as pd

    from taxonomy.mentions.placed import Placed
    from taxonomy.mentions.records import Records

Command = Callable[..., Any]
PATH = click.Path(path_type=Path)
DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
SIDES_OR_BOTH = (*SIDES, "both")

_FILES = click.argument("files", nargs=-1, required=True)
_READING = (
    click.option("--engine", type=Choice(ENGINES), default="duckdb", show_default=True, help="What counts."),
    click.option("--master", metavar="URL", help="Spark's master (default: local[*]).  [--engine spark]"),
    click.option("--memory-limit", metavar="SIZE", help="Memory DuckDB may take before it spills to disk, as 4GB."),
    click.option(
        "--max-rejected",
        type=click.FloatRange(0, 1),
        default=MAX_REJECTED,
        show_default=True,
        help="Exit with 2 if a larger share of rows is malformed.",
    ),
    click.option(
        "--min-conversations",
        type=click.IntRange(1),
        default=PUBLIC.min_conversations,
        show_default=True,
        help="Tell no figure from fewer conversations.",
    ),
    click.option(
        "--min-users",
        type=click.IntRange(1),
        default=PUBLIC.min_users,
        show_default=True,
        help="Nor from fewer users, where known.",
    ),
    click.option("--internal", is_flag=True, help="Tell all figures, for use within; the output says so."),
    click.option("--quiet", is_flag=True, help="Print errors only."),
)
_TREE = click.option("--taxonomy", "tree", required=True, type=PATH, help="Where the values belong.")
_PLACING = (
    click.option("--human-taxonomy", "human_tree", type=PATH, help="One of the human side's own."),
    click.option("--assign", is_flag=True, help="Place strings first that the taxonomy does not have."),
    click.option("--model", help="Model for --assign (default: the one that TAXONOMY names, else minilm)."),
)
_OUTPUT = (
    click.option("--out", type=PATH, help="The .csv or .parquet file to write."),
    click.option("--json", "as_json", is_flag=True, help="Print JSON."),
)
_PERIODS = (
    click.option("--side", type=Choice(SIDES), default="ai", show_default=True, help="Whose values."),
    click.option(
        "--baseline", multiple=True, metavar="FILES", help="Earlier records to compare with; may be repeated."
    ),
    click.option(
        "--split-at",
        type=DAY,
        metavar="DATE",
        help="Or: compare what is in FILES from this day (UTC) on with what is before.",
    ),
)
_WATCHING = (
    click.option("--watch", multiple=True, metavar="NODE", help="Look out for a node: an id, a label or a path."),
    click.option("--watch-list", type=PATH, help='A TOML file with watch = ["deception", ...].'),
)


@dataclass(frozen=True)
class Reading:
    """How records are read, and what may be told of them."""

    files: tuple[str, ...]
    engine: EngineName
    master: str | None
    memory_limit: str | None
    max_rejected: float
    disclosure: Disclosure
    quiet: bool

    @contextmanager
    def open(self, out: Path | None) -> Iterator[Records]:
        """Open the records; rows that are rejected are kept beside `out`, or counted."""
        with self.open_all([self.files], out) as (records,):
            yield records

    @contextmanager
    def open_all(self, groups: Sequence[Sequence[str]], out: Path | None) -> Iterator[list[Records]]:
        """Open several groups of files as records of their own, on one engine."""
        import pandas as pd

        from taxonomy.cli.screen import waiting
        from taxonomy.mentions.engines import open_engine
        from taxonomy.mentions.records import open_records

        with open_engine(self.engine, master=self.master, memory_limit=self.memory_limit) as engine:
            with waiting("reading", self.quiet):
                opened = [open_records(files, engine=engine, max_rejected=self.max_rejected) for files in groups]
            rejected = pd.concat([records.rejected for records in opened], ignore_index=True)
            if len(rejected):
                _set_aside(rejected, out)
            yield opened


@dataclass(frozen=True)
class Analysis:
    """How records are read, where their values belong, and where the answer goes."""

    reading: Reading
    tree: Path
    human_tree: Path | None
    assign: bool
    model: str | None
    out: Path | None
    as_json: bool = False

    @property
    def disclosure(self) -> Disclosure:
        """The least that a figure is told from."""
        return self.reading.disclosure

    def place(self, records: Records, side: Side) -> Placed:
        """Find the nodes of one side's mentions, and say how many have none."""
        from taxonomy.cli.screen import progress_bars, waiting
        from taxonomy.formats.readers import read
        from taxonomy.mentions.placed import grow, place
        from taxonomy.progress import stage_of

        quiet = self.reading.quiet
        tree = read(self.human_tree if side == "human" and self.human_tree else self.tree)
        if self.assign:
            with progress_bars(quiet) as progress:
                told = stage_of(progress, "embedding")
                tree = grow(records, tree, side=side, model=self.model, progress=told)
        with waiting("counting", quiet):
            placed = place(records, tree, side=side)
        if placed.unmapped and not quiet:
            click.echo(
                f"{side}: {len(placed.unmapped):,} of {placed.strings:,} strings "
                f"({placed.unmapped.total() / placed.mentions:.1%} of mentions) are not in {tree.id}",
                err=True,
            )
        return placed

    @contextmanager
    def open(self, *sides: Side) -> Iterator[list[Placed]]:
        """Open the records, and place the mentions of these sides."""
        with self.reading.open(self.out) as records:
            yield [self.place(records, side) for side in sides]

    @contextmanager
    def open_periods(
        self, side: Side, baseline: tuple[str, ...], when: datetime | None
    ) -> Iterator[tuple[Placed, Placed]]:
        """Open what is to be compared: the earlier mentions of one side, and the later ones."""
        from taxonomy.mentions.periods import split_at
        from taxonomy.mentions.placed import place

        if (when is None) == (not baseline):
            raise click.UsageError("give either --baseline, records to compare with, or --split-at, a day in FILES")
        if baseline and self.assign:
            raise click.UsageError(
                "--assign goes with --split-at: with --baseline, let `assign` add to the taxonomy first"
            )
        if when is not None:
            with self.open(side) as (placed,):
                yield split_at(placed, when)
            return
        with self.reading.open_all([self.reading.files, baseline], self.out) as (later, earlier):
            placed = self.place(later, side)
            yield place(earlier, placed.tree, side=side), placed


def reading_options(command: Command) -> Command:
    """Add FILES and the options of `Reading`, which the command gets as `reading`."""

    def gathered(**given: Any) -> Any:
        return command(reading=_gather_reading(given), **given)

    return _decorate(update_wrapper(gathered, command), _FILES, *_READING)


def analysis_options(command: Command) -> Command:
    """Add FILES and the options of `Analysis`, which the command gets as `analysis`."""

    def gathered(**given: Any) -> Any:
        own = {name: given.pop(name) for name in ("tree", "human_tree", "assign", "model", "out", "as_json")}
        analysis = Analysis(reading=_gather_reading(given), **own)
        if analysis.out is not None:
            from taxonomy.mentions.tables import check_table_path

            check_table_path(analysis.out)
        return command(analysis=analysis, **given)

    return _decorate(update_wrapper(gathered, command), _FILES, _TREE, *_PLACING, *_OUTPUT, *_READING)


def placing_options(command: Command) -> Command:
    """Add --human-taxonomy, --assign and --model."""
    return _decorate(command, *_PLACING)


def period_options(command: Command) -> Command:
    """Add --side, --baseline and --split-at."""
    return _decorate(command, *_PERIODS)


def watch_options(command: Command) -> Command:
    """Add --watch and --watch-list."""
    return _decorate(command, *_WATCHING)


def watched_names(watch: Sequence[str], watch_list: Path | None) -> tuple[str, ...]:
    """Return the names of nodes that --watch and --watch-list give."""
    from taxonomy.questions.watch_list import read_watch_list

    return (*watch, *(read_watch_list(watch_list) if watch_list is not None else ()))


def _gather_reading(given: dict[str, Any]) -> Reading:
    """Take the options of `Reading` out of those given."""
    from taxonomy.mentions.engines import check_installed

    check_installed()
    least = Disclosure(given.pop("min_conversations"), given.pop("min_users"))
    disclosure = INTERNAL if given.pop("internal") else least
    names = ("files", "engine", "master", "memory_limit", "max_rejected", "quiet")
    return Reading(disclosure=disclosure, **{name: given.pop(name) for name in names})


def _decorate(command: Command, *options: Callable[[Command], Command]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def _set_aside(rejected: pd.DataFrame, out: Path | None) -> None:
    """Keep rejected rows beside `out`, and say how many there are and why."""
    from taxonomy.mentions.rejected import count_reasons, keep_rejected

    listed = ", ".join(f"{count:,} of {what}" for what, count in count_reasons(rejected).items())
    if out is None:
        click.echo(f"Rejected rows: {listed}; keep them with --out", err=True)
        return
    path = keep_rejected(rejected, out.parent)
    click.echo(f"Rejected rows ({listed}) are in {path}, with their ids: keep it where the records are", err=True)
