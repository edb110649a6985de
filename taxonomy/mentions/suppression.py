"""Which cells are disclosed: those of enough conversations and users that give no other cell away.

A table holds one row a cell; a missing value in a key column stands for all of its categories, as in SQL's ``CUBE``. A
cell below a threshold is suppressed (primary suppression). As its totals are there too, it could be had by
subtraction, so more cells are suppressed until it cannot (complementary suppression; Hundepool et al., Statistical
Disclosure Control, Wiley 2012, ch. 4). Tables that have cells in common are linked, and suppressed together (ibid.).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.mentions.linked_cells import Cells, Sums, find_determined, find_sources, find_sums, link_sums

# Cells count by about 1 in what follows from them; less is an error of rounding.
_LEAST_USED = 1e-3


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
    shown : ndarray of shape (n_rows,)
        Which rows are disclosed.
    """

    table: pd.DataFrame
    suppressed: int
    complementary: int
    shown: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Previous:
    """What the release before this one disclosed.

    Attributes
    ----------
    cells : DataFrame
        By key of `Cells.keys`: ``conversations``, ``users`` and ``disclosed``.
    new_users : Series
        By key, the users of conversations that are new since; none where they are not known.
    """

    cells: pd.DataFrame
    new_users: pd.Series[float]


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


def suppress_together(
    tables: Sequence[Cells], *, disclosure: Disclosure = PUBLIC, previous: Previous | None = None
) -> list[Disclosed]:
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
    previous : Previous, optional
        Cells that it disclosed are suppressed where they changed by less than that, and so is what gives such a change
        away.

    Returns
    -------
    list of Disclosed
        Of each table.
    """
    keys = [cells.keys() for cells in tables]
    codes, names = pd.factorize(pd.concat(keys, ignore_index=True)) if keys else (np.empty(0, np.intp), pd.Index([]))
    places = np.split(codes, np.cumsum([len(of_table) for of_table in keys])[:-1]) if keys else []
    figures = _gather_figures(tables, places, names, disclosure)
    if previous is not None:
        figures = replace(figures, changes=_find_changes(previous, names, figures))
    primary = (figures.counts < disclosure.min_conversations) | (figures.users < disclosure.min_users)
    if figures.changes is not None:
        primary |= figures.changes.small
    suppressed = primary.copy()
    if primary.any():
        sums = link_sums([find_sums(cells) for cells in tables], places, len(names))
        while True:
            _complement(sums, suppressed, figures)
            determined = np.flatnonzero(find_determined(sums, suppressed))
            if not sum(_suppress_source(sums, suppressed, int(cell), figures.rank) for cell in determined):
                break
    return [
        Disclosed(
            cells.table[~suppressed[place]],
            int(suppressed[place].sum()),
            int((suppressed & ~primary)[place].sum()),
            ~suppressed[place],
        )
        for cells, place in zip(tables, places, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Changes:
    """How cells changed since the previous release; arrays of shape (n_cells,).

    Attributes
    ----------
    difference : ndarray
        Of conversations.
    known : ndarray
        Whether the previous count can be known: it was disclosed, or there was no such cell.
    small : ndarray
        Whether the cell was disclosed, and changed by less than a cell may have.
    """

    difference: NDArray[np.float64]
    known: NDArray[np.bool_]
    small: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Figures:
    """What is known of each cell; arrays of shape (n_cells,).

    Attributes
    ----------
    counts, users : ndarray
    rank : ndarray
        The place of each by size, so that the smallest goes first, whatever the order of rows.
    disclosure : Disclosure
    changes : _Changes or None
    """

    counts: NDArray[np.float64]
    users: NDArray[np.float64]
    rank: NDArray[np.intp]
    disclosure: Disclosure
    changes: _Changes | None = None


def _gather_figures(
    tables: Sequence[Cells], places: Sequence[NDArray[np.intp]], names: pd.Index[Any], disclosure: Disclosure
) -> _Figures:
    # What stands in several tables is counted alike; the least is taken, in case it is not.
    counts, users = np.full(len(names), np.inf), np.full(len(names), np.inf)
    for cells, place in zip(tables, places, strict=True):
        np.minimum.at(counts, place, cells.table["conversations"].to_numpy(dtype=np.float64))
        if "users" in cells.table:
            # Where users are not known, conversations decide.
            known = cells.table["users"].fillna(disclosure.min_users).to_numpy(dtype=np.float64)
            np.minimum.at(users, place, known)
    users[np.isinf(users)] = disclosure.min_users
    rank = np.empty(len(names), dtype=np.intp)
    rank[np.lexsort((np.asarray(names, dtype=str), counts))] = np.arange(len(names))
    return _Figures(counts, users, rank, disclosure)


def _find_changes(previous: Previous, names: pd.Index[Any], figures: _Figures) -> _Changes:
    before = previous.cells.reindex(names)
    counts, users = (before[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in ("conversations", "users"))
    was_there, disclosed = ~np.isnan(counts), before["disclosed"].fillna(False).to_numpy(dtype=bool)
    difference = figures.counts - np.nan_to_num(counts)
    # Users who came or went are in what changed, and so are those of new conversations.
    changed = np.fmax(np.abs(figures.users - users), previous.new_users.reindex(names).to_numpy(dtype=np.float64))
    few = np.abs(difference) < figures.disclosure.min_conversations
    few |= ~np.isnan(users) & (changed < figures.disclosure.min_users)
    return _Changes(difference, disclosed | ~was_there, disclosed & (difference != 0) & few)


def _complement(sums: Sums, suppressed: NDArray[np.bool_], figures: _Figures) -> None:
    """Suppress cells, in place, until no sum gives one away, nor a group of them that is too small."""
    counts, users, disclosure = figures.counts, figures.users, figures.disclosure
    least = disclosure.min_users
    while True:
        n_suppressed = sums.parts @ suppressed.astype(np.float64)
        lacking = disclosure.min_conversations - sums.parts @ (suppressed * counts)
        # Cells may have users in common: together they have those that the shown ones leave, or one of them has enough.
        without = least - (users[sums.totals] - sums.parts @ (~suppressed * users))
        without[sums.parts @ (suppressed & (users >= least)).astype(np.float64) > 0] = 0
        change = _change_of_groups(sums, suppressed, figures.changes)
        is_shown = ~suppressed[sums.totals]
        small = (n_suppressed > 0) & ((lacking > 0) | (without > 0) | _is_few(change, disclosure))
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
            shown = shown[np.argsort(figures.rank[shown])]
            enough = (counts[shown] >= lacking[number]) & (users[shown] >= min(without[number], least))
            if figures.changes is not None:
                enough &= ~_is_few(change[number] + figures.changes.difference[shown], disclosure)
            fits = shown[enough]
            if suppressed[total]:
                choice = shown[0]
            elif sums.totals_first[number]:
                choice = total
            elif len(fits):
                choice = fits[0]
            else:
                choice = shown[-1] if len(shown) else total
            suppressed[choice] = touched[choice] = True


def _change_of_groups(sums: Sums, suppressed: NDArray[np.bool_], changes: _Changes | None) -> NDArray[np.float64]:
    """Return by how much the suppressed parts of each sum changed together, 0 where that can't be computed."""
    if changes is None:
        return np.zeros(len(sums.totals))
    unknown = sums.parts @ (~suppressed & ~changes.known).astype(np.float64)
    computable = changes.known[sums.totals] & (unknown == 0)
    return np.where(computable, sums.parts @ (suppressed * changes.difference), 0.0)


def _is_few(change: NDArray[np.float64], disclosure: Disclosure) -> NDArray[np.bool_]:
    return np.asarray((change != 0) & (np.abs(change) < disclosure.min_conversations))


def _suppress_source(sums: Sums, suppressed: NDArray[np.bool_], cell: int, rank: NDArray[np.intp]) -> bool:
    """Suppress, in place, the smallest of the disclosed cells from which `cell` follows; say whether there is one."""
    used = find_sources(sums, suppressed, cell)
    if used.max(initial=0) < _LEAST_USED:
        return False
    candidates = np.flatnonzero(used >= used.max() / 2)
    suppressed[candidates[np.argmin(rank[candidates])]] = True
    return True
