"""Strings gathered from rows: lists are split, spellings cleaned, and what is no value is rejected with a reason."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from taxonomy.values.canonical import clean, reason_to_reject
from taxonomy.values.residue import split_values


@dataclass(frozen=True, slots=True)
class Rejection:
    """An input string that was rejected as a value.

    Parameters
    ----------
    row : int
        Number of the data row in the input, from 1; a header is not counted, a blank line is.
    value : str
        The string as it was read; of a row that lists several, the one that is rejected.
    reason : str
        "empty", "placeholder", "refusal", "no letters", "too long" or "sentence"; "edit" if a person rejected it.
    """

    row: int
    value: str
    reason: str


class Strings:
    """The strings of rows, as they are read.

    Attributes
    ----------
    first : dict of str to float
        Weight of the first occurrence of each cleaned spelling.
    first_rows : array of int
        The row of each of these.
    repeated : dict of str to array of float
        Weights of further occurrences.
    rejected : list of Rejection
    split, listed : int
        Number of rows that list several values, and of the values that they list.
    """

    def __init__(self) -> None:
        self.first: dict[str, float] = {}
        self.first_rows = array("q")
        self.repeated: dict[str, array[float]] = {}
        self.rejected: list[Rejection] = []
        self.split = self.listed = 0

    def add_row(self, row: int, text: str, weight: float) -> None:
        """Add the value of a row, or each of those that it lists."""
        parts = [part for part in split_values(text) if part.strip()]
        if len(parts) > 1:
            self.split += 1
            self.listed += len(parts)
            for part in parts:
                self._add(row, part, weight, part)
        else:
            self._add(row, parts[0] if parts else text, weight, text)

    def _add(self, row: int, text: str, weight: float, as_read: str) -> None:
        spelling = text
        # A cleaned spelling cleans to itself, so a known one is not cleaned again.
        if text not in self.first:
            spelling = clean(text)
            if reason := reason_to_reject(text, spelling):
                self.rejected.append(Rejection(row, as_read, reason))
                return
            if spelling not in self.first:
                self.first[spelling] = weight + 0.0  # no negative zero
                self.first_rows.append(row)
                return
        self.repeated.setdefault(spelling, array("d")).append(weight)
