"""How far a tree agrees with a reference tree on the values that both hold.

Everything is computed from leaf sets, so neither ids nor names of inner nodes matter, but for the names of the top
level. Each figure stands beside that of a random tree: the same tree with its values permuted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taxonomy.errors import LookupFailedError, check_type
from taxonomy.model import Node, Taxonomy

_TRIPLETS = 300_000
_CONFIDENCE = 0.95
# Overlaps of nodes that are held at once: two gigabytes.
_CELLS = 1 << 28
SEED = 0


@dataclass(frozen=True, slots=True)
class LevelScore:
    """Agreement on one level of the reference.

    Attributes
    ----------
    level : int
        Counted from the leaves, in both trees.
    nodes, built_nodes : int, int or None
        Nodes of the reference and of the tree that hold a scored value; None where the tree has no such level.
    ami, ari : float or None
        Adjusted mutual information (Vinh et al. 2010) and adjusted Rand index (Hubert and Arabie 1985).
    best_ami : float
        The highest adjusted mutual information of any level of the tree.
    """

    level: int
    nodes: int
    built_nodes: int | None
    ami: float | None
    ari: float | None
    best_ami: float


@dataclass(frozen=True, slots=True)
class Scores:
    """Agreement of one tree with the reference.

    Attributes
    ----------
    levels : tuple of LevelScore
        Finest first.
    cuts : tuple of tuple of float
        Adjusted mutual information of each level of the tree (rows) with each of the reference (columns), level 1
        first: the best-cut matrix.
    domain_accuracy : float
        Share of values whose top nodes have one name, case and a final "values" aside.
    precision, recall, f : float
        Of the ancestors of values (Kiritchenko, Matwin and Famili 2005): those that both trees give a value, as a share
        of all that the tree gives and of all that the reference gives, also to values that the tree lacks; and the
        harmonic mean of the two. Nodes are matched one to one, whatever their levels, so that the most ancestors agree.
    triplets : float or None
        Agreement on which two of three values belong closer together, of the triplets that the reference decides;
        a tree that says nothing gets 1/3. None where the reference decides none.
    triplets_interval : tuple of float, or None
        95% confidence interval of it over draws of triplets: where the figure of all triplets of these values lies.
    """

    levels: tuple[LevelScore, ...]
    cuts: tuple[tuple[float, ...], ...]
    domain_accuracy: float
    precision: float
    recall: float
    f: float
    triplets: float | None
    triplets_interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class DomainShare:
    """A top node beside the reference's of the same name.

    Attributes
    ----------
    name : str
    share, reference_share : float or None
        As each tree states it, 0 to 1; None where it has no such node.
    values, reference_values : int
        Scored values below it.
    """

    name: str
    share: float | None
    reference_share: float | None
    values: int
    reference_values: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """What `compare` found.

    Attributes
    ----------
    scored : int
        Values that both trees hold, every spelling counted.
    coverage : float
        Their share of the reference's values.
    scores, random : Scores
        Of the tree, and of a random tree of its shape.
    domains : tuple of DomainShare
        Those of the reference first, largest share first.
    """

    scored: int
    coverage: float
    scores: Scores
    random: Scores
    domains: tuple[DomainShare, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists and numbers, levels keyed by their number."""
        return {
            "scored": self.scored,
            "coverage": self.coverage,
            **_plain(self.scores),
            "random": _plain(self.random),
            "domains": [dataclasses.asdict(domain) for domain in self.domains],
        }


