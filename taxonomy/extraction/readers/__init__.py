"""One module a format of conversations, which has the format's name and two functions.

`recognize(record)` says how surely a record is of the format: 0 if it is not, 1 if other formats could have it, too, 2
if only this one does. `read(record)` yields what the record holds of conversations, or raises an UnreadableError; where
it holds several, it yields the error in the place of one.

Nothing else knows of a module here: whoever adds one adds a format.
"""

from __future__ import annotations

import pkgutil


def list_formats() -> list[str]:
    """Return the names of the formats; none of the modules is imported."""
    return [info.name for info in pkgutil.iter_modules(__path__)]
