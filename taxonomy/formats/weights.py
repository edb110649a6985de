"""Set the weights of an imported tree from a table of frequencies."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from taxonomy.errors import InputError
from taxonomy.model import Taxonomy
from taxonomy.model.draft import Draft
from taxonomy.values.reading import read_file


@dataclass(frozen=True, slots=True)
class Coverage:
    """How the strings of a table and the values of a tree match.

    Attributes
    ----------
    matched : int
        Strings that are a value or an alias.
    outside : int
        Strings that are not in the tree.
    outside_weight : float
        Total weight of those, in the unit of the table.
    without : int
        Values that no string matches; their weight is 0.
    """

    matched: int
    outside: int
    outside_weight: float
    without: int


def apply_frequencies(tree: Taxonomy, path: Path) -> tuple[Taxonomy, Coverage]:
    """Set the weights of the values from a table of frequencies; stated shares are kept.

    Parameters
    ----------
    tree : Taxonomy
    path : Path
        A table of values, as `taxonomy.build` reads it, with a column of weights. A string matches the value with
        exactly this label or alias.

    Returns
    -------
    tuple of Taxonomy and Coverage

    Raises
    ------
    InputError
        If the table can't be read, has no weights, or matches no value of the tree.
    """
    named = {name: node.id for node in tree.leaves for name in (node.label, *node.aliases)}
    parts: dict[str, list[float]] = defaultdict(list)
    outside: dict[str, list[float]] = defaultdict(list)
    matched: set[str] = set()
    with read_file(path, None, None, None) as table:
        if table.weight_column is None:
            remedy = "give a table with a column pct_convos, count or mentions"
            raise InputError("there is no column of weights", path=str(path), remedy=remedy)
        for text, weight in table.rows:
            if text in named:
                matched.add(text)
                parts[named[text]].append(weight)
            else:
                outside[text].append(weight)
        unit = table.weight_unit
    if not matched:
        raise InputError("no string in it is a value of the tree", path=str(path), remedy="give the table of this tree")
    draft = Draft(tree.nodes)
    for node in tree.leaves:
        draft.change(node.id, weight=round(math.fsum(parts.get(node.id, ())), 6))
    draft.weigh()
    tree = tree.with_nodes(draft.nodes.values(), weight_unit=unit)
    coverage = Coverage(
        matched=len(matched),
        outside=len(outside),
        outside_weight=round(math.fsum(weight for weights in outside.values() for weight in weights), 6),
        without=sum(node.id not in parts for node in tree.leaves),
    )
    return tree, coverage
