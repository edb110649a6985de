"""Values merged from rows of text and weight."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, chain
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taxonomy.english.plurals import count_of
from taxonomy.errors import InputError
from taxonomy.values.canonical import clean
from taxonomy.values.cells import Table, WeightUnit, no_columns
from taxonomy.values.gathering import Rejection, Strings
from taxonomy.values.reading import read_file, read_frame, read_records
from taxonomy.values.spellings import SpellingIndex, Value, merge_spellings
from taxonomy.values.twins import Twin, find_twins

if TYPE_CHECKING:
    import pandas as pd

# The types that values are read from.
ValueSource: TypeAlias = "str | Path | Iterable[str] | Mapping[str, float] | pd.Series[Any] | pd.DataFrame | ValueSet"


@dataclass(frozen=True, slots=True, repr=False)
class ValueSet:
    """Values with their weights, and the strings that were rejected.

    Spellings that differ only in case, spaces, hyphens, underscores or grammatical number are merged into one value,
    but not where a space makes another word (see `spellings.is_one_value`). A row that lists several values is split
    into them, each with the row's whole weight. Everything but the rows of rejections is independent of the order of
    the input. Every string is accounted for:
    rows - split + listed = values + aliases + repeats + rejected.

    Parameters
    ----------
    values : tuple of Value
        Sorted by key.
    rejected : tuple of Rejection
        In the order of the input.
    weight_unit : {"pct_convos", "mentions", "strings"}
        What the weights count.
    rows : int
        Number of data rows in the input.
    repeats : int
        Number of strings whose cleaned spelling had occurred before.
    split, listed : int
        Number of rows that list several values, and of the values that they list.
    weight_column : str or None
        Name of the column of the weights.
    first_rows : sequence of int
        The first row of each spelling: label, then aliases, value by value.
    twins : tuple of Twin
        The labels that `merge_twins` merged; none before.

    Examples
    --------
    >>> values = ValueSet.from_records([("Well-being", 2), ("- wellbeing.", 5), ("n/a", 1)])
    >>> values.values
    (Value(key='wellbeing', label='wellbeing', aliases=('Well-being',), weight=7.0),)
    >>> values.rejected
    (Rejection(row=3, value='n/a', reason='placeholder'),)
    """

    values: tuple[Value, ...]
    rejected: tuple[Rejection, ...]
    weight_unit: WeightUnit
    rows: int
    repeats: int
    split: int = 0
    listed: int = 0
    weight_column: str | None = None
    first_rows: Sequence[int] = field(default=(), repr=False, compare=False)
    twins: tuple[Twin, ...] = ()
    _index: SpellingIndex[Value] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the values by all their spellings."""
        spellings = ((one, value) for value in self.values for one in (value.label, *value.aliases))
        object.__setattr__(self, "_index", SpellingIndex(spellings, are_clean=True))

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        *,
        value_column: str | None = None,
        weight_column: str | None = None,
        stdin: BinaryIO | None = None,
    ) -> Self:
        """Read a file in the format of its suffix.

        `.txt` has one string per line; `.csv` and `.tsv` have a header; `.jsonl` has one object per
        line, or one string; `.parquet` has the columns of a CSV. Text is UTF-8, with or without a
        byte-order mark. "-" is standard input: JSON lines if it begins with a brace, CSV or TSV if
        its first line names the value column, and one string per line otherwise.

        Parameters
        ----------
        path : str or Path
            The file, or "-".
        value_column : str, optional
            Column of the strings; "value" if not given.
        weight_column : str, optional
            Column of the weights; if not given, the first of "count", "mentions" and "pct_convos"
            that exists; without any, each string weighs one.
        stdin : binary stream, optional
            Read for "-" instead of the process's own standard input.

        Returns
        -------
        ValueSet
            Weights of a column "pct_convos" are "pct_convos", of any other "mentions".

        Raises
        ------
        InputError
            If the file cannot be read, is malformed, or has no value.
        """
        with read_file(Path(path), value_column, weight_column, stdin) as table:
            return cls._from_table(table)

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, *, value_column: str | None = None, weight_column: str | None = None
    ) -> Self:
        """Take the rows of a data frame, with the same columns as a file.

        Parameters
        ----------
        frame : pandas.DataFrame
            Its index is ignored; a missing value is an empty string.
        value_column, weight_column : str, optional
            As for `from_file`.

        Returns
        -------
        ValueSet
            The values.

        Raises
        ------
        InputError
            If a column is missing, a cell is malformed, or there is no value.
        """
        return cls._from_table(read_frame(frame, value_column, weight_column))

    @classmethod
    def from_records(
        cls,
        records: Iterable[tuple[str, float]],
        *,
        weight_unit: WeightUnit = "mentions",
    ) -> Self:
        """Take pairs of a string and its weight.

        Parameters
        ----------
        records : iterable of tuple
            Strings in any form and order, repeats included, with weights of 0 or more.
        weight_unit : {"pct_convos", "mentions", "strings"}
            What the weights count.

        Returns
        -------
        ValueSet
            The values.

        Raises
        ------
        InputError
            If a record is malformed, or there is no value.
        """
        return cls._from_table(Table(read_records(records), weight_unit))

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of `values`."""
        return tuple(value.label for value in self.values)

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weights in the order of `values`, of shape (n_values,)."""
        return np.fromiter((value.weight for value in self.values), np.float64, len(self.values))

    @property
    def sha256(self) -> str:
        """Digest of labels, aliases and weights, in hex; the order of the input does not matter."""
        digest = hashlib.sha256()
        for value in self.values:
            digest.update(json.dumps([value.label, value.aliases, value.weight]).encode() + b"\n")
        return digest.hexdigest()

    def find(self, text: str) -> Value | None:
        """Return the value that a string names in any of its spellings.

        Parameters
        ----------
        text : str
            Cleaned or not.

        Returns
        -------
        Value or None
            None if no value has this spelling.
        """
        return self._index.find(clean(text))

    def edited(self, *, rejected: Collection[str], merged: Mapping[str, str]) -> ValueSet:
        """Return the set with edits applied.

        Parameters
        ----------
        rejected : collection of str
            Keys of values whose spellings are all rejected, with the reason "edit".
        merged : mapping of str to str
            Keys of values that are spellings of another value, and that value's key.

        Raises
        ------
        InputError
            If no value is left.
        """
        ends = list(accumulate(1 + len(value.aliases) for value in self.values))
        rows = {
            value.key: self.first_rows[end - 1 - len(value.aliases) : end]
            for value, end in zip(self.values, ends, strict=True)
        }
        rejections = list(self.rejected)
        members: dict[str, list[Value]] = {}
        for value in self.values:
            key = value.key
            followed = {key}
            while key in merged and merged[key] not in followed:
                key = merged[key]
                followed.add(key)
            if key in rejected or value.key in rejected:
                spellings = zip((value.label, *value.aliases), rows[value.key], strict=True)
                rejections += [Rejection(row, spelling, "edit") for spelling, row in spellings]
            else:
                members.setdefault(key, []).append(value)
        if not members:
            raise InputError("the edits reject every value", remedy="keep at least one")
        values, first_rows = [], []
        for key, group in sorted(members.items()):
            head = next(value for value in group if value.key == key)
            row = dict(chain.from_iterable(zip((v.label, *v.aliases), rows[v.key], strict=True) for v in group))
            aliases = tuple(sorted(row.keys() - {head.label}))
            values.append(Value(key, head.label, aliases, math.fsum(value.weight for value in group)))
            first_rows += [row[head.label], *(row[alias] for alias in aliases)]
        rejections.sort(key=attrgetter("row"))
        return replace(self, values=tuple(values), rejected=tuple(rejections), first_rows=first_rows)

    def merge_twins(self) -> ValueSet:
        """Return the set with values that are most likely one merged under the heaviest label: see `find_twins`."""
        twins = find_twins({value.label: value.weight for value in self.values})
        key = {value.label: value.key for value in self.values}
        merged = self.edited(rejected=(), merged={key[twin.other]: key[twin.kept] for twin in twins})
        return replace(merged, twins=tuple(twins))

    def __repr__(self) -> str:
        aliases = sum(len(value.aliases) for value in self.values)
        values, rows = count_of(len(self), "value"), count_of(self.rows, "row")
        merged = f"{count_of(aliases, 'alias')}, {count_of(self.repeats, 'repeat')}"
        rejected = f"{len(self.rejected):,} rejected"
        split = f", {self.split:,} split into {self.listed:,}" if self.split else ""
        return f"ValueSet({values} of {rows}: {merged}, {rejected}{split}; weights are {self.weight_unit})"

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self.values)

    @classmethod
    def _from_table(cls, table: Table) -> Self:
        strings = Strings()
        row = 0
        for row, (text, weight) in enumerate(table.rows, 1):
            strings.add_row(row, text, weight)
        first, repeated, rejected = strings.first, strings.repeated, strings.rejected
        if not first:
            problem = "there are no rows"
            if rejected:
                reasons = Counter(rejection.reason for rejection in rejected)
                problem = f"no row holds a value ({', '.join(f'{n} {r}' for r, n in reasons.items())})"
            raise InputError(problem, path=table.path, remedy="give at least one value")
        try:
            values = merge_spellings(first, repeated)
            total = math.fsum(value.weight for value in values)
        except OverflowError:
            remedy = "scale the weights down"
            raise InputError("the weights add up to infinity", path=table.path, remedy=remedy) from None
        if total == 0.0:
            remedy = "give some value a weight above 0"
            raise InputError("every weight is 0", path=table.path, column=table.weight_column, remedy=remedy)
        repeats = sum(map(len, repeated.values()))
        row_of = dict(zip(first, strings.first_rows, strict=True))
        ordered = array("q", (row_of[spelling] for value in values for spelling in (value.label, *value.aliases)))
        return cls(
            values,
            tuple(rejected),
            table.weight_unit,
            rows=row,
            repeats=repeats,
            split=strings.split,
            listed=strings.listed,
            weight_column=table.weight_column,
            first_rows=ordered,
        )


