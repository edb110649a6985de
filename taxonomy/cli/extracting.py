"""`value-taxonomy extract`: values from conversations, and how well they were extracted."""

from __future__ import annotations

import click

from taxonomy.cli.commands import LazyGroup

# Each by its module and function.
COMMANDS = {
    "run": "extract_run:run_command",
    "evaluate": "extract_evaluate:evaluate_command",
    "sample": "extract_review:sample_command",
    "review": "extract_review_page:review_command",
    "score": "extract_review:score_command",
    "agree": "extract_agree:agree_command",
    "audit": "extract_audit:audit_command",
    "purge": "extract_audit:purge_command",
}


@click.group("extract", cls=LazyGroup, groups={"Commands": COMMANDS})
def extract_group() -> None:
    """Extract values from conversations, check them, and audit what may leave.

    \b
    Example:
      value-taxonomy extract run export.zip --llm anthropic/NAME --out extraction/
      value-taxonomy extract evaluate extraction/ --truth truth.parquet
    """
