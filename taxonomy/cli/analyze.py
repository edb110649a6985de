"""`value-taxonomy analyze`: one command a question."""

from __future__ import annotations

import click

from taxonomy.cli.main import LazyGroup

# Each by the name of its module and function.
QUESTIONS = {
    "frequency": "analyze_frequency",
    "context": "analyze_context",
    "responses": "analyze_responses",
    "mirroring": "analyze_mirroring",
    "models": "analyze_models",
    "principles": "analyze_principles",
    "anomalies": "analyze_anomalies",
    "drift": "analyze_drift",
}


@click.group(cls=LazyGroup, commands_at=QUESTIONS)
def analyze() -> None:
    """Ask what records of value mentions show.

    \b
    Example:
      value-taxonomy analyze frequency records/ --taxonomy build/taxonomy.json
    """