def compare(tree: Taxonomy, reference: Taxonomy, *, exclude: Taxonomy | None = None) -> Agreement:
    """Score a tree against a reference.

    Parameters
    ----------
    tree : Taxonomy
    reference : Taxonomy
        Only its values are scored, each by label and aliases.
    exclude : Taxonomy, optional
        A tree whose values are not scored.

    Returns
    -------
    Agreement
        With `scores` of the tree and of a `random` one, for each level and overall, and `domains`. The same for the
        same trees: what is drawn is drawn with a fixed seed.

    Raises
    ------
    LookupFailedError
        If there is nothing to score: no value in common, or a tree without levels above its values. If there is too
        much: trees of 16,000 nodes above their values, each.
    """
    for name, value in (("tree", tree), ("reference", reference)):
        check_type(value, Taxonomy, name, "give a Taxonomy, as taxonomy.read returns it")
    ours, theirs = _places(tree), _places(reference)
    skipped = _places(exclude) if exclude is not None else {}
    wanted = sorted(name for name in theirs if name not in skipped)
    names = [name for name in wanted if name in ours]
    if not names:
        problem = "no value of the reference is in the taxonomy"
        raise LookupFailedError(problem, remedy="compare trees of the same strings")
    if min(len(tree.levels), len(reference.levels)) < 2:
        problem = "a tree of values alone has no level to compare"
        raise LookupFailedError(problem, remedy="give two with levels above the values")
    sizes = [len(side.nodes) - len(side.leaves) for side in (tree, reference)]
    if sizes[0] * sizes[1] > _CELLS:
        problem = f"the trees have {sizes[0]:,} and {sizes[1]:,} nodes above their values, too many to match one to one"
        raise LookupFailedError(problem, remedy="compare subtrees, or trees with fewer nodes")
    built = tree.ancestors[:, [ours[name] for name in names]]
    gold = reference.ancestors[:, [theirs[name] for name in names]]
    shuffled = built[:, np.random.default_rng(SEED).permutation(len(names))]
    tops = [[_word(node) for node in side.nodes] for side in (tree, reference)]
    return Agreement(
        scored=len(names),
        coverage=len(names) / len(wanted),
        scores=_scores(built, gold, tops, len(wanted)),
        random=_scores(shuffled, gold, tops, len(wanted)),
        domains=_domains(tree, reference, built[-1], gold[-1]),
    )


def _hierarchical_scores(
    built: NDArray[np.intp], gold: NDArray[np.intp], n_reference: int
) -> tuple[float, float, float]:
    """Return hierarchical precision, recall and F of ancestor sets.

    Those of Kiritchenko, Matwin and Famili (2005): with P the ancestors that the tree gives a value, T those that the
    reference gives it, precision is the sum of |P & T| over values by the sum of |P|, recall the same by the sum of
    |T|, and F their harmonic mean. Two nodes count as one where they are matched: one to one, whatever their levels,
    such that the sum of |P & T| is the largest there is (an assignment problem on the overlaps of their leaf sets).

    Parameters
    ----------
    built, gold : ndarray of shape (n_levels, n_values)
        Ancestors of the values that both trees hold, as `Taxonomy.ancestors` gives them.
    n_reference : int
        Values of the reference: those that the tree does not hold count in the recall.
    """
    from scipy.optimize import linear_sum_assignment

    (_, rows), (_, columns) = (np.unique(side, return_inverse=True) for side in (built, gold))
    overlap = np.zeros((rows.max() + 1, columns.max() + 1), dtype=np.int64)
    for row in rows.reshape(built.shape):
        for column in columns.reshape(gold.shape):
            np.add.at(overlap, (row, column), 1)
    shared = int(overlap[linear_sum_assignment(overlap, maximize=True)].sum())
    precision, recall = shared / built.size, shared / (len(gold) * n_reference)
    return precision, recall, 2 * precision * recall / (precision + recall)


