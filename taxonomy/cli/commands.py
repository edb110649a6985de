"""The group of commands, each imported when it is run."""

from __future__ import annotations

import gc
import importlib
import warnings
from collections.abc import Mapping
from typing import Any

import click

from taxonomy.cli.edge import DEBUG, add_debug, one_line, show_warning
from taxonomy.cli.options import did_you_mean

# Nodes and records hold no cycles: looking for some at every 700 of a million new objects takes a tenth of a build.
_GARBAGE_AT = 50_000
# Groups of commands in the help, and each command's module and function.
GROUPS = {
    "Build": {
        "build": "making:build_command",
        "label": "making:label_command",
        "stability": "review:stability_command",
    },
    "Review": {
        "show": "review:show_command",
        "explore": "review:explore_command",
        "lint": "linting:lint_command",
        "compare": "review:compare_command",
    },
    "Versions": {
        "diff": "revision:diff_command",
        "migrate": "revision:migrate_command",
        "edit": "editing:edit_command",
        "apply-edits": "editing:apply_edits_command",
        "assign": "revision:assign_command",
    },
    "Exchange": {
        "export": "exchange:export_command",
        "import": "exchange:import_command",
        "fetch": "exchange:fetch_command",
    },
    "Conversations": {
        "conversations": "conversations:conversations_group",
        "extract": "extracting:extract_group",
        "study": "studying:study_command",
        "mentions": "counting:mentions_group",
        "analyze": "analyze:analyze_group",
        "report": "counting:report_command",
    },
    "Language models": {
        "llm": "stored_answers:llm_group",
    },
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is run, so that help answers at once."""

    def __init__(self, *args: Any, groups: Mapping[str, Mapping[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.params.append(DEBUG)
        self._groups = groups
        self._homes = {name: home for commands in groups.values() for name, home in commands.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(self._homes)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command by name."""
        if name not in self._homes:
            return None
        module, _, function = self._homes[name].partition(":")
        command = getattr(importlib.import_module(f"taxonomy.cli.{module}"), function)
        assert isinstance(command, click.Command)
        add_debug(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was typed; of another, say which it is like."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if ctx.resilient_parsing or args[0] in self._homes:
                raise
            hint = did_you_mean(args[0], self._homes, f"see {ctx.command_path} --help")
            raise click.UsageError(f"no command {args[0]!r}; {hint}", ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands in their groups, each with the whole of its first sentence."""
        for title, commands in self._groups.items():
            rows = []
            for name in commands:
                command = self.get_command(ctx, name)
                assert command is not None
                rows.append((name, command.get_short_help_str(limit=1000)))
            with formatter.section(title):
                formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; whatever escapes from it becomes one line and exit status 2."""
        with one_line(ctx):
            return super().invoke(ctx)


@click.group(cls=LazyGroup, groups=GROUPS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="value-taxonomy")
def main() -> None:
    """Turn value strings into a versioned taxonomy, review it, and say what conversations show by it.

    \b
    Example:
      value-taxonomy build values.csv --out build/
      value-taxonomy show build/taxonomy.json --depth 2
    """
    gc.set_threshold(_GARBAGE_AT)
    warnings.showwarning = show_warning
