"""Answers of language models stored on disk, so that each question is asked once."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from taxonomy.errors import LanguageModelError

_BUSY_SECONDS = 120
_TABLE = "CREATE TABLE IF NOT EXISTS answers (digest TEXT PRIMARY KEY, answer TEXT NOT NULL)"


class AnswerStore:
    """Answers under the digest of what was asked, in one SQLite file; each is on disk before the next step.

    Answers cost money, so that a store that can't be used is an error, not a warning.

    Parameters
    ----------
    folder : Path
        The cache folder; see `embeddings.cache_folder`.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "answers" / "answers.sqlite"

    def get(self, digest: str) -> str | None:
        """Return the answer under a digest, None where there is none."""
        with self._open() as connection:
            row = connection.execute("SELECT answer FROM answers WHERE digest = ?", (digest,)).fetchone()
        return None if row is None else str(row[0])

    def put(self, digest: str, answer: str) -> None:
        """Keep an answer; one that is kept already stays."""
        with self._open() as connection:
            connection.execute("INSERT OR IGNORE INTO answers VALUES (?, ?)", (digest, answer))

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction, from any thread or process."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(self.path, timeout=_BUSY_SECONDS)) as connection, connection:
                connection.execute(_TABLE)
                yield connection
        except (sqlite3.Error, OSError) as error:
            remedy = "move the file away, or name another folder with VALUE_TAXONOMY_CACHE"
            problem = f"answers cannot be stored ({error})"
            raise LanguageModelError(problem, path=str(self.path), remedy=remedy) from error
