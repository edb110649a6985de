"""Which cells are disclosed: those of enough conversations and users that give no other cell away.

A table holds one row a cell; a missing value in a key column stands for all of its categories, as in SQL's ``CUBE``. A
cell below a threshold is suppressed (primary suppression). As its totals are there too, it could be had by
subtraction, so more cells are suppressed until it cannot (complementary suppression; Hundepool et al., Statistical
Disclosure Control, Wiley 2012, ch. 4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taxonomy.mentions.disclosure import PUBLIC, Disclosure

# Vectors of a null space are computed to about 1e-10, and are of the order of 1 where they are not zero.
_ZERO = 1e-6


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A table that can be published.

    Attributes
    ----------
    table : DataFrame
        The rows that are disclosed, in their order.
    suppressed : int
        How many rows are not.
    complementary : int
        How many of those are above the thresholds, and are suppressed to protect others.
    """

    table: pd.DataFrame
    suppressed: int
    complementary: int


def suppress(
    table: pd.DataFrame,
    *,
    by: Sequence[str],
    trees: Mapping[str, Mapping[str, str]] | None = None,
    disclosure: Disclosure = PUBLIC,
) -> Disclosed:
    """Suppress the cells of too few conversations or users, and others from which those could be worked out.

    No cell below a threshold follows from what is disclosed: neither by one subtraction from a total, nor by any
    combination of totals along rows, columns and the levels of a tree. What several suppressed cells add up to, which a
    subtraction gives, is itself above the thresholds. Of a tree, counts of conversations do not quite add up, since one
    can hold two children; they are protected as if they did, for mentions do.

    Parameters
    ----------
    table : DataFrame
        One row a cell: the columns of `by`, ``conversations``, and ``users`` where they are known. A missing value in
        a column of `by` stands for all.
    by : sequence of str
        The columns that name a cell.
    trees : mapping of str to mapping of str to str, optional
        For a column of nodes, the parent of each; rows of several levels may stand in the table.
    disclosure : Disclosure
        The least that a cell may have.

    Returns
    -------
    Disclosed
    """
    cells = table.reset_index(drop=True)
    counts = cells["conversations"].to_numpy(dtype=np.float64)
    # Where users are not known, conversations decide.
    users = np.full(len(cells), float(disclosure.min_users))
    if "users" in cells:
        users = cells["users"].fillna(disclosure.min_users).to_numpy(dtype=np.float64)
    primary = (counts < disclosure.min_conversations) | (users < disclosure.min_users)
    suppressed = primary.copy()
    if primary.any():
        sums = _sums(cells, by, trees or {})
        rank = _rank(cells, by)
        while True:
            _complement(sums, suppressed, rank, counts, users, disclosure)
            determined = np.flatnonzero(primary & _determined(sums, suppressed))
            if not len(determined) or not _suppress_near(sums, suppressed, determined[0], rank):
                break
    return Disclosed(table[~suppressed], int(suppressed.sum()), int((suppressed & ~primary).sum()))


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums that hold between cells: the parts of each and its total, coarse ones first.

    Attributes
    ----------
    parts : csr_array of shape (n_sums, n_cells)
        1 where a cell is a part.
    totals : ndarray of shape (n_sums,)
    steps : ndarray of shape (n_sums,)
        In which order to check them: those between totals before those between cells.
    of_tree : ndarray of shape (n_sums,)
        Whether the total is a node and the parts are its children.
    """

    parts: Any
    totals: NDArray[np.intp]
    steps: NDArray[np.intp]
    of_tree: NDArray[np.bool_]


def _sums(cells: pd.DataFrame, by: Sequence[str], trees: Mapping[str, Mapping[str, str]]) -> _Sums:
    from scipy.sparse import csr_array

    # A category by its number, and all of them as -1.
    keys = pd.DataFrame({place: pd.factorize(cells[column])[0] for place, column in enumerate(by)})
    keys["row"] = np.arange(len(cells))
    places = list(range(len(by)))
    pairs = []
    for place, column in enumerate(by):
        names = pd.factorize(cells[column])[1]
        parents = trees.get(column, {})
        # What a category is a part of: its parent, or all.
        wholes = np.append(pd.Index(names).get_indexer([parents.get(name) for name in names]), -1)
        parts = keys[keys[place] >= 0].copy()
        parts[place] = wholes[parts[place]]
        pair = parts.merge(keys, on=places, suffixes=("_part", "_total"))
        pairs.append(pair.assign(place=place, of_tree=pair[place] >= 0))
    pair = pd.concat(pairs, ignore_index=True)
    number = pair.groupby(["place", "row_total"], sort=False).ngroup().to_numpy()
    size = int(number.max(initial=-1)) + 1
    entries = (np.ones(len(pair)), (number, pair["row_part"].to_numpy()))
    parts_of = csr_array(entries, shape=(size, len(cells)))
    totals = np.zeros(size, dtype=np.intp)
    totals[number] = pair["row_total"]
    of_tree = np.zeros(size, dtype=bool)
    of_tree[number] = pair["of_tree"]
    depth = (keys[places] < 0).sum(axis=1).to_numpy()
    return _Sums(parts_of, totals, -depth[parts_of.indices[parts_of.indptr[:-1]]], of_tree)


def _rank(cells: pd.DataFrame, by: Sequence[str]) -> NDArray[np.intp]:
    """Return the place of each row by size, so that the smallest goes first, whatever the order of rows."""
    ordered = cells.assign(**{column: cells[column].astype(str) for column in by})
    order = ordered.sort_values(["conversations", *by]).index.to_numpy()
    rank = np.empty(len(cells), dtype=np.intp)
    rank[order] = np.arange(len(cells))
    return rank


def _complement(
    sums: _Sums,
    suppressed: NDArray[np.bool_],
    rank: NDArray[np.intp],
    counts: NDArray[np.float64],
    users: NDArray[np.float64],
    disclosure: Disclosure,
) -> None:
    """Suppress cells, in place, until no sum gives one away, nor a group of them that is too small."""
    least = disclosure.min_users
    while True:
        n_suppressed = sums.parts @ suppressed.astype(np.float64)
        lacking = disclosure.min_conversations - sums.parts @ (suppressed * counts)
        # Cells may have users in common: together they have those that the shown ones leave, or one of them has enough.
        without = least - (users[sums.totals] - sums.parts @ (~suppressed * users))
        without[sums.parts @ (suppressed & (users >= least)).astype(np.float64) > 0] = 0
        is_shown = ~suppressed[sums.totals]
        small = (n_suppressed > 0) & ((lacking > 0) | (without > 0))
        broken = np.where(is_shown, (n_suppressed == 1) | small, n_suppressed == 0)
        if not broken.any():
            return
        touched = np.zeros(len(suppressed), dtype=bool)
        for number in np.flatnonzero(broken & (sums.steps == sums.steps[broken].min())):
            members = sums.parts.indices[sums.parts.indptr[number] : sums.parts.indptr[number + 1]]
            total = sums.totals[number]
            # What was suppressed just now may have repaired it.
            if touched[members].any() or touched[total]:
                continue
            shown = members[~suppressed[members]]
            shown = shown[np.argsort(rank[shown])]
            fits = shown[(counts[shown] >= lacking[number]) & (users[shown] >= min(without[number], least))]
            if suppressed[total]:
                choice = shown[0]
            elif len(shown) == 1 and sums.of_tree[number]:
                # A parent says little more than its only child that is disclosed.
                choice = total
            elif len(fits):
                choice = fits[0]
            else:
                choice = shown[-1] if len(shown) else total
            suppressed[choice] = touched[choice] = True


def _determined(sums: _Sums, suppressed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which suppressed cells follow from the disclosed ones.

    They do where every solution of the homogeneous system is zero, and a random solution is zero nowhere else. It is
    a random vector less its projection on the rows of the system, by least squares (LSMR; Fong and Saunders 2011).
    """
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import lsmr
    from threadpoolctl import threadpool_limits

    determined = np.zeros_like(suppressed)
    columns = np.flatnonzero(suppressed)
    size = len(sums.totals)
    totals = csr_array((np.ones(size), (np.arange(size), sums.totals)), shape=sums.parts.shape)
    system = (sums.parts - totals)[:, columns]
    system = system[np.diff(system.indptr) > 0]
    if not system.shape[0]:
        return determined
    drawn = np.random.default_rng(0).standard_normal(len(columns))
    # Its steps are too small to share between threads.
    with threadpool_limits(1):
        solved = lsmr(system.T, drawn, atol=1e-13, btol=1e-13, conlim=0, maxiter=20 * len(columns))[0]
    determined[columns] = np.abs(drawn - system.T @ solved) < _ZERO
    return determined


def _suppress_near(sums: _Sums, suppressed: NDArray[np.bool_], cell: int, rank: NDArray[np.intp]) -> bool:
    """Suppress, in place, the smallest disclosed cell of those that share a sum with `cell`, or with one that does."""
    near = np.array([cell])
    membership = abs(sums.parts).T.tocsr()
    while True:
        rows = np.unique(np.concatenate([membership[near].indices, np.flatnonzero(np.isin(sums.totals, near))]))
        reached = np.union1d(np.union1d(sums.parts[rows].indices, sums.totals[rows]), near)
        shown = reached[~suppressed[reached]]
        if len(shown):
            suppressed[shown[np.argmin(rank[shown])]] = True
            return True
        if len(reached) == len(near):
            return False
        near = reached
