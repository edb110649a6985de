"""`value-taxonomy diff`."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print every change as JSON.")
@click.option("--changelog", is_flag=True, help="Print Markdown for a change log.")
@click.option(
    "--fail-on",
    type=click.Choice(["patch", "minor", "major"]),
    help="Exit with 1 if the change is of this weight or more.",
)
def diff(old: Path, new: Path, as_json: bool, changelog: bool, fail_on: str | None) -> None:
    """Say what changed from OLD to NEW, each a taxonomy.json or a .csv of the published six columns.

    \b
    Example:
      value-taxonomy diff old/taxonomy.json build/taxonomy.json --fail-on major
    """
    from taxonomy.cli.reading import read_tree
    from taxonomy.cli.screen import plain
    from taxonomy.versions.changelog import as_markdown, as_text
    from taxonomy.versions.diff import Diff
    from taxonomy.versions.number import BUMPS

    if as_json and changelog:
        raise click.UsageError("--json and --changelog exclude each other")
    found = Diff.between(read_tree(old), read_tree(new))
    if as_json:
        click.echo(json.dumps(found.to_dict(), indent=1, ensure_ascii=False))
    else:
        for line in (as_markdown if changelog else as_text)(found).splitlines():
            click.echo(plain(line))
    if fail_on and found.bump and BUMPS.index(found.bump) >= [*BUMPS].index(fail_on):  # type: ignore[arg-type]
        raise SystemExit(1)
