"""The command line: thin commands that parse, call and print."""

from taxonomy.cli.commands import main

__all__ = ["main"]
