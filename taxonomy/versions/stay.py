"""Which parent each node gets when a tree is built again: the old one, unless the new one is better by a margin.

The old tree is the frame. Level by level from the leaves, a node moves from its old parent to the one that the rebuilt
tree gives it only if it lies nearer to that by more than `stay`, in units of the simplified silhouette: the difference
of the two distances over the larger one. So 0 follows the rebuilt tree, and 1 never moves anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taxonomy.errors import LevelsError
from taxonomy.geometry import centers, confidence, distance_to, silhouette, sums, two_nearest
from taxonomy.model import Node, Placement, Taxonomy
from taxonomy.model.draft import Draft
from taxonomy.values import canonical_key
from taxonomy.versions.exact_sizes import join_nearest, split_widest
from taxonomy.versions.identity import fresh_id
from taxonomy.versions.retention import SAME, kept_part, weigh_values

# A node that the rebuilt tree has and the old one had not comes to be where it consists for the most part of what is
# new or wants to move: else it is an old node cut otherwise.
_FRESH = 0.5
# No two unit vectors lie further apart.
_FAR = 2.0


@dataclass(frozen=True)
class Level:
    """Where the nodes of one level go.

    Attributes
    ----------
    parents : dict of str to str
        From node to parent, by final ids.
    placements : dict of str to Placement
    """

    parents: dict[str, str]
    placements: dict[str, Placement]


def settle(
    previous: Taxonomy,
    rebuilt: Draft,
    vectors: NDArray[np.float32],
    *,
    stay: float,
    min_children: int,
    sizes: Sequence[int] | None = None,
) -> list[Level]:
    """Place the nodes of a rebuilt tree in the frame of the old one.

    Parameters
    ----------
    previous : Taxonomy
    rebuilt : Draft
        Of the same number of levels, but for ``stay=0``; its nodes go by the ids that `identity.match_trees` gives.
        Dormant values are among its values, without a parent. Nodes that an exact size asks for are added.
    vectors : ndarray of shape (n_values, dimension)
        Unit vectors of the values of `rebuilt`, in its order.
    stay : float
        From 0 to 1.
    min_children : int
        A node that falls below is dissolved, unless it was so before or a person edited it.
    sizes : sequence of int, optional
        Exact sizes of the levels between values and top, finest first.

    Returns
    -------
    list of Level
        Finest first, one a level below the top.

    Raises
    ------
    LevelsError
        If a size can't be met.
    """
    same_depth = len(previous.levels) == rebuilt.top + 1
    old_nodes = {node.id: node for node in previous.nodes} if same_depth else {}
    before = Draft(old_nodes.values()).leaf_ids()
    weights = weigh_values(previous.nodes, rebuilt.level(0))
    values = rebuilt.level(0)
    items = [value.id for value in values]
    # What is dormant has a place, and draws nothing to it.
    points, mass = vectors.astype(np.float64), np.array([float(not value.is_dormant) for value in values])
    now = {id: [id] for id in items}
    levels = []
    for level in range(rebuilt.top):
        step = _Step(items, points, mass, old_nodes, rebuilt, level)
        if level and stay > 0:
            step.hold([id in before and kept_part(before[id], set(now[id]), weights) >= SAME for id in items])
        chosen = step.choose(stay, min_children)
        if sizes is not None and level < len(sizes):
            chosen = step.meet_size(chosen, sizes[level], min_children, now)
        levels.append(Level(step.parents_of(chosen), step.placements(chosen)))
        used = np.unique(chosen)
        points, mass = _means(points, chosen, mass, used)
        items = [step.ids[index] for index in used]
        now = _gather(now, levels[-1].parents)
    return levels


def _means(
    points: NDArray[np.float64], labels: NDArray[np.intp], mass: NDArray[np.float64], used: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and the mass of each node; of a node without mass the plain mean."""
    n = int(used.max()) + 1
    total, weight = sums(points, labels, mass, n)
    plain, count = sums(points, labels, np.ones(len(points)), n)
    massive = weight[used] > 0
    means = np.where(massive[:, None], total[used], plain[used]) / np.where(massive, weight[used], count[used])[:, None]
    return means, weight[used]


