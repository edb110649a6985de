"""What the questions of a report are asked of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from taxonomy.errors import InputError
from taxonomy.mentions.columns import Side
from taxonomy.mentions.disclosure import Disclosure
from taxonomy.mentions.periods import find_middle, split_at
from taxonomy.mentions.placed import Placed
from taxonomy.questions.principles import Principle
from taxonomy.questions.rates import ALERTS


@dataclass(frozen=True)
class Asked:
    """What the questions are asked of.

    Attributes
    ----------
    placed : mapping of str to Placed
        By side; the sides that have mentions.
    disclosure : Disclosure
    watch : tuple of str
        Ids of nodes to look out for.
    principles : tuple of Principle
    alerts : float
        Alerts to expect in 10,000 conversations.
    when : datetime or None
        The first moment of the later period; the middle by default.
    """

    placed: Mapping[Side, Placed]
    disclosure: Disclosure
    watch: tuple[str, ...]
    principles: tuple[Principle, ...]
    alerts: float = ALERTS
    when: datetime | None = None

    def side(self, side: Side) -> Placed:
        """Return the mentions of a side; none is an error."""
        if side not in self.placed:
            raise InputError(f"no mention is of the {side} side", remedy="give records of it")
        return self.placed[side]

    @cached_property
    def split(self) -> datetime:
        """The first moment of the later period; no times are an error."""
        when = self.when or find_middle(self.side("ai"))
        if when is None:
            raise InputError("no times are known", column="timestamp", remedy="give conversations with their timestamp")
        return when

    @cached_property
    def periods(self) -> tuple[Placed, Placed]:
        """The AI's mentions, before and after."""
        return split_at(self.side("ai"), self.split)
