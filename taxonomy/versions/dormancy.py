"""Values that an input does not mention: they stay for some versions, dormant, before they are retired."""

from __future__ import annotations

from collections.abc import Iterator

from taxonomy.model import Taxonomy
from taxonomy.model.draft import Draft
from taxonomy.model.nodes import DORMANT, MADE, Node


def find_absent(previous: Taxonomy, rebuilt: Draft, retire_after: int) -> Iterator[Node]:
    """Yield the values that a rebuilt tree lacks and that are not retired yet, without a parent.

    Parameters
    ----------
    previous : Taxonomy
    rebuilt : Draft
        Its values go by the ids that `identity.match_trees` gives.
    retire_after : int
        How many builds in a row a value may be absent from; 0 retires it at once.
    """
    spellings = {spelling for node in rebuilt.level(0) for spelling in (node.label, *node.aliases)}
    for value in previous.leaves:
        # A label that is a spelling of another value now has no node of its own.
        if value.id in rebuilt.nodes or value.absences >= retire_after or value.label in spellings:
            continue
        if MADE in value.flags:
            # A person wants it, and no input ever had it.
            yield value.model_copy(update={"parent": None})
            continue
        yield value.model_copy(
            update={
                "parent": None,
                "weight": 0.0,
                "share": 0.0,
                "conversations": None,
                "aliases": tuple(alias for alias in value.aliases if alias not in spellings),
                "flags": (DORMANT,),
                # Dated when the new version has its number.
                "absent_since": value.absent_since or "",
                "absences": value.absences + 1,
            }
        )
