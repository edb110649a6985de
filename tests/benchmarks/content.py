"""How alike the parts of a tree are in kind: clusters that one word holds together, and groups of very unequal size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from taxonomy.english.words import FUNCTION_WORDS
from taxonomy.model import Taxonomy

# Values from which on a cluster can be said to be of one word, and the share of them that have it.
_LEAST, _SHARE = 4, 0.8
_LARGEST = 5


def one_word_share(clusters: Iterable[Sequence[str]]) -> float:
    """Return the share of the clusters of four and more values in which 80% have one whole word in common."""
    large = [_most_frequent(members) >= _SHARE * len(members) for members in clusters if len(members) >= _LEAST]
    return sum(large) / max(1, len(large))


def _most_frequent(members: Sequence[str]) -> int:
    words = (set(member.casefold().replace("-", " ").split()) - FUNCTION_WORDS for member in members)
    return max(Counter(word for own in words for word in own).values(), default=0)


def clusters_of(tree: Taxonomy) -> list[list[str]]:
    """Return the values of each node of level 1."""
    return [[value.label for value in tree.children(node)] for node in tree.nodes if node.level == 1]


def group_sizes(tree: Taxonomy) -> list[int]:
    """Return how many clusters each node of level 2 has, the largest first."""
    return sorted((len(tree.children(node)) for node in tree.nodes if node.level == 2), reverse=True)


def largest_share(sizes: Sequence[int]) -> float:
    """Return the share of the clusters in the five largest groups."""
    return sum(sizes[:_LARGEST]) / sum(sizes)
