"""Vectors stored on disk, so that each string is embedded once.

One SQLite file per encoder. Its transactions make the store safe against kills and several processes at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from embeddings.cache import cache_folder
from embeddings.encoder import CHUNK, Encoder, check_strings, find_unknown_words
from embeddings.errors import StoreWarning
from embeddings.progress import Progress, part_of

_QUERY = 500
# Strings looked up at once: their vectors are held twice.
_BLOCK = 50_000
# In what versions before embedded a value; the mean vectors were stored under a key of their own.
_FORMER_PHRASINGS = ("{}", "someone who cares about {}", "a person who values {}")
_BUSY_SECONDS = 120
_VECTORS = "vectors"
# Raise its number when `embeddings.vocabulary` may tell otherwise.
_UNKNOWN = "unknown_words_1"
_TABLE = "CREATE TABLE IF NOT EXISTS {} (string TEXT PRIMARY KEY, vector BLOB NOT NULL, checksum INTEGER NOT NULL)"

Result = TypeVar("Result")


class VectorStore:
    """The stored vectors of one encoder.

    A damaged file is renamed and a new one begun, with a `StoreWarning`. Where nothing can be written, the encoder
    works without a store, also with a warning.

    Parameters
    ----------
    folder : Path
        The cache folder; see `embeddings.cache_folder`.
    digest : str
        Digest of the encoder; each digest has its own file.
    dimension : int
        Components of a vector.
    """

    def __init__(self, folder: Path, digest: str, dimension: int) -> None:
        self.path = folder / "vectors" / f"{digest}.sqlite"
        self._dimension = dimension
        self._usable = True

    def get(self, strings: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Return the positions of the stored strings, and their vectors, shape (n_stored, dimension)."""
        positions, rows = self._get(_VECTORS, strings, 4 * self._dimension)
        return positions, rows.view("<f4").astype(np.float32, copy=False)

    def put(self, strings: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Store the vectors of strings in one transaction; stored strings keep their vectors."""
        self._put(_VECTORS, strings, [vector.tobytes() for vector in vectors.astype("<f4")])

    def get_unknown(self, strings: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return the positions of the strings of which it is stored, and whether each holds unknown words."""
        positions, rows = self._get(_UNKNOWN, strings, 1)
        return positions, rows[:, 0] == 1

    def put_unknown(self, strings: Sequence[str], unknown: NDArray[np.bool_]) -> None:
        """Store whether strings hold words that the model does not know."""
        self._put(_UNKNOWN, strings, [bytes([one]) for one in unknown.tolist()])

    def _get(self, table: str, strings: Sequence[str], size: int) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
        nothing = np.empty(0, dtype=np.intp), np.empty((0, size), dtype=np.uint8)
        return self._guarded(lambda: self._read(table, strings, size), nothing)

    def _put(self, table: str, strings: Sequence[str], blobs: Sequence[bytes]) -> None:
        self._guarded(lambda: self._write(table, strings, blobs), None)

    def _write(self, table: str, strings: Sequence[str], blobs: Sequence[bytes]) -> None:
        rows = [(string, blob, _checksum(string, blob)) for string, blob in zip(strings, blobs, strict=True)]
        with self._open(table) as connection:
            connection.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?)", rows)  # noqa: S608

    def _read(self, table: str, strings: Sequence[str], size: int) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
        """Return the positions of the stored strings, and what is stored of each, shape (n_stored, size)."""
        positions_of: dict[str, list[int]] = {}
        for position, string in enumerate(strings):
            positions_of.setdefault(string, []).append(position)
        wanted = list(positions_of)
        positions: list[int] = []
        rows = np.empty((len(strings), size), dtype=np.uint8)
        with self._open(table) as connection:
            for start in range(0, len(wanted), _QUERY):
                part = wanted[start : start + _QUERY]
                marks = ",".join("?" * len(part))
                query = f"SELECT string, vector, checksum FROM {table} WHERE string IN ({marks})"  # noqa: S608
                for string, blob, checksum in connection.execute(query, part):
                    if len(blob) != size or checksum != _checksum(string, blob):
                        raise sqlite3.DatabaseError("a vector is not what was stored")
                    for position in positions_of[string]:
                        rows[len(positions)] = np.frombuffer(blob, dtype=np.uint8)
                        positions.append(position)
        return np.array(positions, dtype=np.intp), rows[: len(positions)]

    @contextlib.contextmanager
    def _open(self, table: str) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction on a table."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(self.path, timeout=_BUSY_SECONDS)) as connection, connection:
            connection.execute(_TABLE.format(table))
            yield connection

    def _guarded(self, work: Callable[[], Result], otherwise: Result) -> Result:
        """Work on the file; rename a damaged one, and stop using a place that cannot be written."""
        if not self._usable:
            return otherwise
        try:
            return work()
        except (sqlite3.OperationalError, OSError) as error:
            self._usable = False
            problem = f"vectors cannot be stored ({error}); continuing without a store"
        except sqlite3.DatabaseError as error:
            renamed = self._rename_damaged()
            problem = (
                f"the store is damaged ({error}); it was renamed to {renamed.name}, and strings are embedded again"
            )
        warnings.warn(f"{self.path}: {problem}", StoreWarning, stacklevel=4)
        return otherwise

    def _rename_damaged(self) -> Path:
        renamed = self.path.with_suffix(f".damaged-{os.getpid()}")
        with contextlib.suppress(OSError):
            # SQLite would apply a journal left behind to the new file.
            self.path.with_name(f"{self.path.name}-journal").unlink(missing_ok=True)
            os.replace(self.path, renamed)
        return renamed


