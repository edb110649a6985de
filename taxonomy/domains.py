"""The top-level domains: name, definition and example values, read from a TOML file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pydantic import ConfigDict, field_validator
from pydantic.dataclasses import dataclass

from taxonomy.errors import DomainsError
from taxonomy.toml import Text, Texts, read_tables
from taxonomy.values import canonical_key, clean, label_problem

BUNDLED = Path(__file__).with_name("domains.toml")
_REMEDY = "see taxonomy/domains.toml for the form"


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Domain:
    """A top-level domain.

    Attributes
    ----------
    key : str
        Stands for the domain in its id; a domain may be renamed, its key stays.
    name, definition : str
    examples : tuple of str
        Values that show what belongs to the domain; values are placed by similarity to them.
    """

    key: Text
    name: Text
    definition: Text
    examples: Texts

    @field_validator("key", "name", "definition")
    @classmethod
    def _says_something(cls, text: str) -> str:
        if not clean(text):
            raise ValueError("must be a text that is not empty")
        return text

    @field_validator("name")
    @classmethod
    def _is_label(cls, text: str) -> str:
        if problem := label_problem(text.strip()):
            raise ValueError(problem)
        return text

    @field_validator("name", "definition")
    @classmethod
    def _stripped(cls, text: str) -> str:
        return text.strip()

    @field_validator("examples", mode="before")
    @classmethod
    def _not_empty(cls, examples: object) -> object:
        if examples in ([], ()):
            raise ValueError("is empty: give it a dozen or more")
        return examples

    @field_validator("examples")
    @classmethod
    def _each_says_something(cls, examples: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(canonical_key, examples)):
            raise ValueError("must be a list of texts that are not empty")
        return examples


def load_domains(path: Path = BUNDLED) -> tuple[Domain, ...]:
    """Read a domains file, in the order of the file.

    Parameters
    ----------
    path : Path
        TOML with one ``[[domain]]`` table per domain: ``key``, ``name``, ``definition``, ``examples``.

    Raises
    ------
    DomainsError
        If it can't be read, or a domain is incomplete, empty or a duplicate.
    """
    domains = tuple(domain for _, domain in read_tables(path, "domain", Domain, remedy=_REMEDY, error=DomainsError))
    if not domains:
        raise DomainsError("no [[domain]] table", path=str(path), remedy=_REMEDY)
    for problem in _duplicates(domains):
        raise DomainsError(problem, path=str(path), remedy="keep one of them")
    return domains


def _duplicates(domains: tuple[Domain, ...]) -> Iterator[str]:
    for field in ("key", "name"):
        counts = Counter(canonical_key(getattr(domain, field)) for domain in domains)
        for domain in domains:
            if counts[canonical_key(getattr(domain, field))] > 1:
                yield f"{field} {getattr(domain, field)!r} is used by more than one domain"
    counts = Counter(key for domain in domains for key in set(map(canonical_key, domain.examples)))
    for domain in domains:
        for example in domain.examples:
            if counts[canonical_key(example)] > 1:
                yield f"example {example!r} is in more than one domain"
