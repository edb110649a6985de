"""Watch lists: nodes to look out for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from taxonomy.errors import LookupFailedError
from taxonomy.model import Taxonomy
from taxonomy.toml import Texts, read_toml
from taxonomy.values import canonical_key

# Between the labels of a path, as `show` prints it.
STEP = " > "


class _WatchList(BaseModel):
    model_config = ConfigDict(extra="forbid")

    watch: Texts


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
    return read_toml(path, _WatchList, remedy='write watch = ["deception", ...] and nothing else').watch


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
