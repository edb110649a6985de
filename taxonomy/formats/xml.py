"""What two XML formats share: text that any XML reader gets back as it was."""

from __future__ import annotations

import re

from taxonomy.errors import OutputError

# All that XML 1.0 can't hold, escaped or not (https://www.w3.org/TR/xml/#charsets).
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """Return a document with its carriage returns escaped, which a reader would take for line ends.

    Raises
    ------
    OutputError
        If it has a character that XML can't hold.
    """
    if found := _FORBIDDEN.search(text):
        near = re.split(r"[<>]", text[: found.start()])[-1][-30:]
        raise OutputError(
            f"XML cannot hold the character U+{ord(found[0]):04X} after {near!r}; correct that text, or export to .json"
        )
    return text.replace("\r", "&#13;")
