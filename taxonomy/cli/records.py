"""The options by which commands read records of mentions, and what they print about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    import pandas as pd

    from taxonomy.mentions.placed import Placed
    from taxonomy.mentions.records import Records, Side

ENGINES = ("duckdb", "spark")
SIDES = ("ai", "human", "both")

_FILES = click.argument("files", nargs=-1, required=True)
_READING = (
    click.option("--engine", type=click.Choice(ENGINES), default="duckdb", show_default=True, help="What counts."),
    click.option("--master", metavar="URL", help="Spark's master (default: local[*]).  [--engine spark]"),
    click.option("--memory-limit", metavar="SIZE", help="Memory DuckDB may take before it spills to disk, as 4GB."),
    click.option(
        "--max-rejected",
        type=click.FloatRange(0, 1),
        default=0.01,
        show_default=True,
        help="Exit with 2 if a larger share of rows is malformed.",
    ),
    click.option(
        "--min-conversations",
        type=click.IntRange(1),
        default=15,
        show_default=True,
        help="Tell no figure from fewer conversations.",
    ),
    click.option(
        "--min-users", type=click.IntRange(1), default=5, show_default=True, help="Nor from fewer users, where known."
    ),
    click.option("--internal", is_flag=True, help="Tell all figures, for use within; the output says so."),
    click.option("--quiet", is_flag=True, help="Print errors only."),
)
_PLACING = (
    click.option("--taxonomy", "tree", required=True, type=click.Path(path_type=Path), help="Where the values belong."),
    click.option(
        "--human-taxonomy", "human_tree", type=click.Path(path_type=Path), help="One of the human side's own."
    ),
    click.option("--assign", is_flag=True, help="Place strings first that the taxonomy does not have."),
    click.option("--model", help="Model for --assign (default: the one that TAXONOMY names, else minilm)."),
    click.option("--out", type=click.Path(path_type=Path), help="The .csv or .parquet file to write."),
    click.option("--json", "as_json", is_flag=True, help="Print JSON."),
)


@dataclass(frozen=True)
class Reading:
    """How records are read, and what may be told of them."""

    files: tuple[str, ...]
    engine: Literal["duckdb", "spark"]
    master: str | None
    memory_limit: str | None
    max_rejected: float
    min_conversations: int
    min_users: int
    internal: bool
    quiet: bool

    @property
    def thresholds(self) -> dict[str, int]:
        """The least conversations and users that a figure is told from, as analyses take them."""
        if self.internal:
            return {"min_conversations": 0, "min_users": 0}
        return {"min_conversations": self.min_conversations, "min_users": self.min_users}

    @contextmanager
    def open(self, out: Path | None) -> Iterator[Records]:
        """Open the records; what is malformed goes to a file beside `out`, or in the current folder."""
        from taxonomy.cli.screen import waiting
        from taxonomy.mentions.engine import open_engine
        from taxonomy.mentions.records import open_records
        from taxonomy.mentions.sources import REJECTED

        with open_engine(self.engine, master=self.master, memory_limit=self.memory_limit) as engine:
            with waiting("reading", self.quiet):
                records = open_records(self.files, engine=engine, max_rejected=self.max_rejected)
            if len(records.rejected):
                self.set_aside(records, (out.parent if out else Path()) / REJECTED)
            yield records

    def set_aside(self, records: Records, path: Path) -> None:
        """Write the rows that were rejected, and say so."""
        from collections import Counter

        from taxonomy.mentions.tables import write_table

        write_table(records.rejected, path)
        counts = Counter(f"{row['kind']}: {row['reason']}" for row in records.rejected.to_dict("records"))
        listed = ", ".join(f"{count:,} of {what}" for what, count in sorted(counts.items()))
        click.echo(f"Rejected rows ({listed}) are in {path}, with their ids: keep it where the records are", err=True)

    def marked(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table that says so, if it tells figures that must not leave."""
        return table.assign(internal=True) if self.internal else table


@dataclass(frozen=True)
class Analysing(Reading):
    """How an analysis reads records, and where its values belong."""

    tree: Path
    human_tree: Path | None
    assign: bool
    model: str | None
    out: Path | None
    as_json: bool

    def place(self, records: Records, side: Side) -> Placed:
        """Find the nodes of one side's mentions, and say how many have none."""
        from taxonomy.cli.screen import progress_bars, waiting
        from taxonomy.formats.readers import read_taxonomy
        from taxonomy.mentions.placed import grown, place
        from taxonomy.progress import stage_of

        tree = read_taxonomy(self.human_tree if side == "human" and self.human_tree else self.tree)
        if self.assign:
            with progress_bars(self.quiet) as progress:
                told = stage_of(progress, "embedding")
                tree = grown(records, tree, side=side, model=self.model, progress=told)
        with waiting("counting", self.quiet):
            placed = place(records, tree, side=side)
        if placed.unmapped and not self.quiet:
            click.echo(
                f"{side}: {len(placed.unmapped):,} of {placed.strings:,} strings "
                f"({placed.unmapped.total() / placed.mentions:.1%} of mentions) are not in {tree.id}",
                err=True,
            )
        return placed


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add FILES and the options of `Reading`, which the command gets as `reading`."""
    return _gathered(command, "reading", Reading, (_FILES, *_READING))


def analysis_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add FILES and the options of `Analysing`, which the command gets as `analysis`."""
    return _gathered(command, "analysis", Analysing, (_FILES, *_PLACING, *_READING))


def _gathered(
    command: Callable[..., Any], name: str, kind: type[Reading], options: tuple[Callable[..., Any], ...]
) -> Callable[..., Any]:
    """Make one object of options, and hand it to a command by name."""
    from dataclasses import fields
    from functools import update_wrapper

    def gathered(**given: Any) -> Any:
        from taxonomy.mentions.engine import check_installed

        check_installed()
        own = {field.name: given.pop(field.name) for field in fields(kind)}
        return command(**given, **{name: kind(**own)})

    wrapped: Callable[..., Any] = update_wrapper(gathered, command)
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped
