"""Answers of language models and what they took, stored on disk, so that each question is paid for once."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from taxonomy.errors import LanguageModelError
from taxonomy.llm.reply import Outcome, Reply, Tokens

_BUSY_SECONDS = 120
_MOST_AT_ONCE = 500
_TABLES = """
CREATE TABLE IF NOT EXISTS replies (
    digest TEXT PRIMARY KEY, model TEXT NOT NULL, task TEXT NOT NULL,
    outcome TEXT NOT NULL, text TEXT NOT NULL, reason TEXT NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calls (
    digest TEXT NOT NULL, model TEXT NOT NULL, task TEXT NOT NULL, outcome TEXT NOT NULL,
    bytes_in INTEGER NOT NULL, batched INTEGER NOT NULL,
    input INTEGER, cached INTEGER, written INTEGER, output INTEGER, at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS calls_by_digest ON calls (digest);
CREATE TABLE IF NOT EXISTS batches (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, name TEXT, requests INTEGER NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batched (digest TEXT PRIMARY KEY, key TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Stored:
    """What is stored of a model and a task.

    Attributes
    ----------
    model, task : str
    replies : dict of str to int
        Questions by their outcome.
    calls : int
    live, batched : Tokens
        Of the calls of which the server said it.
    """

    model: str
    task: str
    replies: dict[str, int]
    calls: int
    live: Tokens
    batched: Tokens

    @property
    def tokens(self) -> Tokens:
        """Of all calls."""
        return self.live + self.batched


@dataclass(frozen=True)
class SubmittedBatch:
    """A batch that a server works on.

    Attributes
    ----------
    key : str
    model : str
        As in `Endpoint.asked_at`.
    name : str or None
        The server's; None where the run was killed before it was stored.
    requests : int
    at : float
        When it was submitted, in seconds since 1970.
    """

    key: str
    model: str
    name: str | None
    requests: int
    at: float


class AnswerStore:
    """One SQLite file, open for as long as it is used; what was put in is there after a kill.

    Answers cost money, so that a store that can't be used is an error, not a warning. Answers quote what was read, so
    that only the owner can read the file.

    Parameters
    ----------
    folder : Path
        The cache folder; see `embeddings.cache_folder`.

    Raises
    ------
    LanguageModelError
        If the file can't be opened, or is none of ours.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "answers" / "answers.sqlite"
        self._lock = threading.Lock()
        with self._one_error():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.parent.chmod(0o700)
            # SQLite gives new files beside it the mode of this one.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            for path in self.path.parent.glob(f"{self.path.name}*"):
                # Another run may end just now, and take its own away.
                with contextlib.suppress(FileNotFoundError):
                    path.chmod(0o600)
            self._connection = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None
            )
            self._connection.execute("PRAGMA secure_delete = ON")
            self._write_ahead()
            # A kill loses nothing; a loss of power may lose the last answers.
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.executescript(_TABLES)

    def _write_ahead(self) -> None:
        """Let readers and a writer work side by side; SQLite does not wait for others that open a new file now."""
        until = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> AnswerStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, digest: str) -> Reply | None:
        """Return the reply under a digest, None where there is none."""
        rows = self._read("SELECT outcome, text, reason FROM replies WHERE digest = ?", digest)
        return Reply(Outcome(rows[0][0]), rows[0][1], rows[0][2]) if rows else None

    def has_answers(self, model: str) -> bool:
        """Say whether a model has answered a question."""
        query = "SELECT EXISTS (SELECT 1 FROM replies WHERE model = ? AND outcome = ?)"
        return bool(self._read(query, model, str(Outcome.ANSWERED))[0][0])

    def put(self, digest: str, model: str, task: str, reply: Reply) -> None:
        """Keep a reply; one that is kept already stays."""
        row = (digest, model, task, str(reply.outcome), reply.text, reply.reason, time.time())
        self._write("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?, ?, ?)", *row)

    def note_call(
        self, digest: str, model: str, task: str, bytes_in: int, reply: Reply, *, batched: bool = False
    ) -> None:
        """Note a call about the question under a digest, with what it took as the server says."""
        tokens = reply.tokens
        took = (None,) * 4 if tokens is None else (tokens.input, tokens.cached, tokens.written, tokens.output)
        row = (digest, model, task, str(reply.outcome), bytes_in, batched, *took, time.time())
        self._write("INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", *row)

    def took(self, digest: str) -> list[tuple[Outcome, Tokens | None, bool]]:
        """Return how each call about a question ended, what it took if the server said, and if it was in a batch."""
        query = "SELECT outcome, batched, input, cached, written, output FROM calls WHERE digest = ?"
        return [
            (Outcome(outcome), None if took[0] is None else Tokens(*took), bool(batched))
            for outcome, batched, *took in self._read(query, digest)
        ]

    def measured(self, model: str, task: str) -> tuple[int, int, int, int]:
        """Return what is known of answered calls: their number, bytes in, tokens in and tokens out."""
        query = (
            "SELECT count(*), total(bytes_in), total(input), total(output) FROM"
            " (SELECT * FROM calls WHERE model = ? AND task = ? AND outcome = 'answered' AND input > 0"
            " ORDER BY at DESC LIMIT 1000)"
        )
        ((calls, bytes_in, tokens_in, tokens_out),) = self._read(query, model, task)
        return int(calls), int(bytes_in), int(tokens_in), int(tokens_out)

    def canary(self) -> str:
        """Return the word that no answer may hold: random, and the same as long as the store is there."""
        self._write("INSERT OR IGNORE INTO settings VALUES ('canary', ?)", f"vt-{secrets.token_hex(8)}")
        return str(self._read("SELECT value FROM settings WHERE name = 'canary'")[0][0])

    def stored(self) -> list[Stored]:
        """Return what is stored, by model and task."""
        replies: dict[tuple[str, str], dict[str, int]] = {}
        for model, task, outcome, count in self._read(
            "SELECT model, task, outcome, count(*) FROM replies GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ):
            replies.setdefault((model, task), {})[outcome] = count
        calls: dict[tuple[str, str], list[int]] = {}
        tokens: dict[tuple[str, str], list[Tokens]] = {}
        for model, task, batched, count, *took in self._read(
            "SELECT model, task, batched, count(*), total(input), total(cached), total(written), total(output)"
            " FROM calls GROUP BY 1, 2, 3"
        ):
            calls.setdefault((model, task), [0, 0])[batched] = count
            tokens.setdefault((model, task), [Tokens(), Tokens()])[batched] = Tokens(*map(int, took))
        return [
            Stored(*key, replies.get(key, {}), sum(calls.get(key, ())), *tokens.get(key, (Tokens(), Tokens())))
            for key in sorted(replies.keys() | calls.keys())
        ]

    def size(self) -> int:
        """Return the bytes of the file, and of the one beside it that holds what was written last."""
        beside = self.path.with_name(f"{self.path.name}-wal")
        return self.path.stat().st_size + (beside.stat().st_size if beside.exists() else 0)

    def count(
        self, model: str | None = None, before: float | None = None, *, unanswered: bool = False
    ) -> tuple[int, int]:
        """Return how many replies `purge` would delete, and what is noted of how many calls."""
        condition, values = _chosen(model, before, unanswered=unanswered)
        tables = ("replies",) if unanswered else ("replies", "calls")
        counts = [self._read(f"SELECT count(*) FROM {table} WHERE {condition}", *values)[0][0] for table in tables]  # noqa: S608
        return counts[0], sum(counts[1:])

    def purge(self, model: str | None = None, before: float | None = None, *, unanswered: bool = False) -> None:
        """Delete replies for good, with what is noted of their calls.

        Parameters
        ----------
        model : str, optional
            Only of this model, wherever it was asked.
        before : float, optional
            Only those stored before a moment, in seconds since 1970.
        unanswered : bool
            Only those without an answer; what is noted of calls stays.
        """
        condition, values = _chosen(model, before, unanswered=unanswered)
        with self._lock, self._one_error():
            self._connection.execute(f"DELETE FROM replies WHERE {condition}", values)  # noqa: S608
            if not unanswered:
                self._connection.execute(f"DELETE FROM calls WHERE {condition}", values)  # noqa: S608
            self._give_back()

    def count_of(self, digests: Iterable[str]) -> int:
        """Return how many replies are stored under digests."""
        found = 0
        for part in _parts(digests):
            places = ", ".join("?" * len(part))
            found += self._read(f"SELECT count(*) FROM replies WHERE digest IN ({places})", *part)[0][0]  # noqa: S608
        return found

    def purge_digests(self, digests: Iterable[str]) -> None:
        """Delete the replies under digests for good, with what is noted of their calls; see `purge`."""
        with self._lock, self._one_error():
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                for part in _parts(digests):
                    rows = [(digest,) for digest in part]
                    for table in ("replies", "calls"):
                        self._connection.executemany(f"DELETE FROM {table} WHERE digest = ?", rows)  # noqa: S608
            self._give_back()

    def _give_back(self) -> None:
        """Give back what deleted rows took; they are overwritten by the connection's setting, here in both files."""
        self._connection.execute("VACUUM")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # -- batches -----------------------------------------------------------------------------------------------

    def note_batch(self, key: str, model: str, digests: Iterable[str]) -> SubmittedBatch:
        """Note that a batch is about to be submitted, and its questions; one with the same key is forgotten."""
        members = [(digest, key) for digest in digests]
        noted = SubmittedBatch(key, model, None, len(members), time.time())
        with self._lock, self._one_error(), self._connection:
            self._connection.execute("BEGIN")
            self._connection.execute("DELETE FROM batched WHERE key = ?", (key,))
            self._connection.execute("INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?, ?)", astuple(noted))
            self._connection.executemany("INSERT OR REPLACE INTO batched VALUES (?, ?)", members)
        return noted

    def name_batch(self, key: str, name: str) -> None:
        """Note the name that the server gave a batch."""
        self._write("UPDATE batches SET name = ? WHERE key = ?", name, key)

    def forget_batch(self, key: str, digests: Iterable[str] | None = None) -> None:
        """Forget a batch, or only some of its questions: it is forgotten with its last one."""
        with self._lock, self._one_error(), self._connection:
            self._connection.execute("BEGIN")
            if digests is None:
                self._connection.execute("DELETE FROM batched WHERE key = ?", (key,))
            else:
                self._connection.executemany("DELETE FROM batched WHERE digest = ?", [(one,) for one in digests])
            empty = "DELETE FROM batches WHERE key = ? AND key NOT IN (SELECT key FROM batched)"
            self._connection.execute(empty, (key,))

    def forget_answered(self) -> None:
        """Forget of batches what is answered: a run may have been killed after it stored the last answers."""
        with self._lock, self._one_error(), self._connection:
            self._connection.execute("BEGIN")
            self._connection.execute("DELETE FROM batched WHERE digest IN (SELECT digest FROM replies)")
            self._connection.execute("DELETE FROM batches WHERE key NOT IN (SELECT key FROM batched)")

    def members(self, key: str) -> set[str]:
        """Return the digests of the questions of a batch."""
        return {row[0] for row in self._read("SELECT digest FROM batched WHERE key = ?", key)}

    def batch_of(self, digest: str) -> SubmittedBatch | None:
        """Return the batch that a question is under way in, None where it is in none."""
        query = "SELECT key, model, name, requests, at FROM batches JOIN batched USING (key) WHERE digest = ?"
        rows = self._read(query, digest)
        return SubmittedBatch(*rows[0]) if rows else None

    def batches(self) -> list[SubmittedBatch]:
        """Return the batches under way, the oldest first."""
        rows = self._read("SELECT key, model, name, requests, at FROM batches ORDER BY at")
        return [SubmittedBatch(*row) for row in rows]

    # -- SQL ---------------------------------------------------------------------------------------------------

    def _read(self, query: str, *values: object) -> list[Any]:
        with self._lock, self._one_error():
            return self._connection.execute(query, values).fetchall()

    def _write(self, query: str, *values: object) -> None:
        with self._lock, self._one_error():
            self._connection.execute(query, values)

    @contextlib.contextmanager
    def _one_error(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            remedy = "move the file away, or name another folder with VALUE_TAXONOMY_CACHE"
            if _is_busy(error):
                remedy = "another run is writing to it: wait until it is done"
            problem = f"answers cannot be stored ({error})"
            raise LanguageModelError(problem, path=str(self.path), remedy=remedy) from error


def _is_busy(error: Exception) -> bool:
    """Say whether another process has the file."""
    # Extended codes hold the plain one in their last byte.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _parts(digests: Iterable[str]) -> Iterator[list[str]]:
    """Yield digests, as many at once as a query takes."""
    left = iter(digests)
    while part := list(islice(left, _MOST_AT_ONCE)):
        yield part


def _chosen(model: str | None, before: float | None, *, unanswered: bool) -> tuple[str, list[object]]:
    """Return a condition in SQL and its values."""
    where: dict[str, list[object]] = {"1": []}
    if model is not None:
        where["(model = ? OR substr(model, 1, length(?) + 4) = ? || ' at ')"] = [model] * 3
    if before is not None:
        where["at < ?"] = [before]
    if unanswered:
        where["outcome <> 'answered'"] = []
    return " AND ".join(where), [value for values in where.values() for value in values]
