"""How a taxonomy shows itself in a notebook: a collapsible outline, bounded in size."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from taxonomy.english.plurals import count_of
from taxonomy.errors import plain
from taxonomy.model.nodes import DORMANT, Node

if TYPE_CHECKING:
    from taxonomy.model.taxonomy import Taxonomy

# Of one parent, the heaviest so many are listed.
_MOST_INNER = 60
_MOST_VALUES = 25
# Above the values, so many nodes open; below that a node says how many values it has.
_MOST_NODES = 600
# A label of a value is short; one of an imported tree can be anything.
_LONGEST = 80

_STYLE = """<style>
.vt-outline { font: 13px/1.6 system-ui, sans-serif; max-width: 60em }
.vt-outline details details, .vt-outline .vt-leaves { margin-left: 1.3em }
.vt-outline summary { cursor: pointer }
.vt-outline small { opacity: .65; font-size: 12px; font-variant-numeric: tabular-nums }
.vt-outline .vt-bar { display: inline-block; height: .6em; background: currentColor; opacity: .3; border-radius: 2px }
</style>"""


def outline_html(tree: Taxonomy) -> str:
    """Return a taxonomy as nested HTML details, largest share first; everything from the tree is escaped.

    Parameters
    ----------
    tree : Taxonomy

    Returns
    -------
    str
        At most 600 nodes above the values, 60 of one parent and 25 values of a node; what is left out is counted.
    """
    levels = " / ".join(escape(count_of(level.size, level.name)) for level in reversed(tree.levels))
    head = f"<b><bdi>{_short(tree.title or tree.id)}</bdi></b> {_short(tree.version)} <small>{levels}</small>"
    opened = _opened(tree)
    body = "".join(_item(tree, node, opened) for node in _heaviest(tree.top)[:_MOST_INNER])
    more = _more(len(tree.top) - _MOST_INNER, tree.levels[-1].name)
    return f'{_STYLE}<div class="vt-outline"><div>{head}</div>{body}{more}</div>'


def _opened(tree: Taxonomy) -> set[str]:
    """Return the ids whose children are listed: level by level from the top, while they are few enough."""
    opened: set[str] = set()
    nodes = _heaviest(tree.top)[:_MOST_INNER]
    listed = len(nodes)
    for node in nodes:
        # Grows while it is walked: the children of what is opened come after all of its own level.
        children = _heaviest(tree.children(node))[:_MOST_INNER]
        if node.level == 1:
            opened.add(node.id)
        elif node.level and listed + len(children) <= _MOST_NODES:
            opened.add(node.id)
            listed += len(children)
            nodes.extend(children)
    return opened


def _item(tree: Taxonomy, node: Node, opened: set[str]) -> str:
    if node.id not in opened:
        return f'<div class="vt-leaves">{_line(tree, node)}</div>'
    children = _heaviest(tree.children(node))
    if node.level == 1:
        shown = " · ".join(_value(child) for child in children[:_MOST_VALUES])
        inside = f'<div class="vt-leaves">{shown}{_more(len(children) - _MOST_VALUES, tree.levels[0].name)}</div>'
    else:
        inside = "".join(_item(tree, child, opened) for child in children[:_MOST_INNER])
        inside += _more(len(children) - _MOST_INNER, tree.levels[node.level - 1].name)
    return f"<details><summary>{_line(tree, node)}</summary>{inside}</details>"


def _value(node: Node) -> str:
    marks = [*[DORMANT] * node.is_dormant, *node.polarity_mark]
    return f"<bdi>{_short(node.label)}</bdi>" + (f" ({', '.join(marks)})" if marks else "")


def _line(tree: Taxonomy, node: Node) -> str:
    values = f"{count_of(len(tree.values(node)), 'value')}, " if node.level else ""
    marks = "".join(f", {escape(mark)}" for mark in (*node.flags, *node.polarity_mark))
    width = max(0.0, min(node.share, 1.0))
    bar = f'<span class="vt-bar" style="width:{10 * width:.2f}em"></span>'
    return f"<bdi>{_short(node.label)}</bdi> <small>{values}{node.share:.2%}{marks}</small> {bar}"


def _more(count: int, name: str) -> str:
    return f"<small> and {escape(count_of(count, f'more {name}'))}</small>" if count > 0 else ""


def _heaviest(nodes: list[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: (-node.share, node.label))


def _short(text: str) -> str:
    shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return escape(plain(shown))
