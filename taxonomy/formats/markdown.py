"""Write a taxonomy as a Markdown outline."""

from __future__ import annotations

import re
from collections.abc import Iterator

from taxonomy.english.plurals import count_of
from taxonomy.model import Node, Taxonomy
from taxonomy.model.nodes import DORMANT

# Characters that CommonMark or GitHub reads as markup, anywhere or in this position. Versions and ids ("1.0.0", "vt:0")
# need no escape; "1.", ":one:" and "www.1" do.
_MARKUP = re.compile(
    r"[\\`*_{}\[\]<>#|&~$!^@=+]|(?<!\w)[-:]|-(?!\w)|:(?=[\w+-]*:|/)"
    r"|(?<=\d)[.)](?!\w)|(?<!\d)\.(?=\w)|\.(?=[^\W\d])"
)
_JOINERS = "\u200c\u200d"


def taxonomy_markdown(tree: Taxonomy) -> str:
    """Return an outline: a heading for each node of the top, nested lists below, largest share first."""
    sizes = " / ".join(count_of(level.size, escape_markdown(level.name)) for level in reversed(tree.levels))
    lines = [f"# {escape_markdown(tree.title or tree.id)} {escape_markdown(tree.version)}", "", sizes]
    for node in _ordered(tree.top):
        lines += ["", f"## {escape_markdown(node.label)}", "", _figures(tree, node)]
        if node.definition:
            lines += ["", escape_markdown(node.definition)]
        if node.level:
            lines += ["", *_list(tree, node, 0)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _list(tree: Taxonomy, node: Node, depth: int) -> Iterator[str]:
    for child in _ordered(tree.children(node)):
        text = (
            f"**{escape_markdown(child.label)}**, {_figures(tree, child)}"
            if child.level
            else escape_markdown(child.label)
        )
        definition = f": {escape_markdown(child.definition)}" if child.definition else ""
        marks = [*[DORMANT] * child.is_dormant, *child.polarity_mark]
        marked = f" ({', '.join(marks)})" if marks else ""
        yield f"{'  ' * depth}- {text}{marked}{definition}"
        yield from _list(tree, child, depth + 1)


def _ordered(nodes: list[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: (-node.share, node.label))


def _figures(tree: Taxonomy, node: Node) -> str:
    count = f"{count_of(len(tree.values(node)), 'value')}, " if node.level else ""
    return f"{count}{node.share:.2%}"


def escape_markdown(text: str) -> str:
    """Return `text` in one line, with markup and unprintable characters escaped."""
    line = " ".join(text.split())
    shown = "".join(char if char.isprintable() or char in _JOINERS else repr(char)[1:-1] for char in line)
    return _MARKUP.sub(r"\\\g<0>", shown)
