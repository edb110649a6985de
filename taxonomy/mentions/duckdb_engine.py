"""DuckDB in this process: no extension is downloaded, and what exceeds the memory spills to a temporary folder."""

from __future__ import annotations

import gzip
import itertools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self, TypeVar

import duckdb
import narwhals as nw

from taxonomy.errors import InputError, TaxonomyError
from taxonomy.mentions import duckdb_sql as sql
from taxonomy.mentions.columns import DAMAGED, FILE, IDS, column_of
from taxonomy.values.text_files import decompressing, open_file

if TYPE_CHECKING:
    import pyarrow as pa

    from taxonomy.mentions.sources import Source

Result = TypeVar("Result")

# Records beyond it are spilled to disk, at little cost.
MEMORY_LIMIT = "3GB"
# No JSON text holds this separator, so that a line is one cell.
_LINES = "columns={'line': 'VARCHAR'}, delim='\x1f', quote='', escape='', header=false"


class DuckDBEngine:
    """An in-memory database.

    Parameters
    ----------
    memory_limit : str or None
        Such as ``4GB``; ``3GB`` by default.
    """

    def __init__(self, memory_limit: str | None = None) -> None:
        memory_limit = MEMORY_LIMIT if memory_limit is None else memory_limit
        self._spill = tempfile.TemporaryDirectory(prefix="value-taxonomy-")
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "false",
            "temp_directory": self._spill.name,
            "memory_limit": memory_limit,
        }
        try:
            self._connection = duckdb.connect(config=config)
        except duckdb.Error as error:
            self._spill.cleanup()
            problem = f"`memory_limit` is {memory_limit!r}: {_first_line(error)}"
            raise TaxonomyError(problem, remedy="give one such as 4GB") from error
        self._connection.execute("SET TimeZone = 'UTC'")
        self._numbers = itertools.count(1)
        self.is_open = True

    def read(self, source: Source) -> nw.LazyFrame[Any]:
        """Read files of one format; see `Engine`."""
        if source.suffix == ".parquet":
            options = f"union_by_name=true, hive_partitioning=false, filename='{FILE}'"
            query = (
                f"SELECT *, CAST(NULL AS VARCHAR) AS {DAMAGED} FROM read_parquet({sql.paths(source.files)}, {options})"  # noqa: S608
            )
            return nw.from_native(_run(lambda: self._connection.sql(query)))
        if source.suffix == ".csv":
            return nw.from_native(self._read_csv(source))
        return nw.from_native(self._read_json(source))

    def _read_csv(self, source: Source) -> duckdb.DuckDBPyRelation:
        files = [self._with_one_line_end(file, source.is_compressed) for file in source.files]
        columns = ", ".join(f"{sql.text(name)}: 'VARCHAR'" for name in source.columns)
        layout = f"delim={sql.text(source.layout.delimiter)}, skip={source.layout.skipped}, quote='\"', escape='\"'"
        rows = self._read_text(files, source.is_compressed, f"columns={{{columns}}}, {layout}, header=true")
        cells = ", ".join(map(sql.name, source.columns))
        damaged = f"coalesce({DAMAGED}, CASE WHEN contains(concat_ws(' ', {cells}), chr(0)) THEN 'NUL' END)"
        return rows.project(f"* REPLACE ({damaged} AS {DAMAGED})")

    def _read_json(self, source: Source) -> duckdb.DuckDBPyRelation:
        if source.suffix == ".json":
            options = f"format='array', compression='{_compression(source.is_compressed)}', filename='{FILE}'"
            objects = f"read_json_objects({sql.paths(source.files)}, {options})"
            query = f"SELECT CAST(json AS VARCHAR) AS line, {FILE}, CAST(NULL AS VARCHAR) AS {DAMAGED} FROM {objects}"  # noqa: S608
            lines = self._table(f"lines_{next(self._numbers)}", query)
        else:
            lines = self._read_text(source.files, source.is_compressed, _LINES)
            lines = lines.filter(f"line IS NOT NULL OR {DAMAGED} IS NOT NULL")
        # Null, rather than an error, where a line is not a JSON object, or holds NUL.
        whole = r"CASE WHEN NOT contains(line, chr(0)) AND NOT contains(line, '\u0000') THEN TRY_CAST(line AS JSON) END"
        parsed = lines.project(f"*, {whole} AS json").project(
            f"line, {FILE}, {DAMAGED}, CASE WHEN json_type(json) = 'OBJECT' THEN json END AS object"
        )
        keys = _run(parsed.project("unnest(json_keys(object)) AS key").distinct().order("key").fetchall)
        spellings: dict[str, list[str]] = {}
        for (key,) in keys:
            spellings.setdefault(column_of(key).lower(), []).append(sql.pointer(key))
        first = {column_of(key).lower(): column_of(key) for (key,) in reversed(keys)}
        has_lists = _run(
            parsed.filter(" OR ".join(f"json_type(object, {key}) = 'ARRAY'" for key in spellings.get("value", ["''"])))
            .limit(1)
            .fetchall
        )
        members = []
        for name, pointers in spellings.items():
            form = sql.list_cell if name == "value" and has_lists else sql.id_cell if name in IDS else sql.cell
            members.append(f"coalesce({', '.join(map(form, pointers))}) AS {sql.name(first[name])}")
        damaged = f"coalesce({DAMAGED}, CASE WHEN object IS NULL THEN line END) AS {DAMAGED}"
        return parsed.project(", ".join([*members, FILE, damaged]))

    def parse_time(self, frame: nw.LazyFrame[Any], column: str, into: str) -> nw.LazyFrame[Any]:
        """Add the time that a column holds; see `Engine`."""
        relation: duckdb.DuckDBPyRelation = frame.to_native()
        kind = str(relation.types[relation.columns.index(column)])
        if kind == "VARCHAR":
            time = sql.time_of_text(sql.name(column))
        elif kind.startswith(("TIMESTAMP", "DATE")):
            time = f"CAST({sql.name(column)} AS TIMESTAMP)"
        else:
            time = sql.time_of_number(f"TRY_CAST({sql.name(column)} AS DOUBLE)")
        return nw.from_native(relation.project(f"*, {time} AS {sql.name(into)}"))

    def hash_rows(self, frame: nw.LazyFrame[Any], columns: Sequence[str], into: str) -> nw.LazyFrame[Any]:
        """Add a number that is the same in rows with the same cells; see `Engine`."""
        relation: duckdb.DuckDBPyRelation = frame.to_native()
        return nw.from_native(relation.project(f"*, hash({', '.join(map(sql.name, columns))}) AS {sql.name(into)}"))

    def code(self, frame: nw.LazyFrame[Any], column: str, into: str) -> nw.LazyFrame[Any]:
        """Add 63 bits of a hash of a column of text; see `Engine`.

        That any two of ten million texts share a code has a chance of 5 in a million.
        """
        relation: duckdb.DuckDBPyRelation = frame.to_native()
        name = sql.name(column)
        hashed = f"CAST(hash({name}) >> 1 AS BIGINT)"
        code = f"CASE WHEN {name} IS NOT NULL THEN {hashed} END AS {sql.name(into)}"
        return nw.from_native(relation.project(f"*, {code}"))

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

    def _table(self, name: str, query: str) -> duckdb.DuckDBPyRelation:
        _run(lambda: self._connection.execute(f"CREATE TABLE {name} AS {query}"))
        return self._connection.table(name)

    def _with_one_line_end(self, file: str, is_compressed: bool) -> str:
        """Return the file, or where its lines end in several ways, which DuckDB does not read, a copy of it."""
        with decompressing(file), open_file(Path(file)) as stream:
            if not _mixes_line_ends(stream):
                return file
        copy = Path(tempfile.mkdtemp(dir=self._spill.name), Path(file).name)
        with open_file(Path(file)) as lines, gzip.open(copy, "wb", 1) if is_compressed else copy.open("wb") as out:
            for line in lines:
                out.write(line.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
        return str(copy)

    def _read_text(self, files: Sequence[str], is_compressed: bool, options: str) -> duckdb.DuckDBPyRelation:
        """Return a table of the rows of text files, with what could not be read in `DAMAGED`."""
        number = next(self._numbers)
        table, scans, rejects = f"text_{number}", f"scans_{number}", f"rejects_{number}"
        source = (
            f"read_csv({sql.paths(files)}, {options}, compression='{_compression(is_compressed)}', "
            f"hive_partitioning=false, filename='{FILE}', auto_detect=false, store_rejects=true, "
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


def _compression(is_compressed: bool) -> str:
    return "gzip" if is_compressed else "none"


def _mixes_line_ends(stream: BinaryIO) -> bool:
    both = newlines = returns = 0
    last = b""
    while block := stream.read(1 << 20):
        block = last + block
        # A carriage return at the end of a block may be half of a line end.
        last = block[-1:] if block.endswith(b"\r") else b""
        block = block[: len(block) - len(last)]
        pairs = block.count(b"\r\n")
        both, newlines, returns = (
            both + pairs,
            newlines + block.count(b"\n") - pairs,
            returns + block.count(b"\r") - pairs,
        )
        if (both > 0) + (newlines > 0) + (returns > 0) > 1:
            return True
    return False