def _triplet_credits(built: NDArray[np.intp], gold: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the credit for each drawn triplet of which the reference says which two meet lowest.

    Parameters
    ----------
    built, gold : ndarray of shape (n_levels, n_values)

    Returns
    -------
    ndarray of shape (n_decided,)
        1 where the tree says the same, a half or a third where it ties that pair with others, else 0.
    """
    a, b, c = np.random.default_rng(SEED).integers(0, gold.shape[1], (3, _TRIPLETS))
    distinct = (a != b) & (b != c) & (a != c)
    pairs = [(first[distinct], second[distinct]) for first, second in ((a, b), (a, c), (b, c))]
    wanted = np.stack([_depth_of_meeting(gold, first, second) for first, second in pairs])
    stated = np.stack([_depth_of_meeting(built, first, second) for first, second in pairs])
    decided = (wanted == wanted.max(axis=0)).sum(axis=0) == 1
    wanted, stated = wanted[:, decided], stated[:, decided]
    closest = stated == stated.max(axis=0)
    credit = closest[wanted.argmax(axis=0), np.arange(wanted.shape[1])] / closest.sum(axis=0)
    return np.asarray(credit, dtype=np.float64)


def _depth_of_meeting(levels: NDArray[np.intp], first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return how many ancestors two values share; sharing one means sharing all above it."""
    return np.asarray((levels[:, first] == levels[:, second]).sum(axis=0), dtype=np.intp)


def _scores(built: NDArray[np.intp], gold: NDArray[np.intp], tops: Sequence[Sequence[str]], n_reference: int) -> Scores:
    from scipy.stats import norm, sem
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

    cuts = [[float(adjusted_mutual_info_score(theirs, ours)) for theirs in gold] for ours in built]
    levels = []
    for index, theirs in enumerate(gold):
        known = index < len(built)
        levels.append(
            LevelScore(
                level=index + 1,
                nodes=len(np.unique(theirs)),
                built_nodes=len(np.unique(built[index])) if known else None,
                ami=cuts[index][index] if known else None,
                ari=float(adjusted_rand_score(theirs, built[index])) if known else None,
                best_ami=max(row[index] for row in cuts),
            )
        )
    same = [tops[0][ours] == tops[1][theirs] for ours, theirs in zip(built[-1], gold[-1], strict=True)]
    precision, recall, f = _hierarchical_scores(built, gold, n_reference)
    credits = _triplet_credits(built, gold)
    triplets = float(credits.mean()) if len(credits) else None
    half = float(norm.ppf((1 + _CONFIDENCE) / 2) * sem(credits)) if len(credits) else 0.0
    return Scores(
        levels=tuple(levels),
        cuts=tuple(tuple(row) for row in cuts),
        domain_accuracy=float(np.mean(same)),
        precision=precision,
        recall=recall,
        f=f,
        triplets=triplets,
        triplets_interval=None if triplets is None else (max(0.0, triplets - half), min(1.0, triplets + half)),
    )


def _domains(
    tree: Taxonomy, reference: Taxonomy, built: NDArray[np.intp], gold: NDArray[np.intp]
) -> tuple[DomainShare, ...]:
    """Pair the top nodes of two trees by name; `built` and `gold` are those of the scored values."""
    ours, theirs = ({_word(node): node for node in side.top} for side in (tree, reference))
    counts = [_counts(side, top) for side, top in ((tree, built), (reference, gold))]

    def share(name: str) -> DomainShare:
        side, reference_side = ours.get(name), theirs.get(name)
        return DomainShare(
            name=(theirs.get(name) or ours[name]).label,
            share=side.share if side else None,
            reference_share=reference_side.share if reference_side else None,
            values=counts[0].get(name, 0),
            reference_values=counts[1].get(name, 0),
        )

    largest = sorted(theirs, key=lambda name: (-theirs[name].share, name))
    return tuple(share(name) for name in [*largest, *sorted(ours.keys() - theirs.keys())])


def _counts(tree: Taxonomy, tops: NDArray[np.intp]) -> dict[str, int]:
    nodes, counts = np.unique(tops, return_counts=True)
    return {_word(tree.nodes[node]): int(count) for node, count in zip(nodes, counts, strict=True)}


def _places(tree: Taxonomy) -> dict[str, int]:
    """Return the position of the value that each string names."""
    return {name: index for index, node in enumerate(tree.leaves) for name in (node.label, *node.aliases)}


def _word(node: Node) -> str:
    return node.label.lower().removesuffix(" values").strip()


def _plain(scores: Scores) -> dict[str, Any]:
    plain = dataclasses.asdict(scores)
    plain["levels"] = {str(level.pop("level")): level for level in plain["levels"]}
    plain["cuts"] = [list(row) for row in scores.cuts]
    return plain
