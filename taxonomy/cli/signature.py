"""Who decides, and when."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, date, datetime


def today() -> str:
    """Return the day as YYYY-MM-DD; that of SOURCE_DATE_EPOCH, in seconds since 1970, where it is set.

    Raises
    ------
    TaxonomyError
        If SOURCE_DATE_EPOCH is not a number of seconds.
    """
    from taxonomy.errors import TaxonomyError

    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        return date.today().isoformat()
    try:
        return datetime.fromtimestamp(int(epoch), UTC).date().isoformat()
    except (ValueError, OverflowError, OSError) as error:
        problem = f"SOURCE_DATE_EPOCH is {epoch!r}"
        raise TaxonomyError(problem, remedy="make it a number of seconds since 1970") from error


def find_author() -> str:
    """Return the name that git signs with, empty where there is no git or no name."""
    try:
        # The git of whoever decides.
        command = ["git", "config", "--get", "user.name"]
        said = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return " ".join(said.stdout.split())