def _gather(below: Mapping[str, list[str]], parents: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the values below each parent."""
    gathered: dict[str, list[str]] = {}
    for id, values in below.items():
        gathered.setdefault(parents[id], []).extend(values)
    return gathered


class _Step:
    """One level: its nodes (items), and the parents that the two trees offer them, by position in `ids`."""

    def __init__(
        self,
        items: Sequence[str],
        points: NDArray[np.float64],
        mass: NDArray[np.float64],
        old_nodes: Mapping[str, Node],
        rebuilt: Draft,
        level: int,
    ) -> None:
        self.items, self.points, self.mass = items, points, mass
        self.rebuilt, self.old_nodes, self.level = rebuilt, old_nodes, level
        self.is_top = level == rebuilt.top - 1
        self.new_nodes = new_nodes = rebuilt.nodes
        old_parents, new_parents = ([_parent(tree.get(item)) for item in items] for tree in (old_nodes, new_nodes))
        tops = {node.id for node in rebuilt.level(level + 1)}
        if self.is_top and all(new_nodes[id].label_source == "domain" for id in tops):
            # The domains are what the domains file says: one that is gone takes nothing with it.
            old_parents = [parent if parent in tops else None for parent in old_parents]
        self.ids = sorted({parent for parent in [*old_parents, *new_parents] if parent is not None})
        self.position = position = {id: index for index, id in enumerate(self.ids)}
        # A dormant value has no place in the rebuilt tree.
        self.item_tops = [_top(item, new_nodes if self._is_placed(item) else old_nodes) for item in items]
        self.parent_tops = np.array([_top(id, old_nodes) or _top(id, new_nodes) for id in self.ids])
        self.old, self.new = (
            np.array([-1 if parent is None else position[parent] for parent in parents], dtype=np.intp)
            for parents in (old_parents, new_parents)
        )
        parents_held = [id in old_nodes and _held(old_nodes[id]) for id in self.ids]
        self.parent_held = np.array(parents_held, dtype=bool)
        self.is_fresh = np.array([id not in old_nodes for id in self.ids], dtype=bool)
        self.was_thin = np.array(
            [(id in old_nodes and "thin" in old_nodes[id].flags) or len(rebuilt.children(id)) == 1 for id in self.ids],
            dtype=bool,
        )
        self.held = np.array(
            [
                old >= 0 and (parents_held[old] or (item in old_nodes and _held(old_nodes[item])))
                for item, old in zip(items, self.old, strict=True)
            ],
            dtype=bool,
        )
        self.by_person = self.held

    def _is_placed(self, item: str) -> bool:
        node = self.new_nodes.get(item)
        return node is not None and node.parent is not None

    def hold(self, items: Sequence[bool]) -> None:
        """Let some items stay under their old parents, whatever lies nearer."""
        self.held = self.held | (np.array(items, dtype=bool) & (self.old >= 0))

    def choose(self, stay: float, min_children: int) -> NDArray[np.intp]:
        """Return the parent of each item."""
        n = len(self.ids)
        wants = self._wants_to_move(stay)
        chosen = np.where((self.old < 0) | wants, self.new, self.old)
        if stay > 0:
            free = np.bincount(chosen[(chosen >= 0) & (wants | (self.old < 0))], minlength=n)
            size = np.bincount(self.new[self.new >= 0], minlength=n)
            # One newcomer moves nothing that was there to a place of its own.
            joining = np.bincount(chosen[(chosen >= 0) & (self.old < 0)], minlength=n)
            stillborn = self.is_fresh & ((free < _FRESH * size) | (joining < min_children))
            if not self.is_top:
                stillborn |= self._scattered(chosen)
            back = (chosen >= 0) & stillborn[chosen] & (not self.is_top)
            chosen[back] = self.old[back]
            # What is new goes to the nearest node; but it makes up a fresh one.
            newcomers = (self.old < 0) & ~((chosen >= 0) & self.is_fresh[chosen])
            if not self.is_top:
                chosen[newcomers] = -1
        # What is dormant follows where all else of its node moved.
        alive, lived = (np.bincount(of[(of >= 0) & (self.mass > 0)], minlength=n) for of in (chosen, self.old))
        left = (alive == 0) & (lived > 0)
        chosen[(self.mass == 0) & (chosen >= 0) & left[chosen]] = -1
        self._place_rest(chosen)
        if not self.is_top:
            self._dissolve(chosen, min_children)
        return chosen

    def _scattered(self, chosen: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Tell which fresh parents have items that lie nearer to the parents that were there than to each other."""
        n = len(self.ids)
        rows = np.flatnonzero((chosen >= 0) & self.is_fresh[chosen] & (self.mass > 0))
        scattered = np.zeros(n, dtype=bool)
        if not len(rows):
            return scattered
        fresh = np.where(self.is_fresh[chosen], chosen, -1)
        total, mass = sums(self.points, fresh, self.mass, n)
        near = distance_to(self.points[rows], self.mass[rows], chosen[rows], centers(total, mass), mass)
        total, mass = sums(self.points, np.where(self.is_fresh[chosen], -1, chosen), self.mass, n)
        far = two_nearest(self.points[rows], centers(total, mass))[2]
        inside, outside = (np.bincount(chosen[rows], distance, n) for distance in (near, np.minimum(far, _FAR)))
        return np.asarray((inside >= outside) & (np.bincount(chosen[rows], minlength=n) > 0))

    def meet_size(
        self, chosen: NDArray[np.intp], size: int, min_children: int, below: Mapping[str, list[str]]
    ) -> NDArray[np.intp]:
        """Return parents of which there are exactly `size`; `below` has the values of each item."""
        # Dormant items have a share in where a node is divided, too.
        mass = np.maximum(self.mass, 1.0)
        n = len(self.ids)
        bound = self.parent_held | (np.bincount(chosen[self.by_person], minlength=n) > 0)
        regions = np.unique([str(top) for top in self.parent_tops], return_inverse=True)[1]
        if len(np.unique(chosen)) > size:
            chosen = join_nearest(self.points, mass, chosen, regions, ~bound, size)
        chosen, origins = split_widest(self.points, mass, chosen, ~bound, size, min_children)
        for number, origin in enumerate(origins, n):
            self._add(np.flatnonzero(chosen == number), origin, below)
        found = len(np.unique(chosen))
        if found != size:
            fits = f"{found} at {'least' if found > size else 'most'}"
            raise LevelsError(
                f"level {self.level + 1} can't have {size} nodes beside the previous taxonomy: {fits}",
                remedy=f"ask for {found}, set `stay` to 0, or leave the levels out",
            )
        return chosen

    def _add(self, rows: NDArray[np.intp], origin: int, below: Mapping[str, list[str]]) -> None:
        """Add a parent that split off from another."""
        values = (value for row in rows for value in below[self.items[row]])
        keys = sorted(canonical_key(self.new_nodes[value].label) for value in values)
        id = fresh_id("node", self.level + 1, keys, {*self.old_nodes, *self.new_nodes, *self.ids})
        whole = self.new_nodes.get(self.ids[origin]) or self.old_nodes[self.ids[origin]]
        level, parent = self.level + 1, whole.parent
        self.rebuilt.put(Node(id=id, level=level, label="", slug="", parent=parent, label_source="keyphrase"))
        self.ids.append(id)
        self.position[id] = len(self.ids) - 1

    def _wants_to_move(self, stay: float) -> NDArray[np.bool_]:
        """Tell which items lie nearer to their new parent than to their old one by more than `stay`."""
        differs = (self.old >= 0) & (self.new >= 0) & (self.new != self.old) & ~self.held
        if stay == 0 or not differs.any():
            return np.asarray(differs)
        rows = np.flatnonzero(differs)
        old, new = (self._distances(labels, rows) for labels in (self.old, self.new))
        differs[rows] = silhouette(new, old) > stay
        return np.asarray(differs)

    def _distances(self, labels: NDArray[np.intp], rows: NDArray[np.intp]) -> NDArray[np.float64]:
        total, mass = sums(self.points, labels, self.mass, len(self.ids))
        return distance_to(self.points[rows], self.mass[rows], labels[rows], centers(total, mass), mass)

    def _place_rest(self, chosen: NDArray[np.intp]) -> None:
        """Place items without a parent with the nearest one, of the domain that the rebuilt tree finds for them."""
        rest = np.flatnonzero(chosen < 0)
        total, mass = sums(self.points, chosen, self.mass, len(self.ids))
        center = centers(total, mass)
        for top in sorted({self.item_tops[item] or "" for item in rest}):
            rows = np.array([item for item in rest if (self.item_tops[item] or "") == top], dtype=np.intp)
            own = np.flatnonzero((mass > 0) & (self.parent_tops == top))
            among = own if len(own) else np.arange(len(self.ids))
            nearest = two_nearest(self.points[rows], center[among])[0]
            chosen[rows] = np.where(nearest >= 0, among[nearest], self.new[rows])

    def _dissolve(self, chosen: NDArray[np.intp], min_children: int) -> None:
        """Empty the parents that are left with too few items, for the nearest others."""
        count = np.bincount(chosen, minlength=len(self.ids))
        bound = np.bincount(chosen[self.held], minlength=len(self.ids)) > 0
        thin = (count < min_children) & (count > 0) & ~bound & ~self.was_thin
        if not thin.any() or (thin | (count == 0)).all():
            return
        chosen[thin[chosen]] = -1
        self._place_rest(chosen)

    def parents_of(self, chosen: NDArray[np.intp]) -> dict[str, str]:
        """Return the parent of each item by id."""
        return {item: self.ids[parent] for item, parent in zip(self.items, chosen.tolist(), strict=True)}

    def placements(self, chosen: NDArray[np.intp]) -> dict[str, Placement]:
        """Return how surely each item belongs to its parent: as the rebuilt tree says, where it says the same."""
        total, mass = sums(self.points, chosen, self.mass, len(self.ids))
        used = mass > 0
        placements: dict[str, Placement] = {}
        rest = []
        for index, (item, parent) in enumerate(zip(self.items, chosen.tolist(), strict=True)):
            if not self.mass[index]:
                continue
            placement = self.new_nodes[item].placement if item in self.new_nodes and parent == self.new[index] else None
            second = None if placement is None else placement.second_parent
            if placement is None or (second is not None and not self._is_used(second, used)):
                rest.append(index)
            else:
                placements[item] = placement
        rows = np.array(rest, dtype=np.intp)
        if len(rows):
            center = centers(total, mass)
            near = distance_to(self.points[rows], self.mass[rows], chosen[rows], center, mass)
            first, second_best, d1, d2 = two_nearest(self.points[rows], center)
            rival = np.where(first == chosen[rows], second_best, first)
            sure = confidence(near, np.where(first == chosen[rows], d2, d1))
            for index, runner_up, certainty in zip(rest, rival.tolist(), sure.tolist(), strict=True):
                second = None if runner_up < 0 else self.ids[runner_up]
                placements[self.items[index]] = Placement(confidence=round(certainty, 6), second_parent=second)
        return placements

    def _is_used(self, id: str, used: NDArray[np.bool_]) -> bool:
        index = self.position.get(id)
        return self.is_top or (index is not None and bool(used[index]))


def _top(id: str, nodes: Mapping[str, Node]) -> str | None:
    """Return the top node that a node is under, None if the tree has no such node."""
    if id not in nodes:
        return None
    while (parent := nodes[id].parent) is not None:
        id = parent
    return id


def _parent(node: Node | None) -> str | None:
    return None if node is None else node.parent


def _held(node: Node) -> bool:
    """Tell whether a person edited a node: it keeps its parent, and its children stay."""
    return node.label_source == "human"
