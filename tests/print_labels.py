"""Print labels drawn with a fixed seed, with their definitions and heaviest members, to be read one by one."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

import taxonomy

MEMBERS = 12


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--level", default=1, show_default=True)
@click.option("--count", default=30, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(path: Path, level: int, count: int, seed: int) -> None:
    """Print labels, definitions and members of TAXONOMY, in the order of the labels."""
    tree = taxonomy.load(path)
    nodes = [node for node in tree.nodes if node.level == level]
    drawn = np.random.default_rng(seed).permutation(len(nodes))[:count]
    for node in (nodes[i] for i in sorted(drawn)):
        values = sorted(tree.values(node), key=lambda value: (-value.weight, value.label))
        more = f" and {len(values) - MEMBERS} more" if len(values) > MEMBERS else ""
        click.echo(f"{node.label}  ({node.label_source}, rank {node.label_rank})")
        click.echo(f"    {node.definition}")
        click.echo(f"    {', '.join(value.label for value in values[:MEMBERS])}{more}\n")


if __name__ == "__main__":
    main()
