"""The options by which commands read records of mentions, and find where their values belong."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from taxonomy.cli.options import Choice, quiet_option
from taxonomy.mentions.columns import SIDES, Side
from taxonomy.mentions.disclosure import INTERNAL, PUBLIC, Disclosure
from taxonomy.mentions.engines import ENGINES, EngineName
from taxonomy.mentions.rejected import MAX_REJECTED

if TYPE_CHECKING:
    import pandas as pd

    from taxonomy.mentions.opening import Mentions
    from taxonomy.mentions.placed import PlacedMentions
    from taxonomy.mentions.records import Records
    from taxonomy.progress import StageProgress

Command = Callable[..., Any]
PATH = click.Path(path_type=Path)
DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
SIDES_OR_BOTH = (*SIDES, "both")

_FILES = click.argument("files", nargs=-1, required=True)
_DISCLOSURE = (
    click.option(
        "--min-conversations",
        type=click.IntRange(1),
        default=PUBLIC.min_conversations,
        show_default=True,
        help="Suppress figures from fewer conversations.",
    ),
    click.option(
        "--min-users",
        type=click.IntRange(1),
        default=PUBLIC.min_users,
        show_default=True,
        help="Suppress figures from fewer users, where users are known.",
    ),
    click.option("--internal", is_flag=True, help="Disclose all figures; the output says: internal use only."),
)
_READING = (
    click.option("--engine", type=Choice(ENGINES), default="duckdb", show_default=True, help="Engine that counts."),
    click.option("--master", metavar="URL", help="Spark's master (default: local[*]).  [--engine spark]"),
    click.option(
        "--memory-limit", metavar="SIZE", help="Memory for DuckDB before it spills to disk, such as 8GB (default: 3GB)."
    ),
    click.option(
        "--max-rejected",
        type=click.FloatRange(0, 1),
        default=MAX_REJECTED,
        show_default=True,
        help="Exit with 2 if a larger share of rows is malformed.",
    ),
    click.option(
        "--force", "mixed", is_flag=True, help="Read records of different extracting models or prompts together."
    ),
    *_DISCLOSURE,
    quiet_option,
)
_TREE_HELP = "Taxonomy that the values belong to."
_TREE = click.option("--taxonomy", "tree", metavar="TAXONOMY", required=True, type=PATH, help=_TREE_HELP)
_OPTIONAL_TREE = click.option("--taxonomy", "tree", metavar="TAXONOMY", type=PATH, help=f"{_TREE_HELP}  [required]")
_PLACING = (
    click.option("--human-taxonomy", "human_tree", type=PATH, help="Taxonomy of the human side, if it is another."),
    click.option("--assign", is_flag=True, help="Place strings first that the taxonomy does not have."),
    click.option("--model", help="Embedding model for --assign (default: the one that TAXONOMY names, else minilm)."),
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
        "--split-at", type=DAY, metavar="DATE", help="First day (UTC) of the later period, where FILES have both."
    ),
)
_WATCHING = (
    click.option("--watch", multiple=True, metavar="NODE", help="Watch a node: an id, a label or a path."),
    click.option("--watch-list", type=PATH, help='A TOML file with watch = ["deception", ...].'),
)


@dataclass(frozen=True)
class Reading:
    """How records are read, and what is disclosed of them."""

    files: tuple[str, ...]
    engine: EngineName
    master: str | None
    memory_limit: str | None
    max_rejected: float
    mixed: bool
    disclosure: Disclosure
    quiet: bool

    @contextmanager
    def open(self, out: Path | None) -> Iterator[Records]:
        """Open the records alone; rows that are rejected are kept beside `out`, or counted."""
        from taxonomy.cli.screen import waiting
        from taxonomy.mentions.engines import open_engine
        from taxonomy.mentions.records import open_records

        with open_engine(self.engine, master=self.master, memory_limit=self.memory_limit) as engine:
            with waiting("reading", self.quiet):
                records = open_records(self.files, engine=engine, max_rejected=self.max_rejected, mixed=self.mixed)
            _say(records.origins.described, records.notices(), self.quiet)
            _keep_rejected([records.rejected], out)
            yield records


@dataclass(frozen=True)
class Analysis:
    """How records are read, where their values belong, and where the answer is written."""

    reading: Reading
    tree: Path
    human_tree: Path | None
    assign: bool
    model: str | None
    out: Path | None
    as_json: bool = False

    @property
    def disclosure(self) -> Disclosure:
        """The least that a figure is disclosed from."""
        return self.reading.disclosure

    @contextmanager
    def open(self, progress: StageProgress | None = None, *, baseline: Sequence[str] = ()) -> Iterator[list[Mentions]]:
        """Open the records, and those of a baseline after them where there is one.

        Rows that are rejected are kept beside `out`, or counted.
        """
        from taxonomy.cli.screen import progress_bars
        from taxonomy.formats.readers import read
        from taxonomy.mentions.opening import open_mentions

        tree = read(self.tree)
        human_tree = read(self.human_tree) if self.human_tree else None
        reading = self.reading
        bars = progress_bars(reading.quiet) if progress is None else nullcontext(progress)
        with (
            bars as shown,
            _without_warnings(),
            open_mentions(
                reading.files,
                tree,
                human_tree=human_tree,
                assign=self.assign,
                model=self.model,
                engine=reading.engine,
                master=reading.master,
                memory_limit=reading.memory_limit,
                max_rejected=reading.max_rejected,
                mixed=reading.mixed,
                progress=shown,
            ) as mentions,
        ):
            opened = [mentions, *([mentions.open_baseline(baseline)] if baseline else [])]
            _say(mentions.origins, [notice for one in opened for notice in one.notices], reading.quiet)
            _keep_rejected([one.rejected for one in opened], self.out)
            yield opened

    def place(self, mentions: Mentions, side: Side) -> PlacedMentions:
        """Return the mentions of one side, and say how many have no node."""
        placed = mentions.side(side)
        if placed.unmapped and not self.reading.quiet:
            from taxonomy.english.plurals import count_of

            unmapped = f"{len(placed.unmapped):,} of {count_of(placed.strings, 'string')}"
            share = f"{placed.unmapped.total() / placed.mentions:.1%} of mentions"
            click.echo(f"{side}: not in the taxonomy {placed.tree.id}: {unmapped} ({share})", err=True)
        return placed

    @contextmanager
    def open_sides(self, *sides: Side) -> Iterator[list[PlacedMentions]]:
        """Open the records, and place the mentions of these sides."""
        with self.open() as (mentions,):
            yield [self.place(mentions, side) for side in sides]

    @contextmanager
    def open_periods(
        self, side: Side, baseline: tuple[str, ...], split_at: datetime | None
    ) -> Iterator[tuple[PlacedMentions, PlacedMentions]]:
        """Open what is compared: the earlier mentions of one side, and the later ones."""
        if (split_at is None) == (not baseline):
            raise click.UsageError("give either --baseline (earlier records) or --split-at (a day in FILES)")
        if baseline and self.assign:
            raise click.UsageError(
                "--assign goes with --split-at: with --baseline, let `assign` add to the taxonomy first"
            )
        with self.open(baseline=baseline) as (mentions, *earlier):
            later = self.place(mentions, side)
            yield (earlier[0].side(side), later) if split_at is None else later.split_at(split_at)


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
    """Add --taxonomy, --human-taxonomy, --assign and --model."""
    return _decorate(command, _OPTIONAL_TREE, *_PLACING)


def disclosure_options(command: Command) -> Command:
    """Add --min-conversations, --min-users and --internal; see `take_disclosure`."""
    return _decorate(command, *_DISCLOSURE)


def take_disclosure(options: dict[str, Any]) -> Disclosure:
    """Take the least that a figure is disclosed from out of the options of a command."""
    least = Disclosure(options.pop("min_conversations"), options.pop("min_users"))
    return INTERNAL if options.pop("internal") else least


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
    disclosure = take_disclosure(given)
    names = ("files", "engine", "master", "memory_limit", "max_rejected", "mixed", "quiet")
    return Reading(disclosure=disclosure, **{name: given.pop(name) for name in names})


def _decorate(command: Command, *options: Callable[[Command], Command]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Leave out the library's warnings of what `_say` says."""
    from taxonomy.mentions.opening import RecordsWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecordsWarning)
        yield


def _say(origins: str, notices: Sequence[str], quiet: bool) -> None:
    """Say how the values were extracted, and what to know of the records."""
    if not quiet:
        click.echo(origins, err=True)
    for notice in notices if not quiet else ():
        click.echo(f"Warning: {notice}", err=True)


def _keep_rejected(tables: Sequence[pd.DataFrame], out: Path | None) -> None:
    """Keep rejected rows beside `out`, and say how many there are and why."""
    import pandas as pd

    from taxonomy.mentions.rejected import count_reasons, keep_rejected

    rejected = pd.concat(tables, ignore_index=True)
    if not len(rejected):
        return
    listed = ", ".join(f"{count:,} of {what}" for what, count in count_reasons(rejected).items())
    if out is None:
        click.echo(f"Rejected rows: {listed}; keep them with --out", err=True)
        return
    path = keep_rejected(rejected, out.parent)
    click.echo(f"Rejected rows ({listed}) are in {path}, with their ids: keep it where the records are", err=True)
