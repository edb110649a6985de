"""Choice of columns, and checks of cells."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, Literal, NoReturn, TypeGuard

from taxonomy.english.plurals import count_of
from taxonomy.errors import InputError

WeightUnit = Literal["pct_convos", "mentions", "strings"]

# The cells of a row in the columns of values and weights.
Pair = tuple[object, object]

WEIGHT_COLUMNS = ("count", "mentions", "pct_convos")

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text and weight, read lazily, and what the weights count."""

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
        """Return the columns asked for, or the default ones, whose names are found in any case."""
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InputError("the column occurs twice", column=twice, remedy="rename one of them", **place)
        found_value = find_name(value or "value", names)
        found_weight = None if weight is None else find_name(weight, names)
        for name, found, parameter in (
            (value or "value", found_value, "value_column"),
            (weight, found_weight, "weight_column"),
        ):
            if name is not None and found is None:
                known = ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")
                remedy = f"give one of {known} as `{parameter}`"
                raise InputError("there is no such column", column=name, remedy=remedy, **place)
        assert found_value is not None
        usual = (find_name(name, names) for name in WEIGHT_COLUMNS)
        return cls(found_value, found_weight or next(filter(None, usual), None))

    def table(self, rows: Iterable[tuple[str, float]], path: str | None) -> Table:
        """Return a table of rows, with the unit of these columns."""
        unit: WeightUnit = "pct_convos" if (self.weight or "").lower() == "pct_convos" else "mentions"
        return Table(rows, "strings" if self.weight is None else unit, self.weight, path)

    def checked(self, cells: Iterable[Pair], path: str | None) -> Iterator[tuple[str, float]]:
        """Check the cells of a table without line numbers, row by row."""
        for row, (given, cell) in enumerate(cells, 1):
            weight = number(cell)
            if not 0.0 <= weight < math.inf:
                fail_weight(cell, weight, path=path, row=row, column=self.weight)
            for text in listed(given):
                if not is_text(text):
                    fail_text(text, path=path, row=row, column=self.value)
                yield text, weight


def no_columns(value: str | None, weight: str | None, path: str | None) -> None:
    """Raise an InputError if column names are given for an input without columns."""
    if named := value or weight:
        remedy = "leave `value_column` and `weight_column` out, or give a table"
        raise InputError("plain strings have no columns", path=path, column=named, remedy=remedy)


def find_name(name: str, names: Sequence[str]) -> str | None:
    """Return the column of a name, else the only one that differs from it in case alone, None where there is none."""
    if name in names:
        return name
    alike = [other for other in names if other.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


def listed(cell: object) -> list[object]:
    """Return the values in a cell, each of a list, "" where one is missing."""
    cells = list(cell) if isinstance(cell, list | tuple) else [cell]
    return ["" if one is None else one for one in cells]


def is_text(cell: object) -> TypeGuard[str]:
    """Return whether a cell is a string without lone surrogates."""
    return isinstance(cell, str) and (cell.isascii() or not _SURROGATE.search(cell))


def number(cell: object) -> float:
    """Return the number in a cell, NaN if there is none."""
    if isinstance(cell, (Real, Decimal)) and not isinstance(cell, bool):
        try:
            return float(cell)
        except OverflowError:
            return math.inf
    return math.nan


def parse_number(text: str) -> float:
    """Return the number that a text is, NaN if it is not one."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def short(cell: object) -> str:
    """Return a cell as messages quote it, at most 60 characters."""
    text = repr(cell)
    return text if len(text) <= 60 else text[:57] + "..."


def fail_cells(row: Sequence[str], header: Sequence[str], delimiter: str, **place: Any) -> NoReturn:
    """Raise an InputError for a row of a CSV file with more or fewer cells than its header."""
    problem = f"the row has {count_of(len(row), 'cell')}, and the header has {len(header):,}"
    remedy = f"quote a cell that holds {delimiter!r}, and give every row all its cells"
    raise InputError(problem, remedy=remedy, **place)


def fail_text(cell: object, **place: Any) -> NoReturn:
    """Raise an InputError for a cell that is not valid text."""
    if isinstance(cell, str):
        problem, remedy = f"{short(cell)} has a lone surrogate", "give well-formed Unicode"
    else:
        problem, remedy = f"{short(cell)} is not a string", "give every value as a string"
    raise InputError(problem, remedy=remedy, **place)


def fail_weight(cell: object, weight: float, **place: Any) -> NoReturn:
    """Raise an InputError for a cell that is not a valid weight."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        problem = "the weight is missing"
    else:
        fault = "not a number" if math.isnan(weight) else "negative" if weight < 0 else "infinite"
        problem = f"the weight {short(cell)} is {fault}"
    raise InputError(problem, remedy="give a finite number of 0 or more", **place)
