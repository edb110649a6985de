"""Watch lists: the nodes that a monitor must report."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from taxonomy.errors import AmbiguousKeyError, InputError, LookupFailedError, check_type
from taxonomy.model import Taxonomy
from taxonomy.toml import Texts, read_toml
from taxonomy.values import canonical_key
from taxonomy.values.canonical import STEP


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


def find_watched(tree: Taxonomy, watch: Iterable[str]) -> tuple[str, ...]:
    """Find the nodes of a watch list.

    Parameters
    ----------
    tree : Taxonomy
    watch : iterable of str
        Ids, labels or aliases, or the end of a path, such as ``Group > cluster``.

    Returns
    -------
    tuple of str
        Their ids, each once.

    Raises
    ------
    InputError
        If it is not a list of texts.
    LookupFailedError
        If a name is of no node, or of several.
    """
    remedy = "give a list of ids, labels, aliases or paths of nodes"
    if isinstance(watch, str):
        raise InputError("`watch` is a str", remedy=remedy)
    check_type(watch, Iterable, "watch", remedy)
    names = list(watch)
    for name in names:
        check_type(name, str, "watch", remedy)
    return tuple(dict.fromkeys(_find(tree, name) for name in names))


def _find(tree: Taxonomy, name: str) -> str:
    if STEP not in name:
        return tree.node(name).id
    steps = [canonical_key(step) for step in name.split(STEP)]
    ends = [node for node in tree.nodes if canonical_key(node.label) == steps[-1]]
    matches = [node for node in ends if [canonical_key(step.label) for step in tree.path(node)][-len(steps) :] == steps]
    if not matches:
        raise LookupFailedError(f"no node has the path {name!r}", remedy="give an id, a label or another path")
    if len(matches) > 1:
        ids = [node.id for node in matches]
        problem = f"{len(matches)} nodes have the path {name!r}: {', '.join(ids)}"
        raise AmbiguousKeyError(problem, ids, remedy="give an id, or more of the path")
    return matches[0].id
