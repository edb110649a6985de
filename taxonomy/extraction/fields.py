"""The fields of a record that say something about its conversation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

from taxonomy.extraction.content_parts import plain_text
from taxonomy.extraction.messages import UnreadableError

# Characters of the longest id, model or context that is one.
_LONGEST = 500
# Seconds since 1970 have so many digits at most; what has more is in milliseconds, microseconds or nanoseconds.
_SECONDS, _LATEST = 1e11, 1e20
# Digits of a day such as 20260105.
_DAY = 8


class Fields:
    """A record's fields by name: what is not of the type that it must be is not known, and noted."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = record
        self._ignored: list[str] = []

    @property
    def ignored(self) -> tuple[str, ...]:
        """The names of fields that were not what they must be."""
        return tuple(self._ignored)

    def identifier(self, *names: str) -> str | None:
        """Return the id in the first of these fields that holds one.

        Raises
        ------
        UnreadableError
            If it is none: what belongs together could not be told.
        """
        for name in names:
            cell = self._record.get(name)
            if cell is not None and (text := _identifier(cell)):
                return text
        return None

    def short_text(self, *names: str) -> str | None:
        """Return the text of the first of these fields that holds some; a text of over 500 characters is not known."""
        for name in names:
            cell = self._record.get(name)
            text = _short(cell)
            if text:
                return text
            self._note(name, is_wrong=text is None and cell is not None)
        return None

    def moment(self, *names: str) -> datetime | None:
        """Return the time of the first of these fields that holds one, in UTC, without a time zone."""
        for name in names:
            cell = self._record.get(name)
            if cell is None or cell == "":
                continue
            moment = _moment(cell)
            self._note(name, is_wrong=moment is None)
            if moment is not None:
                return moment
        return None

    def contexts(self, names: Iterable[str]) -> dict[str, str]:
        """Return the text of those of these fields that hold some."""
        texts = {plain_text(name): self.short_text(name) for name in names}
        return {name: text for name, text in texts.items() if text is not None}

    def inner(self, name: str) -> Fields:
        """Return the fields of an object in a field; of none where there is no object."""
        cell = self._record.get(name)
        inner = Fields(cell if isinstance(cell, Mapping) else {})
        inner._ignored = self._ignored
        self._note(name, is_wrong=cell is not None and not isinstance(cell, Mapping))
        return inner

    def _note(self, name: str, *, is_wrong: bool) -> None:
        if is_wrong:
            self._ignored.append(name)


def _identifier(cell: object) -> str:
    text = _short(cell)
    if text is None:
        raise UnreadableError("the id is neither a short text nor a number")
    return text


def _short(cell: object) -> str | None:
    """Return a cell as text; None where it is neither text, truth, number nor an id of bytes, or too long."""
    if isinstance(cell, bytes):
        cell = cell.hex()
    if isinstance(cell, Decimal | UUID):
        cell = str(cell)
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, int | float):
        return "" if cell != cell else str(cell)
    if not isinstance(cell, str) or len(cell) > _LONGEST:
        return None
    return " ".join(plain_text(cell).split())


def _moment(cell: object) -> datetime | None:
    try:
        if isinstance(cell, str):
            cell = _parsed(cell.strip())
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            seconds = float(cell)
            if not abs(seconds) < _LATEST:
                return None
            while abs(seconds) >= _SECONDS:
                seconds /= 1000
            cell = datetime.fromtimestamp(seconds, UTC)
        if isinstance(cell, date) and not isinstance(cell, datetime):
            cell = datetime(cell.year, cell.month, cell.day)
        if not isinstance(cell, datetime):
            return None
        return (cell.astimezone(UTC) if cell.tzinfo else cell).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        return None


def _parsed(text: str) -> datetime | float:
    try:
        number = float(text)
    except ValueError:
        number = None
    # A day may be written without marks between its parts.
    if number is not None and not (text.isdecimal() and len(text) == _DAY):
        return number
    try:
        return datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        return parsedate_to_datetime(text)
