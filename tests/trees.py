"""Small trees for tests, and a strategy that draws them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from taxonomy.model import Node, Taxonomy, slugify


def make_tree(labels: Sequence[str], *levels: Sequence[int], names: Sequence[Sequence[str]] = ()) -> Taxonomy:
    """Make a tree of values; `levels` say, finest first, the parent of each node below, numbered from 0."""
    nodes = []
    below = list(labels)
    for level, parents in enumerate([*levels, None]):
        for index, label in enumerate(below):
            parent = None if parents is None else f"{level + 1}:{parents[index]}"
            leaves = _leaves(levels, level, index)
            nodes.append(
                Node(
                    id=f"{level}:{index}",
                    level=level,
                    label=label,
                    slug=slugify(label),
                    parent=parent,
                    weight=float(leaves),
                    share=round(leaves / len(labels), 6),
                )
            )
        if parents is not None:
            count = max(parents) + 1
            below = list(names[level]) if names else [f"n{level + 1}x{number}" for number in range(count)]
    return Taxonomy.from_nodes(nodes, id="test", weight_unit="strings")


def _leaves(levels: Sequence[Sequence[int]], level: int, index: int) -> int:
    nodes = np.arange(len(levels[0])) if levels else np.arange(1)
    for parents in levels[:level]:
        nodes = np.asarray(parents)[nodes]
    return int((nodes == index).sum()) if level else 1


@st.composite
def trees(draw: st.DrawFn, labels: Sequence[str]) -> Taxonomy:
    """Draw a tree of two or three levels above the labels."""
    levels = []
    n = len(labels)
    for most in draw(st.sampled_from([(12, 3), (8, 4, 2)])):
        drawn = draw(st.lists(st.integers(0, most - 1), min_size=n, max_size=n))
        # Numbered anew without a gap, so that no node is without children.
        levels.append(np.unique(drawn, return_inverse=True)[1].tolist())
        n = max(levels[-1]) + 1
    return make_tree(labels, *levels)