class StoredEncoder:
    """An encoder whose vectors are stored on disk: only strings that are not stored yet are computed.

    Parameters
    ----------
    encoder : Encoder
    folder : Path, optional
        The cache folder; `embeddings.cache_folder` by default.
    chunk : int
        Strings computed between two writes: a kill loses at most these. By default the encoder's
        attribute ``chunk``, else 2,048.

    Attributes
    ----------
    name, digest, dimension
        As of the encoder. Before it computes its first vector, an encoder on a GPU may change its digest.
    store : VectorStore
        The stored vectors.
    """

    def __init__(self, encoder: Encoder, *, folder: Path | None = None, chunk: int | None = None) -> None:
        self._encoder = encoder
        self._chunk: int = getattr(encoder, "chunk", CHUNK) if chunk is None else chunk
        self._folder = folder or cache_folder()
        self._answered = False
        self.name = encoder.name
        self.dimension = encoder.dimension
        self._open_store()

    def _open_store(self) -> None:
        self.digest = self._encoder.digest
        self.store = VectorStore(self._folder, self.digest, self.dimension)
        _drop_former(self.store)

    def encode(self, strings: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Return the unit vectors of strings.

        Parameters
        ----------
        strings : sequence of str
        progress : callable, optional
            Called with (strings done, strings in all), counting those that have to be computed.

        Returns
        -------
        ndarray of shape (n, dimension), float32

        Raises
        ------
        EmbeddingError
            As the encoder does.
        """
        check_strings(strings)
        vectors, missing = self._get(strings)
        settle = getattr(self._encoder, "settle", None)
        if missing.any() and settle is not None:
            settle(int(missing.sum()), may_change=not self._answered)
            if self._encoder.digest != self.digest:
                self._open_store()
                vectors, missing = self._get(strings)
        self._answered = self._answered or len(strings) > 0
        # Longest first, so that an estimate of the time left is not too low.
        todo = sorted(np.flatnonzero(missing).tolist(), key=lambda position: (-len(strings[position]), position))
        for start in range(0, len(todo), self._chunk):
            part = todo[start : start + self._chunk]
            texts = [strings[position] for position in part]
            vectors[part] = self._encoder.encode(texts, progress=part_of(progress, start, len(todo)))
            self.store.put(texts, vectors[part])
        return vectors

    def _get(self, strings: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the stored vectors of strings, shape (n, dimension), and which are missing."""
        vectors = np.empty((len(strings), self.dimension), dtype=np.float32)
        missing = np.ones(len(strings), dtype=bool)
        for start in range(0, len(strings), _BLOCK):
            positions, stored = self.store.get(strings[start : start + _BLOCK])
            vectors[start + positions] = stored
            missing[start + positions] = False
        return vectors, missing

    def holds(self, strings: Sequence[str]) -> bool:
        """Tell whether the vectors of all these strings are stored."""
        return len(self.store.get(strings)[0]) == len(strings)

    def unknown_words(self, strings: Sequence[str]) -> NDArray[np.bool_]:
        """Tell which strings hold words that the encoder's model does not know, shape (n,).

        Only strings of which it is not stored yet are looked at; see `embeddings.encoder.find_unknown_words`.

        Raises
        ------
        EmbeddingError
            As the encoder does.
        """
        if not hasattr(self._encoder, "unknown_words"):
            return find_unknown_words(self._encoder, strings)
        check_strings(strings)
        unknown = np.zeros(len(strings), dtype=bool)
        missing = np.ones(len(strings), dtype=bool)
        positions, stored = self.store.get_unknown(strings)
        unknown[positions] = stored
        missing[positions] = False
        todo = np.flatnonzero(missing).tolist()
        if todo:
            texts = [strings[position] for position in todo]
            unknown[todo] = find_unknown_words(self._encoder, texts)
            self.store.put_unknown(texts, unknown[todo])
        return unknown


def _drop_former(store: VectorStore) -> None:
    """Remove the vectors that versions before stored for the same encoder, if there are any, and say so."""
    key = hashlib.sha256("\n".join((store.path.stem, *_FORMER_PHRASINGS)).encode()).hexdigest()
    path = store.path.with_name(f"{key}.sqlite")
    try:
        path.unlink()
    except OSError:
        return
    warnings.warn(f"{path}: vectors of phrasings are no longer used; the file was removed", StoreWarning, stacklevel=3)


def _checksum(string: str, blob: bytes) -> int:
    return zlib.crc32(blob, zlib.crc32(string.encode()))
