"""Where conversations are while they are told apart: a temporary file without a name."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from taxonomy.errors import InputError, OutputError
from taxonomy.extraction.conversation import Conversation, Turn, digest_text
from taxonomy.extraction.json_values import LONGEST, TOO_LONG
from taxonomy.extraction.languages import detect_language
from taxonomy.extraction.messages import Draft, assemble
from taxonomy.extraction.stored_forms import (
    dump_conversation,
    dump_draft,
    iso,
    load_conversation,
    load_draft,
    moment,
)

# A table of so many columns is none of messages.
_MOST_FIELDS = 200
# Of calls that have a conversation's id, and are about something else: its title, or the task of a sub-agent.
_OTHER_CALLS = "calls that do not continue their conversation"
_SOME_TURNS = "some rows of a conversation have no turn"
SEVERAL = "the id stands for conversations that differ"
_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
PRAGMA cache_size = -32768;
CREATE TABLE conversations (seq INTEGER PRIMARY KEY, id TEXT, user TEXT, digest TEXT, status TEXT, content TEXT);
CREATE TABLE rows (seq INTEGER PRIMARY KEY, id TEXT, position REAL, draft TEXT);
CREATE TABLE bad_rows (id TEXT PRIMARY KEY, reason TEXT, place TEXT);
CREATE TABLE histories (id TEXT, first TEXT, seq INTEGER, calls INTEGER, length INTEGER, position REAL, draft TEXT,
    models TEXT, start TEXT, PRIMARY KEY (id, first));
"""
# One id for what differs is of none of them; what is the same is one.
_TELL_APART = """
CREATE INDEX ids ON conversations (id);
UPDATE conversations SET status = 'several' WHERE status = 'kept' AND id IN
    (SELECT id FROM conversations WHERE status = 'kept' GROUP BY id HAVING COUNT(DISTINCT digest) > 1);
UPDATE conversations SET status = 'duplicates' WHERE status = 'kept' AND seq NOT IN
    (SELECT MIN(seq) FROM conversations WHERE status = 'kept' GROUP BY id);
"""


