"""The thresholds of disclosure."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from taxonomy.errors import TaxonomyError


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The least conversations and users that a figure is disclosed from.

    Attributes
    ----------
    min_conversations : int
    min_users : int
        It counts where users are known; 0 is for any number.

    Raises
    ------
    TaxonomyError
        If one is no whole number from 0.
    """

    min_conversations: int = 15
    min_users: int = 5

    def __post_init__(self) -> None:
        for least in astuple(self):
            if not isinstance(least, int) or isinstance(least, bool) or least < 0:
                raise TaxonomyError(f"{least!r} is no threshold of disclosure; give a whole number from 0")

    @property
    def is_internal(self) -> bool:
        """Whether it discloses everything, for internal use."""
        return self == INTERNAL


PUBLIC = Disclosure()
INTERNAL = Disclosure(min_conversations=0, min_users=0)
