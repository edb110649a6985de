"""Findings that a taxonomist should look at, each with a code, a node and a sentence."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from taxonomy.model import Node, Taxonomy
from taxonomy.values import canonical_key

MAX_CHILDREN = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at.

    Attributes
    ----------
    code : str
        The kind of finding.
    node : str
        Id of the node.
    message : str
        One sentence.
    """

    code: str
    node: str
    message: str


def lint(tree: Taxonomy) -> list[Finding]:
    """Return all findings on a taxonomy, by code, then by node.

    Parameters
    ----------
    tree : Taxonomy
    """
    return sorted(
        (Finding(code, node.id, message) for code, check in CHECKS.items() for node, message in check(tree)),
        key=lambda finding: (finding.code, finding.message, finding.node),
    )


def _single_child(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    for node in tree.nodes:
        if len(tree.children(node)) == 1:
            yield node, f"{_name(node)} has a single child"


def _oversized(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    for node in tree.nodes:
        count = len(tree.children(node))
        if node.level == 1 and count > MAX_CHILDREN:
            yield node, f"{_name(node)} has {count} children, more than {MAX_CHILDREN}"


def _empty(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    for node in tree.nodes:
        if "empty" in node.flags:
            yield node, f"nothing belongs to {_name(node)}"


def _twins(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    by_key: dict[str, list[Node]] = defaultdict(list)
    for node in tree.nodes:
        if node.level == 0:
            by_key[canonical_key(node.label)].append(node)
    for nodes in by_key.values():
        for twin in nodes[1:]:
            yield twin, f"{_name(twin)} is a spelling of {_name(nodes[0])}"


def _same_label(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    by_key: dict[str, list[Node]] = defaultdict(list)
    for node in tree.nodes:
        if node.level > 0:
            by_key[canonical_key(node.label)].append(node)
    for nodes in by_key.values():
        for other in nodes[1:]:
            yield other, f"{_name(other)} has the label of a node on level {nodes[0].level}"


def _weights(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    for node in tree.nodes:
        children = tree.children(node)
        total = math.fsum(child.weight for child in children)
        if children and abs(total - node.weight) > 1e-6 * max(1, len(children)):
            yield node, f"{_name(node)} weighs {node.weight:g}, its children together {total:g}"


def _doubtful(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    for node in tree.nodes:
        if node.level > 0 and "doubtful" in node.flags and node.placement and node.placement.second_parent:
            here, there = tree.parent(node), tree.node(node.placement.second_parent)
            if here is not None:
                yield node, f"{_name(node)} is under {_name(here)} but nearer to {_name(there)}"


def _digest(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    if tree.digest != tree.compute_digest():
        yield tree.top[0], "the nodes are not those that the digest was taken of: the file was changed by hand"


def _name(node: Node) -> str:
    return f'"{node.label}" (level {node.level})'


CHECKS: dict[str, Callable[[Taxonomy], Iterator[tuple[Node, str]]]] = {
    "digest": _digest,
    "doubtful-parent": _doubtful,
    "empty-domain": _empty,
    "oversized": _oversized,
    "same-label": _same_label,
    "single-child": _single_child,
    "spelling-twins": _twins,
    "weights": _weights,
}
