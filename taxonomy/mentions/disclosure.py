"""The thresholds of disclosure."""

from __future__ import annotations

from dataclasses import dataclass, fields

from taxonomy.errors import InputError


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The least conversations and users that a figure is disclosed from.

    ``Disclosure(min_conversations=0, min_users=0)`` discloses everything, for internal use only.

    Attributes
    ----------
    min_conversations : int
    min_users : int
        It counts where users are known; 0 is for any number.

    Raises
    ------
    InputError
        If one is not a whole number from 0.
    """

    min_conversations: int = 15
    min_users: int = 5

    def __post_init__(self) -> None:
        for field in fields(self):
            least = getattr(self, field.name)
            if not isinstance(least, int) or isinstance(least, bool) or least < 0:
                raise InputError(f"`{field.name}` is {least!r}", remedy="give a whole number from 0")

    @property
    def is_internal(self) -> bool:
        """Whether it discloses everything, for internal use only."""
        return self == INTERNAL


PUBLIC = Disclosure()
INTERNAL = Disclosure(min_conversations=0, min_users=0)
