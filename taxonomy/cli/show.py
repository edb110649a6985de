"""`value-taxonomy show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from taxonomy.model import Node, Taxonomy


@click.command()
@click.argument("taxonomy", type=click.Path(path_type=Path))
@click.option("--depth", default=1, show_default=True, type=click.IntRange(1), help="Levels to draw from the top.")
@click.option("--node", "key", help="Show one node: an id, a label or an alias.")
@click.option("--level", type=int, help="Look for --node on this level only.")
@click.option("--quality", is_flag=True, help="Show how well each level holds together, measured now.")
@click.option("--model", help="Model for --quality (default: the one that TAXONOMY names, else minilm).")
def show(taxonomy: Path, depth: int, key: str | None, level: int | None, quality: bool, model: str | None) -> None:
    """Draw TAXONOMY, in any format that import reads, as a tree, or show one node of it.

    \b
    Example:
      value-taxonomy show build/taxonomy.json --depth 2
      value-taxonomy show build/taxonomy.json --node "intellectual honesty"
      value-taxonomy show build/taxonomy.json --quality
    """
    from taxonomy.cli.reading import read_tree
    from taxonomy.cli.screen import console, draw_tree, paged

    if model is not None and not quality:
        raise click.UsageError("--model goes with --quality")
    if quality and key is not None:
        raise click.UsageError("--quality is of the whole taxonomy: leave --node out")
    tree = read_tree(taxonomy)
    if quality:
        _show_quality(tree, model)
        return
    node = None if key is None else tree.node(key, level=level)
    screen = console()
    with paged(screen):
        if node is not None:
            _show_node(screen, tree, node)
        if node is None or node.level:
            screen.print(draw_tree(tree, depth, node))


def _show_quality(tree: Taxonomy, model: str | None) -> None:
    from rich.table import Table

    from taxonomy.cli.screen import console, progress_bars
    from taxonomy.progress import stage_of
    from taxonomy.quality.cohesion import measure_cohesion
    from taxonomy.quality.vectors import embed_tree

    with progress_bars(False) as progress:
        told = stage_of(progress, "embedding")
        vectors = embed_tree(tree, model=model, labels=False, progress=told).values
    table = Table(box=None, pad_edge=False)
    table.add_column("level")
    for heading in ("nodes", "silhouette", "random", "intruders found", "random"):
        table.add_column(heading, justify="right")
    for level in measure_cohesion(tree, vectors):
        figures = (
            "none" if figure is None else form.format(figure)
            for form, figure in (
                ("{:.3f}", level.silhouette),
                ("{:.3f}", level.random_silhouette),
                ("{:.1%}", level.intruder),
                ("{:.1%}", level.random_intruder),
            )
        )
        table.add_row(tree.levels[level.level].name, f"{level.nodes:,}", *figures)
    console().print(table)


def _show_node(screen: Console, tree: Taxonomy, node: Node) -> None:
    from rich.text import Text

    from taxonomy.cli.screen import plain, print_fields

    parent = tree.parent(node)
    siblings = [other.label for other in (tree.children(parent) if parent else tree.top) if other.id != node.id]
    fields = {
        "path": " > ".join(step.label for step in tree.path(node)),
        "definition": node.definition,
        "id": node.id,
        "weight": f"{node.weight:g} {tree.weight_unit} ({node.share:.2%})",
        "aliases": ", ".join(node.aliases),
        "confidence": _confidence(tree, node),
        "flags": ", ".join(node.flags),
        "siblings": ", ".join(siblings) or "none",
    }
    screen.print(Text(plain(node.label), style="bold"))
    print_fields(screen, fields)


def _confidence(tree: Taxonomy, node: Node) -> str:
    if node.placement is None:
        return ""
    second = node.placement.second_parent
    return f"{node.placement.confidence:.2f}" + (f", runner-up {tree.node(second).label}" if second else "")
