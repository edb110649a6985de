"""Which cells are disclosed: those of enough conversations and users that give no other cell away.

A table holds one row a cell; a missing value in a key column stands for all of its categories, as in SQL's ``CUBE``. A
cell below a threshold is suppressed (primary suppression). As its totals are there too, it could be had by
subtraction, so more cells are suppressed until it cannot (complementary suppression; Hundepool et al., Statistical
Disclosure Control, Wiley 2012, ch. 4). Tables that have cells in common are linked, and suppressed together (ibid.).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taxonomy.mentions.disclosure import PUBLIC, Disclosure

# Vectors of a null space are computed to about 1e-10, and are of the order of 1 where they are not zero.
_ZERO = 1e-6
# Between the parts of a key: no name of a variable or a category has it.
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Cells:
    """A table that is to be published, as far as it can be.

    Attributes
    ----------
    table : DataFrame
        One row a cell: the columns of `by`, ``conversations``, and ``users`` where they are known. A missing value in
        a column of `by` stands for all.
    by : mapping of str to str
        The columns that name a cell, and the variable that each holds. Cells of the same population and the same
        categories of the same variables are one cell, in whatever tables they stand.
    trees : mapping of str to mapping of str to str
        For a column of nodes, the parent of each; rows of several levels may stand in the table.
    population : str
        What is counted: all conversations, or some.
    """

    table: pd.DataFrame
    by: Mapping[str, str]
    trees: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    population: str = "conversations"

    def keys(self) -> pd.Series[str]:
        """Return the key of each cell, the same in every table that has it."""
        keys = pd.Series(self.population, index=range(len(self.table)), dtype=object)
        for column, variable in sorted(self.by.items(), key=lambda item: item[1]):
            category = self.table[column].reset_index(drop=True)
            named = keys + f"{_SEPARATOR}{variable}{_SEPARATOR}" + category.astype(str)
            keys = keys.where(category.isna(), named)
        return keys


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
    """Suppress cells of one table; see `suppress_together`.

    Parameters
    ----------
    table : DataFrame
    by : sequence of str
        The columns that name a cell.
    trees : mapping of str to mapping of str to str, optional
    disclosure : Disclosure
        The least that a cell may have.

    Returns
    -------
    Disclosed
    """
    cells = Cells(table, {column: column for column in by}, trees or {})
    return suppress_together([cells], disclosure=disclosure)[0]


def suppress_together(tables: Sequence[Cells], *, disclosure: Disclosure = PUBLIC) -> list[Disclosed]:
    """Suppress the cells of too few conversations or users, and others from which those could be worked out.

    No suppressed cell follows from what is disclosed: neither by one subtraction from a total, nor by any combination
    of totals along rows, columns and the levels of a tree, within a table or between tables. What several suppressed
    cells add up to, which a subtraction gives, is itself above the thresholds. Of a tree, counts of conversations do
    not quite add up, since one can hold two children; they are protected as if they did, for mentions do.

    Where there is a choice, the cell of the fewest conversations goes: the part of a sum, rather than its total.

    Parameters
    ----------
    tables : sequence of Cells
        All that is published at once.
    disclosure : Disclosure
        The least that a cell may have.

    Returns
    -------
    list of Disclosed
        Of each table.
    """
    keys = [cells.keys() for cells in tables]
    codes, names = pd.factorize(pd.concat(keys, ignore_index=True)) if keys else (np.empty(0, np.intp), pd.Index([]))
    places = np.split(codes, np.cumsum([len(of_table) for of_table in keys])[:-1]) if keys else []
    # What stands in several tables is counted alike; the least is taken, in case it is not.
    counts, users = np.full(len(names), np.inf), np.full(len(names), np.inf)
    for cells, place in zip(tables, places, strict=True):
        np.minimum.at(counts, place, cells.table["conversations"].to_numpy(dtype=np.float64))
        if "users" in cells.table:
            # Where users are not known, conversations decide.
            known = cells.table["users"].fillna(disclosure.min_users).to_numpy(dtype=np.float64)
            np.minimum.at(users, place, known)
    users[np.isinf(users)] = disclosure.min_users
    primary = (counts < disclosure.min_conversations) | (users < disclosure.min_users)
    suppressed = primary.copy()
    if primary.any():
        sums = _link([_sums(cells) for cells in tables], places, len(names))
        # The smallest goes first, whatever the order of rows.
        rank = np.empty(len(names), dtype=np.intp)
        rank[np.lexsort((np.asarray(names, dtype=str), counts))] = np.arange(len(names))
        matrix = _matrix(sums)
        while True:
            _complement(sums, suppressed, rank, counts, users, disclosure)
            determined = np.flatnonzero(_determined(matrix, suppressed))
            if not sum(_suppress_near(matrix, suppressed, int(cell), rank) for cell in determined):
                break
    return [
        Disclosed(
            cells.table[~suppressed[place]],
            int(suppressed[place].sum()),
            int((suppressed & ~primary)[place].sum()),
        )
        for cells, place in zip(tables, places, strict=True)
    ]


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
    """

    parts: Any
    totals: NDArray[np.intp]
    steps: NDArray[np.intp]


