"""The values of a JSON file one after the other, however large the file, and however long or deep a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

# Bytes of the longest value that is read.
LONGEST = 1 << 26
TOO_LONG = f"longer than {LONGEST >> 20} MB"
TOO_DEEP = "nested too deeply"
NOT_JSON = "not JSON"
# Brackets that a value may open more often than it closes them, those in its texts, too: time grows with the square of
# the depth.
_DEEPEST = 4000
# Bytes that are parsed at once: what comes before the unfit value in them is read.
_CHUNK = 1 << 12
_BOM = b"\xef\xbb\xbf"


def iterate_values(stream: BinaryIO) -> Iterator[tuple[Any, str | None]]:
    """Yield the items of an array, or the values that follow each other, each with why it can't be had.

    Parameters
    ----------
    stream : binary file

    Yields
    ------
    tuple of object and str or None
        After what can't be had nothing more can be: that is the last item.
    """
    import ijson

    source = _Measured(stream)
    prefix = "item" if source.begins_with(b"[") else ""
    problem = None
    try:
        for value in ijson.items(source, prefix, use_float=True, multiple_values=True, buf_size=_CHUNK):
            source.begin()
            yield value, None
    except _UnfitError as error:
        problem = str(error)
    except (ijson.JSONError, ValueError, OverflowError):
        problem = NOT_JSON
    if problem is not None:
        yield None, f"{problem}, and the rest of the file was not read"


class _UnfitError(Exception):
    """A value that no parser should be given."""


class _Measured:
    """A file that stops where a value is too long or too deep."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._first = stream.read(_CHUNK).removeprefix(_BOM)
        self._length = self._depth = 0

    def begins_with(self, start: bytes) -> bool:
        """Return whether this stands at the start, space aside."""
        return self._first.lstrip().startswith(start)

    def begin(self) -> None:
        """Begin to measure anew, since a value has ended."""
        self._length = self._depth = 0

    def read(self, size: int) -> bytes:
        """Read so many bytes.

        Raises
        ------
        _UnfitError
        """
        if self._length > LONGEST:
            raise _UnfitError(TOO_LONG)
        if self._depth > _DEEPEST:
            raise _UnfitError(TOO_DEEP)
        if not size:
            return b""
        chunk, self._first = self._first or self._stream.read(size), b""
        self._length += len(chunk)
        self._depth += sum(map(chunk.count, (b"[", b"{"))) - sum(map(chunk.count, (b"]", b"}")))
        return chunk
