"""The cache folder, and facts kept in it: of a model's files, and of what was learned from vectors."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from embeddings.files import replace_file

Fact = TypeVar("Fact", bound=int | dict[str, Any])


def cache_folder() -> Path:
    """Return the folder of this user's cache, which may not exist yet.

    Returns
    -------
    Path
        ``$VALUE_TAXONOMY_CACHE`` if set, else the system's usual cache folder.
    """
    if named := os.environ.get("VALUE_TAXONOMY_CACHE"):
        return Path(named).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("value-taxonomy", appauthor=False)


def remember(key: str, compute: Callable[[], Fact]) -> Fact:
    """Return a fact, computed only once.

    Parameters
    ----------
    key : str
        Hexadecimal digest of what the fact is computed from.
    compute : callable
        Called when the cache has no readable entry.

    Returns
    -------
    int or dict
        What `compute` returned, now or earlier.
    """
    known: Fact | None = recall(key)
    if known is not None:
        return known
    fact = compute()
    note(key, fact)
    return fact


def recall(key: str) -> Any:
    """Return the fact that was noted under a key, None if there is none."""
    with contextlib.suppress(OSError, ValueError):
        return json.loads(_path(key).read_bytes())["fact"]
    return None


def note(key: str, fact: Fact) -> None:
    """Keep a fact, in the place of an earlier one. Without a writable cache nothing is kept."""
    with contextlib.suppress(OSError):
        _path(key).parent.mkdir(parents=True, exist_ok=True)
        replace_file(_path(key), json.dumps({"fact": fact}).encode())


def _path(key: str) -> Path:
    return cache_folder() / "models" / f"{key}.json"
