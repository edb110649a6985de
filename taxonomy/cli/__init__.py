"""The command line: thin commands that parse, call and print."""

from taxonomy.installation import find_foreign_package

if problem := find_foreign_package():
    raise SystemExit(f"Error: {problem}")

from taxonomy.cli.commands import main

__all__ = ["main"]
