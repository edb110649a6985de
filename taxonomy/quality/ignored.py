"""Findings that a taxonomist has looked at and wants to hear of no more: a file of them, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from taxonomy.quality.findings import Finding
from taxonomy.toml import Text, read_tables


class Ignore(BaseModel):
    """Findings not to be listed.

    Attributes
    ----------
    code : str
        The kind of finding.
    node : str, optional
        Id of the node; else those of every node.
    reason : str
        Why.
    line : int or None
        Of the file, from 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Text
    node: Text | None = None
    reason: Text
    line: int | None = None

    def covers(self, finding: Finding) -> bool:
        """Tell whether a finding is one of these."""
        return finding.code == self.code and self.node in (None, finding.node)

    def __str__(self) -> str:
        """Return what a person calls it."""
        return f"{self.code} {self.node or 'of every node'}"


@dataclass(frozen=True, slots=True)
class Sifted:
    """Findings without those that are ignored.

    Attributes
    ----------
    findings : tuple of Finding
    ignored : int
    idle : tuple of Ignore
        What ignores nothing: the finding is gone.
    """

    findings: tuple[Finding, ...]
    ignored: int
    idle: tuple[Ignore, ...]


def read_ignored(path: Path) -> tuple[Ignore, ...]:
    """Read a file of findings to be ignored.

    Parameters
    ----------
    path : Path
        TOML with an ``[[ignore]]`` table each: `code`, `node` (an id) and `reason`.

    Raises
    ------
    InputError
        If it can't be read, or a table lacks its code or reason; with the line.
    """
    tables = read_tables(path, "ignore", Ignore, remedy="give each a code, a node and a reason", only=True)
    return tuple(ignore.model_copy(update={"line": line}) for line, ignore in tables)


def sift(findings: Sequence[Finding], ignored: Sequence[Ignore]) -> Sifted:
    """Take out of findings what is ignored."""
    kept, idle = [], set(ignored)
    for finding in findings:
        covering = {ignore for ignore in ignored if ignore.covers(finding)}
        idle -= covering
        if not covering:
            kept.append(finding)
    return Sifted(tuple(kept), len(findings) - len(kept), tuple(ignore for ignore in ignored if ignore in idle))