def read_values(
    source: ValueSource,
    *,
    value_column: str | None = None,
    weight_column: str | None = None,
) -> ValueSet:
    """Read and canonicalise values from a file, strings, a mapping or a data frame.

    Parameters
    ----------
    source : str, Path, iterable of str, mapping of str to float, Series, DataFrame or ValueSet
        A path, which may be a str, is read by `ValueSet.from_file`. Each string of an iterable weighs one; the
        weights of a mapping are mentions, and so are the numbers of a Series, as `Series.value_counts` gives it.
    value_column, weight_column : str, optional
        As for `ValueSet.from_file`; for a file or a data frame only.

    Returns
    -------
    ValueSet
        The values.

    Raises
    ------
    InputError
        If the source is of another type, is malformed, or has no value.
    """
    if isinstance(source, ValueSet):
        no_columns(value_column, weight_column, None)
        return source
    if isinstance(source, (str, Path)):
        return ValueSet.from_file(source, value_column=value_column, weight_column=weight_column)
    if (pandas := sys.modules.get("pandas")) and isinstance(source, pandas.DataFrame):
        return ValueSet.from_frame(source, value_column=value_column, weight_column=weight_column)
    no_columns(value_column, weight_column, None)
    if pandas and isinstance(source, pandas.Series) and pandas.api.types.is_numeric_dtype(source):
        return ValueSet.from_records(source.items())
    if isinstance(source, Mapping):
        return ValueSet.from_records(source.items())
    if isinstance(source, bytes) or not isinstance(source, Iterable):
        problem = f"values cannot be read from a {type(source).__name__}"
        raise InputError(problem, remedy="give the path of a file, strings, or strings with weights")
    return ValueSet._from_table(Table(read_records((text, 1.0) for text in source)))
