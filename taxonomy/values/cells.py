"""Which columns to read, and what a cell must hold."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, Literal, NoReturn, TypeGuard

from taxonomy.errors import InputError

WeightUnit = Literal["pct_convos", "mentions", "strings"]

# What the columns of values and weights hold in one row.
Pair = tuple[object, object]

WEIGHT_COLUMNS = ("count", "mentions", "pct_convos")

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text and weight, read as they are consumed, and what the weights count."""

    rows: Iterable[tuple[str, float]]
    weight_unit: WeightUnit = "strings"
    weight_column: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that hold the values and the weights."""

    value: str
    weight: str | None

    @classmethod
    def choose(cls, names: Sequence[str], value: str | None, weight: str | None, **place: Any) -> Columns:
        """Find the columns asked for, or the usual ones, among those there are."""
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InputError("the name occurs twice", column=twice, remedy="rename one of them", **place)
        there = "the columns are " + ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")
        value = value or "value"
        if value not in names:
            remedy = f"{there}: name that of the values with `value_column`"
            raise InputError("there is no such column", column=value, remedy=remedy, **place)
        if weight is not None and weight not in names:
            remedy = f"{there}: name that of the weights with `weight_column`"
            raise InputError("there is no such column", column=weight, remedy=remedy, **place)
        return cls(value, weight or next((name for name in WEIGHT_COLUMNS if name in names), None))

    def table(self, rows: Iterable[tuple[str, float]], path: str | None) -> Table:
        """Return the rows with what their weights count."""
        unit: WeightUnit = "pct_convos" if self.weight == "pct_convos" else "mentions"
        return Table(rows, "strings" if self.weight is None else unit, self.weight, path)

    def checked(self, cells: Iterable[Pair], path: str | None) -> Iterator[tuple[str, float]]:
        """Check row by row what a table without lines holds."""
        for row, (text, cell) in enumerate(cells, 1):
            if text is None:
                text = ""
            elif not is_text(text):
                fail_text(text, path=path, row=row, column=self.value)
            weight = number(cell)
            if not 0.0 <= weight < math.inf:
                fail_weight(cell, weight, path=path, row=row, column=self.weight)
            yield text, weight


def no_columns(value: str | None, weight: str | None, path: str | None) -> None:
    """Refuse names of columns for an input that has none."""
    if named := value or weight:
        remedy = "leave the names of columns out, or give a table"
        raise InputError("plain strings have no columns", path=path, column=named, remedy=remedy)


def is_text(cell: object) -> TypeGuard[str]:
    """Tell whether a cell holds a string that can be written again."""
    return isinstance(cell, str) and (cell.isascii() or not _SURROGATE.search(cell))


def number(cell: object) -> float:
    """Return the number a cell holds, NaN if none."""
    if isinstance(cell, (Real, Decimal)) and not isinstance(cell, bool):
        try:
            return float(cell)
        except OverflowError:
            return math.inf
    return math.nan


def short(cell: object) -> str:
    """Return how a cell is quoted in a message."""
    text = repr(cell)
    return text if len(text) <= 60 else text[:57] + "..."


def fail_text(cell: object, **place: Any) -> NoReturn:
    """Raise what is wrong with a cell that holds no text."""
    if isinstance(cell, str):
        problem, remedy = f"{short(cell)} holds half of a surrogate pair", "give well-formed Unicode"
    else:
        problem, remedy = f"{short(cell)} is not a string", "give every value as a string"
    raise InputError(problem, remedy=remedy, **place)


def fail_weight(cell: object, weight: float, **place: Any) -> NoReturn:
    """Raise what is wrong with a cell that holds no weight."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        problem = "the weight is missing"
    else:
        fault = "not a number" if math.isnan(weight) else "negative" if weight < 0 else "infinite"
        problem = f"the weight {short(cell)} is {fault}"
    raise InputError(problem, remedy="give a finite number of 0 or more", **place)
