"""DuckDB in this process: no extension is downloaded, and what exceeds the memory spills to a temporary folder."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

import duckdb
import narwhals as nw

from taxonomy.errors import InputError, TaxonomyError
from taxonomy.mentions.columns import DAMAGED, FILE

if TYPE_CHECKING:
    import pyarrow as pa

Result = TypeVar("Result")

# No JSON text holds this separator, so that a line is one cell.
_LINES = "columns={'line': 'VARCHAR'}, delim='\x1f', quote='', escape='', header=false"


class DuckDBEngine:
    """An in-memory database.

    Parameters
    ----------
    memory_limit : str or None
        Such as ``4GB``; 80% of the machine's memory by default.
    """

    def __init__(self, memory_limit: str | None = None) -> None:
        self._spill = tempfile.TemporaryDirectory(prefix="value-taxonomy-")
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "false",
            "temp_directory": self._spill.name,
        }
        if memory_limit is not None:
            config["memory_limit"] = memory_limit
        try:
            self._connection = duckdb.connect(config=config)
        except duckdb.Error as error:
            self._spill.cleanup()
            problem = f"`memory_limit` is {memory_limit!r}: {_first_line(error)}"
            raise TaxonomyError(problem, remedy="give one such as 4GB") from error
        self._connection.execute("SET TimeZone = 'UTC'")
        self._numbers = itertools.count(1)
        self.is_open = True

    def read(self, files: Sequence[str], suffix: str, header: Sequence[str]) -> nw.LazyFrame[Any]:
        """Read files of one format; see `Engine`."""
        if suffix == ".parquet":
            source = f"read_parquet({_list(files)}, union_by_name=true, filename='{FILE}')"
            query = f"SELECT *, CAST(NULL AS VARCHAR) AS {DAMAGED} FROM {source}"  # noqa: S608
            return nw.from_native(_run(lambda: self._connection.sql(query)))
        if suffix == ".csv":
            columns = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in header)
            return nw.from_native(
                self._read_text(files, f"columns={{{columns}}}, delim=',', quote='\"', escape='\"', header=true")
            )
        lines = self._read_text(files, _LINES).filter(f"line IS NOT NULL OR {DAMAGED} IS NOT NULL")
        # Null, rather than an error, where a line is not a JSON object.
        parsed = lines.project("*, TRY_CAST(line AS JSON) AS json").project(
            f"line, {FILE}, {DAMAGED}, CASE WHEN json_type(json) = 'OBJECT' THEN json END AS object"
        )
        keys = _run(parsed.project("unnest(json_keys(object)) AS key").distinct().order("key").fetchall)
        members = [f"json_extract_string(object, {_text(_pointer(key))}) AS {_name(key)}" for (key,) in keys]
        damaged = f"coalesce({DAMAGED}, CASE WHEN object IS NULL THEN line END) AS {DAMAGED}"
        return nw.from_native(parsed.project(", ".join([*members, FILE, damaged])))

    def parse_time(self, frame: nw.LazyFrame[Any], column: str, into: str) -> nw.LazyFrame[Any]:
        """Add the time that a column of text holds; see `Engine`."""
        time = f"CAST(TRY_CAST({_name(column)} AS TIMESTAMPTZ) AS TIMESTAMP) AS {_name(into)}"
        relation: duckdb.DuckDBPyRelation = frame.to_native()
        return nw.from_native(relation.project(f"*, {time}"))

    def code(self, frame: nw.LazyFrame[Any], column: str, into: str) -> nw.LazyFrame[Any]:
        """Add the rank of a column of text; see `Engine`."""
        name = _name(column)
        rank = f"CASE WHEN {name} IS NOT NULL THEN dense_rank() OVER (ORDER BY {name}) END AS {_name(into)}"
        relation: duckdb.DuckDBPyRelation = frame.to_native()
        return nw.from_native(relation.project(f"*, {rank}"))

    def table(self, table: pa.Table) -> nw.LazyFrame[Any]:
        """Return a small table as a frame."""
        return self._kept(self._connection.from_arrow(table))

    def keep(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Compute a frame once, for several queries."""
        return self._kept(frame.to_native())

    def collect(self, frame: nw.LazyFrame[Any]) -> pa.Table:
        """Compute a frame and return it; see `Engine`."""
        return _run(lambda: frame.collect("pyarrow").to_native())

    def close(self) -> None:
        """Free what is kept, and remove the folder of what was spilled."""
        self.is_open = False
        self._connection.close()
        self._spill.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _kept(self, relation: duckdb.DuckDBPyRelation) -> nw.LazyFrame[Any]:
        name = f"kept_{next(self._numbers)}"
        _run(lambda: relation.create(name))
        return nw.from_native(self._connection.table(name))

    def _read_text(self, files: Sequence[str], options: str) -> duckdb.DuckDBPyRelation:
        """Return a table of the rows of text files, with what could not be read in `DAMAGED`."""
        number = next(self._numbers)
        table, scans, rejects = f"text_{number}", f"scans_{number}", f"rejects_{number}"
        source = (
            f"read_csv({_list(files)}, {options}, filename='{FILE}', auto_detect=false, store_rejects=true, "
            f"rejects_scan='{scans}', rejects_table='{rejects}', rejects_limit=0)"
        )
        # A row can have several errors.
        damaged = f"""
            SELECT file_path AS {FILE}, any_value(csv_line) AS {DAMAGED} FROM {rejects} JOIN {scans} USING (file_id)
            GROUP BY file_path, line
        """  # noqa: S608

        def work() -> duckdb.DuckDBPyRelation:
            query = f"CREATE TABLE {table} AS SELECT *, CAST(NULL AS VARCHAR) AS {DAMAGED} FROM {source}"  # noqa: S608
            self._connection.execute(query)
            self._connection.execute(f"INSERT INTO {table} BY NAME {damaged}")
            return self._connection.table(table)

        return _run(work)


def _run(work: Callable[[], Result]) -> Result:
    """Run a DuckDB call; re-raise its errors as one-line errors of this package."""
    try:
        return work()
    except duckdb.OutOfMemoryException as error:
        raise TaxonomyError(f"out of memory: {_first_line(error)}", remedy="raise `memory_limit`") from error
    except duckdb.Error as error:
        raise InputError(_first_line(error), remedy="repair or leave out the file that it names") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _list(texts: Sequence[str]) -> str:
    return "[" + ", ".join(map(_text, texts)) + "]"


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")
