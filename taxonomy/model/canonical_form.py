"""The canonical JSON text of a taxonomy, and the digest of its nodes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, TypeAdapter

# Fields that are written as one line per item.
_LISTS = frozenset({"levels", "nodes", "retired"})
_BLOCK = 4096
_ANY = TypeAdapter(list[Any])
_line = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def json_parts(record: BaseModel) -> Iterator[bytes]:
    """Yield the JSON of a taxonomy in parts: equal taxonomies have equal bytes."""
    before = "{\n"
    for name in type(record).model_fields:
        value = getattr(record, name)
        yield f'{before} "{name}": '.encode()
        before = ",\n"
        if name in _LISTS and value:
            yield from _listed(value)
        else:
            yield from (line.encode() for line in _lines([value]))
    yield b"\n}\n"


def _listed(items: Sequence[BaseModel]) -> Iterator[bytes]:
    before = "[\n  "
    for line in _lines(items):
        yield f"{before}{line}".encode()
        before = ",\n  "
    yield b"\n ]"


def digest_nodes(nodes: Sequence[BaseModel]) -> str:
    """Return ``sha256:`` and the digest of nodes in their canonical JSON."""
    digest = hashlib.sha256()
    for line in _lines(nodes):
        digest.update(f"{line}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def _lines(items: Sequence[Any]) -> Iterator[str]:
    for start in range(0, len(items), _BLOCK):
        # Many in one call take half the time.
        yield from map(_line, _ANY.dump_python(list(items[start : start + _BLOCK]), mode="json"))
