"""Names of levels, ids of new nodes, and slugs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable


def default_level_names(count: int) -> list[str]:
    """Return the names of `count` levels, finest first."""
    if count <= 2:
        return ["value", "domain"][:count]
    middle = ["cluster", "group", *(f"level-{i}" for i in range(3, count))]
    return ["value", *middle[: count - 2], "domain"]


def mint_id(kind: str, level: int, content: Iterable[str]) -> str:
    """Return the id of new content: ``vt:`` and 16 hex digits of a sha256 over kind, level and content.

    Parameters
    ----------
    kind : {"value", "node", "domain"}
    level : int
    content : iterable of str
        A value's canonical key, the keys of an inner node's values in order, or a domain's key.
    """
    text = json.dumps([kind, level, *content], ensure_ascii=False)
    return f"vt:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def slugify(label: str) -> str:
    """Return `label` in lower case, with a hyphen for each run of other characters than letters and digits."""
    return re.sub(r"[\W_]+", "-", label.casefold()).strip("-") or "node"
