"""Records of mentions, opened once and asked several questions."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from taxonomy.errors import InputError, check_type
from taxonomy.mentions.columns import Side
from taxonomy.mentions.engines import EngineName, open_engine
from taxonomy.mentions.placed import PlacedMentions
from taxonomy.mentions.placing import grow, place
from taxonomy.mentions.records import Records, open_records
from taxonomy.mentions.rejected import MAX_REJECTED
from taxonomy.model import Taxonomy
from taxonomy.progress import StageProgress, stage_of

if TYPE_CHECKING:
    import pandas as pd

    from taxonomy.mentions.query_engine import Engine

Paths = str | Path | Sequence[str | Path]
_GIVE_PATHS = "give a file, a folder or a glob, or a list of them"
_GIVE_TREE = "give a Taxonomy, such as taxonomy.read(path) returns"


class RecordsWarning(UserWarning):
    """What to know of records before trusting the figures; see `Mentions.notices`."""


def open_mentions(  # noqa: PLR0913 - the public call: what the command line takes, one option each
    paths: Paths,
    tree: Taxonomy,
    *,
    human_tree: Taxonomy | None = None,
    assign: bool = False,
    model: str | None = None,
    engine: EngineName = "duckdb",
    master: str | None = None,
    memory_limit: str | None = None,
    max_rejected: float = MAX_REJECTED,
    mixed: bool = False,
    progress: StageProgress | None = None,
) -> Mentions:
    """Open records of value mentions, whose values belong to a taxonomy.

    Parameters
    ----------
    paths : str, Path or sequence of them
        Files, folders and globs of .parquet, .csv, .tsv, .jsonl, .ndjson and .json; all but .parquet may be compressed
        by gzip. A file with a column ``value`` holds mentions (``conversation_id``, ``side``, ``value``; ``explicit``,
        ``model``, ``task``, ``user_id``, ``language``, ``timestamp`` where known), any other holds conversations
        (``conversation_id``, ``response_type``, and the columns of their context). Other files of a folder are passed
        over. ``value`` may hold a list; ``side`` is ai or assistant, human or user; ``explicit`` a truth value, 1 or 0,
        yes or no; ``timestamp`` a time, ISO 8601, RFC 2822, or the seconds or milliseconds since 1970, in UTC where it
        says no zone. What the row of a conversation says takes precedence over what its mentions say.
    tree : Taxonomy
        Where the values belong.
    human_tree : Taxonomy, optional
        Where those of the human side belong; `tree` by default.
    assign : bool
        Whether to place strings first that the taxonomy does not have, as `taxonomy.assign` does.
    model : str, optional
        The embedding model for `assign`; by default the one that the taxonomy names, else minilm.
    engine : {"duckdb", "spark"}
        What counts: DuckDB in this process, or Spark.
    master : str, optional
        Spark's master; ``local[*]`` by default.
    memory_limit : str, optional
        Memory that DuckDB may take before it spills to disk, such as ``8GB``; ``3GB`` by default.
    max_rejected : float
        The share of malformed rows, of each kind, up to which the rest is read, from 0 to 1.
    mixed : bool
        Whether the files may be of several extractions, by other models or prompts, whose figures can't be compared.
    progress : callable, optional
        Called with (stage, steps done, steps in all).

    Returns
    -------
    Mentions
        A context manager: the engine is closed with it. `ai` and `human` are what the questions are asked of, `sides`
        those that have mentions, and `rejected` the malformed rows.

    Raises
    ------
    InputError
        If there is nothing to read, too much of it is malformed, it is of several extractions, or an argument is of
        another type.
    TaxonomyError
        If the engine's package is missing, or an option is not for this engine.

    Warns
    -----
    UserWarning
        For each of `Mentions.notices`.

    Examples
    --------
    >>> with taxonomy.open_mentions("records/", tree) as mentions:  # doctest: +SKIP
    ...     frequency = taxonomy.measure_frequency(mentions.ai)
    """
    check_type(tree, Taxonomy, "tree", _GIVE_TREE)
    check_type(human_tree, (Taxonomy, type(None)), "human_tree", _GIVE_TREE)
    check_type(model, (str, type(None)), "model", "give the name of an embedding model")
    check_type(mixed, bool, "mixed", "give True or False")
    check_type(max_rejected, (int, float), "max_rejected", "give a share from 0 to 1")
    if not 0 <= max_rejected <= 1:
        raise InputError(f"`max_rejected` is {max_rejected:g}", remedy="give a share from 0 to 1")
    named = _listed(paths)
    placing = _Placing({"ai": tree, "human": human_tree or tree}, assign, model, progress)
    opened = open_engine(engine, master=master, memory_limit=memory_limit)
    try:
        records = placing.read(named, opened, max_rejected, mixed)
    except BaseException:
        opened.close()
        raise
    _warn_of(records)
    return Mentions(records, placing, max_rejected, mixed=mixed)


class Mentions:
    """Mentions of values in conversations, each side placed in a taxonomy when it is first asked for.

    It is made by `taxonomy.open_mentions`, and is a context manager. A mention also counts where its conversation has
    no row of its own, or one that was rejected; the context of that conversation is not known then.
    """

    def __init__(
        self,
        records: Records,
        placing: _Placing,
        max_rejected: float = MAX_REJECTED,
        *,
        mixed: bool = False,
        owns_engine: bool = True,
    ) -> None:
        self._records = records
        self._placing = placing
        self._max_rejected = max_rejected
        self._mixed = mixed
        self._owns_engine = owns_engine
        self._placed: dict[Side, PlacedMentions] = {}

    def __repr__(self) -> str:
        rows = ", ".join(f"{count:,} rows of {kind}" for kind, count in self._records.rows.items())
        return f"<Mentions: {rows}>"

    @cached_property
    def sides(self) -> tuple[Side, ...]:
        """The sides that have mentions: ``"ai"``, ``"human"``."""
        return tuple(self._records.sides())

    @property
    def ai(self) -> PlacedMentions:
        """What the AI expressed.

        Raises
        ------
        InputError
            If no mention is of this side, or none of its values is in the taxonomy.
        """
        return self.side("ai")

    @property
    def human(self) -> PlacedMentions:
        """What people expressed.

        Raises
        ------
        InputError
            If no mention is of this side, or none of its values is in the taxonomy.
        """
        return self.side("human")

    def side(self, side: Side) -> PlacedMentions:
        """Return what one side, ``"ai"`` or ``"human"``, expressed; see `ai` and `human`."""
        if side not in self._placed:
            self._records.check_open()
            self._placed[side] = self._placing.place(self._records, side)
        return self._placed[side]

    @property
    def rejected(self) -> pd.DataFrame:
        """Rows that were rejected: ``kind`` (mentions or conversations), ``file``, ``reason``, and the ``row`` as text.

        Internal use only: it holds ids.
        """
        return self._records.rejected

    @property
    def notices(self) -> tuple[str, ...]:
        """What to know before trusting the figures: rows that repeat others exactly, and ids that do not meet."""
        return tuple(self._records.notices())

    @property
    def origins(self) -> str:
        """How the values were extracted, as far as the files say it: one line."""
        return self._records.origins.described

    def open_baseline(self, paths: Paths) -> Mentions:
        """Open earlier records on the same engine, with the same taxonomies and the same limit of malformed rows.

        Parameters
        ----------
        paths : str, Path or sequence of them
            As for `taxonomy.open_mentions`.

        Returns
        -------
        Mentions
            They are closed with these.

        Raises
        ------
        InputError
            As for `taxonomy.open_mentions`.
        """
        if self._placing.assign:
            problem = "`assign` places the strings of these records, so that a baseline would be in another taxonomy"
            raise InputError(problem, remedy="place them first with taxonomy.assign, and open both without `assign`")
        self._records.check_open()
        records = self._placing.read(_listed(paths), self._records.engine, self._max_rejected, self._mixed)
        records.origins.joined(self._records.origins).check_one()
        _warn_of(records)
        return Mentions(records, self._placing, self._max_rejected, mixed=self._mixed, owns_engine=False)

    def close(self) -> None:
        """Close the engine, and remove what it spilled to disk.

        Questions about these mentions then raise an `InputError`; answers that they gave can still be read.
        """
        if self._owns_engine and self._records.engine.is_open:
            self._records.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class _Placing:
    """How mentions are read and find their nodes."""

    trees: Mapping[Side, Taxonomy]
    assign: bool
    model: str | None
    progress: StageProgress | None

    def read(self, paths: Sequence[str | Path], engine: Engine, max_rejected: float, mixed: bool) -> Records:
        """Read records, and say so."""
        self._report("reading", 0)
        records = open_records(paths, engine=engine, max_rejected=max_rejected, mixed=mixed)
        self._report("reading", 1)
        return records

    def place(self, records: Records, side: Side) -> PlacedMentions:
        """Find the nodes of one side's mentions, and say so."""
        tree = self.trees[side]
        if self.assign:
            tree = grow(records, tree, side=side, model=self.model, progress=stage_of(self.progress, "embedding"))
        self._report("counting", 0)
        placed = place(records, tree, side=side)
        self._report("counting", 1)
        return placed

    def _report(self, stage: str, done: int) -> None:
        if self.progress is not None:
            self.progress(stage, done, 1)


def _warn_of(records: Records) -> None:
    """Warn whoever opens records of what to know of them."""
    for notice in records.notices():
        warnings.warn(notice, RecordsWarning, stacklevel=3)


def _listed(paths: Paths) -> list[str | Path]:
    """Return paths as a list; what is not a path is an error."""
    if isinstance(paths, str | Path):
        return [paths]
    check_type(paths, Sequence, "paths", _GIVE_PATHS)
    for path in paths:
        check_type(path, (str, Path), "paths", _GIVE_PATHS)
    if not paths:
        raise InputError("`paths` is empty", remedy=_GIVE_PATHS)
    return list(paths)
