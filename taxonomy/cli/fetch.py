"""`value-taxonomy fetch`."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import click


@click.command()
@click.argument("dataset", type=click.Choice(["values-in-the-wild"]))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--file", "files", multiple=True, help="A file of it, may be repeated (default: all).")
def fetch(dataset: str, out: Path, files: tuple[str, ...]) -> None:
    """Download DATASET, the published strings and tree, from its public home, and check what came.

    \b
    Example:
      value-taxonomy fetch values-in-the-wild --out published/
    """
    from huggingface_hub.utils.logging import set_verbosity

    from taxonomy.cli.screen import plain
    from taxonomy.datasets import DATASETS
    from taxonomy.datasets import fetch as get

    if not sys.stderr.isatty():
        # Its retries are progress to who waits for them, and noise in a log.
        set_verbosity(logging.CRITICAL)
    source = DATASETS[dataset]
    for path in get(source, out, files or tuple(source.sha256)):
        click.echo(f"Written to {plain(str(path))}")
