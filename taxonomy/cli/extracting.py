"""`value-taxonomy extract`: from conversations to records of the values that they express."""

from __future__ import annotations

import click

from taxonomy.cli.extract_run import run_command


@click.group("extract")
def extract_group() -> None:
    """Extract the values that conversations express.

    \b
    Example:
      value-taxonomy extract run export.zip --llm anthropic/NAME --out extraction/
    """


extract_group.add_command(run_command)
