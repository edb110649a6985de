"""What a taxonomist sees of a tree: clusters of one word, groups of unequal size, names, and definitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from taxonomy.english.words import FUNCTION_WORDS
from taxonomy.labels.fit import label_ranks
from taxonomy.model import Taxonomy
from taxonomy.quality.vectors import embed_tree, inner_centroids

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


def joined_share(tree: Taxonomy, level: int) -> float:
    """Return the share of the names of a level that join two by "and"."""
    labels = [node.label for node in tree.nodes if node.level == level]
    return sum(" and " in label for label in labels) / max(1, len(labels))


def repeating(tree: Taxonomy) -> list[bool]:
    """Tell of each cluster and group whether its definition has its label."""
    return [node.label.casefold() in node.definition.casefold() for node in tree.nodes if node.level in (1, 2)]


def found_shares(tree: Taxonomy, within: int) -> list[float]:
    """Return, for each level, finest first, the share of labels that find their node among the nearest `within`.

    A label is embedded as it is, a node is the mean of its values.
    """
    vectors = embed_tree(tree)
    row = {node.id: at for at, node in enumerate(tree.inner)}
    shares = []
    for nodes, centroids in inner_centroids(tree, vectors.values):
        ranks = np.array(label_ranks(vectors.labels[[row[node.id] for node in nodes]], centroids))
        shares.append(float(np.mean(ranks <= within)))
    return shares
