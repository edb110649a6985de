"""Findings that a taxonomist should look at, each with a code, a node and a sentence."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.progress import Progress
from taxonomy.english.phrases import Phrases, words_of
from taxonomy.english.polarity import vices_among
from taxonomy.english.words import singulars, word_list
from taxonomy.errors import check_type
from taxonomy.labels.fit import measure_fit
from taxonomy.model import Node, Taxonomy
from taxonomy.model.nodes import OUTLYING
from taxonomy.model.scope_notes import said_of_members
from taxonomy.quality.opposites import find_opposites
from taxonomy.quality.vectors import TreeVectors, embed_tree, inner_centroids
from taxonomy.values import canonical_key, find_twins, is_one_value
from taxonomy.values.twins import TwinKind

# More children than one screen shows are not reviewed; four times what a level of the usual sizes has on average.
MAX_CHILDREN = 50
# A method without a random part brings every node back in the half of the runs that only change the seed: a node below
# this came back in fewer than half of those that change the values.
UNSTABLE = 0.75
# Nearest values that are asked for their domain.
_NEIGHBORS = 10
# Cosine of labels from which they are paraphrases: few names of one tree are that near, and those share their words.
_NEAR = 0.9
_FILLERS = word_list("fillers")
# How two spellings of one value differ.
_TWINS: dict[TwinKind, str] = {
    "dialect": "one is British, one American",
    "variant": "two forms of a word",
    "order": "the words in another order",
    "typo": "most likely a typo",
}
# A label covers at least so much of its node's weight.
_COVERED = 0.5


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
    weight : float
        Of the node; of a label, of what it does not cover.
    """

    code: str
    node: str
    message: str
    weight: float = 0.0


def lint(
    tree: Taxonomy, *, vectors: bool = True, model: str | None = None, progress: Progress | None = None
) -> list[Finding]:
    """Return what a taxonomist should look at in a taxonomy, the heaviest nodes first.

    Parameters
    ----------
    tree : Taxonomy
    vectors : bool
        Whether to make the checks by likeness, too, which need the embedding model.
    model : str, optional
        The embedding model; by default the one that the taxonomy was built with.
    progress : callable, optional
        Called with (strings embedded, strings in all).

    Returns
    -------
    list of Finding
        Each with `code`, `node` (an id), `message`, and the node's `weight`.

    Raises
    ------
    InputError
        If `tree` is not a taxonomy, or was built with another model.
    embeddings.EmbeddingError
        If the model is not there.
    """
    check_type(tree, Taxonomy, "tree", "give a Taxonomy, as taxonomy.read returns it")
    return list_findings(tree, embed_tree(tree, model=model, progress=progress) if vectors else None)


def list_findings(tree: Taxonomy, vectors: TreeVectors | None = None) -> list[Finding]:
    """Return all findings on a taxonomy; without vectors those of `VECTOR_CHECKS` are left out."""
    found = [(code, *one) for code, check in CHECKS.items() for one in check(tree)]
    if vectors is not None and len(tree.levels) > 1:
        found += [(code, *one) for code, examine in VECTOR_CHECKS.items() for one in examine(tree, vectors)]
    findings = [Finding(code, node.id, message, _weight(code, node)) for code, node, message in found]
    return sorted(findings, key=lambda finding: (-finding.weight, finding.code, finding.message, finding.node))


def _weight(code: str, node: Node) -> float:
    if code != "label-fit" or node.label_fit is None:
        return node.weight
    return round(node.weight * (1 - node.label_fit.covered), 6)


