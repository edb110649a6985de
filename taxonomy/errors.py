"""Every error a caller may catch, in one tree.

::

    TaxonomyError
    ├── InputError             a file, a table or a string that cannot be read as values
    │   ├── DomainsError       a domains file that does not describe top-level domains
    │   └── EditsError         an edits file, or an edit, that cannot be followed
    ├── LevelsError            level sizes that cannot be had from these values
    ├── InvariantError         a graph that is no taxonomy, with the nodes at fault
    ├── LookupFailedError      nothing has the id, label or name that was asked for
    │   └── AmbiguousKeyError  more than one thing has it
    ├── LabelError             a language model that cannot be asked, or costs more than was allowed
    ├── OutputError            a result that cannot be written
    └── FetchError             a download that cannot be had, or is not what it must be

The text of each is one line: what was wrong, where, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable

from embeddings.errors import plain as plain


class TaxonomyError(Exception):
    """Root of the tree: catching it catches every error of this package."""

    def __str__(self) -> str:
        """Return one printable line; whatever would break it or steer a terminal is escaped."""
        return plain(self._text())

    def _text(self) -> str:
        return super().__str__()


class InputError(TaxonomyError):
    """Input that cannot be read as values.

    Parameters
    ----------
    problem : str
        What was wrong.
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
        problem: str,
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

    def _text(self) -> str:
        places = (
            self.path,
            self.line is not None and f"line {self.line}",
            self.row is not None and f"row {self.row}",
            self.column is not None and f"column {self.column!r}",
        )
        where = ", ".join(place for place in places if place)
        return (f"{where}: " if where else "") + self.problem + (f"; {self.remedy}" if self.remedy else "")


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
    message : str
        The invariant that is broken, and what to do.
    nodes : iterable of str
        Ids of the nodes at fault.
    """

    def __init__(self, message: str, nodes: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.nodes = tuple(nodes)

    def _text(self) -> str:
        if not self.nodes:
            return super()._text()
        more = len(self.nodes) - 5
        named = ", ".join(self.nodes[:5]) + (f" and {more} more" if more > 0 else "")
        return f"{super()._text()} (nodes: {named})"


class LookupFailedError(TaxonomyError):
    """Nothing has the id, label or name that was asked for."""


class AmbiguousKeyError(LookupFailedError):
    """More than one thing has the label or name that was asked for.

    Parameters
    ----------
    message : str
        What was asked for, and how to ask for one of the candidates.
    candidates : iterable of str
        What it could mean.
    """

    def __init__(self, message: str, candidates: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


class LabelError(TaxonomyError):
    """A language model that cannot be asked, or costs more than was allowed."""


class OutputError(TaxonomyError):
    """A result that cannot be written."""


class FetchError(TaxonomyError):
    """A download that cannot be had, or is not what it must be."""
