"""What record files say of how their values were extracted: figures of two extractions can't be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taxonomy.english.plurals import count_of
from taxonomy.errors import InputError, plain

# In the metadata of Parquet files: a JSON object.
METADATA_KEY = b"value_taxonomy_extraction"
# What is longer was not written by an extraction.
_LONGEST = 100_000
# What a difference may be in, as it is said.
_PARTS = {
    "model": "the model",
    "prompts": "the prompts",
    "screening": "the screening",
    "combined": "one question or four",
    "language": "the language of values",
    "window": "the window",
}


@dataclass(frozen=True)
class Origin:
    """An extraction, as the tables that it wrote say it.

    Attributes
    ----------
    digest : str
    described : str
        In one line.
    parts : mapping of str to Any
        What the digest is of.
    """

    digest: str
    described: str
    parts: Mapping[str, Any]


@dataclass(frozen=True)
class Origins:
    """The extractions that record files are of.

    Attributes
    ----------
    files : mapping of str to (Origin, str)
        Each by its digest, with one of its files.
    silent : int
        Files that say nothing of it.
    paths : tuple of str
        All files.
    mixed : bool
        Whether they may be of several.
    """

    files: Mapping[str, tuple[Origin, str]]
    silent: int
    paths: tuple[str, ...]
    mixed: bool = False

    @property
    def described(self) -> str:
        """What is known, in one line."""
        if not self.files:
            return "The records do not say which model and prompts extracted them"
        return "; ".join(f"Extracted by {origin.described}" for origin, _ in self.files.values())

    def notices(self) -> list[str]:
        """Return what whoever reads the records must know before trusting the figures."""
        said = []
        if len(self.files) > 1:
            said.append(f"the records are of {len(self.files)} extractions, whose figures can't be compared")
        if self.files and self.silent:
            verb = "does" if self.silent == 1 else "do"
            files = f"{self.silent} of {count_of(len(self.paths), 'file')} {verb} not say"
            said.append(f"{files} which model and prompts extracted the values")
        return said

    def joined(self, others: Origins) -> Origins:
        """Return these with those of other files."""
        files = {**others.files, **self.files}
        mixed = self.mixed or others.mixed
        return Origins(files, self.silent + others.silent, (*self.paths, *others.paths), mixed)

    def check_one(self) -> None:
        """Raise an InputError if they are of several extractions, and may not be."""
        if self.mixed or len(self.files) < 2:
            return
        (first, file), (second, other), *_ = self.files.values()
        differ = describe_difference(first.parts, second.parts)
        problem = f"these files are of two extractions, which differ in {', '.join(differ) or 'their digest'}"
        remedy = "read them apart, or give `mixed`: figures of two models or prompts can't be compared"
        raise InputError(problem, path=f"{file}, {other}", remedy=remedy)


def describe_difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Return what two extractions differ in, of what figures depend on."""
    return [said for part, said in _PARTS.items() if first.get(part) != second.get(part)]


def find_origins(files: Sequence[str], *, mixed: bool = False) -> Origins:
    """Return what Parquet files say, which may be of several extractions; other files say nothing."""
    found: dict[str, tuple[Origin, str]] = {}
    silent = 0
    for file in files:
        origin = _read_origin(file) if file.lower().endswith(".parquet") else None
        if origin is None:
            silent += 1
        else:
            found.setdefault(origin.digest, (origin, file))
    return Origins(found, silent, tuple(files), mixed)


def _read_origin(file: str) -> Origin | None:
    import pyarrow.parquet as pq

    said = (pq.read_schema(file).metadata or {}).get(METADATA_KEY, b"")
    try:
        parts = json.loads(said[:_LONGEST])
    except (ValueError, RecursionError):
        return None
    if not isinstance(parts, dict) or not isinstance(parts.get("digest"), str):
        return None
    digest = plain(parts["digest"])[:64]
    model, language = (plain(str(parts.get(name, "?")))[:100] for name in ("model", "language"))
    return Origin(digest, f"{model} (extraction {digest[:8]}, values in {language})", parts)
