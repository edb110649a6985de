"""The cache folder, and facts about models kept in it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from embeddings.files import replace_file

Fact = TypeVar("Fact", int, dict[str, str])


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
    """Return a fact about a model's files, computed only once.

    Parameters
    ----------
    key : str
        Hexadecimal digest of what the fact is computed from.
    compute : callable
        Called when the cache has no readable entry.

    Returns
    -------
    int or dict of str to str
        What `compute` returned, now or earlier.
    """
    path = cache_folder() / "models" / f"{key}.json"
    with contextlib.suppress(OSError, ValueError):
        fact: Fact = json.loads(path.read_bytes())["fact"]
        return fact
    fact = compute()
    # Without a writable cache the fact is only computed again.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps({"fact": fact}).encode())
    return fact
