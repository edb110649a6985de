"""Which format the records of a file are in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from taxonomy.errors import InputError
from taxonomy.extraction import readers
from taxonomy.extraction.messages import Draft, UnreadableError

# Records that tell the format: the first may be plainer than those that follow.
SAMPLE = 100


@dataclass(frozen=True, slots=True)
class Reader:
    """A module of `taxonomy.extraction.readers`: its name, and its two functions."""

    name: str
    recognize: Callable[[Mapping[str, Any]], int]
    read: Callable[[Mapping[str, Any]], Iterator[Draft | UnreadableError]]


@cache
def all_readers() -> dict[str, Reader]:
    """Return the readers by the names of their formats."""
    found = {}
    for name in readers.list_formats():
        module = import_module(f"{readers.__name__}.{name}")
        found[name] = Reader(name, module.recognize, module.read)
    return found


def reader_of(name: str) -> Reader:
    """Return the reader of a format.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in all_readers():
        known = ", ".join(all_readers())
        raise InputError(
            f"`format` is {name!r}, which is not a format of conversations", remedy=f"it is one of {known}"
        )
    return all_readers()[name]


def detect(records: Iterable[object], candidates: Iterable[Reader]) -> Reader | None:
    """Return the reader that recognizes these records most surely, None where no one recognizes any."""
    objects = [record for record in records if isinstance(record, Mapping)]
    surely = {reader: sum(map(reader.recognize, objects)) for reader in candidates}
    best = max(surely, key=lambda reader: surely[reader])
    return best if surely[best] else None


def unwrap(content: object) -> list[Any] | None:
    """Return the records in a list, or listed in a field of an object; None where it is a record itself.

    A list of messages stands for a conversation that has nothing but them.
    """
    if isinstance(content, list):
        return content if _holds_records(content) else [{"messages": content}]
    if not isinstance(content, Mapping) or detect([content], all_readers().values()):
        return None
    lists = [cell for cell in content.values() if isinstance(cell, list) and _holds_records(cell)]
    return lists[0] if len(lists) == 1 else None


def _holds_records(items: list[Any]) -> bool:
    return detect(items[:SAMPLE], all_readers().values()) is not None
