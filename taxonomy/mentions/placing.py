"""Where mentions belong: each string of a side finds its node."""

from __future__ import annotations

from collections import Counter

import narwhals as nw

from embeddings.progress import Progress
from taxonomy.errors import InputError
from taxonomy.mentions.columns import CONVERSATION, USER, VALUE, Side
from taxonomy.mentions.placed import PlacedMentions
from taxonomy.mentions.records import Records
from taxonomy.model import Taxonomy, values_by_spelling
from taxonomy.placement import assign
from taxonomy.values import ValueSet


def place(records: Records, tree: Taxonomy, *, side: Side) -> PlacedMentions:
    """Find the node of each mention of one side, by canonical string or alias.

    Parameters
    ----------
    records : Records
    tree : Taxonomy
        See `grow` for one that has every string.
    side : {"ai", "human"}

    Raises
    ------
    InputError
        If no string of this side is a value of the taxonomy.
    """
    import pyarrow as pa

    engine = records.engine
    counts = records.strings_of(side)
    known = values_by_spelling(tree.leaves)
    owners = {text: known.find(text) for text in counts}
    paths = {text: [step.id for step in reversed(tree.path(node))] for text, node in owners.items() if node is not None}
    if not paths:
        if not counts:
            raise InputError(
                f"no mention is of the {side} side", remedy="give records of it, or ask for the other side"
            )
        problem = f"no value of the {side} side is in the taxonomy {tree.id!r}"
        raise InputError(problem, remedy="give the taxonomy of these values, or place them first with `assign`")
    levels = [f"level_{level.level}" for level in tree.levels]
    columns = {"value": list(paths)} | {name: [path[i] for path in paths.values()] for i, name in enumerate(levels)}
    nodes = records.values.join(engine.table(pa.table(columns)), on="value", how="inner").drop("value")
    frame = (
        records.with_users(records.of_side(side).join(nodes, on=VALUE, how="inner"))
        .group_by(CONVERSATION, USER, *levels, "explicit")
        .agg(mentions=nw.len())
    )
    return PlacedMentions(
        records=records,
        tree=tree,
        side=side,
        frame=engine.keep(frame),
        strings=len(counts),
        mentions=counts.total(),
        unmapped=Counter({text: n for text, n in counts.items() if text not in paths}),
    )


def grow(
    records: Records,
    tree: Taxonomy,
    *,
    side: Side,
    model: str | None = None,
    progress: Progress | None = None,
) -> Taxonomy:
    """Return a taxonomy with the strings of one side that it did not have, as `taxonomy.assign` places them.

    Parameters
    ----------
    records : Records
    tree : Taxonomy
    side : {"ai", "human"}
    model : str, optional
        As for `taxonomy.placement.assign`.
    progress : callable, optional
        Called with (strings embedded, strings in all).

    Returns
    -------
    Taxonomy
        Internal use only: its new values may be rare. Strings that are not values are left out.
    """
    counts = records.strings_of(side)
    values = ValueSet.from_records((text, float(n)) for text, n in counts.items())
    return assign(values, tree, model=model, progress=progress).tree
