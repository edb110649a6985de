"""`python -m taxonomy.cli`, the same as `value-taxonomy`."""

from taxonomy.cli import main

main(prog_name="value-taxonomy")
