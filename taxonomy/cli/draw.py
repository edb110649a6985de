"""Drawing a taxonomy in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from taxonomy.errors import plain as plain
from taxonomy.model import Node, Taxonomy


def console() -> Console:
    """Return a console for standard output, as wide as the terminal, or 100 columns into a file."""
    screen = Console(highlight=False, soft_wrap=True)
    return screen if screen.is_terminal else Console(highlight=False, width=100, soft_wrap=True)


def print_top(tree: Taxonomy) -> None:
    """Print the top level, largest share first, with bars."""
    table = Table(box=None, pad_edge=False)
    for heading, side in (("", "left"), ("values", "right"), ("share", "right"), ("", "left")):
        table.add_column(heading, justify=side)  # type: ignore[arg-type]
    for node in sorted(tree.top, key=lambda one: -one.share):
        bar = "█" * round(40 * node.share)
        table.add_row(Text(plain(node.label)), f"{len(tree.values(node)):,}", f"{node.share:.1%}", bar)
    console().print(table)


def draw_tree(tree: Taxonomy, depth: int, start: Node | None = None) -> Tree:
    """Return the tree down to `depth` levels below its root, largest share first."""
    root = Tree(_line(tree, start) if start else Text(plain(f"{tree.title or tree.id} {tree.version}"), style="bold"))
    _grow(root, tree, tree.children(start) if start else tree.top, depth)
    return root


def _grow(branch: Tree, tree: Taxonomy, nodes: list[Node], depth: int) -> None:
    if depth < 1:
        return
    for node in sorted(nodes, key=lambda one: (-one.share, one.label)):
        _grow(branch.add(_line(tree, node)), tree, tree.children(node), depth - 1)


def _line(tree: Taxonomy, node: Node) -> Text:
    count = f"  {len(tree.values(node)):,} values" if node.level else ""
    flags = f"  ({', '.join(node.flags)})" if node.flags else ""
    style = "bold" if node.level == len(tree.levels) - 1 else ""
    return Text.assemble((plain(node.label), style), (f"{count}  {node.share:.2%}{flags}", "dim"))