def _sums(table: Cells) -> _Sums:
    """Return the sums that hold between the rows of one table."""
    from scipy.sparse import csr_array

    cells, by, trees = table.table.reset_index(drop=True), list(table.by), table.trees

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
        pairs.append(pair.assign(place=place))
    pair = pd.concat(pairs, ignore_index=True)
    number = pair.groupby(["place", "row_total"], sort=False).ngroup().to_numpy()
    size = int(number.max(initial=-1)) + 1
    entries = (np.ones(len(pair)), (number, pair["row_part"].to_numpy()))
    parts_of = csr_array(entries, shape=(size, len(cells)))
    totals = np.zeros(size, dtype=np.intp)
    totals[number] = pair["row_total"]
    depth = (keys[places] < 0).sum(axis=1).to_numpy()
    return _Sums(parts_of, totals, -depth[parts_of.indices[parts_of.indptr[:-1]]])


def _link(tables: Sequence[_Sums], places: Sequence[NDArray[np.intp]], size: int) -> _Sums:
    """Return the sums of all tables between the cells that they have in common, each sum once."""
    from scipy.sparse import csr_array, vstack

    parts = vstack(
        [
            csr_array((sums.parts.data, place[sums.parts.indices], sums.parts.indptr), shape=(len(sums.totals), size))
            for sums, place in zip(tables, places, strict=True)
        ],
        format="csr",
    )
    parts.sort_indices()
    totals = np.concatenate([place[sums.totals] for sums, place in zip(tables, places, strict=True)])
    steps = np.concatenate([sums.steps for sums in tables])
    # Random weights tell sums apart.
    weighed = parts @ np.random.default_rng(0).random(size)
    _, first = np.unique(np.column_stack([totals, weighed]), axis=0, return_index=True)
    first.sort()
    return _Sums(parts[first], totals[first], steps[first])


def _matrix(sums: _Sums) -> Any:
    """Return the sums as equations, one a row: the parts less the total."""
    from scipy.sparse import csr_array

    size = len(sums.totals)
    totals = csr_array((np.ones(size), (np.arange(size), sums.totals)), shape=sums.parts.shape)
    return (sums.parts - totals).tocsr()


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
            elif len(fits):
                choice = fits[0]
            else:
                choice = shown[-1] if len(shown) else total
            suppressed[choice] = touched[choice] = True


def _determined(matrix: Any, suppressed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which suppressed cells follow from the disclosed ones.

    They do where every solution of the homogeneous system is zero, and a random solution is zero nowhere else. It is
    a random vector less its projection on the rows of the system.
    """
    determined = np.zeros_like(suppressed)
    system = matrix[:, suppressed]
    system = system[np.diff(system.indptr) > 0]
    if system.shape[0]:
        drawn = np.random.default_rng(0).standard_normal(system.shape[1])
        determined[suppressed] = np.abs(drawn - system.T @ _solve(system.T, drawn)) < _ZERO
    return determined


def _suppress_near(matrix: Any, suppressed: NDArray[np.bool_], cell: int, rank: NDArray[np.intp]) -> bool:
    """Suppress, in place, the smallest of the disclosed cells from which `cell` follows; say whether there is one."""
    unknown = np.flatnonzero(suppressed)
    weights = _solve(matrix[:, unknown].T, (unknown == cell).astype(np.float64))
    # How much each cell counts in the combination of sums that leaves nothing unknown but `cell`.
    used = np.abs(matrix.T @ weights) * ~suppressed
    if used.max(initial=0) < _ZERO:
        return False
    candidates = np.flatnonzero(used >= used.max() / 2)
    suppressed[candidates[np.argmin(rank[candidates])]] = True
    return True


def _solve(system: Any, target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the least squares solution (LSMR; Fong and Saunders 2011)."""
    from scipy.sparse.linalg import lsmr
    from threadpoolctl import threadpool_limits

    # Its steps are too small to share between threads.
    with threadpool_limits(1):
        solved: NDArray[np.float64] = lsmr(system, target, atol=1e-13, btol=1e-13, conlim=0, maxiter=20 * len(target))[
            0
        ]
    return solved
