"""The group of commands, its errors as one line each, and the options that commands share."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

# Each by the name of its module and function.
COMMANDS = {
    "build": "build",
    "label": "label",
    "show": "show",
    "explore": "explore",
    "compare": "compare",
    "stability": "stability",
    "lint": "lint",
    "export": "export",
    "import": "import_",
    "fetch": "fetch",
    "diff": "diff",
    "migrate": "migrate",
    "edit": "edit",
    "apply-edits": "apply_edits",
    "assign": "assign",
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is run, so that help answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command by name."""
        if name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"taxonomy.cli.{COMMANDS[name]}"), COMMANDS[name])
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error that a caller may catch becomes one line and exit status 2."""
        from embeddings.errors import EmbeddingError
        from taxonomy.errors import TaxonomyError

        try:
            return super().invoke(ctx)
        except (TaxonomyError, EmbeddingError) as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(2)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="value-taxonomy")
def main() -> None:
    """Turn value strings into a versioned taxonomy, and look at it.

    \b
    Example:
      value-taxonomy build values.csv --out build/
      value-taxonomy show build/taxonomy.json --depth 2
    """
