"""`value-taxonomy show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from taxonomy.model import Node, Taxonomy


@click.command()
@click.argument("taxonomy", type=click.Path(path_type=Path))
@click.option("--depth", default=1, show_default=True, type=click.IntRange(1), help="Levels to draw from the top.")
@click.option("--node", "key", help="Show one node: an id, a label or an alias.")
@click.option("--level", type=int, help="Look for --node on this level only.")
def show(taxonomy: Path, depth: int, key: str | None, level: int | None) -> None:
    """Draw TAXONOMY as a tree, or show one node of it.

    \b
    Example:
      value-taxonomy show build/taxonomy.json --depth 2
      value-taxonomy show build/taxonomy.json --node "intellectual honesty"
    """
    from taxonomy.cli.draw import console, draw_tree
    from taxonomy.model import load

    tree = load(taxonomy)
    if key is None:
        console().print(draw_tree(tree, depth))
    else:
        _show_node(tree, tree.node(key, level=level), depth)


def _show_node(tree: Taxonomy, node: Node, depth: int) -> None:
    from rich.text import Text

    from taxonomy.cli.draw import console, draw_tree, plain

    screen = console()

    def field(name: str, text: str) -> None:
        screen.print(Text.assemble((f"{name:<11}", "dim"), plain(text)))

    screen.print(Text(plain(node.label), style="bold"))
    field("path", " > ".join(step.label for step in tree.path(node)))
    if node.definition:
        field("definition", node.definition)
    field("id", node.id)
    field("weight", f"{node.weight:g} {tree.weight_unit} ({node.share:.2%})")
    if node.aliases:
        field("aliases", ", ".join(node.aliases))
    if node.placement:
        second = node.placement.second_parent
        runner_up = f", runner-up {tree.node(second).label}" if second else ""
        field("confidence", f"{node.placement.confidence:.2f}{runner_up}")
    if node.flags:
        field("flags", ", ".join(node.flags))
    parent = tree.parent(node)
    siblings = [other.label for other in (tree.children(parent) if parent else tree.top) if other.id != node.id]
    field("siblings", ", ".join(siblings) or "none")
    if node.level:
        screen.print(draw_tree(tree, depth, node))
