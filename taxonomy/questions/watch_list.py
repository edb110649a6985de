"""Watch lists: nodes to look out for."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from taxonomy.errors import InputError, LookupFailedError
from taxonomy.model import Taxonomy
from taxonomy.values import canonical_key

# Between the labels of a path, as `show` prints it.
STEP = " > "


def read_watch_list(path: Path) -> tuple[str, ...]:
    """Read a watch list.

    Parameters
    ----------
    path : Path
        TOML with an entry ``watch``, a list of ids, labels or paths of nodes.

    Raises
    ------
    InputError
        If it can't be read, or has no such list.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(path), remedy="give a TOML file") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"not TOML: {error}", path=str(path), remedy='write watch = ["deception", ...]') from error
    names = data.pop("watch", None)
    if data or not isinstance(names, list) or not names or not all(isinstance(one, str) for one in names):
        problem = f"unknown entry {min(data)!r}" if data else "there is no list of texts 'watch'"
        raise InputError(problem, path=str(path), remedy='write watch = ["deception", ...] and nothing else')
    return tuple(names)


def find_watched(tree: Taxonomy, names: Iterable[str]) -> tuple[str, ...]:
    """Find the nodes of a watch list.

    Parameters
    ----------
    tree : Taxonomy
    names : iterable of str
        Ids, labels or aliases, or the end of a path, such as ``Group > cluster``.

    Returns
    -------
    tuple of str
        Their ids, each once.

    Raises
    ------
    LookupFailedError
        If a name is of no node, or of several.
    """
    return tuple(dict.fromkeys(_find(tree, name) for name in names))


def _find(tree: Taxonomy, name: str) -> str:
    if STEP not in name:
        return tree.node(name).id
    steps = [canonical_key(step) for step in name.split(STEP)]
    ends = [node for node in tree.nodes if canonical_key(node.label) == steps[-1]]
    found = [node for node in ends if [canonical_key(one.label) for one in tree.path(node)][-len(steps) :] == steps]
    if len(found) != 1:
        raise LookupFailedError(f"{len(found) or 'no'} nodes have the path {name!r}: give an id, or more of the path")
    return found[0].id
