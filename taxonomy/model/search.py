"""Search for nodes by text, and suggestions for mistyped labels."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

from taxonomy.model.nodes import Node

_SUGGESTED = 3


def search_nodes(nodes: Iterable[Node], text: str) -> list[Node]:
    """Return the nodes whose label, aliases or definition contain a text, the best match first.

    The order is that of the page's search: labels that are the text, that begin with it, in which a word does, which
    contain it; aliases likewise; labels, then definitions, that contain each of its words.
    """
    query = _plain(text.strip())
    ranked = [(_rank(node, query), node) for node in nodes] if query else []
    hits = [(rank, node) for rank, node in ranked if rank is not None]
    hits.sort(key=lambda hit: (hit[0], len(hit[1].label), -hit[1].share, hit[1].label, hit[1].id))
    return [node for _, node in hits]


def suggest_labels(nodes: Iterable[Node], text: str) -> list[str]:
    """Return up to three labels or aliases that are spelled similarly."""
    names = {_plain(name): name for node in nodes for name in (*node.aliases, node.label)}
    return [names[match] for match in difflib.get_close_matches(_plain(text), names, _SUGGESTED, 0.75)]


def _plain(text: str) -> str:
    """Return a text case-folded and without accents."""
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)).casefold()


def _rank(node: Node, query: str) -> float | None:
    """Return how well a node matches: 0 is best, None is no match."""
    label = _plain(node.label)
    rank = _rank_text(label, query)
    if rank is not None:
        return rank
    ranks = [_rank_text(_plain(alias), query) for alias in node.aliases]
    if any(rank is not None for rank in ranks):
        return 1.5 + min(rank for rank in ranks if rank is not None)
    words = query.split()
    if len(words) > 1 and all(word in label for word in words):
        return 4
    definition = _plain(node.definition)
    return 6 if all(word in definition for word in words) else None


def _rank_text(text: str, query: str) -> float | None:
    start = text.find(query)
    if start < 0:
        return None
    if start == 0:
        return 0 if text == query else 1
    return 3 if text[start - 1].isalnum() else 2
