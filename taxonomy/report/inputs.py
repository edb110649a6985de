"""What the questions of a report are asked of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from taxonomy.errors import InputError
from taxonomy.mentions.columns import Side
from taxonomy.mentions.disclosure import Disclosure
from taxonomy.mentions.opening import Mentions
from taxonomy.mentions.placed import PlacedMentions
from taxonomy.questions.principles import Principle

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Inputs:
    """What the questions of a report are asked of.

    Attributes
    ----------
    mentions : Mentions
    disclosure : Disclosure
    watch : tuple of str
        Ids of nodes to look out for.
    principles : sequence of Principle
    split_at : datetime or None
        The first moment of the later period; the middle by default.
    only : Table or None
        The codes of conversations to count alone, as `CONVERSATION`; all by default.
    """

    mentions: Mentions
    disclosure: Disclosure
    watch: tuple[str, ...]
    principles: Sequence[Principle]
    split_at: datetime | None = None
    only: pa.Table | None = None

    @cached_property
    def sides(self) -> Mapping[Side, PlacedMentions]:
        """The sides that have mentions."""
        return {side: self._select(self.mentions.side(side)) for side in self.mentions.sides}

    @property
    def ai(self) -> PlacedMentions:
        """What the AI expressed; nothing is an error."""
        return self._of("ai")

    @property
    def human(self) -> PlacedMentions:
        """What people expressed; nothing is an error."""
        return self._of("human")

    def _of(self, side: Side) -> PlacedMentions:
        # The mentions raise the error of a side that has none.
        return self.sides[side] if side in self.mentions.sides else self.mentions.side(side)

    def _select(self, placed: PlacedMentions) -> PlacedMentions:
        return placed if self.only is None else placed.among(self.only)

    @cached_property
    def split(self) -> datetime:
        """The first moment of the later period; no times are an error."""
        when = self.split_at or self.ai.find_middle()
        if when is None:
            raise InputError("no times are known", column="timestamp", remedy="give conversations with their timestamp")
        return when

    @cached_property
    def periods(self) -> tuple[PlacedMentions, PlacedMentions]:
        """The AI's mentions, before and after."""
        return self.ai.split_at(self.split)
