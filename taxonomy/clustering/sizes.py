"""Sizes of levels, and their allocation to the domains."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from taxonomy.english.plurals import count_of
from taxonomy.errors import LevelsError

# Fewer values than this need no level between them and the domains; fewer than the second need one.
_NO_MIDDLE = 50
_ONE_MIDDLE = 500
# More values than this get a third level in between, so that a person still reads each list of children.
_TWO_MIDDLE = 200_000
# Nodes of a top level found in the data, where there are values enough.
_DEFAULT_TOP = 5


def default_depth(n_values: int) -> int:
    """Return the number of levels between the values and the top."""
    return sum(n_values >= limit for limit in (_NO_MIDDLE, _ONE_MIDDLE, _TWO_MIDDLE))


def default_top(n_values: int, depth: int, min_children: int) -> int:
    """Return the size of a top level found in the data, above `depth` levels over the values."""
    return max(1, min(_DEFAULT_TOP, n_values // int(min_children ** (depth + 1))))


def default_sizes(n_values: int, n_top: int) -> tuple[int, ...]:
    """Return the sizes of the levels between values and top, finest first.

    Each level is the one below times ``(n_top / n_values) ** (1 / (L - 1))`` for L levels in all.

    Parameters
    ----------
    n_values, n_top : int
        Nodes on the lowest and the highest level.
    """
    middle = default_depth(n_values)
    ratio = (n_top / n_values) ** (1 / (middle + 1))
    return tuple(round(n_values * ratio**step) for step in range(1, middle + 1))


def check_sizes(sizes: Sequence[int], n_values: int, n_top: int) -> None:
    """Check the sizes of the levels between values and top.

    Raises
    ------
    LevelsError
        If they do not shrink, or ask for more clusters than values.
    """
    asked = ",".join(str(size) for size in sizes)
    if any(size < 1 for size in sizes):
        raise LevelsError(f"`levels` is {asked}, and a level needs at least 1 node", remedy="give sizes of 1 or more")
    if sizes and sizes[0] >= n_values:
        raise LevelsError(
            f"`levels` {asked}: {count_of(sizes[0], 'cluster')} of {count_of(n_values, 'value')}", remedy="give fewer"
        )
    for below, above in pairwise([*sizes, n_top] if sizes else []):
        if above >= below:
            raise LevelsError(
                f"`levels` {asked}: {above} follows {below}",
                remedy=f"give sizes that shrink from the finest to the {n_top} at the top",
            )


def allocate(
    counts: NDArray[np.intp], sizes: Sequence[int], *, min_children: int, root_children: int, exact: bool
) -> list[NDArray[np.intp]]:
    """Allocate the nodes of each level to the roots, in proportion to their values.

    A root with values enough gets `min_children` for every node below it. One with fewer gets a chain of single
    children where it has to.

    Parameters
    ----------
    counts : ndarray of shape (roots,)
        Values of each root; one without values gets no nodes.
    sizes : sequence of int
        Nodes of each level, finest first.
    min_children : int
        Children that each node has at least.
    root_children : int
        Children that a root with values enough has at least.
    exact : bool
        Whether `sizes` were asked for; if not, the nearest that fit are taken.

    Returns
    -------
    list of ndarray of shape (roots,)
        One a level, finest first.

    Raises
    ------
    LevelsError
        If `exact` and the sizes don't fit; it names those that do.
    """
    depth = len(sizes)
    enough = counts >= root_children * min_children**depth
    shares: list[NDArray[np.intp]] = []
    smallest, largest = [], []
    below = counts
    for step, size in enumerate(sizes):
        needed = root_children * min_children ** (depth - 1 - step)
        low = np.where(enough, needed, 1) * (counts > 0)
        high = np.maximum(below // min_children, 1) * (counts > 0)
        high = np.maximum(high, low)
        smallest.append(int(low.sum()))
        largest.append(int(high.sum()))
        below = _apportion(min(max(size, smallest[-1]), largest[-1]), counts, low, high)
        shares.append(below)
    if exact and any(not lo <= size <= hi for size, lo, hi in zip(sizes, smallest, largest, strict=True)):
        asked, least, most = (",".join(map(str, figures)) for figures in (sizes, smallest, largest))
        raise LevelsError(
            f"`levels` is {asked}: with {min_children} or more children per node, "
            f"{count_of(int(counts.sum()), 'value')} allow at most {most} and at least {least}",
            remedy="give sizes within these",
        )
    return shares


def _apportion(total: int, counts: NDArray[np.intp], low: NDArray[np.intp], high: NDArray[np.intp]) -> NDArray[np.intp]:
    """Share `total` seats in proportion to `counts` within bounds, the largest shortfall first."""
    wanted = counts * (total / counts.sum())
    seats = np.clip(np.floor(wanted).astype(np.intp), low, high)
    while seats.sum() < total:
        seats[np.argmax(np.where(seats < high, wanted - seats, -np.inf))] += 1
    while seats.sum() > total:
        seats[np.argmax(np.where(seats > low, seats - wanted, -np.inf))] -= 1
    return np.asarray(seats)