def _single_child(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    for node in tree.inner:
        if len(tree.children(node)) == 1:
            yield node, f"{_name(node)} has a single child"


def _oversized(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    for node in tree.inner:
        count = len(tree.children(node))
        if count > MAX_CHILDREN:
            yield node, f"{_name(node)} has {count} children, more than {MAX_CHILDREN}"


def _unstable(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    for node in tree.inner:
        if node.stability is not None and node.stability < UNSTABLE:
            yield node, f"{_name(node)} came back in {node.stability:.0%} of the runs when the tree was built again"


def _empty(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    for node in tree.nodes:
        if "empty" in node.flags:
            yield node, f"nothing belongs to {_name(node)}"


def _twins(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    by_key: dict[str, list[Node]] = defaultdict(list)
    for node in tree.leaves:
        by_key[canonical_key(node.label)].append(node)
    values: dict[str, Node] = {}
    for nodes in by_key.values():
        first: list[Node] = []
        for node in nodes:
            same = next((one for one in first if is_one_value(one.label, node.label)), None)
            if same is None:
                first.append(node)
            else:
                yield node, f"{_name(node)} is a spelling of {_name(same)}: case, spaces or hyphens differ"
        values |= {node.label: node for node in first}
    for found in find_twins({label: node.weight for label, node in values.items()}):
        kept, other = values[found.kept], values[found.other]
        yield other, f"{_name(other)} is a spelling of {_name(kept)}: {_TWINS[found.kind]}"


def _same_label(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    by_words: dict[frozenset[str], list[Node]] = defaultdict(list)
    for node in tree.inner:
        by_words[_words(node.label)].append(node)
    for nodes in by_words.values():
        for other in nodes[1:]:
            yield other, f"{_name(other)} is named as {_name(nodes[0])} is"


def _words(label: str) -> frozenset[str]:
    """Return the words of a label, in the singular, but for those that say nothing."""
    words = {canonical_key(word) for word in re.split(r"[\s,/&]+", label)} - _FILLERS
    stems = {min([word, *singulars(word)], key=len) for word in words if word}
    return frozenset(stems) or frozenset({canonical_key(label)})


def _opposites(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    for parent in tree.inner:
        children = tree.children(parent)
        vices = set(vices_among([child.polarity for child in children]))
        denied: dict[int, list[str]] = defaultdict(list)
        for one, other in find_opposites([child.label for child in children]):
            # A vice among values is a finding of its own, which names them.
            if vices.isdisjoint((one, other)):
                denied[one].append(f'"{children[other].label}"')
        for one, labels in denied.items():
            yield children[one], f"{_name(children[one])} is under {_name(parent)} beside {_some(labels)}"


def _vice(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    for parent in tree.inner:
        children = tree.children(parent)
        vices = set(vices_among([child.polarity for child in children]))
        pairs = list(find_opposites([child.label for child in children])) if vices else []
        for at in sorted(vices):
            # Either may be spelled as the denial: "injustice" of "justice", "violence" by "non-violence".
            beside = {other if one == at else one for one, other in pairs if at in (one, other)}
            labels = [f'"{children[other].label}"' for other in sorted(beside - vices)]
            opposites = f", beside {_some(labels)}" if labels else ""
            yield children[at], f"{_name(children[at])} is a vice under {_name(parent)}{opposites}"


def _some(labels: Sequence[str]) -> str:
    return ", ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")


def _weights(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    # Shares may be rounded more coarsely than weights: to the digits that they are stated with.
    digits = max((len(f"{node.share:.6f}".rstrip("0").partition(".")[2]) for node in tree.nodes), default=0)
    for node in tree.inner:
        children = tree.children(node)
        rounding = 0.5000001 * (len(children) + 1)
        weight = math.fsum(child.weight for child in children)
        share = math.fsum(child.share for child in children)
        if children and abs(weight - node.weight) > 1e-6 * max(rounding, 1e-6 * weight):
            yield node, f"{_name(node)} weighs {node.weight:g}, its children together {weight:g}"
        elif children and abs(share - node.share) > rounding * 10.0**-digits:
            yield node, f"{_name(node)} has a share of {node.share:.3%}, its children together {share:.3%}"


def _doubtful(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    for node in tree.nodes:
        if "doubtful" in node.flags and node.placement and node.placement.second_parent:
            here, there = tree.parent(node), tree.node(node.placement.second_parent)
            if here is not None:
                yield node, f"{_name(node)} is under {_name(here)} but nearer to {_name(there)}"


def _outlying(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    for node in tree.inner:
        parent = tree.parent(node)
        if OUTLYING in node.flags and parent is not None:
            yield (
                node,
                f"{_name(node)} is under {_name(parent)} but nearer to the mean of all others than to any parent",
            )


def _stale_definition(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    gone = [entry.label for entry in tree.retired if entry.level == 0]
    # A single word may be one that any definition of ours has.
    longer = Phrases(label for label in gone if len(words_of(label)) > 1)
    every = Phrases(gone)
    for node in tree.inner if gone else ():
        if node.definition:
            held = [spelling for value in tree.values(node) for spelling in (value.label, *value.aliases)]
            names = longer if node.has_machine_definition else every
            for label in names.find(said_of_members(node.definition), within=held):
                yield node, f'the definition of {_name(node)} names "{label}", which was retired'


def _not_reviewed(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    if not any(node.reviewed for node in tree.nodes):
        # Nobody has begun to.
        return
    for node in tree.inner:
        left = [child.label for child in tree.children(node) if child.level == 0 and not child.reviewed]
        named = _some([f'"{label}"' for label in left])
        if not node.reviewed:
            yield node, f"{_name(node)} is not reviewed" + (f", nor are {named}" if left else "")
        elif left:
            yield node, f"{_name(node)} holds {named}, not reviewed"


def _unknown_words(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    model = tree.provenance.model.name if tree.provenance.model else "the model"
    for value in tree.leaves:
        if value.has_unknown_words:
            yield value, f"{_name(value)} holds words that {model} does not know: its place says nothing"


def _digest(tree: Taxonomy) -> Iterator[tuple[Node, str]]:
    if tree.digest != tree.compute_digest():
        yield tree.top[0], "the nodes are not those that the digest was taken of: the file was changed by hand"


def _other_domain(tree: Taxonomy, vectors: TreeVectors) -> Iterator[tuple[Node, str]]:
    from embeddings import nearest_neighbors

    neighbors, _ = nearest_neighbors(vectors.values, _NEIGHBORS)
    tops = tree.ancestors[-1]
    around = tops[neighbors]
    values = tree.leaves
    known = np.array([not value.has_unknown_words for value in values], dtype=bool)
    for top in np.unique(tops):
        votes = (around == top).sum(axis=1)
        for index in np.flatnonzero((tops != top) & known & (2 * votes > neighbors.shape[1])):
            here, there = tree.nodes[tops[index]], tree.nodes[top]
            nearest = f"{votes[index]} of its {neighbors.shape[1]} nearest values are under {_name(there)}"
            yield values[index], f"{_name(values[index])} is under {_name(here)}, but {nearest}"


def _near_label(tree: Taxonomy, vectors: TreeVectors) -> Iterator[tuple[Node, str]]:
    from embeddings import nearest_neighbors

    nodes = tree.inner
    nearest, cosines = nearest_neighbors(vectors.labels, 1)
    near = {(min(one, other), max(one, other)) for one, (other,) in enumerate(nearest) if cosines[one, 0] >= _NEAR}
    for first, second in near:
        one, other = nodes[first], nodes[second]
        if _words(one.label) != _words(other.label):
            yield other, f"{_name(other)} is almost named as {_name(one)} is"


def _label_fit(tree: Taxonomy, vectors: TreeVectors) -> Iterator[tuple[Node, str]]:
    rows = {node.id: row for row, node in enumerate(tree.inner)}
    live = np.flatnonzero([not value.is_dormant for value in tree.leaves])
    weights = np.array([value.weight for value in tree.leaves])
    for (nodes, centroids), above in zip(inner_centroids(tree, vectors.values), tree.ancestors[:, live], strict=True):
        _, owner = np.unique(above, return_inverse=True)
        values = [live[part] for part in np.split(np.argsort(owner, kind="stable"), np.cumsum(np.bincount(owner))[:-1])]
        labels = vectors.labels[[rows[node.id] for node in nodes]]
        for node, fit in zip(nodes, measure_fit(labels, centroids, values, weights, vectors.values), strict=True):
            if fit.rank > 1:
                other = _name(nodes[fit.nearest])
                yield node, f"the label of {_name(node)} fits the values of {other} better than its own"
            elif fit.covered < _COVERED and node.label_source in ("keyphrase", "llm"):
                yield node, f"the label of {_name(node)} covers {fit.covered:.0%} of its weight, other labels the rest"


def _name(node: Node) -> str:
    return f'"{node.label}" (level {node.level})'


CHECKS: dict[str, Callable[[Taxonomy], Iterator[tuple[Node, str]]]] = {
    "digest": _digest,
    "doubtful-parent": _doubtful,
    "empty-domain": _empty,
    "not-reviewed": _not_reviewed,
    "opposites": _opposites,
    "outlying": _outlying,
    "oversized": _oversized,
    "same-label": _same_label,
    "single-child": _single_child,
    "spelling-twins": _twins,
    "stale-definition": _stale_definition,
    "unknown-words": _unknown_words,
    "unstable": _unstable,
    "vice": _vice,
    "weights": _weights,
}
VECTOR_CHECKS: dict[str, Callable[[Taxonomy, TreeVectors], Iterator[tuple[Node, str]]]] = {
    "label-fit": _label_fit,
    "near-label": _near_label,
    "other-domain": _other_domain,
}
