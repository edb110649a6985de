"""What commands show in the terminal: tables, trees, fields, and bars of progress."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from embeddings.progress import announcing
from taxonomy.english.plurals import count_of
from taxonomy.errors import plain as plain

if TYPE_CHECKING:
    from pathlib import Path

    from taxonomy.model import Node, Taxonomy
    from taxonomy.progress import StageProgress

# Columns of a bar of the whole, and of the two figures before it.
BAR, FIGURES = 40, 16


def console() -> Console:
    """Return a console for standard output, as wide as the terminal; into a file, lines are not broken.

    Colours follow the terminal and the variable NO_COLOR.
    """
    screen = Console(highlight=False)
    return screen if screen.is_terminal else Console(highlight=False, width=100, soft_wrap=True)


def table(*headings: str, left: Collection[int] = (0,), title: str | None = None) -> Table:
    """Return an empty table with the look of all of ours.

    Parameters
    ----------
    *headings : str
    left : collection of int
        Columns of text, which stand at the left; the others hold figures.
    title : str, optional
        A line above it.
    """
    drawn = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for number, heading in enumerate(headings):
        drawn.add_column(heading, justify="left" if number in left else "right")
    return drawn


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


def print_written(path: Path | str, hint: str = "") -> None:
    """Print where a file was written, and what to do with it."""
    click.echo(plain(f"Written to {path}" + (f": {hint}" if hint else "")))


def unknown_words(count: int, total: int) -> str:
    """Return how many strings hold words that the embedding model does not know."""
    verb = "holds" if count == 1 else "hold"
    return f"{count:,} of {count_of(total, 'string')} {verb} words that the model does not know"


def level_sizes(tree: Taxonomy) -> str:
    """Return how many nodes each level has, from the top."""
    return " / ".join(count_of(level.size, level.name) for level in reversed(tree.levels))


def top_table(tree: Taxonomy, width: int) -> Table:
    """Return the top level, largest share first, with bars as far as `width` has room for them."""
    labels = {node.id: plain(node.label) for node in tree.top}
    room = max(0, min(BAR, width - max(map(len, labels.values())) - FIGURES))
    drawn = table("", "values", "share", "", left=(0, 3))
    for node in sorted(tree.top, key=lambda one: (-one.share, one.label)):
        bar = Text("█" * round(room * node.share), style="cyan")
        drawn.add_row(Text(labels[node.id]), f"{len(tree.values(node)):,}", f"{node.share:.1%}", bar)
    return drawn


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
    count = f"  {count_of(len(tree.values(node)), 'value')}" if node.level else ""
    marks = (*node.flags, *node.polarity_mark)
    marked = f"  ({', '.join(marks)})" if marks else ""
    style = "bold" if node.level == len(tree.levels) - 1 else ""
    return Text.assemble((plain(node.label), style), (f"{count}  {node.share:.2%}", "dim"), (plain(marked), "yellow"))


@contextmanager
def progress_bars(quiet: bool, note: Callable[[], str] | None = None) -> Iterator[StageProgress | None]:
    """Show stages as bars on stderr, beside each what `note` says at the time; silent when it is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total, note="")
            bars.update(tasks[stage], completed=done, total=total, note=note() if note else "")

        with announcing(lambda what: bars.add_task(what, total=None, note="")):
            yield report


@contextmanager
def waiting(what: str, quiet: bool = False) -> Iterator[None]:
    """Show on stderr that something without steps is under way; silent when it is no terminal."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield
        return
    with console.status(what) as status, announcing(status.update):
        yield
