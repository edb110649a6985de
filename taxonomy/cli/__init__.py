"""The command line: thin commands that parse, call and print."""

import taxonomy
from taxonomy.cli.commands import main

__all__ = ["main"]


def _check_package() -> None:
    """Stop with one line where another package was installed over this one."""
    if "_HOMES" in vars(taxonomy):
        return
    from importlib.metadata import packages_distributions

    others = sorted(set(packages_distributions().get("taxonomy", [])) - {"value-taxonomy"})
    named = f" ({', '.join(others)})" if others else ""
    raise SystemExit(
        f"Error: {taxonomy.__file__}: another package called 'taxonomy'{named} is installed over value-taxonomy; "
        "install value-taxonomy in an environment of its own"
    )


_check_package()
