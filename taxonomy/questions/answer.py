"""The form that every answer has, whatever the question."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from taxonomy.mentions.columns import Side

Figure = int | float | str | None


@dataclass(frozen=True)
class Answer:
    """The answer to a question.

    Attributes
    ----------
    question : str
        The name of its command.
    sides : tuple of {"ai", "human"}
        Whose values.
    figures : mapping of str to int, float, str or None
        Figures of the whole, by name; the method `answer` of each class says which.
    tables : mapping of str to DataFrame
        By name, the main one first; `answer` says which.
    suppressed : int
        Figures that are not disclosed.
    internal : bool
        Whether the thresholds of disclosure were lifted.
    """

    question: str
    sides: tuple[Side, ...]
    figures: Mapping[str, Figure]
    tables: Mapping[str, pd.DataFrame]
    suppressed: int
    internal: bool

    @property
    def main(self) -> pd.DataFrame:
        """The main table."""
        return next(iter(self.tables.values()))

    def to_json(self) -> str:
        """Return all of it as one JSON object; what is missing is null."""
        answer = {
            "question": self.question,
            "sides": self.sides,
            "internal": self.internal,
            "suppressed": self.suppressed,
            "figures": {name: _plain(figure) for name, figure in self.figures.items()},
            "tables": {name: _rows(table) for name, table in self.tables.items()},
        }
        return json.dumps(answer, indent=1, ensure_ascii=False, allow_nan=False)


def join_answers(answers: Sequence[Answer]) -> Answer:
    """Return the answers of several sides as one: the same figures, and tables one below the other."""
    first = answers[0]
    tables = {name: pd.concat([answer.tables[name] for answer in answers], ignore_index=True) for name in first.tables}
    return Answer(
        question=first.question,
        sides=tuple(side for answer in answers for side in answer.sides),
        figures=first.figures,
        tables=tables,
        suppressed=sum(answer.suppressed for answer in answers),
        internal=first.internal,
    )


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): _plain(cell) for name, cell in row.items()} for row in table.to_dict("records")]


def _plain(cell: Any) -> Any:
    """Return a cell with nothing for what is missing, which JSON has no number for."""
    if isinstance(cell, float) and not math.isfinite(cell):
        return None
    return None if cell is pd.NA else cell
