"""The folder that an extraction is written to: tables of records, counts, and private files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxonomy.errors import InputError, OutputError
from taxonomy.extraction.conversation_set import Conversations
from taxonomy.extraction.extraction_tables import ExtractionTables
from taxonomy.extraction.keyed_ids import new_key, read_key
from taxonomy.extraction.table_files import table_bytes
from taxonomy.files import check_folder, replace_file, replace_files
from taxonomy.mentions.origins import METADATA_KEY, describe_difference

if TYPE_CHECKING:
    pass

FORMAT, VERSION = "value-taxonomy extraction", 1
SUMMARY = "extraction.json"
TABLES = ("mentions.parquet", "conversations.parquet")
PRIVATE = "private"
# The files that conversations were read from.
_SOURCES = "sources.json"


class ExtractionFolder:
    """The folder of an extraction.

    Parameters
    ----------
    path : Path
        Made if it is not there, for its owner only. The mode of one that is there stays; that of the files does not
        depend on it.
    key : Path, optional
        The key of another extraction, so that the same ids have the same digests. By default the folder's own, which is
        made if need be.

    Attributes
    ----------
    key : str

    Raises
    ------
    OutputError
        If the folder can't be written, or has files of these names that are not of an extraction, or another key.
    InputError
        If a key can't be read.
    """

    def __init__(self, path: Path, *, key: Path | None = None) -> None:
        self.path = path
        given = None if key is None else read_key(key)
        is_new = not path.exists()
        check_folder(path)
        self._check_owner()
        if is_new:
            path.chmod(0o700)
        private = path / PRIVATE
        check_folder(private)
        private.chmod(0o700)
        own = private / "key"
        if not own.exists():
            replace_file(own, f"{given or new_key()}\n".encode(), private=True)
        elif given is not None and read_key(own) != given:
            remedy = "leave the key out, or choose another folder"
            raise OutputError("the folder has another key", path=str(own), remedy=remedy)
        self.key = read_key(own)

    def _check_owner(self) -> None:
        """Refuse a folder in which another's files would be lost."""
        if (self.path / PRIVATE / "key").exists():
            return
        for name in (*TABLES, SUMMARY, PRIVATE):
            found = self.path / name
            # A disk may have been full before the key was written.
            if found.exists() and not (found.is_dir() and not any(found.iterdir())):
                problem = "an extraction would overwrite this file, which is not of one"
                remedy = "move it away, or choose another folder"
                raise OutputError(problem, path=str(found), remedy=remedy)

    def check_same(self, described: Mapping[str, Any]) -> None:
        """Refuse to replace an extraction of other models or prompts, whose figures can't be had again from this one.

        Parameters
        ----------
        described : mapping
            What figures depend on: see `ExtractionRecipe.describe`.

        Raises
        ------
        OutputError
        """
        path = self.path / SUMMARY
        try:
            before = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return
        if isinstance(before, dict) and before.get("digest") not in (None, described["digest"]):
            differ = ", ".join(describe_difference(before, described)) or "its digest"
            problem = f"the folder holds another extraction, which differs in {differ}"
            raise OutputError(problem, path=str(path), remedy="choose another folder, or remove that one")

    def write(
        self,
        found: ExtractionTables,
        described: Mapping[str, Any],
        summary: Mapping[str, Any],
        conversations: Conversations,
    ) -> None:
        """Write all files; each of the two parts, private and not, is written as a whole or not at all.

        Parameters
        ----------
        found : ExtractionTables
        described : mapping
            What figures depend on, for the metadata of the tables.
        summary : mapping
            For `extraction.json`.
        conversations : Conversations
            What the values are of.
        """
        metadata = {METADATA_KEY: json.dumps(described, sort_keys=True).encode()}
        tables = {f"{name}.parquet": table for name, table in found.tables().items()}
        contents = {name: table_bytes(table.replace_schema_metadata(metadata)) for name, table in tables.items()}
        shown = {name: contents.pop(name) for name in TABLES}
        read = {"paths": list(conversations.paths), "format": conversations.format}
        sources = {_SOURCES: f"{json.dumps(read, indent=1, ensure_ascii=False)}\n".encode(errors="surrogateescape")}
        replace_files(self.path / PRIVATE, {**contents, **sources}, private=True)
        text = json.dumps({"format": FORMAT, "version": VERSION, **summary}, indent=1, ensure_ascii=False) + "\n"
        replace_files(self.path, {**shown, SUMMARY: text.encode()}, private=True)


def read_sources(folder: Path) -> tuple[list[str], str | None]:
    """Return the paths that the conversations of an extraction were read from, and the format that was named.

    Raises
    ------
    InputError
        If they are not known.
    """
    path = folder / PRIVATE / _SOURCES
    try:
        said = json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
        return [str(name) for name in said["paths"]], said["format"]
    except (OSError, ValueError, TypeError, KeyError):
        problem = "the file does not say where the conversations are"
        raise InputError(problem, path=str(path), remedy="name their files as `conversations`") from None
