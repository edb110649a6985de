"""Delete what an extraction keeps of conversations beyond its tables."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embeddings import cache_folder
from taxonomy.extraction.audit.privacy_audit import AUDIT
from taxonomy.extraction.extraction_files import read_summary
from taxonomy.extraction.extraction_folder import PRIVATE, SUMMARY
from taxonomy.extraction.noted_answers import ANSWERS, read_noted
from taxonomy.extraction.table_files import read_table, table_bytes
from taxonomy.files import replace_file, replace_files
from taxonomy.llm.answer_store import AnswerStore

# Files that quote conversations or name their files, and what they hold.
_GONE = {
    "evidence.parquet": "evidence",
    AUDIT: "strings that an audit found",
    "sources.json": "paths of the conversations' files",
}
# Columns that may quote conversations, in tables whose rows are counted.
_EMPTIED = {
    "refused.parquet": ("value", "refused values"),
    "failures.parquet": ("reason", "reasons of failures"),
}
_LEFT = {
    "mentions.parquet": "the table of values",
    "conversations.parquet": "the table of conversations",
    SUMMARY: "its counts",
    f"{PRIVATE}/key": "the key of the digests",
    f"{PRIVATE}/ids.parquet": "the ids of conversations and users",
    f"{PRIVATE}/refused.parquet": "why values were refused",
    f"{PRIVATE}/failures.parquet": "which questions failed",
    f"{PRIVATE}/screened.parquet": "decisions of the screener",
}


@dataclass(frozen=True)
class Purge:
    """What there is to delete of an extraction, or was deleted.

    Attributes
    ----------
    answers : int or None
        Stored answers; None where it is not known which are of the extraction.
    files : tuple of str
        What else is deleted, in words.
    left : dict of str to str
        The files that stay, and what they hold.
    models : tuple of str
        What was asked, where it is known.
    """

    answers: int | None
    files: tuple[str, ...]
    left: dict[str, str]
    models: tuple[str, ...]


def plan_purge(folder: str | Path) -> Purge:
    """Return what `purge_extraction` would delete.

    Raises
    ------
    InputError
        If the folder is none of an extraction.
    LanguageModelError
        If the store of answers can't be used.
    """
    path = Path(folder)
    summary = read_summary(path)
    noted = read_noted(path)
    answers = 0 if _had_answers_purged(summary) else None
    if noted is not None:
        with AnswerStore(cache_folder()) as store:
            answers = store.count_of(digest for digest, _ in noted)
    private = path / PRIVATE
    files = [what for name, what in _GONE.items() if (private / name).exists()]
    files += [what for name, (column, what) in _EMPTIED.items() if _has_text(private / name, column)]
    models = summary.get("models") or {}
    named = sorted({str(model).split(" at ")[0] for model in models.values() if model})
    left = {name: what for name, what in _LEFT.items() if (path / name).exists()}
    return Purge(answers, tuple(files), left, tuple(named))


def purge_extraction(folder: str | Path) -> Purge:
    """Delete the stored answers, the evidence and all other text of conversations that an extraction keeps.

    Its tables, counts, key and ids stay. Another extraction that asked the same questions loses these answers, too.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    Purge

    Raises
    ------
    InputError
        If the folder is none of an extraction, or can't be read.
    LanguageModelError
        If the store of answers can't be used.
    OutputError
        If the folder can't be written.
    """
    path = Path(folder)
    planned = plan_purge(path)
    noted = read_noted(path)
    if noted is not None:
        with AnswerStore(cache_folder()) as store:
            store.purge_digests(digest for digest, _ in noted)
    # Before the note of the answers goes, by which the same again would know them.
    summary = read_summary(path)
    summary["purged"] = {"answers": noted is not None or _had_answers_purged(summary)}
    replace_file(path / SUMMARY, f"{json.dumps(summary, indent=1, ensure_ascii=False)}\n".encode(), private=True)
    private = path / PRIVATE
    contents = {
        name: _without_text(private / name, column)
        for name, (column, _) in _EMPTIED.items()
        if (private / name).exists()
    }
    gone = {
        name: hashlib.sha256((private / name).read_bytes()).hexdigest()
        for name in (*_GONE, ANSWERS)
        if (private / name).exists()
    }
    replace_files(private, contents, gone=gone, private=True)
    return planned


def _had_answers_purged(summary: dict[str, Any]) -> bool:
    return bool(summary.get("purged", {}).get("answers"))


def _has_text(path: Path, column: str) -> bool:
    return path.exists() and any(text for text in read_table(path)[column].to_pylist())


def _without_text(path: Path, column: str) -> bytes:
    import pyarrow as pa

    table = read_table(path)
    place = table.column_names.index(column)
    return table_bytes(table.set_column(place, table.schema.field(column), pa.array([""] * len(table), pa.string())))
