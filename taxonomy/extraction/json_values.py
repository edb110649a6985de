"""The values of a JSON file one after the other, however large the file, and however deep or long a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

# Bytes of the longest value that is read, and how deep it may be nested.
LONGEST = 1 << 26
DEEPEST = 100
TOO_LONG = f"longer than {LONGEST >> 20} MB"
TOO_DEEP = "nested too deeply"
# Bytes that are parsed at once.
_CHUNK = 1 << 16
_BOM = b"\xef\xbb\xbf"


def iterate_values(stream: BinaryIO) -> Iterator[tuple[Any, str | None]]:
    """Yield the items of an array, or the values that follow each other, each with why it can't be had.

    Parameters
    ----------
    stream : binary file

    Yields
    ------
    tuple of object and str or None
        After what is not JSON nothing more can be read: that is the last item.
    """
    import ijson

    source = _Counting(stream)
    start, depth, builder, problem = 0, 0, None, None
    try:
        for event, value in ijson.basic_parse(source, use_float=True, multiple_values=True, buf_size=_CHUNK):
            if depth == 0:
                # Of an array that is no item of another, the items are the values.
                start = int(event == "start_array")
            opens, closes = event in ("start_map", "start_array"), event in ("end_map", "end_array")
            if depth >= start and not (closes and depth == start):
                builder = builder or ijson.ObjectBuilder()
                problem = problem or source.problem_at(depth)
                if problem is None:
                    builder.event(event, value)
            depth += opens - closes
            if builder is not None and depth == start and event != "map_key":
                yield (builder.value, None) if problem is None else (None, problem)
                builder, problem = None, None
                source.begin()
    except _TooLongError:
        yield None, f"{TOO_LONG}, and the rest of the file was not read"
    except (ijson.JSONError, ValueError, OverflowError):
        yield None, "not JSON, and the rest of the file was not read"


class _TooLongError(Exception):
    pass


class _Counting:
    """A file that counts the bytes of a value, and ends what can't be stopped otherwise: one endless text."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._is_first = True
        self._length = 0

    def read(self, size: int) -> bytes:
        chunk = self._stream.read(size)
        if self._is_first and size:
            chunk, self._is_first = chunk.removeprefix(_BOM), False
        self._length += len(chunk)
        # A value that is too long in many parts is passed over; here no part of it ends.
        if self._length > 2 * LONGEST:
            raise _TooLongError
        return chunk

    def begin(self) -> None:
        """Begin to count anew."""
        self._length = 0

    def problem_at(self, depth: int) -> str | None:
        """Return why the value that is being read can't be had."""
        if depth > DEEPEST:
            return TOO_DEEP
        if self._length > LONGEST:
            # Passed over from here on.
            self._length = LONGEST + 1
            return TOO_LONG
        return None
