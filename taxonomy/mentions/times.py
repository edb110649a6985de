"""Times as people give them."""

from __future__ import annotations

from datetime import UTC, date, datetime

from taxonomy.errors import InputError, check_type

_REMEDY = "give a date such as 2025-01-20, or a datetime"


def parse_time(when: str | date | datetime, parameter: str) -> datetime:
    """Return a moment in UTC, without a time zone.

    Parameters
    ----------
    when : str, date or datetime
        A text is ISO 8601; a day is its midnight; UTC where there is no time zone.
    parameter : str
        Its name, for messages.

    Raises
    ------
    InputError
        If it is not a time.
    """
    check_type(when, (str, date), parameter, _REMEDY)
    moment = when
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment.strip())
        except ValueError:
            raise InputError(f"`{parameter}` is {when!r}, which is not a time", remedy=_REMEDY) from None
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
