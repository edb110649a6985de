"""The values of a JSON file one after the other, however large the file, and however long or deep a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

# Bytes of the longest value that is read, the most objects, lists and plain values in it, and how deep they may be.
LONGEST = 1 << 25
MOST_PARTS = 500_000
DEEPEST = 200
TOO_LONG = f"longer than {LONGEST >> 20} MB"
TOO_MANY = f"more than {MOST_PARTS:,} parts"
TOO_DEEP = "nested too deeply"
NOT_JSON = "not JSON"
UTF_16 = "UTF-16, not UTF-8"
_NAN = "it has NaN, which JSON has not"
REST = "and the rest of the file was not read"
# Bytes that are parsed at once.
_CHUNK = 1 << 14
_BOM = b"\xef\xbb\xbf"
_BOMS_OF_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def is_utf_16(start: bytes) -> bool:
    """Return whether a file that starts so is in UTF-16."""
    return start.startswith(_BOMS_OF_UTF_16)


def iterate_values(stream: BinaryIO) -> Iterator[tuple[Any, str | None]]:
    """Yield the items of an array, or the values that follow each other, each with why it can't be had.

    Parameters
    ----------
    stream : binary file

    Yields
    ------
    tuple of object and str or None
        A value that is too long, too deep or of too many parts is passed over. After what is not JSON nothing more can
        be read: that is the last item.
    """
    import ijson

    source = _Measured(stream)
    start = depth = parts = 0
    builder = problem = None
    try:
        for event, value in ijson.basic_parse(source, use_float=True, multiple_values=True, buf_size=_CHUNK):
            if depth == 0:
                # Of an array that is no item of another, the items are the values.
                start = int(event == "start_array")
            opens, closes = event in ("start_map", "start_array"), event in ("end_map", "end_array")
            if depth >= start and not (closes and depth == start):
                builder, parts = builder or ijson.ObjectBuilder(), parts + 1
                problem = problem or _problem_at(depth, parts, source.length)
                if problem is None:
                    builder.event(event, value)
            depth += opens - closes
            if builder is not None and depth == start and event != "map_key":
                yield (builder.value, None) if problem is None else (None, problem)
                builder, problem, parts = None, None, 0
                source.length = 0
    except _EndlessError:
        yield None, f"{TOO_LONG}, {REST}"
    except (ijson.JSONError, ValueError, OverflowError) as error:
        # Python writes it for what is missing.
        reason = UTF_16 if source.is_utf_16 else _NAN if "NaN" in str(error) else NOT_JSON
        yield None, f"{reason}, {REST}"


def _problem_at(depth: int, parts: int, length: int) -> str | None:
    if depth > DEEPEST:
        return TOO_DEEP
    if parts > MOST_PARTS:
        return TOO_MANY
    return TOO_LONG if length > LONGEST else None


class _EndlessError(Exception):
    """A text that is too long, of which no parser can tell the end without all of it."""


class _Measured:
    """A file that counts the bytes of a value.

    Attributes
    ----------
    length : int
        Bytes since the value before; whoever sees the end of one sets it to 0.
    is_utf_16 : bool
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._first = stream.read(_CHUNK)
        self.is_utf_16 = is_utf_16(self._first)
        self._first = self._first.removeprefix(_BOM)
        self.length = 0

    def read(self, size: int) -> bytes:
        """Read so many bytes, or more within a long text, since each time it is parsed from its start.

        Raises
        ------
        _EndlessError
        """
        if not size:
            return b""
        if self.length > 2 * LONGEST:
            raise _EndlessError
        chunk, self._first = self._first or self._stream.read(max(size, self.length)), b""
        self.length += len(chunk)
        return chunk
