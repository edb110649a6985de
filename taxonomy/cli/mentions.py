"""`value-taxonomy mentions`."""

from __future__ import annotations

from pathlib import Path

import click

from taxonomy.cli.records import SIDES, Reading, reading_options


@click.group()
def mentions() -> None:
    """Look at records of value mentions.

    \b
    Example:
      value-taxonomy mentions count records/ --side ai --out values.csv
    """


@mentions.command()
@reading_options
@click.option("--side", type=click.Choice(SIDES), required=True, help="Whose mentions to count.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The .csv or .parquet file to write.")
def count(side: str, out: Path, reading: Reading) -> None:
    """Write the strings that FILES mention and how often, for build.

    FILES are .parquet, .csv or .jsonl files, folders or globs.

    \b
    Example:
      value-taxonomy mentions count records/ --side ai --out values.csv
      value-taxonomy build values.csv --out build/
    """
    from taxonomy.cli.screen import waiting
    from taxonomy.mentions.records import SIDES as BOTH
    from taxonomy.mentions.strings import mentioned_strings
    from taxonomy.mentions.tables import check_table_path, write_table

    check_table_path(out)
    with reading.open(out) as records:
        sides = [one for one in BOTH if side in (one, "both")]
        with waiting("counting", reading.quiet):
            strings = mentioned_strings(records, sides=sides, **reading.thresholds)
    write_table(reading.marked(strings.table), out)
    if reading.quiet:
        return
    click.echo(f"{len(strings.table):,} strings, {strings.table['count'].sum():,} mentions")
    if reading.internal:
        click.echo("Rare strings are in it: it is for use within")
    else:
        or_users = f", or of fewer than {reading.min_users} users" if records.users_known else ""
        click.echo(
            f"{strings.hidden:,} strings with {strings.hidden_mentions:,} mentions are hidden: each in fewer than "
            f"{reading.min_conversations} conversations{or_users}"
        )
    click.echo(f"Written to {out}")
