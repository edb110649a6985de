"""Text that survives writing to XML and reading back, for GraphML and RDF/XML."""

from __future__ import annotations

import re

from taxonomy.errors import OutputError

# Characters that XML 1.0 can't hold, escaped or not (https://www.w3.org/TR/xml/#charsets).
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """Return a document with carriage returns escaped, which readers would turn into line ends.

    Raises
    ------
    OutputError
        If it has a character that XML can't hold.
    """
    if forbidden := _FORBIDDEN.search(text):
        near = re.split(r"[<>]", text[: forbidden.start()])[-1][-30:]
        problem = f"XML cannot hold the character U+{ord(forbidden[0]):04X} after {near!r}"
        raise OutputError(problem, remedy="correct that text, or write .json")
    return text.replace("\r", "&#13;")
