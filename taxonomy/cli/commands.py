"""The group of commands, each imported when it is run."""

from __future__ import annotations

import gc
import importlib
from typing import Any

import click

from taxonomy.cli.edge import DEBUG, add_debug, one_line

# Nodes and records hold no cycles: looking for some at every 700 of a million new objects takes a tenth of a build.
_GARBAGE_AT = 50_000
# Each by its module and function, as one name where they are the same.
COMMANDS = {
    "build": "making:build",
    "label": "making:label",
    "show": "review:show",
    "explore": "review:explore",
    "compare": "review:compare",
    "stability": "review:stability",
    "lint": "review:lint",
    "export": "exchange:export",
    "import": "exchange:import_",
    "fetch": "exchange:fetch",
    "diff": "revision:diff",
    "migrate": "revision:migrate",
    "edit": "revision:edit",
    "apply-edits": "revision:apply_edits",
    "assign": "revision:assign",
    "mentions": "conversations:mentions",
    "analyze": "analyze:group",
    "report": "conversations:report",
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is run, so that help answers at once."""

    def __init__(self, *args: Any, commands_at: dict[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.params.append(DEBUG)
        self._commands_at = commands_at

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(self._commands_at)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command by name."""
        if name not in self._commands_at:
            return None
        module, _, function = self._commands_at[name].partition(":")
        command = getattr(importlib.import_module(f"taxonomy.cli.{module}"), function or module)
        assert isinstance(command, click.Command)
        add_debug(command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; whatever escapes from it becomes one line and exit status 2."""
        with one_line(ctx):
            return super().invoke(ctx)


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="value-taxonomy")
def main() -> None:
    """Turn value strings into a versioned taxonomy, and look at it.

    \b
    Example:
      value-taxonomy build values.csv --out build/
      value-taxonomy show build/taxonomy.json --depth 2
    """
    gc.set_threshold(_GARBAGE_AT)
