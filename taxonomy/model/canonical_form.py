"""The canonical JSON text of a taxonomy, and the digest of its nodes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

# Fields that are written as one line per item.
_LISTS = frozenset({"levels", "nodes", "retired"})


def canonical_json(record: BaseModel) -> str:
    """Return the JSON text of a taxonomy: equal taxonomies have equal bytes."""
    fields = []
    for name in type(record).model_fields:
        value = getattr(record, name)
        if name in _LISTS:
            items = ",\n  ".join(_json_line(item) for item in value)
            text = f"[\n  {items}\n ]" if items else "[]"
        else:
            text = _json_line(value)
        fields.append(f' "{name}": {text}')
    return "{\n" + ",\n".join(fields) + "\n}\n"


def digest_nodes(nodes: Iterable[BaseModel]) -> str:
    """Return ``sha256:`` and the digest of nodes in their canonical JSON."""
    digest = hashlib.sha256()
    for node in nodes:
        digest.update(_json_line(node).encode())
        digest.update(b"\n")
    return f"sha256:{digest.hexdigest()}"


def _json_line(item: Any) -> str:
    plain = item.model_dump(mode="json") if isinstance(item, BaseModel) else item
    return json.dumps(plain, ensure_ascii=False, allow_nan=False)
