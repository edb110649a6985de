"""The folder where what was computed once is kept."""

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
        ``$VALUE_TAXONOMY_CACHE`` if set, else the system's usual place.
    """
    if named := os.environ.get("VALUE_TAXONOMY_CACHE"):
        return Path(named).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("value-taxonomy", appauthor=False)


def remember(key: str, compute: Callable[[], Fact]) -> Fact:
    """Return a fact about a model's files, computed only the first time.

    Parameters
    ----------
    key : str
        Hexadecimal; says what the fact was computed from.
    compute : callable
        Called when nothing readable is remembered.

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
    # A cache that can't be written costs time and nothing else.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps({"fact": fact}).encode())
    return fact
