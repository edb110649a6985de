"""The options by which commands compare records with earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from taxonomy.cli.records import Analysing

if TYPE_CHECKING:
    from taxonomy.mentions.placed import Placed
    from taxonomy.mentions.records import Side

_BASELINE = click.option(
    "--baseline", multiple=True, metavar="FILES", help="Earlier records to compare with; may be repeated."
)
_SPLIT_AT = click.option(
    "--split-at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    metavar="DATE",
    help="Or: compare what is in FILES from this day (UTC) on with what is before.",
)
_SIDE = click.option(
    "--side", type=click.Choice(("ai", "human")), default="ai", show_default=True, help="Whose values."
)


def period_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --side, --baseline and --split-at."""
    return _SIDE(_BASELINE(_SPLIT_AT(command)))


@contextmanager
def two_periods(
    analysis: Analysing, side: Side, baseline: tuple[str, ...], split_at: datetime | None
) -> Iterator[tuple[Placed, Placed]]:
    """Open what is to be compared: the earlier mentions of one side, and the later ones, on one engine."""
    import pandas as pd

    from taxonomy.mentions.periods import split_at as part
    from taxonomy.mentions.placed import place
    from taxonomy.mentions.records import open_records
    from taxonomy.mentions.sources import REJECTED

    if (split_at is None) == (not baseline):
        raise click.UsageError("give either --baseline, records to compare with, or --split-at, a day in FILES")
    if baseline and analysis.assign:
        raise click.UsageError("--assign goes with --split-at: with --baseline, let `assign` add to the taxonomy first")
    with analysis.open(analysis.out) as records:
        placed = analysis.place(records, side)
        if split_at is not None:
            yield part(placed, split_at)
            return
        earlier = open_records(baseline, engine=records.engine, max_rejected=analysis.max_rejected)
        if len(earlier.rejected):
            # One file for the rows of both, by the name that a folder of records may hold.
            rejected = pd.concat([records.rejected, earlier.rejected], ignore_index=True)
            folder = analysis.out.parent if analysis.out else Path()
            analysis.set_aside(replace(earlier, rejected=rejected), folder / REJECTED)
        yield place(earlier, placed.tree, side=side), placed
