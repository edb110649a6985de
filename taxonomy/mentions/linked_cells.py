"""Cells of several tables, the sums that hold between them, and what follows from some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# Vectors of a null space are computed to about 1e-10, and are of the order of 1 where they are not zero.
ZERO = 1e-6
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
    totals_first : frozenset of str
        Categories that are suppressed before their parts are.
    """

    table: pd.DataFrame
    by: Mapping[str, str]
    trees: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    population: str = "conversations"
    totals_first: frozenset[str] = frozenset()

    def keys(self) -> pd.Series[str]:
        """Return the key of each cell, the same in every table that has it."""
        keys = pd.Series(self.population, index=range(len(self.table)), dtype=object)
        for column, variable in sorted(self.by.items(), key=lambda item: item[1]):
            category = self.table[column].reset_index(drop=True)
            named = keys + f"{_SEPARATOR}{variable}{_SEPARATOR}" + category.astype(str)
            keys = keys.where(category.isna(), named)
        return keys


@dataclass(frozen=True)
class Sums:
    """Sums that hold between cells: the parts of each and its total, coarse ones first.

    Attributes
    ----------
    parts : csr_array of shape (n_sums, n_cells)
        1 where a cell is a part.
    totals : ndarray of shape (n_sums,)
    steps : ndarray of shape (n_sums,)
        In which order to check them: those between totals before those between cells.
    totals_first : ndarray of shape (n_sums,)
        Whether the total is suppressed before its parts are.
    """

    parts: Any
    totals: NDArray[np.intp]
    steps: NDArray[np.intp]
    totals_first: NDArray[np.bool_]

    @cached_property
    def equations(self) -> Any:
        """The parts of each less its total, which is zero; a csr_array of shape (n_sums, n_cells)."""
        from scipy.sparse import csr_array

        size = len(self.totals)
        totals = csr_array((np.ones(size), (np.arange(size), self.totals)), shape=self.parts.shape)
        return (self.parts - totals).tocsr()


def find_sums(table: Cells) -> Sums:
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
    steps = -depth[parts_of.indices[parts_of.indptr[:-1]]]
    first = cells[by].isin(table.totals_first).any(axis=1).to_numpy()
    return Sums(parts_of, totals, steps, first[totals])


def link_sums(tables: Sequence[Sums], places: Sequence[NDArray[np.intp]], size: int) -> Sums:
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
    totals_first = np.concatenate([sums.totals_first for sums in tables])
    # Random weights tell sums apart.
    weighed = parts @ np.random.default_rng(0).random(size)
    _, first = np.unique(np.column_stack([totals, weighed]), axis=0, return_index=True)
    first.sort()
    return Sums(parts[first], totals[first], steps[first], totals_first[first])


def find_determined(sums: Sums, unknown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which of the unknown cells follow from the others.

    They do where every solution of the homogeneous system is zero, and a random solution is zero nowhere else. It is
    a random vector less its projection on the rows of the system.
    """
    determined = np.zeros_like(unknown)
    system = sums.equations[:, unknown]
    system = system[np.diff(system.indptr) > 0]
    if system.shape[0]:
        drawn = np.random.default_rng(0).standard_normal(system.shape[1])
        determined[unknown] = np.abs(drawn - system.T @ _solve(system.T, drawn, 1e-13)) < ZERO
    return determined


def find_sources(sums: Sums, unknown: NDArray[np.bool_], cell: int) -> NDArray[np.float64]:
    """Return how much each known cell counts in the sums from which an unknown cell follows."""
    places = np.flatnonzero(unknown)
    weights = _solve(sums.equations[:, places].T, (places == cell).astype(np.float64), 1e-6)
    return np.asarray(np.abs(sums.equations.T @ weights) * ~unknown)


def _solve(system: Any, target: NDArray[np.float64], tolerance: float) -> NDArray[np.float64]:
    """Return the least squares solution (LSMR; Fong and Saunders 2011)."""
    from scipy.sparse.linalg import lsmr

    from embeddings.arrays import one_thread

    # Its steps are too small to share between threads.
    with one_thread():
        solved, *_ = lsmr(system, target, atol=tolerance, btol=tolerance, conlim=0, maxiter=20 * len(target))
    return np.asarray(solved)
