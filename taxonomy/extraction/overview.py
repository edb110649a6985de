"""What a set of conversations is like, before anything is asked about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from taxonomy.extraction.conversation import LEFT_OUT, Conversation
from taxonomy.mentions.columns import SIDES

# What is said in the place of a language or a model that is not known.
UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Overview:
    """Counts of conversations.

    Attributes
    ----------
    turns : mapping of str to int
        By side.
    languages, models : mapping of str to int
        Conversations by language and by model, the most frequent first; `UNKNOWN` for those of which none is known.
    with_system : int
        Conversations with a system text.
    first, last : datetime or None
        The period.
    left_out : mapping of str to int
        What turns hold beside text, by the kinds of `LEFT_OUT`.
    """

    turns: Mapping[str, int]
    languages: Mapping[str, int]
    models: Mapping[str, int]
    with_system: int
    first: datetime | None
    last: datetime | None
    left_out: Mapping[str, int]


def survey(conversations: Iterable[Conversation]) -> Overview:
    """Return what conversations are like, which are read once."""
    turns, languages, models, left_out = (Counter[str]() for _ in range(4))
    with_system = 0
    first: datetime | None = None
    last: datetime | None = None
    for one in conversations:
        languages[one.language or UNKNOWN] += 1
        models[one.model or UNKNOWN] += 1
        with_system += bool(one.system)
        for turn in one.turns:
            turns[turn.side] += 1
            left_out.update(turn.left_out)
        if one.timestamp is not None:
            first = min(first or one.timestamp, one.timestamp)
            last = max(last or one.timestamp, one.timestamp)
    return Overview(
        turns={side: turns[side] for side in SIDES},
        languages=dict(languages.most_common()),
        models=dict(models.most_common()),
        with_system=with_system,
        first=first,
        last=last,
        left_out={
            kind: left_out[kind] for kind in (*LEFT_OUT, *sorted(left_out.keys() - set(LEFT_OUT))) if left_out[kind]
        },
    )
