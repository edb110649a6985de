"""Drawing a taxonomy in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from taxonomy.errors import plain as plain
from taxonomy.model import Node, Taxonomy

# Columns of a bar of the whole, and of the two figures before it.
BAR, FIGURES = 40, 16


def console() -> Console:
    """Return a console for standard output, as wide as the terminal; into a file, lines are not broken.

    Colours follow the terminal and the variable NO_COLOR.
    """
    screen = Console(highlight=False)
    return screen if screen.is_terminal else Console(highlight=False, width=100, soft_wrap=True)


@contextmanager
def paged(screen: Console) -> Iterator[None]:
    """Show what is printed inside in a pager, where it is longer than the terminal is high."""
    if not screen.is_terminal:
        yield
        return
    with screen.capture() as capture:
        yield
    text = capture.get()
    if text.count("\n") < screen.height:
        click.echo(text, nl=False, color=True)
    else:
        click.echo_via_pager(text.rstrip("\n"), color=True)


def print_fields(screen: Console, fields: Mapping[str, str]) -> None:
    """Print a line each of a name and a text, those without text left out; a long one hangs beside its name."""
    indent = 2 + max(map(len, fields))
    for name, text in fields.items():
        whole = Text(plain(text))
        lines = whole.wrap(screen, max(20, screen.width - indent)) if screen.is_terminal else [whole]
        for number, line in enumerate(lines if text else ()):
            screen.print(Text.assemble((("" if number else name).ljust(indent), "dim"), line), soft_wrap=True)


def top_table(tree: Taxonomy, width: int) -> Table:
    """Return the top level, largest share first, with bars as far as `width` has room for them."""
    labels = {node.id: plain(node.label) for node in tree.top}
    room = max(0, min(BAR, width - max(map(len, labels.values())) - FIGURES))
    table = Table(box=None, pad_edge=False)
    for heading, side in (("", "left"), ("values", "right"), ("share", "right"), ("", "left")):
        table.add_column(heading, justify=side)  # type: ignore[arg-type]
    for node in sorted(tree.top, key=lambda one: (-one.share, one.label)):
        bar = Text("█" * round(room * node.share), style="cyan")
        table.add_row(Text(labels[node.id]), f"{len(tree.values(node)):,}", f"{node.share:.1%}", bar)
    return table


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
    return Text.assemble((plain(node.label), style), (f"{count}  {node.share:.2%}", "dim"), (plain(flags), "yellow"))