class Spool:
    """Drafts in, conversations out.

    SQLite keeps them in a file that has no name and goes when the process does, however that ends.

    Attributes
    ----------
    rejected : dict of str to tuple of int and str
        Why records were, how many were, and the place of the first.
    ignored : Counter
        Fields that said nothing.
    contexts : set of str
        The names of all contexts.
    """

    def __init__(self) -> None:
        with _one_error():
            self._connection = sqlite3.connect("", isolation_level=None)
            self._connection.executescript(_TABLES)
            self._connection.execute("BEGIN")
        self.rejected: dict[str, tuple[int, str]] = {}
        self.ignored: Counter[str] = Counter()
        self.contexts: set[str] = set()
        self._added = 0
        # The conversation of the last row of a table, and why a row after it could not be read.
        self._last_row: str | None = None
        self._gap: tuple[str, str] | None = None

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()

    # -- adding ------------------------------------------------------------------------------------------------------

    def reject(self, reason: str, place: str, conversation_id: str | None = None) -> None:
        """Count a record that is no conversation; of a row, the whole conversation is none."""
        if conversation_id is None:
            self._count(reason, place)
        else:
            self._spoil(conversation_id, reason, place)

    def lose(self, reason: str, place: str) -> None:
        """Count a record of which nothing could be read; in a table, the conversations of its neighbours lack it."""
        if self._last_row is None:
            self._count(reason, place)
        else:
            self._spoil(self._last_row, reason, place)
        self._gap = (reason, place)

    def _count(self, reason: str, place: str) -> None:
        count, first = self.rejected.get(reason, (0, place))
        self.rejected[reason] = (count + 1, first)

    def _spoil(self, conversation_id: str, reason: str, place: str) -> None:
        self._run("INSERT OR IGNORE INTO bad_rows VALUES (?, ?, ?)", (conversation_id, reason, place))

    def add(self, draft: Draft, source: str) -> None:
        """Add what a record holds; `source` is the file's own name."""
        self.ignored.update(set(draft.ignored))
        self.contexts.update(draft.contexts)
        if len(self.contexts) + len(self.ignored) > _MOST_FIELDS:
            problem = f"the conversations have over {_MOST_FIELDS} fields beside those that are known"
            raise InputError(problem, path=source, remedy="leave out those that say nothing of a conversation")
        self._added += 1
        if draft.joins == "whole" or draft.conversation_id is None:
            self._add_whole(draft, source)
        elif draft.joins == "rows":
            if self._gap is not None:
                self._spoil(draft.conversation_id, *self._gap)
            self._last_row, self._gap = draft.conversation_id, None
            row = (self._added, draft.conversation_id, draft.position, dump_draft(draft))
            self._run("INSERT INTO rows VALUES (?, ?, ?, ?)", row)
        else:
            self._add_history(draft)

    def end_table(self, source: str) -> None:
        """Join the rows of a table: no conversation goes on in another."""
        for reason, place in self._run("SELECT reason, place FROM bad_rows ORDER BY rowid"):
            self._count(reason, place)
        for draft in self._joined():
            if isinstance(draft, str):
                self._count(draft, source)
            else:
                self._add_whole(draft, source)
        self._run("DELETE FROM rows")
        self._run("DELETE FROM bad_rows")
        self._last_row = self._gap = None

    def end(self) -> None:
        """Take the longest of the histories, and tell what is there twice."""
        for draft in self._longest():
            self._add_whole(draft, "")
        with _one_error():
            self._connection.executescript(_TELL_APART)

    def _add_whole(self, draft: Draft, source: str) -> None:
        turns, system = assemble(draft.messages)
        said = any(turn.text.strip() for turn in turns)
        conversation = Conversation(
            conversation_id=draft.conversation_id or digest_text(turns, system, source),
            turns=turns,
            system=system,
            model=draft.model,
            user_id=draft.user_id,
            language=_language(turns) if said else None,
            timestamp=draft.timestamp,
            contexts=draft.contexts,
        )
        status = "kept" if said else "nothing"
        row = (
            conversation.conversation_id,
            draft.user_id,
            digest_text(turns, system),
            status,
            dump_conversation(conversation),
        )
        self._run("INSERT INTO conversations (id, user, digest, status, content) VALUES (?, ?, ?, ?, ?)", row)

    def _joined(self) -> Iterator[Draft | str]:
        """Yield the conversations that rows make up, in the order of their first rows, or why one is none."""
        self._run("CREATE INDEX IF NOT EXISTS row_ids ON rows (id, position, seq)")
        groups = self._run(
            "SELECT id, MIN(seq) AS first, SUM(LENGTH(draft)), COUNT(*), COUNT(position) FROM rows "
            "WHERE id NOT IN (SELECT id FROM bad_rows) GROUP BY id ORDER BY first"
        )
        for name, _, size, count, placed in groups:
            if size > LONGEST:
                yield TOO_LONG
            elif placed not in (0, count):
                yield _SOME_TURNS
            else:
                found = self._run("SELECT draft FROM rows WHERE id = ? ORDER BY position, seq", (name,))
                yield _join([load_draft(text) for (text,) in found])

    def _add_history(self, draft: Draft) -> None:
        """Keep the longest history of those that begin with the same message."""
        first = next((one.role + one.text for one in draft.messages if one.role in ("human", "ai")), "")
        key, mine = (draft.conversation_id, first), (len(draft.messages), draft.position or 0.0)
        query = "SELECT length, position, models, start FROM histories WHERE id = ? AND first = ?"
        length, position, models, start = self._run(query, key).fetchone() or (-1, 0.0, "[]", None)
        named = json.dumps(sorted({*json.loads(models), *([draft.model] if draft.model else [])}))
        begun = min((time for time in (start, iso(draft.timestamp)) if time is not None), default=None)
        self._run("INSERT OR IGNORE INTO histories (id, first, seq, calls) VALUES (?, ?, ?, 0)", (*key, self._added))
        said = "UPDATE histories SET models = ?, start = ?, calls = calls + 1 WHERE id = ? AND first = ?"
        self._run(said, (named, begun, *key))
        if mine >= (length, position):
            longest = "UPDATE histories SET length = ?, position = ?, draft = ? WHERE id = ? AND first = ?"
            self._run(longest, (*mine, dump_draft(draft), *key))

    def _longest(self) -> Iterator[Draft]:
        """Yield the history of each conversation: of what began first."""
        last = None
        found = self._run(
            "SELECT h.id, draft, models, start, calls FROM histories AS h "
            "JOIN (SELECT id, MIN(seq) AS place FROM histories GROUP BY id) AS f ON h.id = f.id "
            "ORDER BY place, h.start IS NULL, h.start, h.seq"
        )
        for name, text, models, start, calls in found:
            if name == last:
                self.ignored[_OTHER_CALLS] += calls
                continue
            last = name
            yield replace(load_draft(text), model=_listed(json.loads(models)), timestamp=moment(start))

    # -- reading -----------------------------------------------------------------------------------------------------

    def count(self) -> dict[str, int]:
        """Return how many conversations were read, and what became of them."""
        by_status = dict(self._run("SELECT status, COUNT(*) FROM conversations GROUP BY status").fetchall())
        unreadable = sum(count for count, _ in self.rejected.values()) + by_status.get("several", 0)
        counts = {"unreadable": unreadable, **{name: by_status.get(name, 0) for name in ("duplicates", "nothing")}}
        counts["kept"] = by_status.get("kept", 0)
        return {"read": sum(counts.values()), **counts}

    def count_users(self) -> int:
        """Return how many users the conversations that are kept have."""
        query = "SELECT COUNT(DISTINCT user) FROM conversations WHERE status = 'kept'"
        return int(self._run(query).fetchone()[0])

    def rejections(self) -> dict[str, tuple[int, str]]:
        """Return why conversations were rejected, the most frequent reason first: how many, and where the first is."""
        query = "SELECT COUNT(*), MIN(id) FROM conversations WHERE status = 'several'"
        ((several, first),) = self._run(query).fetchall()
        found = {**self.rejected, SEVERAL: (several, f"id {first}")}
        return {
            reason: found[reason] for reason in sorted(found, key=lambda one: (-found[one][0], one)) if found[reason][0]
        }

    def kept(self) -> Iterator[Conversation]:
        """Yield the conversations that are kept, in the order in which they were added."""
        for (content,) in self._run("SELECT content FROM conversations WHERE status = 'kept' ORDER BY seq"):
            yield load_conversation(content)

    def find(self, conversation_id: str) -> Conversation | None:
        """Return the conversation with an id, None where none that is kept has it."""
        query = "SELECT content FROM conversations WHERE status = 'kept' AND id = ?"
        found = self._run(query, (conversation_id,)).fetchone()
        return None if found is None else load_conversation(found[0])

    def _run(self, query: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        with _one_error():
            return self._connection.execute(query, values)


@contextmanager
def _one_error() -> Iterator[None]:
    try:
        yield
    except sqlite3.ProgrammingError as error:
        problem = "these conversations are closed"
        raise InputError(problem, remedy="use them inside the with block that opened them") from error
    except sqlite3.Error as error:
        problem = f"conversations cannot be kept in a temporary file while they are read ({error})"
        raise OutputError(problem, remedy="free some space, or name another folder with SQLITE_TMPDIR") from error


def _language(turns: Iterable[Turn]) -> str | None:
    by_side = {side: "\n".join(turn.text for turn in turns if turn.side == side) for side in ("human", "ai")}
    return detect_language(by_side["human"]) if by_side["human"].strip() else detect_language(by_side["ai"])


# -- joining rows ----------------------------------------------------------------------------------------------------


def _join(rows: list[Draft]) -> Draft:
    """Return the conversation of rows: what all that say it agree on, and the first time."""
    names = sorted({name for row in rows for name in row.contexts})
    contexts = {name: _agreed(row.contexts.get(name) for row in rows) for name in names}
    return Draft(
        messages=[message for row in rows for message in row.messages],
        conversation_id=rows[0].conversation_id,
        model=_listed({row.model for row in rows if row.model}),
        user_id=_agreed(row.user_id for row in rows),
        timestamp=min((row.timestamp for row in rows if row.timestamp), default=None),
        contexts={name: text for name, text in contexts.items() if text is not None},
    )


def _agreed(texts: Iterable[str | None]) -> str | None:
    said = {text for text in texts if text is not None}
    return said.pop() if len(said) == 1 else None


def _listed(models: Iterable[str]) -> str | None:
    return " + ".join(sorted(models)) or None
