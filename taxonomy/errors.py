"""Every error a caller may catch, in one tree.

::

    TaxonomyError
    ├── InputError             a file, a table or an argument that cannot be read
    │   ├── DomainsError       a domains file that does not describe top-level domains
    │   └── EditsError         an edits file, or an edit, that cannot be followed
    ├── LevelsError            level sizes that cannot be had from these values
    ├── InvariantError         a graph that is no taxonomy, with the nodes at fault
    ├── LookupFailedError      nothing has the id, label or name that was asked for
    │   └── AmbiguousKeyError  more than one thing has it
    ├── LanguageModelError             a language model that cannot be asked, or costs more than was allowed
    ├── OutputError            a result that cannot be written
    └── FetchError             a download that cannot be had, or is not what it must be

The text of each is one line: where, what was wrong, and what to do. Each has these apart, too, as `path`, `line`,
`row`, `column`, `problem` and `remedy`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from embeddings.errors import plain as plain


class TaxonomyError(Exception):
    """Root of the tree: catching it catches every error of this package but `EmbeddingError`.

    Parameters
    ----------
    problem : str
        What was wrong. A parameter's name stands in backticks.
    path : str or None
        The file, or "stdin".
    line : int or None
        Line of the file, from 1.
    row : int or None
        Data row, from 1, where the input has no lines.
    column : str or None
        Name of the column.
    remedy : str
        What to do about it.
    """

    def __init__(
        self,
        problem: str = "",
        *,
        path: str | None = None,
        line: int | None = None,
        row: int | None = None,
        column: str | None = None,
        remedy: str = "",
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = path
        self.line = line
        self.row = row
        self.column = column
        self.remedy = remedy

    def __str__(self) -> str:
        """Return one printable line; whatever would break it or steer a terminal is escaped."""
        places = (
            self.path,
            self.line is not None and f"line {self.line}",
            self.row is not None and f"row {self.row}",
            self.column is not None and f"column {self.column!r}",
        )
        where = ", ".join(place for place in places if place)
        text = (f"{where}: " if where else "") + self._what() + (f"; {self.remedy}" if self.remedy else "")
        return plain(text)

    def _what(self) -> str:
        return self.problem


class InputError(TaxonomyError):
    """Input that cannot be read, or an argument of another type than it must be."""


class DomainsError(InputError):
    """A domains file that does not describe top-level domains."""


class EditsError(InputError):
    """An edits file that cannot be read, an edit that does not apply, or edits that contradict each other."""


class LevelsError(TaxonomyError):
    """Level sizes that cannot be had from these values."""


class InvariantError(TaxonomyError):
    """A graph that breaks an invariant of every taxonomy.

    Parameters
    ----------
    problem : str
        The invariant that is broken.
    nodes : iterable of str
        Ids of the nodes at fault.
    **where
        As for `TaxonomyError`.
    """

    def __init__(self, problem: str, nodes: Iterable[str] = (), **where: Any) -> None:
        super().__init__(problem, **where)
        self.nodes = tuple(nodes)

    def _what(self) -> str:
        if not self.nodes:
            return self.problem
        more = len(self.nodes) - 5
        named = ", ".join(self.nodes[:5]) + (f" and {more} more" if more > 0 else "")
        return f"{self.problem} (nodes: {named})"


class LookupFailedError(TaxonomyError):
    """Nothing has the id, label or name that was asked for."""


class AmbiguousKeyError(LookupFailedError):
    """More than one thing has the label or name that was asked for.

    Parameters
    ----------
    problem : str
        What was asked for.
    candidates : iterable of str
        What it could mean.
    **where
        As for `TaxonomyError`.
    """

    def __init__(self, problem: str, candidates: Iterable[str] = (), **where: Any) -> None:
        super().__init__(problem, **where)
        self.candidates = tuple(candidates)


class LanguageModelError(TaxonomyError):
    """A language model that cannot be asked, or costs more than was allowed."""


class OutputError(TaxonomyError):
    """A result that cannot be written."""


class FetchError(TaxonomyError):
    """A download that cannot be had, or is not what it must be; only ``value-taxonomy fetch`` raises it."""


def check_type(value: object, kind: type | tuple[type, ...], parameter: str, remedy: str) -> None:
    """Raise an InputError that names the parameter, unless `value` is of one of these types."""
    if not isinstance(value, kind):
        article = "an" if type(value).__name__[:1].lower() in "aeiou" else "a"
        raise InputError(f"`{parameter}` is {article} {type(value).__name__}", remedy=remedy)
