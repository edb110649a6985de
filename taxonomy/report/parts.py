"""What a report is made of, whatever it is written as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from taxonomy.english.plurals import count_of

if TYPE_CHECKING:
    import pandas as pd

    from taxonomy.mentions.columns import Side
    from taxonomy.mentions.disclosure import Disclosure


@dataclass(frozen=True)
class Row:
    """One figure with its 95% interval.

    Attributes
    ----------
    label : str
    value, low, high : float
        Shares, from 0 to 1, or differences of them; the interval is missing (nan) where none is given.
    mark : float or None
        Another share to see it against.
    note : str
        A category or a model that the row is about, too.
    """

    label: str
    value: float
    low: float
    high: float
    mark: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Chart:
    """Figures that are drawn as bars and written beside them.

    Attributes
    ----------
    title : str
    of : str
        What the rows are, the heading of their labels.
    unit : str
        What the figures are, their heading.
    rows : sequence of Row
    kind : {"share", "difference"}
        Differences are drawn from the middle, and written in percentage points.
    mark : str
        What the marks of rows are.
    side : {"ai", "human"}
        Whose values, by which it is coloured.
    """

    title: str
    of: str
    unit: str
    rows: Sequence[Row]
    kind: Literal["share", "difference"] = "share"
    mark: str = ""
    side: Side = "ai"


@dataclass(frozen=True)
class Section:
    """One question of a report with its answer.

    Attributes
    ----------
    lead : str
        The answer in a sentence or two.
    charts : sequence of Chart
        What the page draws of it.
    method : str
        How it was computed, and what it does not show.
    tables : mapping of str to DataFrame
        The whole answer, by the name of a file without its suffix.
    suppressed : int
        Figures that are not disclosed.
    """

    lead: str
    charts: Sequence[Chart]
    method: str
    tables: Mapping[str, pd.DataFrame]
    suppressed: int


@dataclass(frozen=True, repr=False)
class Report:
    """Answers to the questions, and where they were written.

    Attributes
    ----------
    taxonomy : str
        Its title or id, its version, and the sizes of its levels.
    origins : str
        How the values were extracted, as far as the records say it.
    facts : mapping of str to str
        What was measured, and on what; with the share of each side's mentions that the taxonomy does not have.
    rejected : mapping of str to int
        Rows that were rejected, by kind and reason.
    sections : mapping of str to Section
        By title.
    left_out : mapping of str to str
        Questions that could not be asked, and why.
    disclosure : Disclosure
        The least that figures are disclosed from.
    users_known : bool
        Whether any conversation says its user.
    verification : tuple of str
        What people found who checked the extraction, in sentences; or that nobody did.
    notices : tuple of str
        What whoever publishes it must know.
    paths : tuple of Path
        What was written: the folder of tables first, the page last.
    """

    taxonomy: str
    origins: str
    facts: Mapping[str, str]
    rejected: Mapping[str, int]
    sections: Mapping[str, Section]
    disclosure: Disclosure
    users_known: bool
    left_out: Mapping[str, str]
    verification: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()

    def __repr__(self) -> str:
        answered = count_of(len(self.sections), "question")
        left_out = f", {len(self.left_out)} left out" if self.left_out else ""
        return f"<Report: {answered} answered{left_out}{f', {self.paths[-1]}' if self.paths else ''}>"

    @property
    def suppressed(self) -> int:
        """How many figures are suppressed, over all questions."""
        return sum(section.suppressed for section in self.sections.values())


def format_percent(share: float) -> str:
    """Return a share as it is read: with fewer digits where it is large."""
    return f"{share:.1%}" if share >= 0.1 else f"{share:.2%}"


def format_points(difference: float) -> str:
    """Return a difference of shares in percentage points."""
    return f"{100 * difference:+.2f}".replace("-", "−")
